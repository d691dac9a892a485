//===- GpuFill.h - memory in vectors, and kernels that clear it ------------------------------===//
#ifndef NF_PASSES_GPU_GPUFILL_H
#define NF_PASSES_GPU_GPUFILL_H

#include "passes/gpu/GpuBuilder.h"

namespace nf {

/// Vectors of a flat range over threads, `perThread` of them a thread, a block's width apart.
struct VectorSpread {
  int64_t vectors, threads, perThread, blocks;
};
VectorSpread spreadVectors(int64_t vectors);

/// Emits `body` for each vector of a thread: its number, and whether it exists, null where all do; else the number is
/// that of one that does.
void forVectors(GpuBuilder &b, const VectorSpread &spread,
                llvm::function_ref<void(mlir::Value index, mlir::Value isReal)> body);

/// Launches, before `op`, a kernel that clears a buffer; with `unless`, an i32 buffer, only where that holds 0.
void launchFill(mlir::Operation *op, mlir::Value buffer, mlir::Value unless);

} // namespace nf

#endif // NF_PASSES_GPU_GPUFILL_H
