#include "passes/fold/FoldCost.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace nf;

std::string FoldCost::text() const {
  return llvm::formatv("saves {0} kB of activations a step and costs {1} kB of weights", tokenBytes / 1000,
                       weightBytes / 1000);
}

int64_t nf::bytesOf(Value value, double passes) {
  if (auto cast = value.getDefiningOp<CastOp>(); cast && cast.isWidening())
    value = cast.getX();
  return static_cast<int64_t>(static_cast<double>(bytesOf(value)) * passes);
}

int64_t nf::foldedWeightBytes(Value weight, bool withShift) { return bytesOf(weight, withShift ? 3 : 2); }

FoldDecisions::FoldDecisions(ModuleOp module, bool all, bool remarks) : all(all), remarks(remarks) {
  auto deciding = module.lookupSymbol<ProgramOp>("forward_backward");
  isTrained = deciding != nullptr;
  if (deciding)
    ordered.push_back(deciding);
  for (auto program : module.getOps<ProgramOp>())
    if (program != deciding)
      ordered.push_back(program);
}

bool FoldDecisions::isDeciding(Operation *op) const { return !isTrained || op->getParentOp() == ordered.front(); }

bool FoldDecisions::accept(Operation *op, StringAttr parameter, const FoldCost &cost) {
  if (!isDeciding(op))
    return accepted.contains(parameter);
  bool folds = all || !isTrained || cost.pays();
  if (folds)
    accepted.insert(parameter);
  if (remarks && isTrained)
    op->emitRemark() << (folds ? "folded" : "not folded") << ": it " << cost.text();
  return folds;
}

void FoldDecisions::refuse(Operation *op, const Twine &why) {
  if (remarks && isDeciding(op))
    op->emitRemark() << "not folded: " << why;
}
