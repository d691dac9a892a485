//===- GpuBuilder.h - what the lowerings to GPU kernels share --------------------------------===//
//
// A kernel is an llvm.func of the gpu.module `@nf_gpu`, and under the same name an empty func.func in the host module
// that launches name. Its name says all that it depends on, so that equal work finds the kernel that is there.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_GPU_GPUBUILDER_H
#define NF_PASSES_GPU_GPUBUILDER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/gpu/Passes.h"

namespace nf {

inline constexpr int64_t gpuWarp = 32, gpuVectorBytes = 16;
/// Address spaces of NVVM.
inline constexpr unsigned gpuGlobalMemory = 1, gpuSharedMemory = 3;

/// Emits what one thread does. Numbers are i64 where nothing else is said; pointers are those of the dialect llvm.
class GpuBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  mlir::Value constant(int64_t value);
  mlir::Value constant32(int64_t value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value add(mlir::Value x, int64_t y) { return y == 0 ? x : add(x, constant(y)); }
  mlir::Value scale(mlir::Value x, int64_t by);
  mlir::Value divide(mlir::Value x, int64_t by);
  mlir::Value remainder(mlir::Value x, int64_t by);
  mlir::Value isBelow(mlir::Value x, int64_t bound);
  /// x and y, each of which may be null: true.
  mlir::Value both(mlir::Value x, mlir::Value y);

  /// Numbers of the thread in its block and of the block.
  mlir::Value thread();
  mlir::Value block();

  /// Emits `body` where `condition` holds; where it is null, always.
  void onlyIf(mlir::Value condition, llvm::function_ref<void()> body);
  using LoopBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)>;
  /// for (i = from; i < to; i += step) in the type of `from`, with values carried from one to the next; returns the
  /// last ones.
  llvm::SmallVector<mlir::Value> forEach(mlir::Value from, mlir::Value to, int64_t step, mlir::ValueRange carried,
                                         LoopBody body);

  /// `width` elements from element `index` on, in one access: a vector, or a number for a width of 1. Their address is
  /// a multiple of their bytes, up to 16. A mask's element is a byte (i8).
  mlir::Value load(mlir::Value pointer, mlir::Type element, mlir::Value index, int64_t width);
  void store(mlir::Value value, mlir::Value pointer, mlir::Value index);

  /// The address of `count` elements of shared memory that the kernel has for itself.
  mlir::Value shared(llvm::StringRef name, mlir::Type element, int64_t count);
  void barrier();

private:
  mlir::Value address(mlir::Value pointer, mlir::Type element, mlir::Value index);
};

/// The elements of a buffer as they are in memory: masks are bytes.
mlir::Type storedElement(mlir::Type element);
int64_t storedBytes(mlir::Type element);

/// What an access of a number or vector is aligned to: its bytes, up to the 16 of an instruction.
unsigned accessAlignment(mlir::Type type);

/// Bytes by which the start of a buffer is aligned, up to 16.
int64_t alignmentOf(mlir::Value buffer);

/// The gpu.module of kernels, made on the first call.
mlir::gpu::GPUModuleOp gpuModuleOf(mlir::ModuleOp module);

/// The empty kernel `name` of `pointers` pointers to global memory, none of which reach what another one writes. The
/// builder is left in its entry block.
mlir::LLVM::LLVMFuncOp createGpuKernel(mlir::OpBuilder &builder, mlir::Location location, llvm::StringRef name,
                                       size_t pointers, int64_t threads);

/// The empty function of the host module that launches name and whose attributes say what stands behind it (GpuWorks).
mlir::func::FuncOp createStandIn(mlir::ModuleOp module, mlir::Location location, llvm::StringRef name,
                                 llvm::ArrayRef<mlir::Type> buffers);

/// Keeps ptxas from unrolling a loop (scf.for): it would have the loads of several steps in registers at once, or spill
/// them.
void keepRolled(mlir::Operation *loop);

/// Leaves a kernel as many registers as `blocks` blocks of it at a time on a processor have; ptxas would rather spill a
/// little than run fewer blocks than it has chosen by itself.
void allowRegistersOf(mlir::LLVM::LLVMFuncOp kernel, int64_t blocks);

/// Notes that a kernel is launched with such buffers, where they are aligned to less than 16 bytes.
void noteAlignment(mlir::func::FuncOp kernel, mlir::ValueRange buffers);

/// That of a kernel.
mlir::func::FuncOp createLaunched(mlir::ModuleOp module, mlir::Location location, llvm::StringRef name,
                                  llvm::ArrayRef<mlir::Type> buffers, int64_t threads);

/// The launched function of the kernel called `name`, which is built on the first call: `body` gets its pointers.
mlir::func::FuncOp getOrBuildGpuKernel(mlir::ModuleOp module, mlir::Location location, llvm::StringRef name,
                                       llvm::ArrayRef<mlir::Type> buffers, int64_t threads,
                                       llvm::function_ref<void(GpuBuilder &, mlir::ValueRange)> body);

} // namespace nf

#endif // NF_PASSES_GPU_GPUBUILDER_H
