//===- GpuFill.cpp - memory in vectors, and kernels that clear it ----------------------------===//
#include "passes/gpu/GpuFill.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/rows/KernelNames.h"

using namespace mlir;
using namespace nf;

/// Vectors of a thread in large ranges, where there are blocks enough for any GPU.
static constexpr int64_t mostPerThread = 4, manyVectors = 1 << 18, usualThreads = 256;

VectorSpread nf::spreadVectors(int64_t vectors) {
  VectorSpread spread{vectors, std::min<int64_t>(usualThreads, llvm::alignTo(vectors, gpuWarp)),
                      vectors < manyVectors ? 1 : mostPerThread, 0};
  spread.blocks = llvm::divideCeil(vectors, spread.threads * spread.perThread);
  return spread;
}

void nf::forVectors(GpuBuilder &b, const VectorSpread &spread, function_ref<void(Value, Value)> body) {
  Value first = b.add(b.scale(b.block(), spread.threads * spread.perThread), b.thread());
  bool isWhole = spread.blocks * spread.threads * spread.perThread == spread.vectors;
  for (int64_t i = 0; i < spread.perThread; ++i) {
    Value index = b.add(first, i * spread.threads), isReal;
    if (!isWhole) {
      isReal = b.isBelow(index, spread.vectors);
      index = arith::SelectOp::create(b, isReal, index, b.constant(0));
    }
    body(index, isReal);
  }
}

void nf::launchFill(Operation *op, Value buffer, Value unless) {
  auto type = cast<MemRefType>(buffer.getType());
  Type element = type.getElementType(), stored = storedElement(element);
  int64_t count = type.getNumElements(), width = alignmentOf(buffer) / storedBytes(element);
  while (width > 1 && count % width != 0)
    width /= 2;
  width = std::max<int64_t>(1, width);
  VectorSpread spread = spreadVectors(count / width);
  std::string name = (unless ? "fill_unless_gpu_" : "fill_gpu_") + elementName(element) + "_" + std::to_string(count) +
                     "_by" + std::to_string(width);
  SmallVector<Value> buffers{buffer};
  if (unless)
    buffers.push_back(unless);
  auto module = op->getParentOfType<ModuleOp>();
  func::FuncOp kernel = getOrBuildGpuKernel(
      module, op->getLoc(), name, SmallVector<Type>(ValueRange(buffers).getTypes()), spread.threads,
      [&](GpuBuilder &b, ValueRange pointers) {
        Value isCleared;
        if (unless)
          isCleared = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                            b.load(pointers[1], b.getI32Type(), b.constant(0), 1), b.constant32(0));
        Type vector = width == 1 ? stored : VectorType::get({width}, stored);
        Value zero = arith::ConstantOp::create(b, b.getZeroAttr(vector));
        forVectors(b, spread, [&](Value index, Value isReal) {
          b.onlyIf(b.both(isReal, isCleared), [&] { b.store(zero, pointers[0], b.scale(index, width)); });
        });
      });
  noteAlignment(kernel, buffers);
  OpBuilder builder(op);
  LaunchOp::create(builder, op->getLoc(), kernel.getSymName(), buffers, spread.blocks);
}
