//===- LowerFused.cpp - fused regions become kernels of vector code --------------------------===//
//
// 1. Each nf.fused of a program is described as a problem over distinct buffers (RowProblem).
// 2. The first of each structure becomes a kernel (RowKernel); names, places and buffers do not count.
// 3. The op becomes an nf.launch of its kernel.
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/cpu/Passes.h"
#include "passes/cpu/RowKernel.h"
#include "llvm/ADT/StringMap.h"

namespace nf {
#define GEN_PASS_DEF_LOWERFUSED
#include "passes/cpu/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

namespace {
struct LowerFused : nf::impl::LowerFusedBase<LowerFused> {
  using LowerFusedBase::LowerFusedBase;

  void runOnOperation() override {
    if (vectorWidth != 4 && vectorWidth != 8 && vectorWidth != 16) {
      getOperation().emitError() << "expected vector-width 4, 8 or 16, but got " << vectorWidth;
      return signalPassFailure();
    }
    SmallVector<FusedOp> ops;
    for (auto program : getOperation().getOps<ProgramOp>())
      program.walk([&](FusedOp op) {
        if (!op.getOuts().empty())
          ops.push_back(op);
      });
    for (FusedOp op : ops)
      if (failed(lower(op)))
        return signalPassFailure();
  }

  LogicalResult lower(FusedOp op) {
    FailureOr<RowProblem> problem = describeRows(op);
    if (failed(problem))
      return failure();
    FailureOr<RowKernel> kernel = kernelOf(*problem);
    if (failed(kernel))
      return failure();
    SmallVector<Value> buffers;
    for (const RowArgument &argument : problem->arguments)
      buffers.push_back(argument.buffer);
    OpBuilder builder(op);
    for (int32_t site : problem->sites)
      buffers.push_back(NumberOp::create(builder, op.getLoc(), site));
    LaunchOp::create(builder, op.getLoc(), kernel->function.getSymName(), buffers, kernel->tasks);
    op.erase();
    return success();
  }

  FailureOr<RowKernel> kernelOf(const RowProblem &problem) {
    auto [place, isNew] = kernels.try_emplace(problem.getKey());
    if (!isNew)
      return place->second;
    SymbolTable symbols(getOperation());
    std::string name;
    do
      name = rowKernelName(problem.op, number++);
    while (symbols.lookup(name));
    auto builder = OpBuilder::atBlockEnd(getOperation().getBody());
    FailureOr<RowKernel> kernel = emitRowKernel(builder, problem, name, vectorWidth);
    if (succeeded(kernel))
      place->second = *kernel;
    return kernel;
  }

  llvm::StringMap<RowKernel> kernels;
  unsigned number = 0;
};
} // namespace
