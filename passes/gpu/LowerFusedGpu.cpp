//===- LowerFusedGpu.cpp - fused regions become GPU kernels ----------------------------------===//
//
// Before → after in Passes.td.
//
// 1. Each nf.fused of a program is described as a problem over distinct buffers (RowProblem) and spread over threads.
// 2. The first of each structure and spread becomes a kernel, and a function of the host module that stands for it.
// 3. The op becomes an nf.launch of that function, a task a block.
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/gpu/GpuBuilder.h"
#include "passes/gpu/GpuRowKernel.h"
#include "llvm/ADT/StringMap.h"

namespace nf {
#define GEN_PASS_DEF_LOWERFUSEDGPU
#include "passes/gpu/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

namespace {
struct LowerFusedGpu : nf::impl::LowerFusedGpuBase<LowerFusedGpu> {
  void runOnOperation() override {
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
    RowSchedule schedule = scheduleRows(*problem);
    RowSpread spread = spreadRows(*problem, schedule);
    FailureOr<func::FuncOp> kernel = kernelOf(*problem, schedule, spread);
    if (failed(kernel))
      return failure();
    SmallVector<Value> buffers;
    for (const RowArgument &argument : problem->arguments)
      buffers.push_back(argument.buffer);
    OpBuilder builder(op);
    for (int32_t site : problem->sites)
      buffers.push_back(NumberOp::create(builder, op.getLoc(), site));
    noteAlignment(*kernel, buffers);
    LaunchOp::create(builder, op.getLoc(), kernel->getSymName(), buffers, spread.blocks);
    op.erase();
    return success();
  }

  /// Buffers of equal types may differ in what they are aligned to, and so in how they are loaded.
  FailureOr<func::FuncOp> kernelOf(const RowProblem &problem, const RowSchedule &schedule, const RowSpread &spread) {
    auto [place, isNew] = kernels.try_emplace(problem.getKey() + "\nvectors of " + std::to_string(spread.vector));
    if (!isNew)
      return place->second;
    SymbolTable symbols(getOperation());
    std::string name;
    do
      name = rowKernelName(problem.op, number++);
    while (symbols.lookup(name));
    auto builder = OpBuilder::atBlockEnd(gpuModuleOf(getOperation()).getBody());
    if (failed(emitGpuRowKernel(builder, problem, schedule, spread, name)))
      return failure();
    SmallVector<Type> types;
    for (const RowArgument &argument : problem.arguments)
      types.push_back(argument.type);
    types.append(problem.sites.size(), MemRefType::get({1}, builder.getI32Type()));
    place->second = createLaunched(getOperation(), problem.op.getLoc(), name, types, spread.threads());
    return place->second;
  }

  llvm::StringMap<func::FuncOp> kernels;
  unsigned number = 0;
};
} // namespace
