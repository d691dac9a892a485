//===- EmitGpu.h - the kernels of a GPU as text ----------------------------------------------===//
#ifndef NF_TOOLS_EMITGPU_H
#define NF_TOOLS_EMITGPU_H

#include "mlir/IR/BuiltinOps.h"

#include <optional>
#include <string>

namespace nf {

/// What --emit can print of a GPU's kernels, after the stages.
enum class GpuForm { Nvvm, Ptx };

/// "nvvm" or "ptx", or nothing.
std::optional<GpuForm> parseGpuForm(llvm::StringRef name);

/// The kernels of a module that went through stage lower for a GPU, for the processor `arch` (such as sm_80). The
/// module is lowered in place. Nothing after an error was printed.
std::optional<std::string> gpuText(mlir::ModuleOp module, GpuForm form, llvm::StringRef arch);

} // namespace nf

#endif // NF_TOOLS_EMITGPU_H
