// What cuBLASLt and the driver refuse, each planted, and products with every layout and epilogue.
#include "runtime/core/Context.h"
#include "runtime/cpu/Pool.h"
#include "runtime/emulation/Gemm.h"
#include "runtime/emulation/LaunchCheck.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <vector>

using namespace nf::rt;

namespace {

//===------------------------------------------------------------------------------------------===//
// Launches
//===------------------------------------------------------------------------------------------===//

alignas(256) char memory[1 << 14];

std::string brokenBy(const std::function<void(nf_gpu_work &)> &plant, int64_t blocks = 2, void *pointer = memory) {
  nf_gpu_work kernel{};
  kernel.threads = 256;
  kernel.grid_y = kernel.grid_z = 1;
  kernel.alignment = 16;
  plant(kernel);
  void *pointers[] = {memory, pointer};
  return brokenRule(kernel, blocks, pointers, 2);
}

TEST(LaunchCheck, TakesWhatADriverTakes) {
  EXPECT_EQ(brokenBy([](nf_gpu_work &) {}), "");
  EXPECT_EQ(brokenBy([](nf_gpu_work &kernel) { kernel.shared_bytes = 48 << 10; }), "");
  EXPECT_EQ(brokenBy([](nf_gpu_work &kernel) { kernel.dynamic_bytes = kernel.dynamic_limit = 163 << 10; }), "");
  EXPECT_EQ(brokenBy([](nf_gpu_work &kernel) { kernel.registers = 255; }), "");
  EXPECT_EQ(brokenBy([](nf_gpu_work &kernel) { kernel.grid_y = kernel.grid_z = 65535; }, 2147483647), "");
}

TEST(LaunchCheck, RefusesWhatADriverRefuses) {
  EXPECT_EQ(brokenBy([](nf_gpu_work &kernel) { kernel.threads = 1056; }), "1 to 1024 threads a block, but got 1056");
  EXPECT_EQ(brokenBy([](nf_gpu_work &) {}, 0), "1 to 2147483647 blocks along x, but got 0");
  EXPECT_EQ(brokenBy([](nf_gpu_work &kernel) { kernel.grid_y = 65536; }),
            "1 to 65535 blocks along y and z, but got 65536");
  EXPECT_EQ(brokenBy([](nf_gpu_work &kernel) { kernel.grid_z = 65536; }),
            "1 to 65535 blocks along y and z, but got 65536");
  EXPECT_EQ(brokenBy([](nf_gpu_work &kernel) { kernel.shared_bytes = (48 << 10) + 16; }),
            "at most 49152 bytes of static shared memory, but got 49168");
  EXPECT_EQ(brokenBy([](nf_gpu_work &kernel) { kernel.dynamic_bytes = 64 << 10; }),
            "at most 49152 bytes of dynamic shared memory, the kernel's attribute, but got 65536");
  EXPECT_EQ(brokenBy([](nf_gpu_work &kernel) {
              kernel.dynamic_bytes = kernel.dynamic_limit = 160 << 10;
              kernel.shared_bytes = 4 << 10;
            }),
            "at most 166912 bytes of shared memory, but got 167936");
  EXPECT_EQ(brokenBy([](nf_gpu_work &kernel) {
              kernel.threads = 1024;
              kernel.registers = 72;
            }),
            "at most 65536 registers a block, but got 1024 threads of 72");
  EXPECT_EQ(brokenBy([](nf_gpu_work &kernel) { kernel.alignment = 8; }, 2, memory + 8), "");
  EXPECT_NE(brokenBy([](nf_gpu_work &) {}, 2, memory + 8).find("multiples of 16 bytes"), std::string::npos);
}

//===------------------------------------------------------------------------------------------===//
// Products
//===------------------------------------------------------------------------------------------===//

/// D[3, 5] of a k of 4, in f32.
nf_gpu_gemm smallGemm() {
  nf_gpu_gemm gemm{};
  gemm.a = {3, 4, 4, 0, NF_F32, 16};
  gemm.b = {4, 5, 4, 0, NF_F32, 16};
  gemm.d = {3, 5, 4, 0, NF_F32, 16};
  gemm.batch = 1;
  gemm.epilogue = NF_EPILOGUE_NONE;
  return gemm;
}

std::string brokenInGemm(const std::function<void(nf_gpu_gemm &)> &plant, void *vector = memory + 4096) {
  nf_gpu_gemm gemm = smallGemm();
  plant(gemm);
  void *buffers[] = {memory, memory + 1024, memory + 2048, vector};
  return brokenRule(gemm, buffers);
}

TEST(GemmRules, EachIsKept) {
  EXPECT_EQ(brokenInGemm([](nf_gpu_gemm &) {}), "");
  EXPECT_EQ(brokenInGemm([](nf_gpu_gemm &gemm) { gemm.b.rows = 3; }),
            "op(B) to have the 4 rows that op(A) has columns, but got 3");
  EXPECT_EQ(brokenInGemm([](nf_gpu_gemm &gemm) { gemm.transpose_b = 1; }),
            "op(B) to have the 4 rows that op(A) has columns, but got 5");
  EXPECT_EQ(brokenInGemm([](nf_gpu_gemm &gemm) { gemm.d.cols = 6; }), "D to be 3 x 5, but got 3 x 6");
  EXPECT_EQ(brokenInGemm([](nf_gpu_gemm &gemm) { gemm.a.ld = 2; }),
            "A's leading dimension to be at least its 3 rows, but got 2");
  EXPECT_EQ(brokenInGemm([](nf_gpu_gemm &gemm) { gemm.a.dtype = NF_BF16; }),
            "f32 matrices, or bf16 with a D of bf16 or f32, but got the types 1, 0 and 0");
  EXPECT_EQ(brokenInGemm([](nf_gpu_gemm &gemm) { gemm.batch = 0; }), "a batch of at least 1, but got 0");
  EXPECT_EQ(brokenInGemm([](nf_gpu_gemm &gemm) { gemm.batch = 2; }),
            "the matrices A of a batch not to overlap, but got a stride of 0");
  EXPECT_EQ(brokenInGemm([](nf_gpu_gemm &gemm) {
              gemm.batch = 2;
              gemm.a.stride = 17;
            }),
            "the matrices A of a batch to start at multiples of 16 bytes, but got a stride of 17 elements");
  EXPECT_EQ(brokenInGemm([](nf_gpu_gemm &gemm) { gemm.a.alignment = 24; }),
            "A's alignment to be a power of two from 4 to 256 bytes, but got 24");
  EXPECT_EQ(brokenInGemm([](nf_gpu_gemm &gemm) { gemm.epilogue = 3; }), "an epilogue that cuBLASLt has, but got 3");
  EXPECT_EQ(brokenInGemm([](nf_gpu_gemm &gemm) {
              gemm.epilogue = NF_EPILOGUE_BIAS;
              gemm.batch = 2;
              gemm.a.stride = gemm.b.stride = gemm.d.stride = 32;
            }),
            "an epilogue with a vector on one product, but got a batch of 2");
  std::string unaligned = brokenInGemm([](nf_gpu_gemm &gemm) { gemm.epilogue = NF_EPILOGUE_BIAS; }, memory + 8);
  EXPECT_EQ(unaligned.rfind("the epilogue's vector to start at a multiple of 16 bytes", 0), 0u) << unaligned;
  nf_gpu_gemm gemm = smallGemm();
  void *buffers[] = {memory, memory + 1024 + 4, memory + 2048};
  EXPECT_EQ(brokenRule(gemm, buffers).rfind("B to start at a multiple of 16 bytes", 0), 0u);
}

struct alignas(256) Numbers {
  float values[64];
};

class GemmTest : public ::testing::Test {
protected:
  Numbers a, b, d, old, vector;
  nf_gpu_gemm gemm = smallGemm();

  void SetUp() override {
    for (int i = 0; i < 64; ++i) {
      a.values[i] = static_cast<float>(i * 7 % 11 - 5) / 4;
      b.values[i] = static_cast<float>(i * 5 % 13 - 6) / 4;
      old.values[i] = d.values[i] = static_cast<float>(i % 3);
      vector.values[i] = static_cast<float>(i) - 1;
    }
  }

  void run(bool withEpilogue = true) {
    static nf_model model{};
    static Pool pool(2, 0);
    static Context context(model, pool);
    void *buffers[] = {&a, &b, &d, &vector};
    ASSERT_EQ(brokenRule(gemm, buffers), "");
    runGemm(&context, gemm, buffers, withEpilogue, "gemm");
  }
  float left(int i, int l) const {
    return gemm.transpose_a ? a.values[i * gemm.a.ld + l] : a.values[l * gemm.a.ld + i];
  }
  float right(int l, int j) const {
    return gemm.transpose_b ? b.values[l * gemm.b.ld + j] : b.values[j * gemm.b.ld + l];
  }

  void expectD(const std::function<float(float, int)> &finish = [](float x, int) { return x; }) const {
    for (int j = 0; j < 5; ++j)
      for (int i = 0; i < 3; ++i) {
        float sum = gemm.beta == NF_BETA_ONE ? old.values[j * gemm.d.ld + i] : 0;
        for (int l = 0; l < 4; ++l)
          sum += left(i, l) * right(l, j);
        EXPECT_NEAR(d.values[j * gemm.d.ld + i], finish(sum, i), 1e-5) << i << ", " << j;
      }
    for (int j = 0; j < 5; ++j) // the gap between columns is nobody's
      EXPECT_EQ(d.values[j * gemm.d.ld + 3], old.values[j * gemm.d.ld + 3]);
  }
};

TEST_F(GemmTest, AllLayouts) {
  for (int32_t transposeA : {0, 1})
    for (int32_t transposeB : {0, 1})
      for (int32_t beta : {NF_BETA_ZERO, NF_BETA_ONE}) {
        SetUp();
        gemm = smallGemm();
        gemm.transpose_a = transposeA;
        gemm.transpose_b = transposeB;
        gemm.beta = beta;
        if (transposeA)
          gemm.a = {4, 3, 5, 0, NF_F32, 16};
        if (transposeB)
          gemm.b = {5, 4, 6, 0, NF_F32, 16};
        run();
        expectD();
      }
}

TEST_F(GemmTest, Epilogues) {
  auto relu = [](float x) { return std::max(x, 0.0f); };
  auto gelu = [](float x) {
    return 0.5f * x * (1 + std::tanh(std::sqrt(2 / 3.14159265f) * (x + 0.044715f * x * x * x)));
  };
  auto bias = [&](float x, int i) { return x + vector.values[i]; };
  auto expect = [&](int32_t epilogue, const std::function<float(float, int)> &finish) {
    SetUp();
    gemm.epilogue = epilogue;
    run();
    expectD(finish);
  };
  expect(NF_EPILOGUE_BIAS, bias);
  expect(NF_EPILOGUE_RELU, [&](float x, int) { return relu(x); });
  expect(NF_EPILOGUE_RELU_BIAS, [&](float x, int i) { return relu(bias(x, i)); });
  expect(NF_EPILOGUE_GELU, [&](float x, int) { return gelu(x); });
  expect(NF_EPILOGUE_GELU_BIAS, [&](float x, int i) { return gelu(bias(x, i)); });
  SetUp();
  run(/*withEpilogue=*/false);
  expectD();
}

TEST_F(GemmTest, SumsOfGradients) {
  for (int32_t transposeA : {0, 1}) {
    SetUp();
    gemm = smallGemm();
    gemm.transpose_a = transposeA;
    if (transposeA)
      gemm.a = {4, 3, 5, 0, NF_F32, 16};
    gemm.epilogue = NF_EPILOGUE_BGRAD_A;
    run();
    expectD();
    for (int i = 0; i < 3; ++i)
      EXPECT_NEAR(vector.values[i], left(i, 0) + left(i, 1) + left(i, 2) + left(i, 3), 1e-5);
    gemm.epilogue = NF_EPILOGUE_BGRAD_B;
    run();
    for (int j = 0; j < 5; ++j)
      EXPECT_NEAR(vector.values[j], right(0, j) + right(1, j) + right(2, j) + right(3, j), 1e-5);
  }
}

} // namespace
