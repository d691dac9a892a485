//===- GpuWorks.cpp - the table of what a GPU's launches name --------------------------------===//
#include "passes/lower/GpuWorks.h"
#include "runtime/abi/nf_gpu.h"

using namespace mlir;
using namespace nf;

bool nf::isGpuWork(LLVM::LLVMFuncOp function) {
  return function->hasAttr(gpuThreadsAttribute) || function->hasAttr(gpuGemmAttribute);
}

std::string nf::threadName(StringRef kernel) { return (kernel + ".thread").str(); }

/// An nf_gpu_gemm of the numbers of the attribute: a matrix is rows, cols, ld, stride, dtype and alignment.
static void emitGemm(LlvmBuilder &b, StringRef name, ArrayRef<int64_t> numbers) {
  std::string symbol = (name + ".gemm").str();
  b.global(symbol, LLVM::Linkage::Internal, [&] {
    SmallVector<Value> fields;
    auto take = [&](bool isWide) {
      fields.push_back(isWide ? b.constant(numbers.front()) : b.constant32(numbers.front()));
      numbers = numbers.drop_front();
    };
    for (int matrix = 0; matrix < 3; ++matrix)
      for (int field = 0; field < 6; ++field)
        take(field < 4);
    for (int field = 0; field < 6; ++field)
      take(field < 2);
    return b.structure(fields);
  });
}

static Value emitWork(LlvmBuilder &b, LLVM::LLVMFuncOp function) {
  auto number = [&](StringRef name, int64_t otherwise = 0) {
    auto attribute = function->getAttrOfType<IntegerAttr>(name);
    return attribute ? attribute.getInt() : otherwise;
  };
  auto gemm = function->getAttrOfType<DenseI64ArrayAttr>(gpuGemmAttribute);
  bool isKernel = function->hasAttr(gpuThreadsAttribute);
  std::string name = function.getSymName().str();
  Value null = LLVM::ZeroOp::create(b, b.ptr), zero = b.constant(0), one = b.constant32(1);
  bool isEmulated = isKernel && !function->getParentOp()->hasAttr(gpuImagesAttribute);
  return b.structure(
      {b.string(name), b.constant32(function->hasAttr(gpuWithoutEpilogueAttribute) ? NF_WITHOUT_EPILOGUE : NF_ALWAYS),
       b.constant32(number(gpuThreadsAttribute)), b.constant32(number(gpuRegistersAttribute)), one, one,
       b.constant32(number(gpuAlignmentAttribute, 16)), b.constant(number(gpuSharedAttribute)), zero, zero,
       isEmulated ? b.addressOf(threadName(name)) : null, gemm ? b.addressOf(name + ".gemm") : null});
}

void nf::emitGpuWorks(LlvmBuilder &b, ArrayRef<LLVM::LLVMFuncOp> functions) {
  for (LLVM::LLVMFuncOp function : functions)
    if (auto gemm = function->getAttrOfType<DenseI64ArrayAttr>(gpuGemmAttribute))
      emitGemm(b, function.getSymName(), gemm.asArrayRef());
  b.global(gpuWorksName, LLVM::Linkage::Internal, [&] {
    SmallVector<Value> works;
    for (LLVM::LLVMFuncOp function : functions)
      works.push_back(emitWork(b, function));
    return b.array(works.front().getType(), works);
  });
  for (LLVM::LLVMFuncOp function : functions)
    function.erase();
}
