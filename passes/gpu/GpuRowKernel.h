//===- GpuRowKernel.h - the GPU kernel of a fused region -------------------------------------===//
#ifndef NF_PASSES_GPU_GPUROWKERNEL_H
#define NF_PASSES_GPU_GPUROWKERNEL_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/gpu/RowSpread.h"

namespace nf {

/// Emits the kernel of a problem at `builder`'s place in a gpu.module: an llvm.func over one pointer to global memory a
/// buffer, then one a dropout site. Values are those of arith, math and vector; memory, threads and shuffles those of
/// llvm and nvvm. Fails, after an error, on an op without such a form.
mlir::FailureOr<mlir::LLVM::LLVMFuncOp> emitGpuRowKernel(mlir::OpBuilder &builder, const RowProblem &problem,
                                                         const RowSchedule &schedule, const RowSpread &spread,
                                                         llvm::StringRef name);

} // namespace nf

#endif // NF_PASSES_GPU_GPUROWKERNEL_H
