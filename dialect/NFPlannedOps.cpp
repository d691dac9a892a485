//===- NFPlannedOps.cpp - constraints of planned programs ------------------------------------===//
#include "dialect/NF.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace nf;

/// Whether the rows of a buffer are dense and equally far apart, over all axes before the last.
static bool hasEvenRows(MemRefType type) {
  if (type.getLayout().isIdentity())
    return true;
  auto layout = dyn_cast<StridedLayoutAttr>(type.getLayout());
  if (!layout || layout.getOffset() != 0 || layout.getStrides().back() != 1 || type.getRank() < 2)
    return false;
  ArrayRef<int64_t> strides = layout.getStrides(), shape = type.getShape();
  for (int64_t axis = type.getRank() - 3; axis >= 0; --axis)
    if (strides[axis] != strides[axis + 1] * shape[axis + 1])
      return false;
  return strides[type.getRank() - 2] >= shape.back();
}

LogicalResult BufferOp::verify() {
  auto type = dyn_cast<MemRefType>(getResult().getType());
  if (!type || !type.hasStaticShape() || !hasEvenRows(type))
    return emitOpError() << "expected a static memref, row-major or of dense rows that are equally far apart, but got "
                         << getResult().getType() << " (C1)";
  if (static_cast<int64_t>(getOffset()) < 0)
    return emitOpError() << "expected an offset of at least 0, but got " << static_cast<int64_t>(getOffset())
                         << " (C2)";
  return success();
}

void NumberOp::build(OpBuilder &builder, OperationState &state, int32_t value) {
  build(builder, state, MemRefType::get({1}, builder.getI32Type()), value);
}

LogicalResult NumberOp::verify() {
  auto expected = MemRefType::get({1}, IntegerType::get(getContext(), 32));
  if (getResult().getType() != expected)
    return emitOpError() << "expected " << expected << ", but got " << getResult().getType() << " (C1)";
  return success();
}

/// Whether the elements that the view addresses lie inside `type`.
static bool isInside(MemRefType type, int64_t offset, ArrayRef<int64_t> sizes, ArrayRef<int64_t> strides) {
  int64_t first = offset, last = offset;
  for (auto [size, stride] : llvm::zip(sizes, strides))
    (stride < 0 ? first : last) += (size - 1) * stride;
  return first >= 0 && last < type.getNumElements();
}

LogicalResult CopyOp::verify() {
  auto in = cast<MemRefType>(getIn().getType()), out = cast<MemRefType>(getOut().getType());
  if (getSizes().size() != getFromStrides().size() || getSizes().size() != getToStrides().size())
    return emitOpError() << "expected one stride an axis, but got " << getFromStrides().size() << " and "
                         << getToStrides().size() << " for " << getSizes().size() << " axes (C1)";
  if (llvm::any_of(getSizes(), [](int64_t size) { return size < 1; }))
    return emitOpError() << "expected sizes of at least 1, but got [" << getSizes() << "] (C1)";
  if (!isInside(in, getFrom(), getSizes(), getFromStrides()) || !isInside(out, getTo(), getSizes(), getToStrides()))
    return emitOpError() << "expected views inside " << in << " and " << out << ", but got elements outside (C2)";
  if (in.getElementType() != out.getElementType())
    return emitOpError() << "expected equal element types, but got " << in << " and " << out << " (C3)";
  return success();
}

LogicalResult LaunchOp::verify() {
  if (static_cast<int64_t>(getTasks()) < 1)
    return emitOpError() << "expected at least 1 task, but got " << static_cast<int64_t>(getTasks()) << " (C2)";
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &table) {
  auto symbol = table.lookupNearestSymbolFrom<FunctionOpInterface>(*this, getKernelAttr());
  // Once kernels were converted to LLVM, pointers say nothing about what they point to.
  if (symbol && !isa<func::FuncOp>(symbol) && symbol.getNumArguments() == getBuffers().size() + 2)
    return success();
  auto kernel = symbol ? dyn_cast<func::FuncOp>(symbol.getOperation()) : func::FuncOp();
  if (!kernel)
    return emitOpError() << "expected " << getKernelAttr() << " to name a func.func, but got none (C1)";
  ArrayRef<Type> inputs = kernel.getFunctionType().getInputs();
  bool fits = inputs.size() == getBuffers().size() + 2;
  for (auto [buffer, input] : llvm::zip(getBuffers().getTypes(), inputs)) {
    auto have = cast<MemRefType>(buffer), want = dyn_cast<MemRefType>(input);
    fits = fits && want && have.getElementType() == want.getElementType() &&
           have.getNumElements() == want.getNumElements();
  }
  fits = fits && inputs[inputs.size() - 2].isIndex() && isa<MemRefType>(inputs.back());
  if (!fits)
    return emitOpError() << "expected buffers, a task and scratch as " << kernel.getFunctionType() << ", but got "
                         << getBuffers().getTypes() << " (C1)";
  return success();
}
