//===- RaiseHeadScale.cpp - a factor a head into nf.head_scale ------------------------------------===//
//
// 1. A product with a tensor that repeats one parameter gamma [h]: computed with the numbers 0, 1, … for gamma, the
//    tensor must be the index along one axis of the product, or along the columns divided by their number a head.
// 2. That axis must be the outer part of the columns of the value x that reshapes and transposes brought there, or be
//    brought to that by those behind the product.
// 3. x is scaled where it has its columns, and moved as before; nf-simplify removes what cancels.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/DenseValues.h"
#include "passes/raise/Layout.h"
#include "passes/raise/Passes.h"

namespace nf {
#define GEN_PASS_DEF_RAISEHEADSCALE
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// Elements of a tensor that repeats gamma, at most: one number a (head, column), not a whole activation.
static constexpr int64_t mostFactors = 1 << 16;

/// Whether element i of `values` is what `indexOf` says.
static bool isIndex(const DenseValues::Elements &values, function_ref<int64_t(int64_t)> indexOf) {
  for (auto [i, value] : llvm::enumerate(values))
    if (value != static_cast<double>(indexOf(static_cast<int64_t>(i))))
      return false;
  return true;
}

namespace {
/// The tensor of factors of a product.
struct Factors {
  GetOp gamma;
  int64_t heads;
  int64_t axis; ///< of the product, that heads lie along; -1: the columns, heads · w of them
};
} // namespace

/// What `factors`, an operand of a product of rank `rank`, repeats.
static std::optional<Factors> matchFactors(Value factors, int64_t rank) {
  while (auto broadcast = factors.getDefiningOp<BroadcastOp>())
    factors = broadcast.getX();
  auto type = tensorType(factors);
  auto leaves = DenseValues::leavesOf(factors, 1);
  if (!leaves || leaves->size() != 1 || type.getNumElements() > mostFactors)
    return std::nullopt;
  auto gamma = leaves->front().getDefiningOp<GetOp>();
  int64_t heads = gamma ? tensorType(gamma.getResult()).getNumElements() : 0;
  if (heads < 2)
    return std::nullopt;
  DenseValues dense;
  DenseValues::Elements indices(heads);
  for (int64_t i = 0; i < heads; ++i)
    indices[i] = static_cast<double>(i);
  dense.set(gamma.getResult(), indices);
  const DenseValues::Elements *values = dense.of(factors);
  if (!values)
    return std::nullopt;
  int64_t inner = 1;
  for (int64_t axis = type.getRank() - 1; axis >= 0; --axis) {
    int64_t extent = type.getDimSize(axis), width = extent / heads;
    if (extent == heads && isIndex(*values, [&](int64_t i) { return i / inner % extent; }))
      return Factors{gamma, heads, rank - type.getRank() + axis};
    if (axis == type.getRank() - 1 && width > 1 && extent % heads == 0 &&
        isIndex(*values, [&](int64_t i) { return i % extent / width; }))
      return Factors{gamma, heads, -1};
    inner *= extent;
  }
  return std::nullopt;
}

/// Whether the axis that `factors` lie along is the outer part of the columns of the layout's source.
static bool isOuterOfColumns(const Layout &layout, Factors factors) {
  auto source = tensorType(layout.source());
  if (source.getRank() < 2)
    return false;
  auto columns = layout.sourceAxis(source.getRank() - 1), heads = layout.axis(factors.axis);
  return columns.size() > heads.size() && ArrayRef<int>(columns).take_front(heads.size()) == ArrayRef<int>(heads);
}

/// Builds the chain of movement from `source` to `value` on `start`.
static Value moveLike(OpBuilder &builder, Value value, Value source, Value start) {
  if (value == source)
    return start;
  Operation *op = value.getDefiningOp();
  Value operand = moveLike(builder, op->getOperand(0), source, start);
  Operation *moved = builder.clone(*op);
  moved->setOperand(0, operand);
  return moved->getResult(0);
}

/// The value of columns whose outer part the heads become behind `product`, in a chain that nothing else reads; or
/// null.
static Value columnsBehind(Operation *product, Factors factors) {
  Value value = product->getResult(0);
  while (value.hasOneUse() && isa<ReshapeOp, TransposeOp>(*value.user_begin())) {
    value = value.user_begin()->getResult(0);
    Layout layout = Layout::of(value, product->getResult(0));
    if (layout.source() != product->getResult(0))
      return {};
    auto columns = layout.axis(tensorType(value).getRank() - 1), heads = layout.sourceAxis(factors.axis);
    if (columns.size() > heads.size() && ArrayRef<int>(columns).take_front(heads.size()) == ArrayRef<int>(heads))
      return value;
  }
  return {};
}

/// Scales x where it has its columns, in front of the movement to the product or behind it. Returns whether it could.
static bool scaleColumns(Operation *op, Value x, Factors factors) {
  OpBuilder builder(op);
  Value gamma = asVector(builder, op->getLoc(), factors.gamma.getResult(), factors.heads);
  Value product = op->getResult(0), source = x;
  if (factors.axis >= 0) {
    Layout layout = Layout::of(x);
    source = isOuterOfColumns(layout, factors) ? layout.source() : Value();
  }
  if (source) {
    Value scaled = HeadScaleOp::create(builder, op->getLoc(), source, gamma);
    product.replaceAllUsesWith(moveLike(builder, x, source, scaled));
    return true;
  }
  Value behind = columnsBehind(op, factors);
  if (!behind)
    return false;
  builder.setInsertionPoint(behind.getDefiningOp());
  Value columns = moveLike(builder, behind, product, x);
  behind.replaceAllUsesWith(HeadScaleOp::create(builder, op->getLoc(), columns, gamma));
  return true;
}

static void raise(Operation *op) {
  if (!isa<MulOp>(op))
    return;
  for (unsigned side : {0u, 1u}) {
    Value x = op->getOperand(side);
    auto factors = matchFactors(op->getOperand(1 - side), tensorType(x).getRank());
    if (factors && x.getType() == op->getResult(0).getType() && !isWeightOnly(x) && scaleColumns(op, x, *factors))
      return;
  }
}

namespace {
struct RaiseHeadScale : nf::impl::RaiseHeadScaleBase<RaiseHeadScale> {
  void runOnOperation() override { forEachRoot(getOperation(), raise); }
};
} // namespace
