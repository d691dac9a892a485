//===- Differentiate.cpp - reverse-mode differentiation --------------------------------------===//
//
// Appends the backward half to the program `forward_backward` (before → after in Passes.td).
//
// 1. Mark the values that depend on a trainable parameter: only they need gradients.
// 2. Seed the loss with 1 and walk its ops backwards; each op with a gradient on a result asks its
//    DifferentiableOpInterface for the gradients of its marked operands. Contributions to one value are added.
// 3. A contribution to a parameter's value goes straight into its gradient state, so that a parameter used twice never
//    needs a second buffer of its size.
// 4. A contribution to a weight that is folded of parameters (Folds) goes into a gradient state of that weight, and the
//    walk ends there: what follows is the same for all micro-batches, and is added as the program unfold_gradients,
//    which update runs once a step.
// 5. What forward rounds for a product is saved rounded only: backward reads it so too, widened. A value whose
//    maximum is taken is left, since its gradient asks which element that was.
// 6. Ops that nothing uses (a loss replaced by loss-and-gradient) are erased.
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/Transforms/RegionUtils.h"
#include "passes/autodiff/Folds.h"
#include "passes/autodiff/Passes.h"

namespace nf {
#define GEN_PASS_DEF_DIFFERENTIATE
#include "passes/autodiff/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// Whether an nf.get reads a parameter that is trained.
static bool readsTrainable(GetOp get, ModuleOp module) {
  auto parameter = module.lookupSymbol<ParameterOp>(get.getSymbol());
  return parameter && parameter.getTrainable();
}

namespace {
class Differentiator {
public:
  Differentiator(ModuleOp module, ProgramOp program) : module(module), program(program), folds(program) {}

  LogicalResult run() {
    Block &block = program.getBody().front();
    auto terminator = cast<ReturnOp>(block.getTerminator());
    if (terminator.getNumOperands() != 1)
      return program.emitOpError() << "expected one result, the loss, but got " << terminator.getNumOperands();
    Value loss = terminator.getOperand(0);
    markDependents(block);
    if (!dependent.contains(loss))
      return program.emitOpError() << "expected a loss that depends on a trainable parameter, but got one that "
                                      "depends on none";

    SmallVector<Operation *> forward;
    for (Operation &op : block.without_terminator())
      forward.push_back(&op);
    accumulate = program.appendArgument(
        "accumulate", RankedTensorType::get({}, IntegerType::get(module.getContext(), 32)), program.getLoc());
    OpBuilder builder(terminator);
    contribute(builder, loss, seed(builder, loss));
    for (Operation *op : llvm::reverse(forward))
      if (!isa<GetOp>(op) && !folds.contains(op) &&
          failed(propagate(
              builder, op, gradients, [&](Value v) { return dependent.contains(v); },
              [&](Value operand, Value gradient) { contribute(builder, operand, gradient); })))
        return failure();
    readRounded(forward);
    if (!folded.empty() && failed(buildUnfoldGradients(module, folded)))
      return failure();
    IRRewriter rewriter(module.getContext());
    (void)runRegionDCE(rewriter, program->getRegions());
    return success();
  }

private:
  /// Gives backward the rounded form of each value that has one.
  static void readRounded(ArrayRef<Operation *> forward) {
    llvm::DenseSet<Operation *> isForward(forward.begin(), forward.end());
    for (Operation *op : forward) {
      auto rounded = dyn_cast<CastOp>(op);
      if (!rounded || isa<BlockArgument>(rounded.getX()) || !isRounding(rounded) ||
          llvm::any_of(rounded.getX().getUsers(), [](Operation *user) { return isa<ReduceMaxOp>(user); }))
        continue;
      auto isBackwardUse = [&](OpOperand &use) { return !isForward.contains(use.getOwner()); };
      if (llvm::none_of(rounded.getX().getUses(), isBackwardUse))
        continue;
      OpBuilder builder(rounded->getContext());
      builder.setInsertionPointAfter(rounded);
      auto wide = CastOp::create(builder, rounded.getLoc(), rounded.getX().getType(), rounded.getY());
      isForward.insert(wide);
      rounded.getX().replaceUsesWithIf(wide.getY(), isBackwardUse);
    }
  }

  static bool isRounding(CastOp cast) {
    auto element = [](Value value) { return dyn_cast<FloatType>(getElementTypeOrSelf(value.getType())); };
    FloatType from = element(cast.getX()), to = element(cast.getY());
    return from && to && to.getWidth() < from.getWidth();
  }

  void markDependents(Block &block) {
    for (Operation &op : block.without_terminator()) {
      auto get = dyn_cast<GetOp>(op);
      bool depends = get ? readsTrainable(get, module)
                         : llvm::any_of(op.getOperands(), [&](Value v) { return dependent.contains(v); });
      if (depends)
        dependent.insert(op.getResults().begin(), op.getResults().end());
    }
  }

  Value seed(OpBuilder &builder, Value loss) {
    auto type = cast<RankedTensorType>(loss.getType());
    auto one = DenseElementsAttr::get(type, builder.getFloatAttr(type.getElementType(), 1.0));
    return ConstantOp::create(builder, loss.getLoc(), type, one);
  }

  void contribute(OpBuilder &builder, Value value, Value gradient) {
    auto get = value.getDefiningOp<GetOp>();
    if (get || folds.contains(value)) {
      StateOp state = get ? gradientState(get) : foldedState(value);
      bool first = started.insert(state).second;
      AccumulateOp::create(builder, gradient.getLoc(), state.getSymName(), gradient, first ? accumulate : Value());
      gradients[value] = gradient;
      return;
    }
    Value &sum = gradients[value];
    sum = sum ? AddOp::create(builder, gradient.getLoc(), sum, gradient).getResult() : gradient;
  }

  StateOp gradientState(GetOp get) {
    std::string name = (get.getSymbol() + ".grad").str();
    if (auto state = module.lookupSymbol<StateOp>(name))
      return state;
    auto parameter = module.lookupSymbol<ParameterOp>(get.getSymbol());
    OpBuilder builder(program);
    return StateOp::create(builder, parameter.getLoc(), StateKind::Gradient, name, parameter.getSymName(),
                           parameter.getType());
  }

  /// Of the folded weight's first parameter, by its name and a number of its own.
  StateOp foldedState(Value value) {
    for (FoldedWeight known : folded)
      if (known.value == value)
        return known.gradient;
    Value first = value;
    while (!first.getDefiningOp<GetOp>())
      first = first.getDefiningOp()->getOperand(0);
    StringRef parameter = first.getDefiningOp<GetOp>().getSymbol();
    OpBuilder builder(program);
    std::string name = (parameter + ".folded." + Twine(folded.size()) + ".grad").str();
    auto state = StateOp::create(builder, value.getLoc(), StateKind::Folded, name, parameter,
                                 cast<RankedTensorType>(value.getType()));
    folded.push_back({value, state});
    return state;
  }

  ModuleOp module;
  ProgramOp program;
  Folds folds;
  SmallVector<FoldedWeight> folded;
  Value accumulate;
  llvm::DenseSet<Value> dependent;
  llvm::DenseSet<Operation *> started;
  llvm::DenseMap<Value, Value> gradients;
};

struct Differentiate : nf::impl::DifferentiateBase<Differentiate> {
  void runOnOperation() override {
    auto program = getOperation().lookupSymbol<ProgramOp>("forward_backward");
    if (program && failed(Differentiator(getOperation(), program).run()))
      signalPassFailure();
  }
};
} // namespace
