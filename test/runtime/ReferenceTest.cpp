// The reference kernels against values worked out by hand: all else is compared with them.
#include "runtime/reference/Reference.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace nf::rt::reference;

static Tensor<double> floats(Shape shape, std::vector<double> values) {
  Tensor<double> tensor(shape);
  EXPECT_EQ(values.size(), tensor.floats.size());
  tensor.floats = values;
  return tensor;
}

static Tensor<double> integers(Shape shape, std::vector<int64_t> values, Element element = Element::I32) {
  Tensor<double> tensor(shape, element);
  EXPECT_EQ(values.size(), tensor.integers.size());
  tensor.integers = values;
  return tensor;
}

/// Applies a kernel; `results` give the shapes.
static std::vector<Tensor<double>> apply(const char *name, const std::vector<Tensor<double>> &operands,
                                         std::vector<Tensor<double>> results, Attributes attributes = {}) {
  Call<double> call;
  for (auto &operand : operands)
    call.operands.push_back(&operand);
  call.results = std::move(results);
  call.attributes = std::move(attributes);
  (*findKernel<double>(name))(call);
  return call.results;
}

static void expectNear(const Tensor<double> &tensor, const std::vector<double> &values) {
  ASSERT_EQ(tensor.floats.size(), values.size());
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(tensor.floats[i], values[i], 1e-12) << "element " << i;
}

TEST(Reference, BinaryOpsBroadcastAsNumPyDoes) {
  auto sum = apply("nf.add", {floats({2, 1}, {10, 20}), floats({3}, {1, 2, 3})}, {Tensor<double>({2, 3})})[0];
  expectNear(sum, {11, 12, 13, 21, 22, 23});
}

TEST(Reference, MaxIsNaNWhereEitherSideIs) {
  auto y = apply("nf.max", {floats({3}, {NAN, 1, 2}), floats({3}, {1, NAN, 1})}, {Tensor<double>({3})})[0];
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_TRUE(std::isnan(y[1]));
  EXPECT_EQ(y[2], 2);
}

TEST(Reference, CompareIsOrderedExceptNe) {
  for (int64_t predicate = 0; predicate < 6; ++predicate) {
    Attributes attributes;
    attributes.set("predicate", predicate);
    auto y =
        apply("nf.compare", {floats({1}, {NAN}), floats({1}, {NAN})}, {Tensor<double>({1}, Element::I1)}, attributes);
    EXPECT_EQ(y[0].integers[0], predicate == 1) << predicate;
  }
}

TEST(Reference, TransposeTakesResultAxisFromPermutation) {
  Attributes attributes;
  attributes.set("permutation", std::vector<int64_t>{2, 0, 1});
  auto x = floats({1, 2, 3}, {1, 2, 3, 4, 5, 6});
  expectNear(apply("nf.transpose", {x}, {Tensor<double>({3, 1, 2})}, attributes)[0], {1, 4, 2, 5, 3, 6});
}

TEST(Reference, SlicePadAndConcat) {
  auto x = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  Attributes slice;
  slice.set("axis", int64_t(1));
  slice.set("from", int64_t(1));
  slice.set("size", int64_t(2));
  expectNear(apply("nf.slice", {x}, {Tensor<double>({2, 2})}, slice)[0], {2, 3, 5, 6});
  Attributes pad;
  pad.set("axis", int64_t(0));
  pad.set("low", int64_t(1));
  pad.set("high", int64_t(0));
  expectNear(apply("nf.pad", {x}, {Tensor<double>({3, 3})}, pad)[0], {0, 0, 0, 1, 2, 3, 4, 5, 6});
  Attributes concat;
  concat.set("axis", int64_t(1));
  auto y = floats({2, 1}, {7, 8});
  expectNear(apply("nf.concat", {x, y}, {Tensor<double>({2, 4})}, concat)[0], {1, 2, 3, 7, 4, 5, 6, 8});
}

TEST(Reference, GatherAndScatterAddAreAdjoint) {
  auto ids = integers({3}, {2, 0, 2});
  auto table = floats({3, 2}, {1, 2, 3, 4, 5, 6});
  expectNear(apply("nf.gather", {table, ids}, {Tensor<double>({3, 2})})[0], {5, 6, 1, 2, 5, 6});
  auto rows = floats({3, 2}, {1, 2, 3, 4, 5, 6});
  expectNear(apply("nf.scatter_add", {rows, ids}, {Tensor<double>({3, 2})})[0], {3, 4, 0, 0, 6, 8});
}

TEST(Reference, MatmulTransposesTheLastTwoAxes) {
  auto a = floats({2, 3}, {1, 2, 3, 4, 5, 6}), aT = floats({3, 2}, {1, 4, 2, 5, 3, 6});
  auto b = floats({3, 2}, {1, 0, 0, 1, 2, 2}), bT = floats({2, 3}, {1, 0, 2, 0, 1, 2});
  std::vector<double> c{7, 8, 16, 17};
  for (bool transposeA : {false, true})
    for (bool transposeB : {false, true}) {
      Attributes attributes;
      attributes.set("transpose_a", int64_t(transposeA));
      attributes.set("transpose_b", int64_t(transposeB));
      auto result =
          apply("nf.matmul", {transposeA ? aT : a, transposeB ? bT : b}, {Tensor<double>({2, 2})}, attributes);
      expectNear(result[0], c);
    }
}

TEST(Reference, MatmulSumsTheRowsOfAnOperand) {
  auto aT = floats({3, 2}, {1, 4, 2, 5, 3, 6}), b = floats({3, 2}, {1, 0, 0, 1, 2, 2});
  for (bool left : {false, true}) {
    Attributes attributes;
    attributes.set("transpose_a", int64_t(1));
    attributes.set(left ? "sum_lhs" : "sum_rhs", int64_t(1));
    auto results = apply("nf.matmul", {aT, b}, {Tensor<double>({2, 2}), Tensor<double>({2})}, attributes);
    expectNear(results[0], {7, 8, 16, 17});
    expectNear(results[1], left ? std::vector<double>{6, 15} : std::vector<double>{3, 3});
  }
}

TEST(Reference, LayerNormUsesThePopulationVariance) {
  Attributes attributes;
  attributes.set("eps", 1.0);
  auto results = apply("nf.layer_norm", {floats({1, 2}, {1, 5}), floats({2}, {1, 2}), floats({2}, {0, 1})},
                       {Tensor<double>({1, 2}), Tensor<double>({1, 1}), Tensor<double>({1, 1})}, attributes);
  double rstd = 1 / std::sqrt(5.0); // variance 4, eps 1
  expectNear(results[0], {-2 * rstd, 4 * rstd + 1});
  expectNear(results[1], {3});
  expectNear(results[2], {rstd});
}

TEST(Reference, RandomBitsAreThoseOfPhilox) {
  // Random123's known answer for key 0 and counter 0, shifted right by one.
  EXPECT_EQ(randomBits(0, 0, 0, 0, 0), 0x6627e8d5 >> 1);
  EXPECT_EQ(randomBits(0, 0, 0, 0, 1), 0xe169c58du >> 1);
  EXPECT_EQ(randomBits(0, 0, 0, 0, 3), 0x9b00dbd8u >> 1);
}

TEST(Reference, CausalAttentionOfOneHead) {
  Attributes attributes;
  attributes.set("heads", int64_t(1));
  attributes.set("causal", int64_t(1));
  attributes.set("scale", 1.0);
  auto q = floats({1, 2, 1}, {1, 1}), k = floats({1, 2, 1}, {0, std::log(3.0)}), v = floats({1, 2, 1}, {4, 8});
  auto results = apply("nf.attention", {q, k, v}, {Tensor<double>({1, 2, 1}), Tensor<double>({1, 1, 2})}, attributes);
  expectNear(results[0], {4, 0.25 * 4 + 0.75 * 8});
  expectNear(results[1], {0, std::log(4.0)});
}

TEST(Reference, CrossEntropyOfEvenLogitsIsTheLogarithmOfTheirNumber) {
  auto x = floats({2, 1}, {0, 0}), w = floats({4, 1}, {1, 2, 3, 4}), weight = floats({2}, {1, 0}),
       scale = floats({}, {2});
  auto results = apply("nf.linear_cross_entropy_backward", {x, w, integers({2}, {3, 0}), weight, scale},
                       {Tensor<double>(Shape{}), Tensor<double>({2, 1}), Tensor<double>({4, 1})});
  expectNear(results[0], {2 * std::log(4.0)});
  expectNear(results[1], {2 * (10 / 4.0 - 4), 0});
}

TEST(Reference, BfloatRoundsToNearestEven) {
  EXPECT_EQ(roundToBf16(1.0), 1.0);
  EXPECT_EQ(roundToBf16(1 + std::ldexp(1, -8)), 1.0);                           // a tie, to even
  EXPECT_EQ(roundToBf16(1 + 3 * std::ldexp(1, -8)), 1 + std::ldexp(1, -6));     // a tie, to even
  EXPECT_EQ(roundToBf16(1 + std::ldexp(1, -8) + 1e-15), 1 + std::ldexp(1, -7)); // above the tie by less than float sees
  EXPECT_EQ(roundToBf16(1 + std::ldexp(1, -8) - 1e-15), 1.0);
  EXPECT_EQ(roundToBf16(-INFINITY), -INFINITY);
  EXPECT_TRUE(std::isnan(roundToBf16(NAN)));
}

TEST(Reference, AdamWFirstStepIsTheLearningRate) {
  auto one = [](double value) { return floats({1}, {value}); };
  // m = 0.1 g, v = 0.01 g², corrected to g and g²: the step is lr after a decay of lr · 0.5.
  auto results = apply("nf.adamw",
                       {one(2), one(4), one(0), one(0), one(4), one(1), one(0.1), one(0.9), one(0.99), one(0), one(0.5),
                        one(0.1), one(0.01)},
                       {Tensor<double>({1}), Tensor<double>({1}), Tensor<double>({1})});
  expectNear(results[0], {2 * (1 - 0.05) - 0.1});
  expectNear(results[1], {0.4});
  expectNear(results[2], {0.16});
}
