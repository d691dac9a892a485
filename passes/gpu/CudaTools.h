//===- CudaTools.h - programs of an installed CUDA toolkit -----------------------------------===//
//
// The toolkit is optional: without it a program has PTX alone, which the driver compiles.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_GPU_CUDATOOLS_H
#define NF_PASSES_GPU_CUDATOOLS_H

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>

namespace nf {

/// The path of ptxas, nvdisasm or cuobjdump: in $CUDA_HOME/bin (/usr/local/cuda/bin without that variable) or $PATH;
/// nothing where it is nowhere.
std::optional<std::string> findCudaTool(llvm::StringRef name);

/// Machine code of all kernels of a module for one processor.
struct Cubin {
  std::string bytes;
  llvm::StringMap<int64_t> registers; ///< of a thread, by kernel
};

/// Has ptxas assemble PTX for a processor ("sm_90a"). Equal PTX gives equal bytes. The error is what ptxas says.
llvm::Expected<Cubin> assemblePtx(llvm::StringRef ptxas, llvm::StringRef ptx, llvm::StringRef chip);

/// A cubin's instructions as text, by `tool` (nvdisasm or cuobjdump).
llvm::Expected<std::string> disassembleCubin(llvm::StringRef tool, llvm::StringRef cubin);

} // namespace nf

#endif // NF_PASSES_GPU_CUDATOOLS_H
