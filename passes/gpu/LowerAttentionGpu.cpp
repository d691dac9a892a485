//===- LowerAttentionGpu.cpp - attention becomes GPU kernels ---------------------------------===//
//
// Before → after in Passes.td. The kernels' algorithms are in FlashMma.cpp and FlashFma.cpp, and in those ending in
// Backward.
//
// 1. Tensor cores (FlashMma) do what they can; FlashFma does the rest.
// 2. Forward is one launch; backward is three, one after the other (D, then dk and dv, then dq), or two (without D).
// 3. A kernel is shared by all ops of equal operands' types and alignments, masks, scale and dropout rate. The dropout
//    site differs in every layer: the kernel reads it from its last buffer.
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/gpu/FlashFma.h"
#include "passes/gpu/FlashMma.h"
#include "passes/rows/AttentionRoles.h"
#include "llvm/ADT/StringMap.h"

namespace nf {
#define GEN_PASS_DEF_LOWERATTENTIONGPU
#include "passes/gpu/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// The op's operands in their roles; their pointers are `pointers`, and the dropout site's the last of them.
template <typename Op> static FlashOperands operandsOf(Op op, ValueRange pointers) {
  FlashOperands operands;
  assignAttentionRoles(op, operands, [&](OpOperand &operand) {
    return FlashOperand{pointers[operand.getOperandNumber()], cast<MemRefType>(operand.get().getType()),
                        alignmentOf(operand.get())};
  });
  if (operands.seed)
    operands.site = {pointers.back(), MemRefType::get({1}, IntegerType::get(op.getContext(), 32))};
  return operands;
}

namespace {
/// One kernel of an op: what its name ends in, its blocks, and what emits it.
struct FlashLaunch {
  StringRef suffix;
  int64_t blocks;
  void (*emit)(ThreadBuilder &, const FlashShape &, const FlashOperands &);
};

/// Emits a member of FlashMma or FlashFma.
template <typename Family, void (Family::*Member)()>
void emitKernel(ThreadBuilder &b, const FlashShape &shape, const FlashOperands &operands) {
  (Family(b, shape, operands).*Member)();
}

struct LowerAttentionGpu : nf::impl::LowerAttentionGpuBase<LowerAttentionGpu> {
  void runOnOperation() override {
    kernels.clear();
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<AttentionOp, AttentionBackwardOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      if (auto forward = dyn_cast<AttentionOp>(op))
        lower(forward);
      else
        lower(cast<AttentionBackwardOp>(op));
    }
  }

  template <typename Op> void lower(Op op) {
    if (op.getOuts().empty())
      return;
    FlashShape shape(op);
    bool onTensorCores = FlashMma::fits(shape, operandsOf(op, SmallVector<Value>(op->getOperands())));
    OpBuilder builder(op);
    SmallVector<Value> buffers(op->getOperands());
    if (shape.dropout > 0)
      buffers.push_back(NumberOp::create(builder, op.getLoc(), op.getSite()));
    for (const FlashLaunch &launch : onTensorCores ? mmaLaunches(op, shape) : fmaLaunches(op, shape)) {
      func::FuncOp kernel = kernelOf(op, shape, launch, buffers);
      noteAlignment(kernel, buffers);
      LaunchOp::create(builder, op.getLoc(), kernel.getSymName(), buffers, launch.blocks);
    }
    op.erase();
  }

  template <typename Op> SmallVector<FlashLaunch> mmaLaunches(Op, const FlashShape &shape) {
    if constexpr (std::is_same_v<Op, AttentionOp>)
      return {{"", FlashMma::forwardBlocks(shape), emitKernel<FlashMma, &FlashMma::emitForward>}};
    else
      return {{"_delta", FlashMma::deltaBlocks(shape), emitKernel<FlashMma, &FlashMma::emitDelta>},
              {"_dkdv", FlashMma::keyGradientBlocks(shape), emitKernel<FlashMma, &FlashMma::emitKeyGradients>},
              {"_dq", FlashMma::queryGradientBlocks(shape), emitKernel<FlashMma, &FlashMma::emitQueryGradients>}};
  }

  template <typename Op> SmallVector<FlashLaunch> fmaLaunches(Op, const FlashShape &shape) {
    if constexpr (std::is_same_v<Op, AttentionOp>)
      return {{"", FlashFma::forwardBlocks(shape), emitKernel<FlashFma, &FlashFma::emitForward>}};
    else
      return {{"_dkdv", FlashFma::keyGradientBlocks(shape), emitKernel<FlashFma, &FlashFma::emitKeyGradients>},
              {"_dq", FlashFma::queryGradientBlocks(shape), emitKernel<FlashFma, &FlashFma::emitQueryGradients>}};
  }

  /// Ops of one name may still differ: in scale, dropout rate, strides and alignment.
  template <typename Op>
  func::FuncOp kernelOf(Op op, const FlashShape &shape, const FlashLaunch &launch, ValueRange buffers) {
    std::string name = attentionName("attention", op, shape) + launch.suffix.str(), key;
    llvm::raw_string_ostream out(key);
    out << name << ' ' << op.getScaleAttr() << ' ' << op.getDropoutAttr();
    for (Value buffer : buffers)
      out << ' ' << buffer.getType() << ' ' << alignmentOf(buffer);
    func::FuncOp &kernel = kernels[key];
    if (kernel)
      return kernel;
    std::string unique = name;
    for (int64_t i = 1; getOperation().lookupSymbol(unique); ++i)
      unique = name + "_" + std::to_string(i);
    static_assert(FlashMma::threads == FlashFma::threads);
    kernel = getOrBuildGpuKernel(getOperation(), op.getLoc(), unique, SmallVector<Type>(buffers.getTypes()),
                                 FlashMma::threads, [&](GpuBuilder &builder, ValueRange pointers) {
                                   ThreadBuilder b(op.getLoc(), builder);
                                   launch.emit(b, shape, operandsOf(op, pointers));
                                 });
    return kernel;
  }

  llvm::StringMap<func::FuncOp> kernels;
};
} // namespace
