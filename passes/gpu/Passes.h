//===- Passes.h - kernels for NVIDIA GPUs ----------------------------------------------------===//
#ifndef NF_PASSES_GPU_PASSES_H
#define NF_PASSES_GPU_PASSES_H

#include "dialect/NF.h"
#include "mlir/Pass/Pass.h"

namespace nf {
/// The gpu.module that holds a module's GPU kernels.
inline constexpr llvm::StringLiteral gpuModuleName = "nf_gpu";
/// The attribute of a kernel's function in the host module: the threads of a block. Its blocks are a launch's tasks.
inline constexpr llvm::StringLiteral gpuThreadsAttribute = "nf.gpu_threads";

#define GEN_PASS_DECL
#include "passes/gpu/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/gpu/Passes.h.inc"
} // namespace nf

#endif // NF_PASSES_GPU_PASSES_H
