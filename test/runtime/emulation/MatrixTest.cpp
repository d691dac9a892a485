// Matrix instructions against tables typed from the PTX ISA, and copies that land at their wait.
#include "runtime/abi/nf_emulation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

namespace {
void run(nf_emulated_kernel kernel, void *a, void *b, int64_t threads, int64_t sharedBytes) {
  void *args[] = {a, b};
  nf_emulate_block(kernel, args, "kernel", threads, sharedBytes, 0);
}

uint16_t bf16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return static_cast<uint16_t>(bits >> 16);
}

struct Place {
  int row, column;
};

// "Matrix fragments for mma.m16n8k16 with floating point type", lane by lane: where the lane's first elements of A
// (a0, a2, a4, a6), of B (b0, b2) and of C (c0, c2) are. The next element of A and C is a column on, of B a row on.
constexpr Place tableA[32][4] = {
    {{0, 0}, {8, 0}, {0, 8}, {8, 8}},     {{0, 2}, {8, 2}, {0, 10}, {8, 10}},   {{0, 4}, {8, 4}, {0, 12}, {8, 12}},
    {{0, 6}, {8, 6}, {0, 14}, {8, 14}},   {{1, 0}, {9, 0}, {1, 8}, {9, 8}},     {{1, 2}, {9, 2}, {1, 10}, {9, 10}},
    {{1, 4}, {9, 4}, {1, 12}, {9, 12}},   {{1, 6}, {9, 6}, {1, 14}, {9, 14}},   {{2, 0}, {10, 0}, {2, 8}, {10, 8}},
    {{2, 2}, {10, 2}, {2, 10}, {10, 10}}, {{2, 4}, {10, 4}, {2, 12}, {10, 12}}, {{2, 6}, {10, 6}, {2, 14}, {10, 14}},
    {{3, 0}, {11, 0}, {3, 8}, {11, 8}},   {{3, 2}, {11, 2}, {3, 10}, {11, 10}}, {{3, 4}, {11, 4}, {3, 12}, {11, 12}},
    {{3, 6}, {11, 6}, {3, 14}, {11, 14}}, {{4, 0}, {12, 0}, {4, 8}, {12, 8}},   {{4, 2}, {12, 2}, {4, 10}, {12, 10}},
    {{4, 4}, {12, 4}, {4, 12}, {12, 12}}, {{4, 6}, {12, 6}, {4, 14}, {12, 14}}, {{5, 0}, {13, 0}, {5, 8}, {13, 8}},
    {{5, 2}, {13, 2}, {5, 10}, {13, 10}}, {{5, 4}, {13, 4}, {5, 12}, {13, 12}}, {{5, 6}, {13, 6}, {5, 14}, {13, 14}},
    {{6, 0}, {14, 0}, {6, 8}, {14, 8}},   {{6, 2}, {14, 2}, {6, 10}, {14, 10}}, {{6, 4}, {14, 4}, {6, 12}, {14, 12}},
    {{6, 6}, {14, 6}, {6, 14}, {14, 14}}, {{7, 0}, {15, 0}, {7, 8}, {15, 8}},   {{7, 2}, {15, 2}, {7, 10}, {15, 10}},
    {{7, 4}, {15, 4}, {7, 12}, {15, 12}}, {{7, 6}, {15, 6}, {7, 14}, {15, 14}}};
constexpr Place tableB[32][2] = {
    {{0, 0}, {8, 0}},  {{2, 0}, {10, 0}}, {{4, 0}, {12, 0}}, {{6, 0}, {14, 0}}, {{0, 1}, {8, 1}},  {{2, 1}, {10, 1}},
    {{4, 1}, {12, 1}}, {{6, 1}, {14, 1}}, {{0, 2}, {8, 2}},  {{2, 2}, {10, 2}}, {{4, 2}, {12, 2}}, {{6, 2}, {14, 2}},
    {{0, 3}, {8, 3}},  {{2, 3}, {10, 3}}, {{4, 3}, {12, 3}}, {{6, 3}, {14, 3}}, {{0, 4}, {8, 4}},  {{2, 4}, {10, 4}},
    {{4, 4}, {12, 4}}, {{6, 4}, {14, 4}}, {{0, 5}, {8, 5}},  {{2, 5}, {10, 5}}, {{4, 5}, {12, 5}}, {{6, 5}, {14, 5}},
    {{0, 6}, {8, 6}},  {{2, 6}, {10, 6}}, {{4, 6}, {12, 6}}, {{6, 6}, {14, 6}}, {{0, 7}, {8, 7}},  {{2, 7}, {10, 7}},
    {{4, 7}, {12, 7}}, {{6, 7}, {14, 7}}};
constexpr Place tableC[32][2] = {
    {{0, 0}, {8, 0}},  {{0, 2}, {8, 2}},  {{0, 4}, {8, 4}},  {{0, 6}, {8, 6}},  {{1, 0}, {9, 0}},  {{1, 2}, {9, 2}},
    {{1, 4}, {9, 4}},  {{1, 6}, {9, 6}},  {{2, 0}, {10, 0}}, {{2, 2}, {10, 2}}, {{2, 4}, {10, 4}}, {{2, 6}, {10, 6}},
    {{3, 0}, {11, 0}}, {{3, 2}, {11, 2}}, {{3, 4}, {11, 4}}, {{3, 6}, {11, 6}}, {{4, 0}, {12, 0}}, {{4, 2}, {12, 2}},
    {{4, 4}, {12, 4}}, {{4, 6}, {12, 6}}, {{5, 0}, {13, 0}}, {{5, 2}, {13, 2}}, {{5, 4}, {13, 4}}, {{5, 6}, {13, 6}},
    {{6, 0}, {14, 0}}, {{6, 2}, {14, 2}}, {{6, 4}, {14, 4}}, {{6, 6}, {14, 6}}, {{7, 0}, {15, 0}}, {{7, 2}, {15, 2}},
    {{7, 4}, {15, 4}}, {{7, 6}, {15, 6}}};

TEST(Matrix, FragmentsOfAProduct) {
  // Small integers: every sum is exact.
  auto a = [](int row, int k) { return static_cast<float>((row * 5 + k * 3) % 11 - 5); };
  auto b = [](int k, int column) { return static_cast<float>((k * 7 + column * 2) % 9 - 4); };
  auto c = [](int row, int column) { return static_cast<float>(row * 100 + column); };
  std::vector<int32_t> words(32 * 10);
  auto pair = [](float low, float high) { return static_cast<int32_t>(bf16(low) | uint32_t(bf16(high)) << 16); };
  for (int lane = 0; lane < 32; ++lane) {
    int32_t *own = &words[lane * 10];
    for (int i = 0; i < 4; ++i)
      own[i] = pair(a(tableA[lane][i].row, tableA[lane][i].column), a(tableA[lane][i].row, tableA[lane][i].column + 1));
    for (int i = 0; i < 2; ++i)
      own[4 + i] =
          pair(b(tableB[lane][i].row, tableB[lane][i].column), b(tableB[lane][i].row + 1, tableB[lane][i].column));
    for (int i = 0; i < 4; ++i) {
      float value = c(tableC[lane][i / 2].row, tableC[lane][i / 2].column + i % 2);
      std::memcpy(&own[6 + i], &value, sizeof value);
    }
  }
  run([](void *const *args) { nf_emulated_mma_bf16(static_cast<int32_t *>(args[0]) + 10 * nf_emulated_thread()); },
      words.data(), nullptr, 32, 0);
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i) {
      int row = tableC[lane][i / 2].row, column = tableC[lane][i / 2].column + i % 2;
      float expected = c(row, column), got;
      for (int k = 0; k < 16; ++k)
        expected += a(row, k) * b(k, column);
      std::memcpy(&got, &words[lane * 10 + i], sizeof got);
      EXPECT_EQ(got, expected) << "lane " << lane << ", d" << i;
    }
}

/// Loads `Matrices` of 8 × 8 numbers 100 · row + column; row r of matrix m is in row 8 m + r of shared memory.
template <int Matrices, int Transposed> std::vector<int32_t> loaded() {
  std::vector<int32_t> result(32 * 4);
  run(
      [](void *const *args) {
        auto *shared = static_cast<uint16_t *>(nf_emulated_shared());
        int32_t lane = nf_emulated_thread();
        for (int column = 0; column < 8; ++column)
          shared[lane * 8 + column] = static_cast<uint16_t>(100 * lane + column);
        nf_emulated_barrier();
        // Lanes beyond the matrices point nowhere.
        const void *row = lane < 8 * Matrices ? shared + lane * 8 : nullptr;
        nf_emulated_ldmatrix(row, Matrices, Transposed, static_cast<int32_t *>(args[0]) + 4 * lane);
      },
      result.data(), nullptr, 32, 512);
  return result;
}

template <int Matrices> void checkLoads() {
  std::vector<int32_t> rows = loaded<Matrices, 0>(), columns = loaded<Matrices, 1>();
  // "ldmatrix fragment layout": thread 0 holds row 0, elements 0 and 1, …, thread 31 row 7, elements 6 and 7.
  for (int lane = 0; lane < 32; ++lane)
    for (int m = 0; m < Matrices; ++m) {
      int row = 8 * m + lane / 4, column = lane % 4 * 2;
      EXPECT_EQ(rows[lane * 4 + m], (100 * row + column) | (100 * row + column + 1) << 16);
      int first = 100 * (8 * m + lane % 4 * 2) + lane / 4;
      EXPECT_EQ(columns[lane * 4 + m], first | (first + 100) << 16);
    }
}

TEST(Matrix, FragmentsOfLoads) {
  checkLoads<1>();
  checkLoads<2>();
  checkLoads<4>();
}

//===------------------------------------------------------------------------------------------===//
// Copies
//===------------------------------------------------------------------------------------------===//

TEST(Copies, LandAtTheWaitThatOrdersThem) {
  std::vector<float> from = {1, 2, 3, 4, 5, 6, 7, 8}, seen(6);
  run(
      [](void *const *args) {
        auto *from = static_cast<const float *>(args[0]);
        auto *seen = static_cast<float *>(args[1]), *shared = static_cast<float *>(nf_emulated_shared());
        shared[0] = shared[4] = 0;
        nf_emulated_copy_async(shared, from, 16, 16);
        nf_emulated_commit_copies();
        nf_emulated_copy_async(shared + 4, from + 4, 16, 8);
        nf_emulated_commit_copies();
        seen[0] = shared[0];
        nf_emulated_wait_copies(1);
        seen[1] = shared[0];
        seen[2] = shared[4];
        nf_emulated_wait_copies(0);
        seen[3] = shared[4];
        seen[4] = shared[5];
        seen[5] = shared[6];
      },
      from.data(), seen.data(), 1, 32);
  EXPECT_TRUE(std::isnan(seen[0]));
  EXPECT_EQ(seen[1], 1);
  EXPECT_TRUE(std::isnan(seen[2]));
  EXPECT_EQ(seen[3], 5);
  EXPECT_EQ(seen[4], 6);
  EXPECT_EQ(seen[5], 0); // past the bytes that are read
}

TEST(Copies, OutsideOfAGroupNeverLand) {
  std::vector<float> from(4, 1), seen(1);
  run(
      [](void *const *args) {
        auto *shared = static_cast<float *>(nf_emulated_shared());
        nf_emulated_copy_async(shared, args[0], 16, 16);
        nf_emulated_wait_copies(0);
        static_cast<float *>(args[1])[0] = shared[0];
      },
      from.data(), seen.data(), 1, 16);
  EXPECT_TRUE(std::isnan(seen[0]));
}

//===------------------------------------------------------------------------------------------===//
// Rules that are broken
//===------------------------------------------------------------------------------------------===//

using MatrixDeathTest = ::testing::Test;

void expectRefused(nf_emulated_kernel kernel, const char *message) {
  alignas(16) float from[8] = {};
  EXPECT_EXIT(run(kernel, from, nullptr, 32, 64), ::testing::ExitedWithCode(1), message);
}

TEST(MatrixDeathTest, AProductThatALaneDoesNotReach) {
  expectRefused(
      [](void *const *) {
        int32_t words[10] = {};
        if (nf_emulated_thread() != 9)
          nf_emulated_mma_bf16(words);
      },
      "thread 0: error: expected that every lane of the warp comes to the mma.sync");
}

TEST(MatrixDeathTest, ALoadForSomeAndAnotherForOthers) {
  expectRefused(
      [](void *const *) {
        int32_t words[4];
        nf_emulated_ldmatrix(nf_emulated_shared(), 1, nf_emulated_thread() < 16, words);
      },
      "thread 0: error: expected that every lane of the warp comes to the ldmatrix");
}

TEST(MatrixDeathTest, ARowOutsideOfSharedMemory) {
  expectRefused(
      [](void *const *) {
        int32_t words[4];
        nf_emulated_ldmatrix(static_cast<char *>(nf_emulated_shared()) + 16 * nf_emulated_thread(), 1, 0, words);
      },
      "thread 4: error: expected that an address in shared memory lies in the block's");
}

TEST(MatrixDeathTest, ARowOffItsAlignment) {
  expectRefused(
      [](void *const *) {
        int32_t words[4];
        nf_emulated_ldmatrix(static_cast<char *>(nf_emulated_shared()) + 8, 1, 0, words);
      },
      "thread 0: error: expected that an address in shared memory is aligned");
}

TEST(MatrixDeathTest, ACopyOffItsAlignment) {
  expectRefused(
      [](void *const *args) { nf_emulated_copy_async(nf_emulated_shared(), static_cast<char *>(args[0]) + 4, 16, 16); },
      "thread 0: error: expected that an asynchronous copy reads from an address that is aligned");
}
} // namespace
