//===- RaiseLayerNorm.cpp - primitives into nf.layer_norm and nf.normalize ---------------------===//
//
// 1. A root's cone over the rows of a value x, with at most two vectors of weights, is a formula of rows.
// 2. It is evaluated on rows from far below the epsilon to far above it and compared with
//    (x − mean) / √(variance + eps) · weight + bias, for each number of the cone as eps and each role of the vectors.
// 3. The widest cone that agrees gives way to nf.layer_norm (a missing weight or bias is a constant), or to
//    nf.normalize where both are missing.
// 4. An nf.layer_norm of weight 1 and bias 0 takes in the vector of weights that it is multiplied with, and one of
//    bias 0 the vector that is added to it: models with a `1 + gamma` of their own write it so. Vectors may be computed
//    of parameters.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/Passes.h"
#include "passes/raise/RowFormula.h"

#include <cmath>
#include <numeric>

namespace nf {
#define GEN_PASS_DEF_RAISELAYERNORM
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

namespace {
/// What a cone was found to be: null weight or bias where it has none.
struct Affine {
  Value weight, bias;
  double eps;
};
} // namespace

/// (x − mean) / √(variance + eps), with the population variance.
static Row normalized(const Row &x, double eps) {
  double count = static_cast<double>(x.size());
  double mean = std::accumulate(x.begin(), x.end(), 0.0) / count, variance = 0;
  for (double value : x)
    variance += (value - mean) * (value - mean) / count;
  Row y(x);
  for (double &value : y)
    value = (value - mean) / std::sqrt(variance + eps);
  return y;
}

/// Whether `formula` is LayerNorm with these roles and this epsilon.
static bool isLayerNorm(const RowFormula &formula, const Affine &affine) {
  Samples samples;
  Leaves leaves;
  for (Value vector : formula.vectors())
    leaves[vector] = samples.row(formula.columns(), 1);
  for (double spread : {1.0, 0.1, 10.0, 100.0}) {
    Row x = samples.row(formula.columns(), spread * std::sqrt(affine.eps));
    for (double &value : x)
      value += 0.5 * spread * std::sqrt(affine.eps);
    Row expected = normalized(x, affine.eps);
    for (size_t i = 0; i < expected.size(); ++i) {
      if (affine.weight)
        expected[i] *= leaves[affine.weight][i];
      if (affine.bias)
        expected[i] += leaves[affine.bias][i];
    }
    if (!agree(expected, formula.evaluate(x, leaves)))
      return false;
  }
  // Far from the epsilon too: activations are of any size.
  Row large = samples.row(formula.columns(), 1000);
  Row expected = normalized(large, affine.eps);
  for (size_t i = 0; i < expected.size(); ++i)
    expected[i] =
        expected[i] * (affine.weight ? leaves[affine.weight][i] : 1) + (affine.bias ? leaves[affine.bias][i] : 0);
  return agree(expected, formula.evaluate(large, leaves));
}

/// The roles that the vectors of a cone can have.
static SmallVector<std::pair<Value, Value>> rolesOf(ArrayRef<Value> vectors) {
  if (vectors.empty())
    return {{Value(), Value()}};
  if (vectors.size() == 1)
    return {{vectors[0], Value()}, {Value(), vectors[0]}};
  if (vectors.size() == 2)
    return {{vectors[0], vectors[1]}, {vectors[1], vectors[0]}};
  return {};
}

static std::optional<Affine> matchLayerNorm(const RowFormula &formula) {
  for (double eps : formula.numbers()) {
    if (!(eps > 0 && eps < 0.1))
      continue;
    for (auto [weight, bias] : rolesOf(formula.vectors()))
      if (Affine affine{weight, bias, eps}; isLayerNorm(formula, affine))
        return affine;
  }
  return std::nullopt;
}

static Value createLayerNorm(OpBuilder &builder, Location location, Value x, const Affine &affine) {
  Type element = tensorType(x).getElementType();
  int64_t columns = tensorType(x).getShape().back();
  auto eps = builder.getF64FloatAttr(shortestNumber(affine.eps, element));
  if (!affine.weight && !affine.bias)
    return NormalizeOp::create(builder, location, x, eps).getY();
  auto vectorOr = [&](Value vector, double otherwise) -> Value {
    if (vector)
      return asVector(builder, location, vector, columns);
    auto type = RankedTensorType::get({columns}, element);
    return ConstantOp::create(builder, location, type,
                              DenseElementsAttr::get(type, builder.getFloatAttr(element, otherwise)));
  };
  Value weight = vectorOr(affine.weight, 1), bias = vectorOr(affine.bias, 0);
  return LayerNormOp::create(builder, location, x, weight, bias, eps).getY();
}

/// Takes the op of kind `Op` off `value` that has a vector of weights, and notes it in `ops`.
template <typename Op> static Value takeVector(Value &value, SmallVectorImpl<Operation *> &ops) {
  auto op = value.getDefiningOp<Op>();
  Value vector = op && (ops.empty() || op->hasOneUse()) ? columnVectorOf(op) : Value();
  if (!vector)
    return {};
  ops.push_back(op);
  value = op->getOperand(op->getOperand(0) == vector ? 1 : 0);
  return vector;
}

/// norm(x) · weight + bias, either of which may be missing, into one op where `norm` has none of its own.
static bool absorbAffine(Operation *op) {
  SmallVector<Operation *> ops;
  Value value = op->getResult(0), bias = takeVector<AddOp>(value, ops), weight = takeVector<MulOp>(value, ops);
  auto norm = value.getDefiningOp<LayerNormOp>();
  if (ops.empty() || !norm || value != norm.getY() || !norm->hasOneUse())
    return false;
  auto isNumber = [](Value vector, double number) { return numberOf(vector) == number; };
  if (!isNumber(norm.getBias(), 0) || (weight && !isNumber(norm.getWeight(), 1)))
    return false;
  ops.push_back(norm);
  std::reverse(ops.begin(), ops.end());
  OpBuilder builder(op);
  int64_t columns = tensorType(value).getShape().back();
  auto vectorOr = [&](Value vector, Value otherwise) {
    return vector ? asVector(builder, op->getLoc(), vector, columns) : otherwise;
  };
  auto whole = LayerNormOp::create(builder, fusedLocation(ops), norm.getX(), vectorOr(weight, norm.getWeight()),
                                   vectorOr(bias, norm.getBias()), norm.getEpsAttr());
  op->getResult(0).replaceAllUsesWith(whole.getY());
  return true;
}

static void raise(Operation *op) {
  if (!isa<AddOp, SubOp, MulOp, DivOp>(op) || absorbAffine(op))
    return;
  Value root = op->getResult(0);
  std::optional<Affine> affine;
  auto formula = findNorm(root, [&](const RowFormula &candidate) {
    affine = matchLayerNorm(candidate);
    return affine.has_value();
  });
  if (!formula)
    return;
  OpBuilder builder(op);
  root.replaceAllUsesWith(createLayerNorm(builder, fusedLocation(formula->ops()), formula->argument(), *affine));
}

namespace {
struct RaiseLayerNorm : nf::impl::RaiseLayerNormBase<RaiseLayerNorm> {
  void runOnOperation() override { forEachRoot(getOperation(), raise); }
};
} // namespace
