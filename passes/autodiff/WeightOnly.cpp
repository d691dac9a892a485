#include "passes/autodiff/WeightOnly.h"

using namespace mlir;
using namespace nf;

WeightOnly::WeightOnly(const SymbolTable &symbols, ProgramOp program) {
  for (Operation &op : program.getBody().front().without_terminator())
    if (isWeightOnly(symbols, &op))
      ops.insert(&op);
}

SmallVector<Value> WeightOnly::frontier() const {
  SmallVector<Value> values;
  for (Operation *op : ops) {
    if (!computes(op))
      continue;
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !ops.contains(user); }))
        values.push_back(result);
  }
  return values;
}

/// Whether the op is a concat of whole rows that a reader outside the set wants.
bool WeightOnly::isReadInPlace(Operation *op) const {
  auto concat = dyn_cast<ConcatOp>(op);
  if (!concat || concat.getAxis() != 0)
    return false;
  return llvm::any_of(concat->getUsers(), [&](Operation *user) {
    return llvm::any_of(user->getOperands(), [&](Value v) {
      return v != concat.getResult() && !(v.getDefiningOp() && ops.contains(v.getDefiningOp()));
    });
  });
}

bool WeightOnly::isWeightOnly(const SymbolTable &symbols, Operation *op) const {
  if (auto get = dyn_cast<GetOp>(op))
    return symbols.lookup<ParameterOp>(get.getSymbol()) != nullptr;
  auto isMarked = [&](Value v) { return v.getDefiningOp() && ops.contains(v.getDefiningOp()); };
  if (!isPure(op) || isReadInPlace(op) || !llvm::all_of(op->getOperands(), isMarked))
    return false;
  return !computes(op) ||
         llvm::all_of(op->getResultTypes(), [](Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); });
}

/// Whether the op depends on a parameter and is more than a view of it.
bool WeightOnly::computes(Operation *op) const {
  if (isa<GetOp, ConstantOp>(op))
    return false;
  if (!isa<ReshapeOp>(op))
    return llvm::any_of(op->getOperands(), [&](Value v) { return readsParameter(v); });
  return computes(op->getOperand(0).getDefiningOp());
}

bool WeightOnly::readsParameter(Value value) const {
  Operation *op = value.getDefiningOp();
  return isa<GetOp>(op) || llvm::any_of(op->getOperands(), [&](Value v) { return readsParameter(v); });
}
