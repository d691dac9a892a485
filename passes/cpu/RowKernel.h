//===- RowKernel.h - the kernel of a fused region --------------------------------------------===//
#ifndef NF_PASSES_CPU_ROWKERNEL_H
#define NF_PASSES_CPU_ROWKERNEL_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/rows/RowProblem.h"

namespace nf {

/// The attribute of a kernel that says how many bytes of scratch memory a task needs.
inline constexpr llvm::StringLiteral scratchBytesAttribute = "nf.scratch_bytes";

struct RowKernel {
  mlir::func::FuncOp function;
  int64_t tasks; ///< of a launch; depends on shapes only
};

/// Emits the kernel of a problem: func.func private @name(arguments…, %task: index, %scratch: memref<?xi8>).
/// `lanes` is the number of floats in a vector register: 4, 8 or 16. Fails, after an error, on an op without vector
/// form.
mlir::FailureOr<RowKernel> emitRowKernel(mlir::OpBuilder &builder, const RowProblem &problem, llvm::StringRef name,
                                         int64_t lanes);

} // namespace nf

#endif // NF_PASSES_CPU_ROWKERNEL_H
