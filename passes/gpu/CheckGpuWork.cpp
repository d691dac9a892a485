//===- CheckGpuWork.cpp - what no GPU kernel was made of -------------------------------------===//
//
// Before → after in Passes.td.
//
// 1. After the lowerings of a GPU, every op of a program is a buffer, a number or a launch. Others are listed, each
//    once for its place in the model.
// 2. The module notes that it was refused: the model asks for what is not there, no pass failed.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/gpu/Passes.h"

#include "llvm/ADT/SetVector.h"

namespace nf {
#define GEN_PASS_DEF_CHECKGPUWORK
#include "passes/gpu/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// "f32 and bf16": the element types of what an op reads and writes, as they appear.
static std::string elementsOf(Operation *op) {
  llvm::SetVector<Type> elements;
  for (Value operand : op->getOperands())
    if (auto type = dyn_cast<ShapedType>(operand.getType()); type && isa<FloatType>(type.getElementType()))
      elements.insert(type.getElementType());
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleave(elements, stream, [&](Type type) { stream << type; }, " and ");
  return text;
}

namespace {
struct CheckGpuWork : nf::impl::CheckGpuWorkBase<CheckGpuWork> {
  void runOnOperation() override {
    llvm::DenseSet<std::pair<Location, OperationName>> reported;
    getOperation().walk([&](Operation *op) {
      if (!isa_and_nonnull<ProgramOp>(op->getParentOp()) || isa<BufferOp, NumberOp, LaunchOp, ReturnOp>(op) ||
          !reported.insert({op->getLoc(), op->getName()}).second)
        return;
      emitError(op->getLoc()) << "expected an operation that there is a GPU kernel for, but got "
                              << op->getName().getStringRef() << " of " << elementsOf(op);
    });
    if (reported.empty())
      return;
    getOperation()->setAttr(refusedAttr, UnitAttr::get(&getContext()));
    signalPassFailure();
  }
};
} // namespace
