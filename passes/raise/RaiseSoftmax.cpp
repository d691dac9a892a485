//===- RaiseSoftmax.cpp - primitives into nf.softmax -------------------------------------------===//
//
// A cone that computes e^(x − c) / Σ e^(x − c) for each row of a value x, whatever it subtracts, divides or takes the
// logarithm of, becomes nf.softmax. Rows of all −∞ stay what they are, NaN: a spelling that guards against them is
// none.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/Passes.h"
#include "passes/raise/Softmax.h"

#include <cmath>

namespace nf {
#define GEN_PASS_DEF_RAISESOFTMAX
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static bool isSoftmaxOfRow(const RowFormula &formula, const Row &x) { return agree(softmaxOf(x), formula.evaluate(x)); }

/// Whether the formula is softmax on rows of several scales, with hidden columns, and of hidden columns only.
static bool isSoftmax(const RowFormula &formula, HiddenRows hidden) {
  Samples samples;
  for (double scale : {0.1, 1.0, 10.0, 100.0})
    if (!isSoftmaxOfRow(formula, samples.row(formula.columns(), scale)))
      return false;
  Row masked = samples.row(formula.columns(), 3.0);
  masked.back() = -INFINITY;
  return isSoftmaxOfRow(formula, masked) &&
         (hidden == HiddenRows::Any || isSoftmaxOfRow(formula, Row(formula.columns(), -INFINITY)));
}

/// What every spelling needs.
static bool isExponential(Operation *op) { return isa<ExpOp, SoftmaxOp>(op); }

std::optional<SoftmaxMatch> nf::matchSoftmax(Value root, HiddenRows hidden) {
  Operation *op = root.getDefiningOp();
  if (!isa_and_nonnull<DivOp, MulOp, ExpOp, WhereOp, SoftmaxOp>(op))
    return std::nullopt;
  // The farthest, since softmax(x − max x) is softmax(x).
  SmallVector<Value> candidates = RowFormula::candidates(root, isExponential);
  for (Value x : llvm::reverse(candidates)) {
    auto formula = RowFormula::of(root, x);
    if (x.getType() == root.getType() && formula && formula->vectors().empty() && formula->hasReduction() &&
        formula->isClosed() && isSoftmax(*formula, hidden))
      return SoftmaxMatch{x, SmallVector<Operation *>(formula->ops())};
  }
  return std::nullopt;
}

static void raise(Operation *op) {
  if (isa<SoftmaxOp>(op) || op->getNumResults() != 1)
    return;
  Value root = op->getResult(0);
  auto match = matchSoftmax(root, HiddenRows::Nan);
  if (!match)
    return;
  OpBuilder builder(op);
  root.replaceAllUsesWith(SoftmaxOp::create(builder, fusedLocation(match->ops), match->x));
}

namespace {
struct RaiseSoftmax : nf::impl::RaiseSoftmaxBase<RaiseSoftmax> {
  void runOnOperation() override { forEachRoot(getOperation(), raise); }
};
} // namespace
