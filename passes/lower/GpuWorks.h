//===- GpuWorks.h - the table of what a GPU's launches name ----------------------------------===//
//
// What nf.launch names in a program for a GPU is a function of the host module that says, in attributes, what stands
// behind it: a kernel or a matrix product.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_LOWER_GPUWORKS_H
#define NF_PASSES_LOWER_GPUWORKS_H

#include "passes/lower/LlvmBuilder.h"

namespace nf {

/// Of a kernel's function: the threads of a block (its blocks are a launch's tasks), the bytes of its static shared
/// memory where there are any, and what its pointers are multiples of, where that is less than 16 bytes.
inline constexpr llvm::StringLiteral gpuThreadsAttribute = "nf.gpu_threads", gpuSharedAttribute = "nf.gpu_shared",
                                     gpuAlignmentAttribute = "nf.gpu_alignment";
/// Of a kernel that does what the epilogue of the product before it would have done.
inline constexpr llvm::StringLiteral gpuWithoutEpilogueAttribute = "nf.gpu_without_epilogue";
/// Of a kernel's function: the registers of a thread, where ptxas has said so.
inline constexpr llvm::StringLiteral gpuRegistersAttribute = "nf.gpu_registers";
/// Of a module whose kernels became images: a dictionary each, of its global and the fields of nf_gpu_image.
inline constexpr llvm::StringLiteral gpuImagesAttribute = "nf.gpu_images";
/// The global that is the table of works.
inline constexpr llvm::StringLiteral gpuWorksName = "nf.kernels";
/// Of a module whose programs are a GPU's: how many works there are.
inline constexpr llvm::StringLiteral gpuWorkCountAttribute = "nf.gpu_works";
/// Of a product's function: the numbers of an nf_gpu_gemm, field by field.
inline constexpr llvm::StringLiteral gpuGemmAttribute = "nf.gpu_gemm";

/// Whether launches of `function` are a GPU's.
bool isGpuWork(mlir::LLVM::LLVMFuncOp function);

/// The function that is one thread of an emulated kernel: an nf_emulated_kernel.
std::string threadName(llvm::StringRef kernel);

/// Writes the nf_gpu_work of each function to the table, and erases the functions, which only stood for one.
void emitGpuWorks(LlvmBuilder &b, llvm::ArrayRef<mlir::LLVM::LLVMFuncOp> functions);

} // namespace nf

#endif // NF_PASSES_LOWER_GPUWORKS_H
