//===- EmitPtx.h - GPU kernels -> PTX --------------------------------------------------------===//
#ifndef NF_PASSES_GPU_EMITPTX_H
#define NF_PASSES_GPU_EMITPTX_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <string>

namespace nf {

/// The processor that `arch` names, with the least version of PTX that has all that it offers; nothing where it is none
/// that kernels are generated for. sm_90 kernels run on later processors too, by the driver's compiler; sm_90a's do
/// not.
struct GpuArch {
  std::string chip, features;

  int64_t capability() const; ///< 80 for sm_80
  bool isExact() const { return chip.back() == 'a'; }
};
std::optional<GpuArch> parseGpuArch(llvm::StringRef arch);
/// "sm_80, sm_90 or sm_90a".
llvm::StringRef gpuArchNames();

/// PTX of the kernels of `module`, in the dialects llvm and nvvm alone. Multiplications and additions may be
/// contracted. Fails after an error on the module.
mlir::FailureOr<std::string> emitPtx(mlir::gpu::GPUModuleOp module, const GpuArch &arch);

} // namespace nf

#endif // NF_PASSES_GPU_EMITPTX_H
