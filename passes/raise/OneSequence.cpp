#include "passes/raise/OneSequence.h"
#include "passes/raise/Values.h"

#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace nf;

static ArrayRef<int64_t> shapeOf(Value value) { return tensorType(value).getShape(); }

/// Ops whose operands' axes are the result's, counted from the last.
static bool isAligned(Operation *op) {
  auto rowWise = dyn_cast<RowWiseOpInterface>(op);
  return rowWise && rowWise.getRowRole() == RowRole::Elementwise && op->getNumOperands() > 0 &&
         !isa<GatherOp, RandomBitsOp>(op); // these are elementwise, but not of their operands
}

/// Ops that work on each row of their first operand by itself; the others are weights.
static bool isOnRows(Operation *op) {
  return isa<SoftmaxOp, LayerNormOp, NormalizeOp, HeadScaleOp, ResidualScaleOp, GeluOp, GeluTanhOp, ReluOp, Relu2Op,
             SiluOp, LinearOp>(op);
}

/// The axis along which an op cuts or joins.
static std::optional<uint64_t> movedAxis(Operation *op) {
  if (auto slice = dyn_cast<SliceOp>(op))
    return slice.getAxis();
  if (auto pad = dyn_cast<PadOp>(op))
    return pad.getAxis();
  if (auto concat = dyn_cast<ConcatOp>(op))
    return concat.getAxis();
  return std::nullopt;
}

void SequenceCloner::divide(Value value, Value sequence) {
  copies.map(value, sequence);
  places[value] = {0, 1};
}

//===------------------------------------------------------------------------------------------===//
// Places
//===------------------------------------------------------------------------------------------===//

std::optional<SequenceCloner::Place> SequenceCloner::placeOf(Value value) const {
  auto found = places.find(value);
  return found == places.end() ? std::nullopt : std::optional(found->second);
}

bool SequenceCloner::isAxisOf(Type type, Place place) const {
  auto tensor = cast<RankedTensorType>(type);
  return place.axis < tensor.getRank() && tensor.getDimSize(place.axis) % (place.outer * batch) == 0;
}

RankedTensorType SequenceCloner::dividedType(Type type, Place place) const {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  shape[place.axis] /= batch;
  return tensor.clone(shape);
}

std::optional<SequenceCloner::Place> SequenceCloner::placeOfAligned(Operation *op) const {
  std::optional<Place> found;
  ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
  for (Value operand : op->getOperands()) {
    std::optional<Place> place = placeOf(operand);
    if (!place)
      continue;
    Place moved{static_cast<unsigned>(place->axis + shape.size() - shapeOf(operand).size()), place->outer};
    if ((found && moved != *found) || shape[moved.axis] != shapeOf(operand)[place->axis])
      return std::nullopt;
    found = moved;
  }
  return found;
}

/// In row-major order the batch comes after the same number of elements in any shape.
std::optional<SequenceCloner::Place> SequenceCloner::placeOfReshaped(Place place, ArrayRef<int64_t> from,
                                                                     ArrayRef<int64_t> shape) const {
  int64_t before = place.outer;
  for (int64_t extent : from.take_front(place.axis))
    before *= extent;
  int64_t product = 1;
  for (auto [axis, extent] : llvm::enumerate(shape)) {
    if (product * extent <= before) {
      product *= extent;
      continue;
    }
    int64_t outer = before / product;
    bool isWhole = before % product == 0 && extent % (outer * batch) == 0;
    return isWhole ? std::optional(Place{static_cast<unsigned>(axis), outer}) : std::nullopt;
  }
  return std::nullopt;
}

/// Rows of the left operand, or batches of both; a bias is the same for all sequences.
std::optional<SequenceCloner::Place> SequenceCloner::placeOfProduct(Operation *op) const {
  auto product = cast<MatmulOp>(op);
  if (product.getBias() && isDivided(product.getBias()))
    return std::nullopt;
  std::optional<Place> left = placeOf(product.getLhs()), right = placeOf(product.getRhs());
  auto rank = static_cast<unsigned>(shapeOf(product.getLhs()).size());
  auto isBatch = [&](const std::optional<Place> &place) { return place && place->axis + 2 < rank; };
  if (right)
    return isBatch(right) && (!left || *left == *right) ? right : std::nullopt;
  if (!left || isBatch(left))
    return left;
  unsigned rows = product.getTransposeA() ? rank - 1 : rank - 2;
  return left->axis == rows ? std::optional(Place{rank - 2, left->outer}) : std::nullopt;
}

std::optional<SequenceCloner::Place> SequenceCloner::placeInResult(Operation *op) const {
  if (isAligned(op))
    return placeOfAligned(op);
  if (isa<MatmulOp>(op))
    return placeOfProduct(op);
  Value first = op->getOperand(0);
  std::optional<Place> place = placeOf(first);
  if (isa<GatherOp, EmbeddingOp>(op)) // of a table that all sequences share
    return place ? std::nullopt : placeOf(op->getOperand(1));
  auto unless = [&](bool isMixed) { return isMixed ? std::nullopt : place; };
  for (Value operand : op->getOperands().drop_front()) {
    if (!isDivided(operand))
      continue;
    if (!isa<ConcatOp, AttentionOp>(op) || (place && *place != *placeOf(operand)))
      return std::nullopt;
    place = placeOf(operand);
  }
  if (!place)
    return std::nullopt;
  if (auto reduced = op->getAttrOfType<DenseI64ArrayAttr>("axes"))
    return unless(llvm::is_contained(reduced.asArrayRef(), place->axis));
  if (auto axis = movedAxis(op))
    return unless(*axis == place->axis);
  if (isa<AttentionOp>(op))
    return unless(*place != Place{0, 1});
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    const auto *axis = llvm::find(transpose.getPermutation(), place->axis);
    return Place{static_cast<unsigned>(axis - transpose.getPermutation().begin()), place->outer};
  }
  if (isa<ReshapeOp>(op))
    return placeOfReshaped(*place, shapeOf(first), shapeOf(op->getResult(0)));
  return unless(!isOnRows(op) || place->axis + 1 == shapeOf(first).size());
}

std::optional<SequenceCloner::Place> SequenceCloner::placeInOperand(OpOperand &operand, Place result) const {
  Operation *op = operand.getOwner();
  ArrayRef<int64_t> shape = shapeOf(operand.get()), whole = shapeOf(op->getResult(0));
  if (isAligned(op)) {
    auto missing = static_cast<unsigned>(whole.size() - shape.size());
    if (result.axis < missing || shape[result.axis - missing] != whole[result.axis])
      return std::nullopt; // repeated for each sequence
    return Place{result.axis - missing, result.outer};
  }
  if (isa<ConcatOp, AttentionOp>(op))
    return result;
  bool isInBatches = isa<MatmulOp>(op) && operand.getOperandNumber() < 2 && shape.size() == whole.size();
  return isInBatches && result.axis + 2 < whole.size() ? std::optional(result) : std::nullopt;
}

//===------------------------------------------------------------------------------------------===//
// Copies
//===------------------------------------------------------------------------------------------===//

/// As a slice, whose axis is split first where the batch is not its outermost factor.
Value SequenceCloner::slice(Value value, Place place) {
  Location location = value.getLoc();
  RankedTensorType type = tensorType(value);
  if (type.getElementType().isInteger(1)) // conditions are never in memory
    return nullptr;
  int64_t inner = type.getDimSize(place.axis) / (place.outer * batch);
  if (place.outer == 1)
    return SliceOp::create(b, location, value, place.axis, 0, inner);
  SmallVector<int64_t> split(type.getShape());
  split[place.axis] = place.outer;
  split.insert(split.begin() + place.axis + 1, {batch, inner});
  Value parts = ReshapeOp::create(b, location, type.clone(split), value);
  return ReshapeOp::create(b, location, dividedType(type, place),
                           SliceOp::create(b, location, parts, place.axis + 1, 0, 1).getResult());
}

/// Of sources and elementwise ops as the same of less, else as a slice of the copy.
Value SequenceCloner::cutSource(Value value, Place place) {
  Operation *op = value.getDefiningOp();
  RankedTensorType type = dividedType(value.getType(), place);
  if (auto constant = dyn_cast_or_null<ConstantOp>(op))
    if (auto elements = dyn_cast<DenseElementsAttr>(constant.getValue()); elements && elements.isSplat())
      return ConstantOp::create(b, value.getLoc(), type, elements.resizeSplat(type));
  if (isa_and_nonnull<IotaOp>(op) && place.axis + 1 < type.getRank())
    return IotaOp::create(b, value.getLoc(), type);
  if (auto reshape = dyn_cast_or_null<ReshapeOp>(op))
    if (auto inner = placeOfReshaped(place, shapeOf(value), shapeOf(reshape.getX())))
      if (Value source = cut(reshape.getX(), *inner))
        return ReshapeOp::create(b, value.getLoc(), type, source);
  if (!op || !isAligned(op))
    return slice(copies.lookup(value), place);
  SmallVector<Value> operands;
  for (OpOperand &operand : op->getOpOperands()) {
    auto inner = placeInOperand(operand, place);
    operands.push_back(inner ? cut(operand.get(), *inner) : copies.lookup(operand.get()));
    if (!operands.back())
      return nullptr;
  }
  Operation *copy = b.clone(*op);
  copy->setOperands(operands);
  copy->getResult(0).setType(type);
  return copy->getResult(0);
}

Value SequenceCloner::cut(Value value, Place place) {
  if (!isAxisOf(value.getType(), place))
    return nullptr;
  Value &made = cuts[{value.getAsOpaquePointer(), place.axis, place.outer}];
  return made = made ? made : cutSource(value, place);
}

LogicalResult SequenceCloner::clone(Operation *op) {
  if (llvm::none_of(op->getOperands(), [&](Value operand) { return isDivided(operand); })) {
    b.clone(*op, copies);
    return success();
  }
  std::optional<Place> place = placeInResult(op);
  if (!place || !llvm::all_of(op->getResultTypes(), [&](Type type) { return isAxisOf(type, *place); }))
    return failure();
  SmallVector<Value> operands;
  for (OpOperand &operand : op->getOpOperands()) {
    auto inner = isDivided(operand.get()) ? std::nullopt : placeInOperand(operand, *place);
    operands.push_back(inner ? cut(operand.get(), *inner) : copies.lookup(operand.get()));
    if (!operands.back())
      return failure();
  }
  Operation *copy = b.clone(*op);
  copy->setOperands(operands);
  for (auto [from, to] : llvm::zip(op->getResults(), copy->getResults())) {
    to.setType(dividedType(from.getType(), *place));
    places[from] = *place;
    copies.map(from, to);
  }
  ScopedDiagnosticHandler quiet(op->getContext(), [](Diagnostic &) { return success(); });
  return verify(copy);
}
