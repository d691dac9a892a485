//===- SharedLayout.cpp - where a kernel's shared memory is ----------------------------------===//
#include "passes/gpu/SharedLayout.h"

#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "passes/gpu/GpuBuilder.h"

using namespace mlir;

nf::SharedLayout nf::layOutShared(LLVM::LLVMFuncOp kernel) {
  SharedLayout layout;
  SymbolTable symbols(kernel->getParentOp());
  kernel.walk([&](LLVM::AddressOfOp address) {
    auto global = symbols.lookup<LLVM::GlobalOp>(address.getGlobalName());
    int64_t size = DataLayout::closest(kernel).getTypeSize(global.getGlobalType());
    if (layout.places.try_emplace(address.getGlobalName(), SharedPlace{layout.bytes, size}).second)
      layout.bytes += llvm::alignTo(size, gpuVectorBytes);
  });
  return layout;
}
