//===- SharedLayout.h - where a kernel's shared memory is ------------------------------------===//
#ifndef NF_PASSES_GPU_SHAREDLAYOUT_H
#define NF_PASSES_GPU_SHAREDLAYOUT_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/StringMap.h"

namespace nf {

/// An array in shared memory: its place in the block's, in bytes.
struct SharedPlace {
  int64_t first, bytes;
};

/// The static shared memory of a block.
struct SharedLayout {
  llvm::StringMap<SharedPlace> places; ///< of the globals that the kernel has for itself
  int64_t bytes = 0;
};

SharedLayout layOutShared(mlir::LLVM::LLVMFuncOp kernel);

} // namespace nf

#endif // NF_PASSES_GPU_SHAREDLAYOUT_H
