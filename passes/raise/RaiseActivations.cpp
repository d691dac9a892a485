//===- RaiseActivations.cpp - primitives into gelu, gelu_tanh, relu2, relu, silu --------------===//
//
// 1. A root's cone of elementwise primitives over one value x is a function of a number (RowFormula).
// 2. It is compared with each activation at points over the whole range of floats and around the numbers that it holds;
//    the widest cone that is one of them gives way to the op.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/Passes.h"
#include "passes/raise/RowFormula.h"

#include <cmath>
#include <numbers>

namespace nf {
#define GEN_PASS_DEF_RAISEACTIVATIONS
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

namespace {
/// An activation: its formula, and how its op is made.
struct Activation {
  double (*formula)(double);
  Value (*create)(OpBuilder &, Location, Value);
};
} // namespace

template <typename Op> static Value create(OpBuilder &builder, Location location, Value x) {
  return Op::create(builder, location, x);
}

static double gelu(double x) { return x * (1 + std::erf(x / std::numbers::sqrt2)) / 2; }
static double geluTanh(double x) {
  return x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x))) / 2;
}
static double relu(double x) { return std::max(x, 0.0); }
static double relu2(double x) { return relu(x) * relu(x); }
static double silu(double x) { return x / (1 + std::exp(-x)); }

static constexpr Activation activations[] = {{gelu, create<GeluOp>},
                                             {geluTanh, create<GeluTanhOp>},
                                             {relu2, create<Relu2Op>},
                                             {relu, create<ReluOp>},
                                             {silu, create<SiluOp>}};

/// Points of both signs, where activations bend and far out, where clipping shows.
static Row samplePoints() {
  Row points{0};
  for (double x : {1e-3, 0.01, 0.1, 0.3, 0.5, 1.0,  1.5,  2.0,  2.4, 2.7, 3.0, 3.7,
                   4.4,  5.0,  5.9, 6.1, 8.0, 10.0, 20.0, 50.0, 1e2, 1e3, 1e6, 1e30})
    points.insert(points.end(), {x, -x});
  return points;
}

/// `points`, and those around the numbers of a formula and their roots, where it may take another branch.
static Row pointsFor(const RowFormula &formula, Row points) {
  for (double number : formula.numbers())
    for (double x : {std::fabs(number), std::sqrt(std::fabs(number))})
      for (double factor : {0.999, 1.0, 1.001})
        points.insert(points.end(), {factor * x, -factor * x});
  return points;
}

/// Whether `formula` gives `values` at `points`, but for the rounding of its constants.
static bool isFormulaOf(const Row &points, const Row &values, double (*formula)(double)) {
  for (auto [x, y] : llvm::zip_equal(points, values)) {
    double expected = formula(x);
    if (!(std::fabs(y - expected) <= 1e-6 * std::fabs(expected) + 1e-9))
      return false;
  }
  return true;
}

/// Whether `op` may be the last of an activation's spelling.
static bool isRoot(Operation *op) {
  return isa<MulOp, DivOp, AddOp, SubOp, MaxOp, WhereOp, PowOp>(op) &&
         isa<FloatType>(tensorType(op->getResult(0)).getElementType());
}

/// What every activation needs: a bend.
static bool isBend(Operation *op) { return isa<ErfOp, TanhOp, ExpOp, MaxOp, WhereOp, ReluOp>(op); }

static void raise(Operation *op, const Row &points) {
  if (!isRoot(op))
    return;
  Value root = op->getResult(0);
  for (Value x : RowFormula::candidates(root, isBend)) {
    auto formula = RowFormula::of(root, x);
    if (x.getType() != root.getType() || !formula || !formula->vectors().empty() || formula->hasReduction() ||
        !formula->isClosed())
      continue;
    Row all = pointsFor(*formula, points), values = formula->evaluate(all);
    for (const Activation &activation : activations) {
      if (!isFormulaOf(all, values, activation.formula))
        continue;
      OpBuilder builder(op);
      root.replaceAllUsesWith(activation.create(builder, fusedLocation(formula->ops()), x));
      return;
    }
  }
}

namespace {
struct RaiseActivations : nf::impl::RaiseActivationsBase<RaiseActivations> {
  void runOnOperation() override {
    Row points = samplePoints();
    forEachRoot(getOperation(), [&](Operation *op) { raise(op, points); });
  }
};
} // namespace
