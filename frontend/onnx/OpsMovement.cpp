// Shape and movement.
#include "frontend/onnx/ConstantBuilder.h"
#include "frontend/onnx/Evaluate.h"
#include "frontend/onnx/OpContext.h"

#include "onnx.pb.h"

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

/// Pieces that an index list may become, where it is no range.
static constexpr size_t mostPieces = 64;

static LogicalResult identity(OpContext &op) { return op.pass(0, 0); }

/// Evaluation mode: the model's dropout is off in its graph; training programs have their own.
static LogicalResult dropout(OpContext &op) {
  if (op.isUsed(1))
    return op.refuse("its mask is read", "a model in eval mode");
  if (op.hasInput(2) && op.scalar(2).value_or(1) != 0)
    return op.refuse("it is in training mode", "export the model in eval mode");
  return op.pass(0, 0);
}

static LogicalResult unknownShape(OpContext &op) {
  return op.refuse("its shape is not known while the model is read", "shapes that follow from the inputs' shapes");
}

static LogicalResult reshape(OpContext &op) {
  auto target = op.integers("shape", 1);
  if (!target)
    return unknownShape(op);
  auto shape = reshapedShape(op.shape(0), *target, op.node.integer("allowzero", 0));
  return shape ? op.give(op.reshape(op.value(0), *shape))
               : op.refuse("expected a shape of as many elements as " + shapeText(op.shape(0)) + ", but got " +
                           shapeText(*target));
}

static LogicalResult flatten(OpContext &op) {
  int64_t axis = op.node.integer("axis", 1), rank = op.rank(0);
  if (axis < -rank || axis > rank)
    return op.refuse("expected an axis of " + shapeText(op.shape(0)));
  axis = axis < 0 ? axis + rank : axis;
  return op.give(op.reshape(
      op.value(0), {*elementCount(op.shape(0).take_front(axis)), *elementCount(op.shape(0).drop_front(axis))}));
}

static LogicalResult squeeze(OpContext &op) {
  SmallVector<int64_t> given;
  if (op.node.has("axes") || op.hasInput(1)) {
    auto axes = op.integers("axes", 1);
    if (!axes)
      return unknownShape(op);
    given = *axes;
  } else {
    for (auto [i, extent] : llvm::enumerate(op.shape(0)))
      if (extent == 1)
        given.push_back(static_cast<int64_t>(i));
  }
  auto axes = normalizedAxes(given, op.rank(0));
  if (!axes)
    return op.refuse("expected axes of " + shapeText(op.shape(0)) + ", but got " + shapeText(given));
  SmallVector<int64_t> shape;
  for (auto [i, extent] : llvm::enumerate(op.shape(0)))
    if (!llvm::is_contained(*axes, static_cast<int64_t>(i)))
      shape.push_back(extent);
  return op.give(op.reshape(op.value(0), shape));
}

static LogicalResult unsqueeze(OpContext &op) {
  auto given = op.integers("axes", 1);
  if (!given)
    return unknownShape(op);
  int64_t rank = op.rank(0) + static_cast<int64_t>(given->size());
  auto axes = normalizedAxes(*given, rank);
  if (!axes)
    return op.refuse("expected axes of a tensor of rank " + Twine(rank) + ", but got " + shapeText(*given));
  SmallVector<int64_t> shape;
  const int64_t *next = op.shape(0).begin();
  for (int64_t i = 0; i < rank; ++i)
    shape.push_back(llvm::is_contained(*axes, i) ? 1 : *next++);
  return op.give(op.reshape(op.value(0), shape));
}

static LogicalResult transpose(OpContext &op) {
  SmallVector<int64_t> permutation = op.node.integers("perm");
  if (permutation.empty())
    for (int64_t i = op.rank(0); i-- > 0;)
      permutation.push_back(i);
  return op.give(op.transpose(op.value(0), permutation));
}

static LogicalResult expand(OpContext &op) {
  auto target = op.integers("shape", 1);
  if (!target)
    return unknownShape(op);
  auto shape = broadcast(op.shape(0), *target);
  return shape ? op.give(op.compact(0), *shape)
               : op.refuse("expected a shape that broadcasts with " + shapeText(op.shape(0)) + ", but got " +
                           shapeText(*target));
}

static LogicalResult tile(OpContext &op) {
  auto repeats = op.integers("repeats", 1);
  if (!repeats || static_cast<int64_t>(repeats->size()) != op.rank(0))
    return unknownShape(op);
  Value x = op.value(0);
  for (int64_t axis = 0; axis < op.rank(0) && x; ++axis) {
    int64_t count = (*repeats)[axis];
    if (count == 1)
      continue;
    if (count < 1 || count > 1 << 24)
      return op.refuse("expected repeats of at least 1, but got " + Twine(count));
    SmallVector<int64_t> shape(OpContext::shapeOf(x));
    shape.insert(shape.begin() + axis, 1);
    x = op.reshape(x, shape);
    shape[axis] = count;
    x = op.broadcastTo(x, shape);
    shape[axis + 1] *= count;
    shape.erase(shape.begin() + axis);
    x = op.reshape(x, shape);
  }
  return op.give(x);
}

/// Every `step`-th element of an axis, from `from`: `count` of them.
static Value strided(OpContext &op, Value x, const AxisRange &range) {
  if (!x || range.step == 1)
    return op.slice(x, range.axis, range.from, range.count);
  SmallVector<int64_t> shape(OpContext::shapeOf(x));
  int64_t groups = range.step > 0 ? shape[range.axis] / range.step : 0;
  bool isWhole =
      range.step > 0 && shape[range.axis] % range.step == 0 && range.from < range.step && range.count == groups;
  if (!isWhole) {
    return op.fail("steps of " + Twine(range.step) + " do not divide the axis", "a reshape and a slice of step 1");
  }
  shape[range.axis] = groups;
  SmallVector<int64_t> split(shape);
  split.insert(split.begin() + range.axis + 1, range.step);
  return op.reshape(op.slice(op.reshape(x, split), range.axis + 1, range.from, 1), shape);
}

static LogicalResult slice(OpContext &op) {
  auto starts = op.integers("starts", 1), ends = op.integers("ends", 2);
  SmallVector<int64_t> none;
  auto axes = op.hasInput(3) || op.node.has("axes") ? op.integers("axes", 3) : none;
  auto steps = op.hasInput(4) ? op.integers("steps", 4) : none;
  if (!starts || !ends || !axes || !steps)
    return op.refuse("its range is not known while the model is read", "ranges that follow from the inputs' shapes");
  auto ranges = sliceRanges(op.shape(0), *starts, *ends, *axes, *steps);
  if (!ranges)
    return op.refuse("expected ranges of axes of " + shapeText(op.shape(0)));
  Value x = op.value(0);
  for (const AxisRange &range : *ranges)
    x = strided(op, x, range);
  return op.give(x);
}

static LogicalResult split(OpContext &op) {
  auto axis = normalizedAxis(op.node.integer("axis", 0), op.rank(0));
  if (!axis)
    return op.refuse("expected an axis of " + shapeText(op.shape(0)));
  auto given = op.integers("split", 1);
  if (!given && op.hasInput(1))
    return unknownShape(op);
  auto sizes = splitSizes(op.node, op.shape(0)[*axis], given);
  if (!sizes)
    return op.refuse("expected sizes whose sum is the extent of axis " + Twine(*axis) + " of " +
                     shapeText(op.shape(0)));
  Value x = op.value(0);
  int64_t from = 0;
  for (auto [i, size] : llvm::enumerate(*sizes)) {
    if (op.isUsed(i) && failed(op.giveAt(i, op.slice(x, *axis, from, size))))
      return failure();
    from += size;
  }
  return success();
}

/// The sizes of a sequence's tensors along an axis: as given, or as many of a given size as fit and the rest.
static std::optional<SmallVector<int64_t>> sequenceSizes(OpContext &op, int64_t extent) {
  if (!op.hasInput(1))
    return SmallVector<int64_t>(extent, 1);
  const HostTensor *given = op.constant(1);
  if (!given || given->isFloat())
    return std::nullopt;
  SmallVector<int64_t> sizes = llvm::to_vector(given->integers);
  if (given->shape.empty() && sizes.size() == 1 && sizes[0] > 0) {
    int64_t size = sizes[0];
    sizes.assign(extent / size, size);
    if (extent % size)
      sizes.push_back(extent % size);
  }
  int64_t sum = 0;
  for (int64_t size : sizes)
    if (size <= 0 || (sum += std::min(size, extent + 1)) > extent)
      return std::nullopt;
  return sum == extent ? std::optional(sizes) : std::nullopt;
}

/// What torch.split and torch.chunk are in an export that is not optimized.
static LogicalResult splitToSequence(OpContext &op) {
  auto axis = op.hasInput(0) ? normalizedAxis(op.node.integer("axis", 0), op.rank(0)) : std::nullopt;
  if (!axis)
    return op.refuse("expected an axis of its operand");
  auto sizes = sequenceSizes(op, op.shape(0)[*axis]);
  if (!sizes || (!op.hasInput(1) && op.node.integer("keepdims", 1) == 0))
    return op.refuse("expected known sizes whose sum is the extent of axis " + Twine(*axis) + " of " +
                         shapeText(op.shape(0)),
                     "Split");
  Value x = op.value(0);
  SmallVector<Value> parts;
  int64_t from = 0;
  for (int64_t size : *sizes) {
    parts.push_back(x ? op.slice(x, *axis, from, size) : x);
    from += size;
  }
  return op.giveSequence(parts);
}

static LogicalResult sequenceAt(OpContext &op) {
  auto index = op.scalar(1);
  if (!op.hasInput(0) || !index)
    return op.refuse("expected a sequence and a known index");
  return op.passPart(static_cast<int64_t>(*index));
}

/// Empty parts, such as a cache with nothing in it, are left out.
static LogicalResult concat(OpContext &op) {
  if (!op.hasInput(0))
    return op.refuse("expected at least one part");
  auto axis = normalizedAxis(op.node.integer("axis", 0), op.rank(0));
  if (!axis)
    return op.refuse("expected an axis of " + shapeText(op.shape(0)));
  SmallVector<Value> parts;
  for (size_t i = 0; i < op.inputCount(); ++i) {
    if (op.hasInput(i) && elementCount(op.shape(i)) == 0)
      continue;
    parts.push_back(op.value(i));
  }
  return op.give(op.concat(parts, *axis));
}

/// Rows of a table by known numbers in no order, such as those of a bias by distance.
static Value rowsOf(OpContext &op, Value table, HostTensor indices, ArrayRef<int64_t> rows) {
  indices.integers.assign(rows.begin(), rows.end());
  return op.gather(table, op.constantTensor(std::move(indices)));
}

/// Elements of one axis by a list of numbers: a range, or pieces, or rows of a parameter.
static LogicalResult pick(OpContext &op, const HostTensor &indices, int64_t axis) {
  HostTensor few = withoutRepetition(indices);
  int64_t extent = op.shape(0)[axis];
  SmallVector<int64_t> picks;
  for (int64_t index : few.integers) {
    auto at = normalizedAxis(index, extent);
    if (!at)
      return op.refuse("expected indices below " + Twine(extent) + ", but got " + Twine(index));
    picks.push_back(*at);
  }
  if (axis == 0)
    op.notePicked(); // positions and types of tokens are embeddings
  Value x = op.value(0);
  SmallVector<std::pair<int64_t, int64_t>> ranges; // begin and size
  for (auto [i, at] : llvm::enumerate(picks)) {
    if (i > 0 && at == picks[i - 1] + 1)
      ++ranges.back().second;
    else
      ranges.push_back({at, 1});
  }
  bool isTable = axis == 0 && x && OpContext::rankOf(x) == 2 && x.getDefiningOp<GetOp>();
  if (ranges.size() > mostPieces && !isTable)
    return op.refuse("its indices are no range", "a slice, or a table that ids pick from");
  SmallVector<Value> pieces;
  if (ranges.size() <= mostPieces)
    for (auto [begin, size] : ranges)
      pieces.push_back(op.slice(x, axis, begin, size));
  Value y = pieces.empty() ? rowsOf(op, x, few, picks) : op.concat(pieces, axis);
  SmallVector<int64_t> compact(op.shape(0).take_front(axis)), full = compact;
  compact.append(few.shape.begin(), few.shape.end());
  full.append(indices.shape.begin(), indices.shape.end());
  llvm::append_range(compact, op.shape(0).drop_front(axis + 1));
  llvm::append_range(full, op.shape(0).drop_front(axis + 1));
  return op.give(op.reshape(y, compact), full);
}

static LogicalResult gather(OpContext &op) {
  if (!op.hasInput(1) || onnxfe::isFloat(op.element(1)) || op.element(1) == Element::Bool)
    return op.refuse("expected integer indices");
  auto axis = normalizedAxis(op.node.integer("axis", 0), op.rank(0));
  if (!axis)
    return op.refuse("expected an axis of " + shapeText(op.shape(0)));
  if (const HostTensor *indices = op.constant(1)) {
    if (indices->size() == 0)
      return op.refuse("it picks nothing");
    return pick(op, *indices, *axis);
  }
  Value table = op.value(0), indices = op.value(1);
  if (*axis != 0 || !table)
    return op.refuse("its indices are values of the program, and its axis is not the first", "an embedding table");
  if (!OpContext::isFloat(table))
    return op.refuse("it picks integers or bools by values of the program", "a table of floats");
  op.noteTable();
  SmallVector<int64_t> shape(op.shape(1));
  llvm::append_range(shape, op.shape(0).drop_front());
  int64_t rows = op.shape(0)[0];
  Value y = op.gather(op.reshape(table, {rows, OpContext::type(table).getNumElements() / rows}), indices);
  return op.give(op.reshape(y, shape));
}

/// The widths before each axis and after it, also of an operator that names some axes.
static std::optional<SmallVector<int64_t>> padWidths(OpContext &op) {
  auto widths = op.integers("pads", 1);
  std::optional<SmallVector<int64_t>> axes;
  if (op.hasInput(3) && !(axes = op.integers("", 3)))
    return std::nullopt;
  size_t rank = op.rank(0), count = axes ? axes->size() : rank;
  if (!widths || widths->size() != 2 * count)
    return std::nullopt;
  SmallVector<int64_t> all(2 * rank, 0);
  for (size_t i = 0; i < count; ++i) {
    auto axis = normalizedAxis(axes ? (*axes)[i] : static_cast<int64_t>(i), op.rank(0));
    if (!axis)
      return std::nullopt;
    all[*axis] = (*widths)[i];
    all[*axis + rank] = (*widths)[i + count];
  }
  return all;
}

/// `x` with `number` before and after it along an axis.
static Value padded(OpContext &op, Value x, int64_t axis, int64_t low, int64_t high, double number) {
  if (number == 0)
    return PadOp::create(op.b, x, axis, low, high);
  SmallVector<Value> parts;
  auto addBlock = [&](int64_t extent) {
    SmallVector<int64_t> shape(OpContext::shapeOf(x));
    shape[axis] = extent;
    if (extent)
      parts.push_back(op.broadcastTo(op.number(number, OpContext::type(x).getElementType()), shape));
  };
  addBlock(low);
  parts.push_back(x);
  addBlock(high);
  return op.concat(parts, axis);
}

static LogicalResult pad(OpContext &op) {
  auto widths = padWidths(op);
  if (!widths)
    return unknownShape(op);
  std::optional<double> number = op.hasInput(2) ? op.scalar(2) : std::optional<double>(0);
  if (op.node.text("mode", "constant") != "constant" || !number)
    return op.refuse("it pads with other than one number that is known while the model is read", "mode=constant");
  Value x = op.value(0);
  for (int64_t axis = 0; axis < op.rank(0) && x; ++axis) {
    int64_t low = (*widths)[axis], high = (*widths)[axis + op.rank(0)], extent = op.shape(0)[axis];
    if (low > 1 << 24 || high > 1 << 24 || low < -extent || high < -extent || low + high <= -extent)
      return op.refuse("expected widths that leave some of axis " + Twine(axis));
    if (low < 0 || high < 0) // a negative width cuts
      x = op.slice(x, axis, std::max<int64_t>(-low, 0),
                   extent - std::max<int64_t>(-low, 0) - std::max<int64_t>(-high, 0));
    low = std::max<int64_t>(low, 0);
    high = std::max<int64_t>(high, 0);
    if (x && (low || high))
      x = padded(op, x, axis, low, high, *number);
  }
  return op.give(x);
}

static LogicalResult trilu(OpContext &op) {
  int64_t rank = op.rank(0);
  auto offset = op.hasInput(1) ? op.scalar(1) : 0;
  if (rank < 2 || !offset || std::abs(*offset) > 1e6)
    return op.refuse("its offset is not known while the model is read");
  ComparePredicate predicate = op.node.integer("upper", 1) ? ComparePredicate::Ge : ComparePredicate::Le;
  Value kept = op.byDistance(predicate, op.shape(0)[rank - 2], op.shape(0)[rank - 1], static_cast<int64_t>(*offset));
  Value x = op.value(0);
  return op.give(x ? op.where(kept, x, op.number(0, OpContext::type(x).getElementType())) : x);
}

void nf::onnxfe::addMovementOps(OpTable &table) {
  table["Identity"] = identity;
  table["Dropout"] = dropout;
  table["Reshape"] = reshape;
  table["Flatten"] = flatten;
  table["Squeeze"] = squeeze;
  table["Unsqueeze"] = unsqueeze;
  table["Transpose"] = transpose;
  table["Expand"] = expand;
  table["Tile"] = tile;
  table["Slice"] = slice;
  table["Split"] = split;
  table["SplitToSequence"] = splitToSequence;
  table["SequenceAt"] = sequenceAt;
  table["Concat"] = concat;
  table["Gather"] = gather;
  table["Pad"] = pad;
  table["Trilu"] = trilu;
}
