//===- Passes.h - kernels for NVIDIA GPUs ----------------------------------------------------===//
#ifndef NF_PASSES_GPU_PASSES_H
#define NF_PASSES_GPU_PASSES_H

#include "dialect/NF.h"
#include "mlir/Pass/Pass.h"
#include "passes/lower/GpuWorks.h"

namespace nf {
/// The gpu.module that holds a module's GPU kernels.
inline constexpr llvm::StringLiteral gpuModuleName = "nf_gpu";

#define GEN_PASS_DECL
#include "passes/gpu/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/gpu/Passes.h.inc"
} // namespace nf

#endif // NF_PASSES_GPU_PASSES_H
