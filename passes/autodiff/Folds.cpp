//===- Folds.cpp - from the gradients of folded weights to those of parameters ---------------===//
//
// How unfold_gradients is built:
//
// 1. Clone the folds of all folded weights, each parameter being read once. Their results start with the gradient that
//    the weight's state holds.
// 2. Walk them backwards with their gradient rules, adding contributions.
// 3. What reaches a parameter, and the parameter's own gradient state if it has one, is its gradient. Clones that no
//    rule reads are erased.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/autodiff/Folds.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace nf;

static bool readsParameter(Value value) {
  auto get = value.getDefiningOp<GetOp>();
  if (!get)
    return false;
  return isa_and_nonnull<ParameterOp>(SymbolTable::lookupNearestSymbolFrom(get, get.getSymbolAttr()));
}

Folds::Folds(ProgramOp program) {
  for (Operation &op : program.getBody().front()) {
    auto isFolded = [&](Value v) { return contains(v) || readsParameter(v); };
    if (isa<FoldScaleOp, FoldShiftOp, ConcatOp>(op) && llvm::all_of(op.getOperands(), isFolded))
      ops.insert(&op);
  }
}

LogicalResult nf::propagate(OpBuilder &builder, Operation *op, const llvm::DenseMap<Value, Value> &gradients,
                            function_ref<bool(Value)> isWanted, function_ref<void(Value, Value)> contribute) {
  SmallVector<Value> resultGradients;
  for (Value result : op->getResults())
    resultGradients.push_back(gradients.lookup(result));
  if (llvm::none_of(resultGradients, [](Value v) { return v != nullptr; }))
    return success();
  auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
  if (!differentiable)
    return op->emitOpError() << "is on the path to the loss, but has no gradient rule";
  if (StringRef reason = differentiable.getNotDifferentiableReason(); !reason.empty())
    return op->emitOpError() << "is not differentiable: " << reason;

  SmallVector<bool> wanted;
  for (Value operand : op->getOperands())
    wanted.push_back(isWanted(operand));
  if (llvm::none_of(wanted, [](bool w) { return w; }))
    return success();
  SmallVector<Value> operandGradients(op->getNumOperands());
  if (failed(differentiable.buildGradient(builder, resultGradients, wanted, operandGradients)))
    return failure();
  for (auto [operand, gradient, want] : llvm::zip(op->getOperands(), operandGradients, wanted))
    if (gradient && want)
      contribute(operand, gradient);
  return success();
}

namespace {
class UnfoldBuilder {
public:
  UnfoldBuilder(ModuleOp module) : module(module), b(module.getLoc(), module.getContext()) {}

  LogicalResult build(ArrayRef<FoldedWeight> folded) {
    b.setInsertionPointToEnd(module.getBody());
    ProgramOp program = createProgram(b, b.getLoc(), unfoldGradientsName, {}, {});
    Block *block = &program.getBody().front();
    b.setInsertionPointToEnd(block);
    for (FoldedWeight weight : folded)
      clone(weight.value);
    SmallVector<Operation *> folds;
    for (Operation &op : *block)
      folds.push_back(&op);
    for (FoldedWeight weight : folded)
      add(mapping.lookup(weight.value), read(weight.value.getLoc(), weight.gradient));
    for (Operation *op : llvm::reverse(folds))
      if (!isa<GetOp>(op) && failed(propagate(
                                 b, op, gradients, [&](Value v) { return isTrained(v); },
                                 [&](Value operand, Value gradient) { add(operand, gradient); })))
        return failure();
    finish(program);
    IRRewriter rewriter(module.getContext());
    (void)runRegionDCE(rewriter, program->getRegions());
    return success();
  }

private:
  Value read(Location location, StateOp state) {
    return GetOp::create(b, location, state.getType(), state.getSymName());
  }

  /// Clones the ops that make `value`.
  void clone(Value value) {
    if (mapping.contains(value))
      return;
    Operation *op = value.getDefiningOp();
    if (auto get = dyn_cast<GetOp>(op)) {
      Value &known = parameters[get.getSymbolAttr().getAttr()];
      if (!known)
        known = b.clone(*op)->getResult(0);
      return mapping.map(value, known);
    }
    for (Value operand : op->getOperands())
      clone(operand);
    b.clone(*op, mapping);
  }

  bool isTrained(Value value) {
    auto get = value.getDefiningOp<GetOp>();
    if (!get)
      return true;
    auto parameter = module.lookupSymbol<ParameterOp>(get.getSymbol());
    return parameter && parameter.getTrainable();
  }

  void add(Value value, Value gradient) {
    Value &sum = gradients[value];
    sum = sum ? AddOp::create(b, gradient.getLoc(), sum, gradient).getResult() : gradient;
  }

  /// Returns the gradient of each parameter, in the order in which they are first read.
  void finish(ProgramOp program) {
    SmallVector<Value> results;
    SmallVector<Attribute> names;
    for (auto &[symbol, value] : parameters) {
      Value gradient = gradients.lookup(value);
      if (!gradient)
        continue;
      if (auto own = module.lookupSymbol<StateOp>((symbol.getValue() + ".grad").str()))
        gradient = AddOp::create(b, value.getLoc(), read(value.getLoc(), own), gradient);
      results.push_back(gradient);
      names.push_back(b.getDictionaryAttr(b.getNamedAttr("nf.name", symbol)));
    }
    ReturnOp::create(b, results);
    program.setFunctionType(b.getFunctionType({}, ValueRange(results).getTypes()));
    program.setResAttrsAttr(b.getArrayAttr(names));
  }

  ModuleOp module;
  ImplicitLocOpBuilder b;
  IRMapping mapping;
  llvm::MapVector<StringAttr, Value> parameters; // the one read of each
  llvm::DenseMap<Value, Value> gradients;
};
} // namespace

LogicalResult nf::buildUnfoldGradients(ModuleOp module, ArrayRef<FoldedWeight> folded) {
  return UnfoldBuilder(module).build(folded);
}
