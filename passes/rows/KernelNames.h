//===- KernelNames.h - pieces of kernels' names ----------------------------------------------===//
#ifndef NF_PASSES_ROWS_KERNELNAMES_H
#define NF_PASSES_ROWS_KERNELNAMES_H

#include "mlir/IR/Types.h"

namespace nf {

/// "2x3x4".
std::string joinExtents(llvm::ArrayRef<int64_t> extents);
/// "f32".
std::string elementName(mlir::Type elementType);

} // namespace nf

#endif // NF_PASSES_ROWS_KERNELNAMES_H
