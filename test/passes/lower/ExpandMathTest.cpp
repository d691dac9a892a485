// The elementary functions of nf-expand-math against libm in double: errors in units in the last place over bit
// patterns of f32, and the values at special operands. NF_FULL_SWEEP=1 takes every bit pattern, otherwise every 257th
// (which, unlike every 256th, meets every low byte).
#include "PlannedProgram.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <functional>

using namespace nf::test;

static constexpr int64_t batch = 4096;

/// Programs that put `function` of x, and of x and y, into out: on vectors, and on one scalar.
static std::string vectorProgram(const std::string &function) {
  return R"(
nf.program @p() {
  %x = nf.buffer transient 0 : memref<4096xf32>
  %y = nf.buffer transient 16384 : memref<4096xf32>
  %out = nf.buffer transient 32768 : memref<4096xf32>
  nf.launch @k(%x, %y, %out) tasks 1 : memref<4096xf32>, memref<4096xf32>, memref<4096xf32>
  nf.return
}
func.func private @k(%x: memref<4096xf32>, %y: memref<4096xf32>, %out: memref<4096xf32>, %task: index,
                     %scratch: memref<?xi8>) attributes {nf.scratch_bytes = 0 : i64} {
  %zero = arith.constant 0 : index
  %end = arith.constant 4096 : index
  %step = arith.constant 8 : index
  scf.for %i = %zero to %end step %step {
    %a = vector.load %x[%i] : memref<4096xf32>, vector<8xf32>
    %b = vector.load %y[%i] : memref<4096xf32>, vector<8xf32>
    %r = )" +
         function + R"( : vector<8xf32>
    vector.store %r, %out[%i] : memref<4096xf32>, vector<8xf32>
  }
  return
})";
}

static std::string scalarProgram(const std::string &operations) {
  return R"(
nf.program @p() {
  %x = nf.buffer transient 0 : memref<1xf32>
  %y = nf.buffer transient 64 : memref<1xf32>
  %out = nf.buffer transient 128 : memref<1xf32>
  nf.launch @k(%x, %y, %out) tasks 1 : memref<1xf32>, memref<1xf32>, memref<1xf32>
  nf.return
}
func.func private @k(%x: memref<1xf32>, %y: memref<1xf32>, %out: memref<1xf32>, %task: index, %scratch: memref<?xi8>)
    attributes {nf.scratch_bytes = 0 : i64} {
  %zero = arith.constant 0 : index
  %a = memref.load %x[%zero] : memref<1xf32>
  %b = memref.load %y[%zero] : memref<1xf32>
  )" + operations +
         R"(
  memref.store %r, %out[%zero] : memref<1xf32>
  return
})";
}

namespace {
/// One scalar function of x and y.
class Scalar {
public:
  explicit Scalar(const std::string &operations) : program(scalarProgram(operations), "nf-expand-math") {}
  float operator()(float x, float y = 0) {
    *program.at<float>(0) = x;
    *program.at<float>(64) = y;
    program.run();
    return *program.at<float>(128);
  }

private:
  PlannedProgram program;
};
} // namespace

/// |value − exact| in units of the last place of an f32 near exact; 0 for equal infinities and for two NaNs.
static double errorOf(float value, double exact) {
  if (std::isnan(exact) || std::isnan(value))
    return std::isnan(exact) && std::isnan(value) ? 0 : INFINITY;
  auto rounded = static_cast<float>(exact);
  if (std::isinf(rounded) || std::isinf(value))
    return rounded == value || std::isinf(rounded) == (std::fabs(value) > 3.4028e38f) ? 0 : INFINITY;
  int exponent = exact == 0 ? -149 : std::max(std::ilogb(exact) - 23, -149);
  return std::fabs(value - exact) / std::ldexp(1.0, exponent);
}

/// The largest error over the swept bit patterns.
static double largestError(const std::string &op, const std::function<double(double)> &exact, float *worst) {
  PlannedProgram program(vectorProgram(op + " %a"), "nf-expand-math");
  float *x = program.at<float>(0), *out = program.at<float>(32768);
  uint64_t stride = std::getenv("NF_FULL_SWEEP") ? 1 : 257;
  double largest = 0;
  for (uint64_t start = 0; start < (uint64_t(1) << 32); start += stride * batch) {
    for (int64_t i = 0; i < batch; ++i)
      x[i] = std::bit_cast<float>(static_cast<uint32_t>(start + i * stride));
    program.run();
    for (int64_t i = 0; i < batch; ++i)
      if (double error = errorOf(out[i], exact(x[i])); error > largest)
        largest = error, *worst = x[i];
  }
  return largest;
}

static void expectAccurate(const std::string &op, const std::function<double(double)> &exact, double bound) {
  float worst = 0;
  double error = largestError(op, exact, &worst);
  EXPECT_LE(error, bound) << op << " at " << worst;
  std::printf("%s: %.3f ulp at %a\n", op.c_str(), error, worst);
  Scalar function("%r = " + op + " %a : f32");
  for (float x : {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 1.0f, 0x1p-149f, -0x1p-149f, 3.4028235e38f}) {
    float value = function(x), rounded = static_cast<float>(exact(x));
    EXPECT_LE(errorOf(value, exact(x)), bound) << op << " of the scalar " << x;
    if (!std::isnan(rounded))
      EXPECT_EQ(std::signbit(value), std::signbit(rounded)) << op << " of the scalar " << x;
  }
}

TEST(ExpandMath, Exp) {
  expectAccurate("math.exp", [](double x) { return std::exp(x); }, 1.1);
}
TEST(ExpandMath, Log) {
  expectAccurate("math.log", [](double x) { return std::log(x); }, 1);
}
TEST(ExpandMath, Tanh) {
  expectAccurate("math.tanh", [](double x) { return std::tanh(x); }, 2);
}
TEST(ExpandMath, Erf) {
  expectAccurate("math.erf", [](double x) { return std::erf(x); }, 2);
}
TEST(ExpandMath, Rsqrt) {
  expectAccurate("math.rsqrt", [](double x) { return 1 / std::sqrt(x); }, 1.5);
}

TEST(ExpandMath, Pow) {
  Scalar power("%r = math.powf %a, %b : f32");
  for (float x : {0.0f, 0.5f, 1.0f, 1.5f, 10.0f, 1e-30f})
    for (float y : {0.0f, 1.0f, -1.0f, 0.5f, 2.0f, 7.25f}) {
      double exact = std::pow(static_cast<double>(x), static_cast<double>(y));
      double bound = 2 + 2 * std::fabs(y * std::log(std::max(x, 1e-30f)));
      EXPECT_LE(errorOf(power(x, y), exact), bound) << x << " to the " << y;
    }
}

/// Every rounding of interest: ties, carries into the exponent, denormals, infinities and NaN.
TEST(ExpandMath, BFloat16) {
  Scalar both("%h = arith.truncf %a : f32 to bf16\n  %r = arith.extf %h : bf16 to f32");
  auto round = [&](uint32_t bits) { return std::bit_cast<uint32_t>(both(std::bit_cast<float>(bits))); };
  EXPECT_EQ(round(0x3f808000), 0x3f800000u);
  EXPECT_EQ(round(0x3f818000), 0x3f820000u);
  EXPECT_EQ(round(0x3f808001), 0x3f810000u);
  EXPECT_EQ(round(0x3fffffff), 0x40000000u);
  EXPECT_EQ(round(0x7f7fffff), 0x7f800000u);
  EXPECT_EQ(round(0xff800000), 0xff800000u);
  EXPECT_EQ(round(0x00018000), 0x00020000u);
  EXPECT_EQ(round(0x80000000), 0x80000000u);
  EXPECT_TRUE(std::isnan(std::bit_cast<float>(round(0x7f800001))));
  EXPECT_TRUE(std::isnan(std::bit_cast<float>(round(0x7fffffff))));
}
