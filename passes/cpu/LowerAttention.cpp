//===- LowerAttention.cpp - attention on planned buffers becomes kernels ---------------------===//
//
// nf.attention and nf.attention_backward with `outs` → one kernel a shape and an nf.launch in place (Passes.td). The
// kernels' algorithms are in AttentionForward.cpp and AttentionBackward.cpp.
//
// 1. A kernel is shared by all ops of equal operands' types, masks, scale and dropout rate.
// 2. The dropout site differs in every layer: the kernel reads it from its last buffer.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/cpu/AttentionKernel.h"
#include "passes/cpu/Passes.h"
#include "passes/rows/AttentionRoles.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include "llvm/ADT/StringMap.h"

namespace nf {
#define GEN_PASS_DEF_LOWERATTENTION
#include "passes/cpu/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// Whether the op is in the form that has memory.
template <typename Op> static bool isPlanned(Op op) { return !op.getOuts().empty(); }

/// What is not lowered, as one located error.
template <typename Op> static LogicalResult checkTypes(Op op) {
  for (Value operand : op->getOperands()) {
    auto type = dyn_cast<MemRefType>(operand.getType());
    if (!type || !type.hasStaticShape())
      return op.emitOpError() << "expected static buffers, but got " << operand.getType();
    Type element = type.getElementType();
    if (isa<FloatType>(element) && !element.isF32() && !element.isBF16())
      return op.emitOpError() << "expected f32 or bf16, but got " << type;
  }
  return success();
}

/// A kernel's argument types: those of the buffers, memref<1x…> for one number.
template <typename Op> static SmallVector<Type> argumentTypes(Op op) {
  SmallVector<Type> types(op->getOperandTypes());
  for (Value number : {op.getKeyLength(), op.getQueryOffset(), op.getSeed(), op.getStep(), op.getSampleOffset()})
    for (auto [type, operand] : llvm::zip(types, op->getOperands()))
      if (number && operand == number)
        type = MemRefType::get({1}, cast<MemRefType>(type).getElementType());
  return types;
}

/// The block arguments in the roles that the op's operands have.
template <typename Op> static AttentionBuffers buffersOf(Op op, ArrayRef<BlockArgument> arguments) {
  AttentionBuffers buffers;
  assignAttentionRoles(op, buffers, [&](OpOperand &operand) { return arguments[operand.getOperandNumber()]; });
  return buffers;
}

namespace {
struct LowerAttention : nf::impl::LowerAttentionBase<LowerAttention> {
  using LowerAttentionBase::LowerAttentionBase;

  void runOnOperation() override {
    if (vectorWidth != 4 && vectorWidth != 8 && vectorWidth != 16) {
      emitError(getOperation().getLoc()) << "expected a vector width of 4, 8 or 16, but got " << vectorWidth;
      return signalPassFailure();
    }
    SymbolTable table(getOperation());
    symbols = &table;
    kernels.clear();
    bool failed = false;
    getOperation().walk([&](Operation *op) {
      if (auto forward = dyn_cast<AttentionOp>(op))
        failed |= mlir::failed(lower(forward));
      else if (auto backward = dyn_cast<AttentionBackwardOp>(op))
        failed |= mlir::failed(lower(backward));
    });
    if (failed)
      signalPassFailure();
  }

  template <typename Op> LogicalResult lower(Op op) {
    if (!isPlanned(op))
      return success();
    if (failed(checkTypes(op)))
      return failure();
    AttentionShape shape(op, vectorWidth);
    int64_t tasks = shape.batch * shape.heads;
    if (std::is_same_v<Op, AttentionOp>)
      tasks *= shape.queryBlocks();
    func::FuncOp kernel = kernelOf(op, shape);
    OpBuilder builder(op);
    SmallVector<Value> buffers(op->getOperands());
    if (shape.dropout > 0)
      buffers.push_back(NumberOp::create(builder, op.getLoc(), op.getSite()));
    LaunchOp::create(builder, op.getLoc(), kernel.getSymName(), buffers, tasks);
    op.erase();
    return success();
  }

  /// What equal kernels have in common.
  template <typename Op> std::string keyOf(Op op, const AttentionShape &shape) {
    std::string key;
    llvm::raw_string_ostream out(key);
    out << attentionName(op->getName().stripDialect(), op, shape) << ' ' << op.getScaleAttr() << ' '
        << op.getDropoutAttr();
    for (Type type : argumentTypes(op))
      out << ' ' << type;
    return key;
  }

  template <typename Op> func::FuncOp newKernel(Op op, StringRef name, ArrayRef<Type> types) {
    OpBuilder builder(getOperation().getContext());
    auto kernel = func::FuncOp::create(builder, op.getLoc(), name, builder.getFunctionType(types, {}));
    kernel.setPrivate();
    symbols->insert(kernel);
    for (auto [i, type] : llvm::enumerate(types))
      if (isa<MemRefType>(type))
        kernel.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), builder.getUnitAttr());
    kernel.addEntryBlock();
    return kernel;
  }

  template <typename Op> func::FuncOp kernelOf(Op op, const AttentionShape &shape) {
    func::FuncOp &kernel = kernels[keyOf(op, shape)];
    if (kernel)
      return kernel;
    SmallVector<Type> types = argumentTypes(op);
    OpBuilder builder(getOperation().getContext());
    if (shape.dropout > 0)
      types.push_back(MemRefType::get({1}, builder.getI32Type()));
    size_t buffers = types.size();
    types.append({builder.getIndexType(), MemRefType::get({ShapedType::kDynamic}, builder.getI8Type())});
    kernel = newKernel(op, attentionName(op->getName().stripDialect(), op, shape), types);
    builder.setInsertionPointToStart(&kernel.getBody().front());
    TileBuilder b(op.getLoc(), builder, shape.lanes);
    ArrayRef<BlockArgument> arguments = kernel.getArguments();
    AttentionBuffers roles = buffersOf(op, arguments);
    if (shape.dropout > 0)
      roles.site = arguments[buffers - 1];
    AttentionKernel body(b, shape, roles, arguments[buffers + 1]);
    if constexpr (std::is_same_v<Op, AttentionOp>)
      body.emitForward(arguments[buffers]);
    else
      body.emitBackward(arguments[buffers]);
    func::ReturnOp::create(b);
    kernel->setAttr("nf.scratch_bytes", builder.getI64IntegerAttr(body.scratchBytes()));
    return kernel;
  }

  SymbolTable *symbols = nullptr;
  llvm::StringMap<func::FuncOp> kernels;
};
} // namespace
