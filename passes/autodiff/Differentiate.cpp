//===- Differentiate.cpp - reverse-mode differentiation --------------------------------------===//
//
// Appends the backward half to the program `forward_backward` (before → after in Passes.td).
//
// 1. Mark the values that depend on a trainable parameter: only they need gradients.
// 2. Seed the loss with 1 and walk its ops backwards; each op with a gradient on a result asks its
//    DifferentiableOpInterface for the gradients of its marked operands. Contributions to one value are added.
// 3. A contribution to a parameter's value goes straight into its gradient state, so that a parameter used twice never
//    needs a second buffer of its size.
// 4. Ops that nothing uses (a loss replaced by loss-and-gradient) are erased.
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/Transforms/RegionUtils.h"
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
  Differentiator(ModuleOp module, ProgramOp program) : module(module), program(program) {}

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
    gradients[loss] = seed(builder, loss);
    for (Operation *op : llvm::reverse(forward))
      if (failed(visit(builder, op)))
        return failure();
    IRRewriter rewriter(module.getContext());
    (void)runRegionDCE(rewriter, program->getRegions());
    return success();
  }

private:
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

  LogicalResult visit(OpBuilder &builder, Operation *op) {
    SmallVector<Value> resultGradients;
    for (Value result : op->getResults())
      resultGradients.push_back(gradients.lookup(result));
    if (llvm::none_of(resultGradients, [](Value v) { return v != nullptr; }))
      return success();
    if (isa<GetOp>(op))
      return success();
    auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
    if (!differentiable)
      return op->emitOpError() << "is on the path to the loss, but has no gradient rule";
    if (StringRef reason = differentiable.getNotDifferentiableReason(); !reason.empty())
      return op->emitOpError() << "is not differentiable: " << reason;

    SmallVector<bool> wanted;
    for (Value operand : op->getOperands())
      wanted.push_back(dependent.contains(operand));
    if (llvm::none_of(wanted, [](bool w) { return w; }))
      return success();
    SmallVector<Value> operandGradients(op->getNumOperands());
    if (failed(differentiable.buildGradient(builder, resultGradients, wanted, operandGradients)))
      return failure();
    for (auto [operand, gradient, want] : llvm::zip(op->getOperands(), operandGradients, wanted))
      if (gradient && want)
        contribute(builder, operand, gradient);
    return success();
  }

  void contribute(OpBuilder &builder, Value value, Value gradient) {
    if (auto get = value.getDefiningOp<GetOp>()) {
      auto state = gradientState(get);
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

  ModuleOp module;
  ProgramOp program;
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
