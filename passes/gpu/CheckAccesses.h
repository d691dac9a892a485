//===- CheckAccesses.h - a kernel tells the emulated GPU what it does ------------------------===//
//
// 1. In a copy of the kernel whose pointers still have address spaces, find what uses memory or waits for other
// threads.
// 2. Find what each address follows from: a pointer of the kernel, or an array in shared memory.
// 3. Write the table of these places, `@<kernel>.sites`, and a call before each of them (runtime/abi/nf_emulation.h).
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_GPU_CHECKACCESSES_H
#define NF_PASSES_GPU_CHECKACCESSES_H

#include "passes/gpu/SharedLayout.h"
#include "passes/lower/LlvmBuilder.h"
#include "runtime/abi/nf_emulation.h"

namespace nf {

class AccessChecks {
public:
  /// Steps 1 and 2, on a kernel; `places` has its arrays in shared memory by name.
  AccessChecks(mlir::LLVM::LLVMFuncOp kernel, const llvm::StringMap<SharedPlace> &places);

  /// Step 3, when pointers have become plain ones.
  void emit(LlvmBuilder &b, llvm::StringRef kernel);

private:
  /// What an op does at one place. `bytes` is known, or a value.
  struct Site {
    mlir::Operation *op;
    nf_emulated_use use;
    mlir::Value address; ///< null: it uses no memory
    int64_t bytes;
    mlir::Value sourceBytes;
    int64_t alignment;
    int32_t matrices;
    bool isShared;
    int32_t argument;
    SharedPlace place;
  };
  struct Root {
    int32_t argument = -1;
    SharedPlace place = {0, 0};
  };

  void collect(mlir::Operation *op);
  void add(mlir::Operation *op, nf_emulated_use use, mlir::Value address, int64_t bytes, int64_t alignment,
           int32_t matrices = 0, mlir::Value sourceBytes = {});
  Root rootOf(mlir::Value address) const;
  mlir::Value siteOf(LlvmBuilder &b, const Site &site, int64_t index) const;

  const llvm::StringMap<SharedPlace> &places;
  llvm::SmallVector<Site> sites;
};

} // namespace nf

#endif // NF_PASSES_GPU_CHECKACCESSES_H
