//===- KernelBuilder.h - what the kernel lowerings share -------------------------------------===//
//
// A kernel is `func.func private @name(memrefs…, %task: index, %scratch: memref<?xi8>)`, run by nf.launch. Its name
// says all that it depends on, so that equal work finds the kernel that is there.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_CPU_KERNELBUILDER_H
#define NF_PASSES_CPU_KERNELBUILDER_H

#include "passes/cpu/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/rows/KernelNames.h"

namespace nf {

/// Elements of the vectors that kernels of ours load and store; the target splits them where its registers are shorter.
inline constexpr int64_t kernelLanes = 16;

/// The elements of `type` in one axis.
mlir::MemRefType flattened(mlir::MemRefType type);

/// Builds the body of a kernel before its return. `scratch` is memref<?xi8>.
using KernelBody = llvm::function_ref<void(mlir::ImplicitLocOpBuilder &builder, mlir::ValueRange buffers,
                                           mlir::Value task, mlir::Value scratch)>;

/// The kernel called `name`, built on the first call. `scratchBytes`: what a task needs of its thread's scratch memory.
mlir::func::FuncOp getOrBuildKernel(mlir::ModuleOp module, mlir::Location location, llvm::StringRef name,
                                    llvm::ArrayRef<mlir::Type> buffers, int64_t scratchBytes, KernelBody body);

mlir::Value indexConstant(mlir::ImplicitLocOpBuilder &builder, int64_t value);
mlir::Value add(mlir::ImplicitLocOpBuilder &builder, mlir::Value a, mlir::Value b);
/// a · scale of an index.
mlir::Value scaled(mlir::ImplicitLocOpBuilder &builder, mlir::Value a, int64_t scale);
/// min(size, extent − begin): the length of a block that starts at `begin`; a constant where blocks divide the extent.
mlir::Value blockLength(mlir::ImplicitLocOpBuilder &builder, mlir::Value begin, int64_t size, int64_t extent);

/// for (i = 0; i < length; i += step) body(i).
void forLoop(mlir::ImplicitLocOpBuilder &builder, mlir::Value begin, mlir::Value end, int64_t step,
             llvm::function_ref<void(mlir::Value i)> body);
/// Visits [0, length) in vectors of kernelLanes and the rest one by one: body(first index, lanes).
void forLanes(mlir::ImplicitLocOpBuilder &builder, mlir::Value length,
              llvm::function_ref<void(mlir::Value first, int64_t lanes)> body);
/// `lanes` elements of a memref of rank 1 from `index`: a vector, or a scalar for one lane.
mlir::Value loadLanes(mlir::ImplicitLocOpBuilder &builder, mlir::Value memref, mlir::Value index, int64_t lanes);
void storeLanes(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, mlir::Value memref, mlir::Value index,
                int64_t lanes);
/// `value`, one or more lanes of f32 or bf16, in the other type: to nearest even.
mlir::Value convertLanes(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, mlir::Type elementType);
/// Zero as one or more lanes of `elementType`.
mlir::Value zeroLanes(mlir::ImplicitLocOpBuilder &builder, mlir::Type elementType, int64_t lanes);

} // namespace nf

#endif // NF_PASSES_CPU_KERNELBUILDER_H
