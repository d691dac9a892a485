//===- HoistWeightOnly.cpp - what depends on parameters alone is computed once a step --------===//
//
// A micro-batch need not compute again what only parameters decide: HeadScale's factors spread over columns, weights in
// another precision.
//
// 1. In every program that only reads parameters, mark the pure ops all of whose operands come from nf.get of
//    parameters (or from constants) and whose results a state can hold: masks and indices of parameters stay. What
//    others read of their results is the frontier.
// 2. Each different frontier value becomes a derived state; the programs read it by nf.get.
// 3. `prepare_weights` computes the derived states (at start and after loading weights), and so does `update` from the
//    new parameters. It takes those from the ops that compute them, before they are written, so that one pass over
//    memory makes the new weight and what is derived of it. Sums are the exception: how a region adds a row depends on
//    what else it computes, and a run that is resumed must get the bits that update would have given. They are computed
//    from the new parameters as written, in update as in prepare_weights.
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/autodiff/Passes.h"
#include "passes/autodiff/WeightOnly.h"

namespace nf {
#define GEN_PASS_DEF_HOISTWEIGHTONLY
#include "passes/autodiff/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

namespace {
/// Identifies what a weight-only value computes: equal texts, equal values.
std::string expressionOf(Value value) {
  Operation *op = value.getDefiningOp();
  std::string text;
  llvm::raw_string_ostream os(text);
  os << op->getName() << op->getAttrDictionary() << "#" << cast<OpResult>(value).getResultNumber() << value.getType()
     << "(";
  for (Value operand : op->getOperands())
    os << expressionOf(operand) << ",";
  os << ")";
  return text;
}

/// Clones the ops that compute `value` to the builder's place; nf.get reads the parameters' values there, unless
/// `mapping` has new ones.
Value cloneExpression(OpBuilder &builder, Value value, IRMapping &mapping) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    cloneExpression(builder, operand, mapping);
  builder.clone(*op, mapping);
  return mapping.lookup(value);
}

GetOp firstParameter(Value value) {
  if (auto get = value.getDefiningOp<GetOp>())
    return get;
  for (Value operand : value.getDefiningOp()->getOperands())
    if (GetOp get = firstParameter(operand))
      return get;
  return {};
}

struct HoistWeightOnly : nf::impl::HoistWeightOnlyBase<HoistWeightOnly> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    ProgramOp prepare;
    llvm::StringMap<StateOp> states;
    SymbolTable symbols(module); // of parameters, which the pass does not change
    auto update = module.lookupSymbol<ProgramOp>("update");
    for (auto program : llvm::to_vector(module.getOps<ProgramOp>())) {
      if (program == update)
        continue;
      WeightOnly weightOnly(symbols, program);
      for (Value value : weightOnly.frontier()) {
        if (!prepare)
          prepare = createPrepare(module);
        StateOp &state = states[expressionOf(value)];
        if (!state) {
          state = declare(module, value, states.size());
          store(prepare, state, value);
          if (update)
            store(update, state, value);
        }
        OpBuilder builder(value.getContext());
        builder.setInsertionPointAfterValue(value);
        Value read = GetOp::create(builder, value.getLoc(), value.getType(), state.getSymName());
        value.replaceUsesWithIf(read, [&](OpOperand &use) { return !weightOnly.contains(use.getOwner()); });
      }
      IRRewriter rewriter(module.getContext());
      (void)runRegionDCE(rewriter, program->getRegions());
    }
  }

  ProgramOp createPrepare(ModuleOp module) {
    OpBuilder builder(module.getContext());
    builder.setInsertionPointToEnd(module.getBody());
    ProgramOp program = createProgram(builder, module.getLoc(), "prepare_weights", {}, {});
    builder.setInsertionPointToEnd(&program.getBody().front());
    ReturnOp::create(builder, module.getLoc(), ValueRange());
    return program;
  }

  StateOp declare(ModuleOp module, Value value, size_t number) {
    StringRef parameter = firstParameter(value).getSymbol();
    OpBuilder builder(module.getContext());
    builder.setInsertionPointAfter(module.lookupSymbol(parameter));
    std::string name = (parameter + ".derived." + Twine(number)).str();
    auto type = cast<RankedTensorType>(value.getType());
    return StateOp::create(builder, value.getLoc(), StateKind::Derived, name, parameter, type);
  }

  /// Maps every nf.get that `value` is computed from to what `program` sets the parameter to.
  void mapNewValues(ProgramOp program, Value value, IRMapping &mapping) {
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      mapNewValues(program, operand, mapping);
    if (auto get = dyn_cast<GetOp>(op))
      for (auto set : program.getBody().front().getOps<SetOp>())
        if (set.getSymbol() == get.getSymbol())
          mapping.map(value, set.getValue());
  }

  /// Whether an op on the way from parameters to `value` adds elements up.
  static bool hasSum(Value value) {
    auto elements = [](Value v) { return cast<RankedTensorType>(v.getType()).getNumElements(); };
    return llvm::any_of(value.getDefiningOp()->getOperands(),
                        [&](Value operand) { return elements(operand) > elements(value) || hasSum(operand); });
  }

  /// Ends `program` with the state's value computed from the parameters as they then are.
  void store(ProgramOp program, StateOp state, Value value) {
    Block &block = program.getBody().front();
    auto sets = block.getOps<SetOp>();
    OpBuilder builder(block.getTerminator());
    IRMapping mapping;
    if (!sets.empty() && !hasSum(value)) {
      builder.setInsertionPoint(*sets.begin());
      mapNewValues(program, value, mapping);
    }
    Value copy = cloneExpression(builder, value, mapping);
    builder.setInsertionPoint(block.getTerminator());
    SetOp::create(builder, value.getLoc(), state.getSymName(), copy);
  }
};
} // namespace
