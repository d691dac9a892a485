//===- EmitGpu.h - GPUs, and their kernels in the forms that --emit writes -------------------===//
#ifndef NF_TOOLS_EMITGPU_H
#define NF_TOOLS_EMITGPU_H

#include "mlir/IR/BuiltinOps.h"

#include <optional>
#include <string>
#include <vector>

namespace nf {

/// What a program for GPUs has beside generic PTX.
struct GpuTarget {
  std::vector<std::string> cubins; ///< processors with code of their own; none without ptxas
  std::string ptxas;               ///< its path, or ""
};
/// For the processors that --arch names, or by default those of data centers; ptxas where it is installed. Nothing
/// after an error was printed.
std::optional<GpuTarget> resolveGpu(llvm::ArrayRef<std::string> archs);

/// What --emit can print of a GPU's kernels, after the stages.
enum class GpuForm { Nvvm, Ptx, Cubin, Sass };

/// "nvvm", "ptx", "cubin" or "sass", or nothing.
std::optional<GpuForm> parseGpuForm(llvm::StringRef name);

/// The kernels of a module that went through stage lower for a GPU, for the one processor that `archs` names, or sm_80.
/// The module is lowered in place. Nothing after an error was printed.
std::optional<std::string> gpuText(mlir::ModuleOp module, GpuForm form, llvm::ArrayRef<std::string> archs);

} // namespace nf

#endif // NF_TOOLS_EMITGPU_H
