//===- NFPrimitiveOps.cpp - types, constraints and rows of the primitives --------------------===//
#include "dialect/InferTypes.h"
#include "dialect/NF.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace nf;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

//===------------------------------------------------------------------------------------------===//
// Elementwise: inferred types and row roles
//===------------------------------------------------------------------------------------------===//

/// The type that operands broadcast to, with element type `element`; `label` is the constraint that says so.
static LogicalResult inferBroadcast(std::optional<Location> location, ValueRange operands, Type element,
                                    SmallVectorImpl<Type> &types, StringRef label = "C2") {
  SmallVector<ArrayRef<int64_t>> shapes;
  for (Value operand : operands)
    shapes.push_back(tensorType(operand).getShape());
  auto shape = broadcastShapes(shapes);
  if (failed(shape))
    return emitOptionalError(location, "expected shapes that broadcast, but got ", operands.getTypes(), " (", label,
                             ")");
  types.push_back(RankedTensorType::get(*shape, element));
  return success();
}

#define NF_UNARY(OP)                                                                                                   \
  LogicalResult OP::inferReturnTypes(NF_INFER_ARGUMENTS) {                                                             \
    types.push_back(operands[0].getType());                                                                            \
    return success();                                                                                                  \
  }                                                                                                                    \
  RowRole OP::getRowRole() { return RowRole::Elementwise; }

NF_UNARY(NegOp)
NF_UNARY(ExpOp)
NF_UNARY(LogOp)
NF_UNARY(TanhOp)
NF_UNARY(ErfOp)
NF_UNARY(SqrtOp)
NF_UNARY(RsqrtOp)

#define NF_BINARY(OP)                                                                                                  \
  LogicalResult OP::inferReturnTypes(NF_INFER_ARGUMENTS) {                                                             \
    Type element = tensorType(operands[0]).getElementType();                                                           \
    if (element != tensorType(operands[1]).getElementType())                                                           \
      return emitOptionalError(location, "expected equal element types, but got ", operands.getTypes(), " (C1)");      \
    return inferBroadcast(location, operands, element, types);                                                         \
  }                                                                                                                    \
  RowRole OP::getRowRole() { return RowRole::Elementwise; }

NF_BINARY(AddOp)
NF_BINARY(SubOp)
NF_BINARY(MulOp)
NF_BINARY(DivOp)
NF_BINARY(PowOp)
NF_BINARY(MaxOp)

#define NF_COSTLY(OP)                                                                                                  \
  bool OP::isCostly() { return true; }

NF_COSTLY(ExpOp)
NF_COSTLY(LogOp)
NF_COSTLY(TanhOp)
NF_COSTLY(ErfOp)
NF_COSTLY(SqrtOp)
NF_COSTLY(RsqrtOp)
NF_COSTLY(DivOp)
NF_COSTLY(PowOp)
NF_COSTLY(RandomBitsOp)

LogicalResult CompareOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  if (tensorType(operands[0]).getElementType() != tensorType(operands[1]).getElementType())
    return emitOptionalError(location, "expected equal element types, but got ", operands.getTypes(), " (C1)");
  return inferBroadcast(location, operands, IntegerType::get(context, 1), types);
}

RowRole CompareOp::getRowRole() { return RowRole::Elementwise; }
bool CompareOp::isNeverStored() { return true; }

LogicalResult WhereOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  if (!tensorType(operands[0]).getElementType().isInteger(1))
    return emitOptionalError(location, "expected a condition of i1, but got ", operands[0].getType(), " (C1)");
  Type element = tensorType(operands[1]).getElementType();
  if (element != tensorType(operands[2]).getElementType())
    return emitOptionalError(location, "expected equal element types, but got ", operands.drop_front().getTypes(),
                             " (C2)");
  return inferBroadcast(location, operands, element, types, "C3");
}

RowRole WhereOp::getRowRole() { return RowRole::Elementwise; }

LogicalResult CastOp::verify() {
  if (tensorType(getX()).getShape() != tensorType(getY()).getShape())
    return emitOpError() << "expected equal shapes, but got " << getX().getType() << " and " << getY().getType()
                         << " (C1)";
  return success();
}

bool CastOp::isWidening() {
  auto from = dyn_cast<FloatType>(tensorType(getX()).getElementType());
  auto to = dyn_cast<FloatType>(tensorType(getY()).getElementType());
  return from && to && from.getWidth() < to.getWidth();
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  auto inner = getX().getDefiningOp<CastOp>();
  if (inner && inner.isWidening() && inner.getX().getType() == getY().getType())
    return inner.getX();
  return {};
}

RowRole CastOp::getRowRole() { return RowRole::Elementwise; }
bool CastOp::isNeverStored() { return isWidening(); }

//===------------------------------------------------------------------------------------------===//
// Sources
//===------------------------------------------------------------------------------------------===//

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

RowRole ConstantOp::getRowRole() {
  auto dense = dyn_cast<DenseElementsAttr>(getValue());
  return dense && dense.isSplat() ? RowRole::Elementwise : RowRole::None;
}

LogicalResult IotaOp::verify() {
  if (tensorType(getResult()).getRank() < 1)
    return emitOpError() << "expected rank at least 1, but got " << getResult().getType() << " (C1)";
  return success();
}

RowRole IotaOp::getRowRole() { return RowRole::Elementwise; }

LogicalResult RandomBitsOp::verify() {
  if (tensorType(getResult()).getRank() < 1)
    return emitOpError() << "expected a result of rank at least 1, but got " << getResult().getType() << " (C2)";
  for (Value scalar : {getSeed(), getStep(), getSampleOffset()})
    if (tensorType(scalar).getNumElements() != 1)
      return emitOpError() << "expected seed, step and sample_offset of one element, but got " << scalar.getType()
                           << " (C1)";
  return success();
}

RowRole RandomBitsOp::getRowRole() { return RowRole::Elementwise; }

Value RandomBitsOp::buildRow(OpBuilder &builder, ValueRange operands, int64_t cols) {
  auto type = RankedTensorType::get({cols}, builder.getI32Type());
  return RandomBitsOp::create(builder, getLoc(), type, operands[0], operands[1], operands[2], getSiteAttr(),
                              getRowsPerSampleAttr());
}

//===------------------------------------------------------------------------------------------===//
// Reductions
//===------------------------------------------------------------------------------------------===//

static LogicalResult inferReduction(std::optional<Location> location, Value x, ArrayRef<int64_t> axes,
                                    SmallVectorImpl<Type> &types) {
  SmallVector<int64_t> shape(tensorType(x).getShape());
  int64_t last = -1;
  for (int64_t axis : axes) {
    if (axis <= last || axis >= static_cast<int64_t>(shape.size()))
      return emitOptionalError(location, "expected ascending axes below ", shape.size(), ", but got [", axes, "] (C1)");
    shape[axis] = 1;
    last = axis;
  }
  types.push_back(RankedTensorType::get(shape, tensorType(x).getElementType()));
  return success();
}

/// Over the last axis, over every axis before it, or neither. An axis of extent 1 is reduced either way.
static RowRole roleOfAxes(Value x, ArrayRef<int64_t> axes, bool isSum) {
  auto type = tensorType(x);
  int64_t last = type.getRank() - 1;
  if (axes.size() == 1 && axes[0] == last)
    return RowRole::RowReduction;
  bool leading = isSum && !axes.empty() && axes.back() < last;
  for (int64_t axis = 0; axis < last; ++axis)
    leading = leading && (type.getDimSize(axis) == 1 || llvm::is_contained(axes, axis));
  return leading ? RowRole::ColumnReduction : RowRole::None;
}

#define NF_REDUCE(OP, IS_SUM)                                                                                          \
  LogicalResult OP::inferReturnTypes(NF_INFER_ARGUMENTS) {                                                             \
    OP::Adaptor adaptor(operands, attributes, properties, regions);                                                    \
    return inferReduction(location, adaptor.getX(), adaptor.getAxes(), types);                                         \
  }                                                                                                                    \
  RowRole OP::getRowRole() { return roleOfAxes(getX(), getAxes(), IS_SUM); }

NF_REDUCE(ReduceSumOp, true)
NF_REDUCE(ReduceMeanOp, false)
NF_REDUCE(ReduceMaxOp, false)

//===------------------------------------------------------------------------------------------===//
// Shape and movement
//===------------------------------------------------------------------------------------------===//

LogicalResult ReshapeOp::verify() {
  auto from = tensorType(getX()), to = tensorType(getY());
  if (from.getElementType() != to.getElementType() || from.getNumElements() != to.getNumElements())
    return emitOpError() << "expected equal element types and counts, but got " << from << " and " << to << " (C1)";
  return success();
}

/// The parts that lie next to one another in a padded tensor.
static SmallVector<Value> partsOf(PadOp pad) {
  auto concat = pad.getX().getDefiningOp<ConcatOp>();
  if (concat && concat.getAxis() == pad.getAxis() && concat->hasOneUse())
    return SmallVector<Value>(concat.getParts());
  return {pad.getX()};
}

/// A sum of two padded tensors that fill neighbouring ranges is one padded nf.concat: the gradients of slices of one
/// tensor meet so.
LogicalResult AddOp::canonicalize(AddOp op, PatternRewriter &rewriter) {
  auto first = op.getLhs().getDefiningOp<PadOp>(), second = op.getRhs().getDefiningOp<PadOp>();
  if (!first || !second || first == second || first.getAxis() != second.getAxis() ||
      first.getType() != second.getType())
    return rewriter.notifyMatchFailure(op, "not two tensors padded along one axis");
  if (first.getLow() > second.getLow())
    std::swap(first, second);
  int64_t axis = first.getAxis();
  int64_t end = static_cast<int64_t>(first.getLow()) + tensorType(first.getX()).getDimSize(axis);
  if (!first->hasOneUse() || !second->hasOneUse() || end != static_cast<int64_t>(second.getLow()))
    return rewriter.notifyMatchFailure(op, "the padded tensors overlap, leave a gap, or are read elsewhere");
  SmallVector<Value> parts = partsOf(first);
  llvm::append_range(parts, partsOf(second));
  Location location = rewriter.getFusedLoc({first.getLoc(), second.getLoc()});
  Value joined = ConcatOp::create(rewriter, location, parts, axis);
  if (first.getLow() != 0 || second.getHigh() != 0)
    joined = PadOp::create(rewriter, location, joined, axis, first.getLow(), second.getHigh());
  rewriter.replaceOp(op, joined);
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getX().getType() == getY().getType())
    return getX();
  if (auto inner = getX().getDefiningOp<ReshapeOp>()) {
    getXMutable().assign(inner.getX());
    return getY();
  }
  return {};
}

LogicalResult BroadcastOp::verify() {
  auto from = tensorType(getX()), to = tensorType(getY());
  auto shape = broadcastShapes({from.getShape(), to.getShape()});
  if (from.getElementType() != to.getElementType() || failed(shape) || ArrayRef<int64_t>(*shape) != to.getShape())
    return emitOpError() << "expected a shape that broadcasts to " << to << ", but got " << from << " (C1)";
  return success();
}

RowRole BroadcastOp::getRowRole() { return RowRole::Elementwise; }

LogicalResult TransposeOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  TransposeOp::Adaptor adaptor(operands, attributes, properties, regions);
  auto type = tensorType(adaptor.getX());
  ArrayRef<int64_t> permutation = adaptor.getPermutation();
  SmallVector<int64_t> sorted(permutation), shape;
  llvm::sort(sorted);
  bool valid = static_cast<int64_t>(permutation.size()) == type.getRank();
  for (auto [i, axis] : llvm::enumerate(sorted))
    valid = valid && axis == static_cast<int64_t>(i);
  if (!valid)
    return emitOptionalError(location, "expected a permutation of ", type.getRank(), " axes, but got [", permutation,
                             "] (C1)");
  for (int64_t axis : permutation)
    shape.push_back(type.getDimSize(axis));
  types.push_back(RankedTensorType::get(shape, type.getElementType()));
  return success();
}

LogicalResult SliceOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  SliceOp::Adaptor adaptor(operands, attributes, properties, regions);
  auto type = tensorType(adaptor.getX());
  int64_t axis = adaptor.getAxis(), from = adaptor.getFrom(), size = adaptor.getSize();
  if (axis < 0 || axis >= type.getRank() || from < 0 || size < 1 || size > type.getDimSize(axis) ||
      from > type.getDimSize(axis) - size)
    return emitOptionalError(location, "expected a range inside axis ", axis, " of ", type, ", but got from ", from,
                             " size ", size, " (C1)");
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = size;
  types.push_back(RankedTensorType::get(shape, type.getElementType()));
  return success();
}

LogicalResult PadOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  PadOp::Adaptor adaptor(operands, attributes, properties, regions);
  auto type = tensorType(adaptor.getX());
  int64_t axis = adaptor.getAxis(), low = adaptor.getLow(), high = adaptor.getHigh();
  if (axis < 0 || axis >= type.getRank() || low < 0 || high < 0)
    return emitOptionalError(location, "expected an axis below ", type.getRank(), " and widths of at least 0, but got ",
                             "axis ", axis, " low ", low, " high ", high, " (C1)");
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] += low + high;
  types.push_back(RankedTensorType::get(shape, type.getElementType()));
  return success();
}

LogicalResult ConcatOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  ConcatOp::Adaptor adaptor(operands, attributes, properties, regions);
  int64_t axis = adaptor.getAxis();
  if (operands.empty())
    return emitOptionalError(location, "expected at least one operand, but got none (C1)");
  auto first = tensorType(operands[0]);
  SmallVector<int64_t> shape(first.getShape());
  if (axis < 0 || axis >= first.getRank())
    return emitOptionalError(location, "expected an axis below ", first.getRank(), ", but got ", axis, " (C1)");
  for (Value part : operands.drop_front()) {
    auto type = tensorType(part);
    SmallVector<int64_t> other(type.getShape());
    if (type.getRank() == first.getRank())
      other[axis] = first.getDimSize(axis);
    if (ArrayRef<int64_t>(other) != first.getShape() || type.getElementType() != first.getElementType())
      return emitOptionalError(location, "expected extents of ", first, " off axis ", axis, ", but got ", type,
                               " (C1)");
    shape[axis] += type.getDimSize(axis);
  }
  types.push_back(RankedTensorType::get(shape, first.getElementType()));
  return success();
}

LogicalResult GatherOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  auto table = tensorType(operands[0]);
  if (table.getRank() != 2)
    return emitOptionalError(location, "expected a table of rank 2, but got ", table, " (C1)");
  SmallVector<int64_t> shape(tensorType(operands[1]).getShape());
  shape.push_back(table.getDimSize(1));
  types.push_back(RankedTensorType::get(shape, table.getElementType()));
  return success();
}

RowRole GatherOp::getRowRole() { return RowRole::Elementwise; }
Value GatherOp::buildRow(OpBuilder &, ValueRange operands, int64_t) { return operands[0]; }
bool GatherOp::isGatheredOperand(unsigned index) { return index == 0; }
unsigned GatherOp::getGatherIndex() { return 1; }

LogicalResult SoftmaxOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  if (tensorType(operands[0]).getRank() < 1)
    return emitOptionalError(location, "expected rank at least 1, but got ", operands[0].getType(), " (C1)");
  types.push_back(operands[0].getType());
  return success();
}

FailureOr<SmallVector<Value>> SoftmaxOp::decompose(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto last = b.getDenseI64ArrayAttr({tensorType(getX()).getRank() - 1});
  Value maximum = ReduceMaxOp::create(b, getX(), last);
  Value e = ExpOp::create(b, SubOp::create(b, getX(), maximum).getResult());
  return SmallVector<Value>{DivOp::create(b, e, ReduceSumOp::create(b, e, last).getY()).getResult()};
}
