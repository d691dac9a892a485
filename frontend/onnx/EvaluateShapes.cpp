// Shapes and movement: what moves elements without changing them.
#include "frontend/onnx/Evaluate.h"
#include "frontend/onnx/TensorData.h"

using namespace nf::onnxfe;
using llvm::ArrayRef;
using llvm::SmallVector;
using Result = std::optional<HostTensors>;

static const HostTensor *input(HostInputs inputs, size_t index) {
  return index < inputs.size() ? inputs[index] : nullptr;
}

static Result shapeOf(const Node &node, HostInputs inputs) {
  int64_t rank = inputs[0]->rank();
  auto clamp = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank); };
  int64_t start = clamp(node.integer("start", 0)), end = clamp(node.integer("end", rank));
  return only(HostTensor::vector(ArrayRef<int64_t>(inputs[0]->shape).slice(start, std::max<int64_t>(end - start, 0))));
}

static Result sizeOf(const Node &, HostInputs inputs) {
  auto count = elementCount(inputs[0]->shape);
  return count ? Result(only(HostTensor::scalar(Element::I64, static_cast<double>(*count)))) : std::nullopt;
}

static Result reshape(const Node &node, HostInputs inputs) {
  auto target = integersOf(node, inputs, "shape", 1);
  auto shape = target ? reshapedShape(inputs[0]->shape, *target, node.integer("allowzero", 0)) : std::nullopt;
  return shape ? Result(only(inputs[0]->reshaped(*shape))) : std::nullopt;
}

static Result flatten(const Node &node, HostInputs inputs) {
  ArrayRef<int64_t> shape = inputs[0]->shape;
  int64_t rank = inputs[0]->rank(), axis = node.integer("axis", 1);
  if (axis < -rank || axis > rank)
    return std::nullopt;
  axis = axis < 0 ? axis + rank : axis;
  auto rows = elementCount(shape.take_front(axis)), columns = elementCount(shape.drop_front(axis));
  return only(inputs[0]->reshaped({*rows, *columns}));
}

static Result squeeze(const Node &node, HostInputs inputs) {
  auto given = integersOf(node, inputs, "axes", 1);
  std::optional<SmallVector<int64_t>> axes;
  if (given && !(axes = normalizedAxes(*given, inputs[0]->rank())))
    return std::nullopt;
  SmallVector<int64_t> shape;
  for (auto [i, extent] : llvm::enumerate(inputs[0]->shape)) {
    bool named = axes ? llvm::is_contained(*axes, static_cast<int64_t>(i)) : extent == 1;
    if (named && extent != 1)
      return std::nullopt;
    if (!named)
      shape.push_back(extent);
  }
  return only(inputs[0]->reshaped(shape));
}

static Result unsqueeze(const Node &node, HostInputs inputs) {
  auto given = integersOf(node, inputs, "axes", 1);
  if (!given)
    return std::nullopt;
  int64_t rank = inputs[0]->rank() + static_cast<int64_t>(given->size());
  auto axes = normalizedAxes(*given, rank);
  if (!axes || rank > 16)
    return std::nullopt;
  SmallVector<int64_t> shape;
  const int64_t *next = inputs[0]->shape.begin();
  for (int64_t i = 0; i < rank; ++i)
    shape.push_back(llvm::is_contained(*axes, i) ? 1 : *next++);
  return only(inputs[0]->reshaped(shape));
}

static Result transpose(const Node &node, HostInputs inputs) {
  const HostTensor &x = *inputs[0];
  SmallVector<int64_t> permutation = node.integers("perm");
  if (permutation.empty())
    for (int64_t i = x.rank(); i-- > 0;)
      permutation.push_back(i);
  auto sorted = normalizedAxes(permutation, x.rank());
  if (!sorted || static_cast<int64_t>(sorted->size()) != x.rank())
    return std::nullopt;
  SmallVector<int64_t> shape, strides, from = stridesOf(x.shape), index(x.rank(), 0);
  for (int64_t axis : permutation) {
    axis = *normalizedAxis(axis, x.rank());
    shape.push_back(x.shape[axis]);
    strides.push_back(from[axis]);
  }
  auto y = makeTensor(x.element, shape);
  if (!y)
    return std::nullopt;
  int64_t at = 0;
  for (int64_t i = 0; i < y->size(); ++i) {
    y->copy(i, x, at);
    for (int64_t axis = x.rank(); axis-- > 0;) {
      at += strides[axis];
      if (++index[axis] < shape[axis])
        break;
      at -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return only(std::move(*y));
}

/// Rows of `x` along `axis`: element j of the result's axis is element picks[j] of x's.
static Result pick(const HostTensor &x, int64_t axis, ArrayRef<int64_t> picks, ArrayRef<int64_t> pickShape) {
  ArrayRef<int64_t> shape = x.shape;
  SmallVector<int64_t> result(shape.take_front(axis));
  result.append(pickShape.begin(), pickShape.end());
  llvm::append_range(result, shape.drop_front(axis + 1));
  auto y = makeTensor(x.element, result);
  if (!y)
    return std::nullopt;
  int64_t outer = *elementCount(shape.take_front(axis)), inner = *elementCount(shape.drop_front(axis + 1));
  int64_t at = 0;
  for (int64_t o = 0; o < outer && inner > 0; ++o)
    for (int64_t picked : picks) {
      int64_t from = (o * shape[axis] + picked) * inner;
      for (int64_t i = 0; i < inner; ++i)
        y->copy(at++, x, from++);
    }
  return only(std::move(*y));
}

static Result gather(const Node &node, HostInputs inputs) {
  const HostTensor &x = *inputs[0], *indices = input(inputs, 1);
  auto axis = normalizedAxis(node.integer("axis", 0), x.rank());
  if (!indices || indices->isFloat() || !axis)
    return std::nullopt;
  SmallVector<int64_t> picks;
  for (int64_t index : indices->integers) {
    auto picked = normalizedAxis(index, x.shape[*axis]);
    if (!picked)
      return std::nullopt;
    picks.push_back(*picked);
  }
  return pick(x, *axis, picks, indices->shape);
}

static Result slice(const Node &node, HostInputs inputs) {
  auto starts = integersOf(node, inputs, "starts", 1), ends = integersOf(node, inputs, "ends", 2);
  auto axes = integersOf(node, inputs, "axes", 3), steps = integersOf(node, inputs, "steps", 4);
  if (!starts || !ends)
    return std::nullopt;
  SmallVector<int64_t> none;
  auto ranges = sliceRanges(inputs[0]->shape, *starts, *ends, axes.value_or(none), steps.value_or(none));
  if (!ranges)
    return std::nullopt;
  HostTensor x = *inputs[0];
  for (const AxisRange &range : *ranges) {
    SmallVector<int64_t> picks;
    for (int64_t i = 0; i < range.count; ++i)
      picks.push_back(range.from + i * range.step);
    auto y = pick(x, range.axis, picks, {range.count});
    if (!y)
      return std::nullopt;
    x = std::move(y->front());
  }
  return only(std::move(x));
}

static Result concat(const Node &node, HostInputs inputs) {
  if (inputs.empty() || !inputs[0])
    return std::nullopt;
  auto axis = normalizedAxis(node.integer("axis", 0), inputs[0]->rank());
  if (!axis)
    return std::nullopt;
  SmallVector<int64_t> shape(inputs[0]->shape);
  shape[*axis] = 0;
  for (const HostTensor *part : inputs) {
    if (!part || part->rank() != inputs[0]->rank() || part->element != inputs[0]->element)
      return std::nullopt;
    SmallVector<int64_t> other(part->shape);
    shape[*axis] += other[*axis];
    other[*axis] = shape[*axis];
    if (other != shape)
      return std::nullopt;
  }
  auto y = makeTensor(inputs[0]->element, shape);
  if (!y)
    return std::nullopt;
  int64_t outer = *elementCount(ArrayRef<int64_t>(shape).take_front(*axis)), at = 0;
  for (int64_t o = 0; o < outer; ++o)
    for (const HostTensor *part : inputs) {
      int64_t block = outer ? part->size() / outer : 0;
      for (int64_t i = 0; i < block; ++i)
        y->copy(at++, *part, o * block + i);
    }
  return only(std::move(*y));
}

static Result split(const Node &node, HostInputs inputs) {
  auto axis = normalizedAxis(node.integer("axis", 0), inputs[0]->rank());
  auto sizes = axis ? splitSizes(node, inputs[0]->shape[*axis], integersOf(node, inputs, "split", 1)) : std::nullopt;
  if (!sizes)
    return std::nullopt;
  HostTensors parts;
  int64_t from = 0;
  for (int64_t size : *sizes) {
    SmallVector<int64_t> picks;
    for (int64_t i = 0; i < size; ++i)
      picks.push_back(from++);
    auto part = pick(*inputs[0], *axis, picks, {size});
    if (!part)
      return std::nullopt;
    parts.push_back(std::move(part->front()));
  }
  return parts;
}

static Result expandTo(const HostTensor &x, ArrayRef<int64_t> shape) {
  auto y = makeTensor(x.element, shape);
  if (!y)
    return std::nullopt;
  for (auto [to, from] : llvm::enumerate(broadcastPositions(x.shape, shape)))
    y->copy(static_cast<int64_t>(to), x, from);
  return only(std::move(*y));
}

static Result expand(const Node &node, HostInputs inputs) {
  auto target = integersOf(node, inputs, "shape", 1);
  auto shape = target ? broadcast(inputs[0]->shape, *target) : std::nullopt;
  if (!shape || !makeTensor(Element::Bool, *shape))
    return std::nullopt;
  return expandTo(*inputs[0], *shape);
}

static Result tile(const Node &node, HostInputs inputs) {
  auto repeats = integersOf(node, inputs, "repeats", 1);
  if (!repeats || static_cast<int64_t>(repeats->size()) != inputs[0]->rank())
    return std::nullopt;
  HostTensor x = *inputs[0];
  for (int64_t axis = 0; axis < x.rank(); ++axis) {
    SmallVector<int64_t> picks;
    int64_t count = 0, extent = x.shape[axis];
    if ((*repeats)[axis] < 0 || __builtin_mul_overflow(extent, (*repeats)[axis], &count) || count > HostTensor::limit)
      return std::nullopt;
    for (int64_t i = 0; i < count; ++i)
      picks.push_back(i % extent);
    auto y = pick(x, axis, picks, {count});
    if (!y)
      return std::nullopt;
    x = std::move(y->front());
  }
  return only(std::move(x));
}

static Result range(const Node &, HostInputs inputs) {
  const HostTensor *limit = input(inputs, 1), *delta = input(inputs, 2);
  if (!limit || !delta || inputs[0]->size() != 1 || limit->size() != 1 || delta->size() != 1 || delta->number(0) == 0)
    return std::nullopt;
  double first = inputs[0]->number(0), step = delta->number(0);
  double count = std::max(0.0, std::ceil((limit->number(0) - first) / step));
  if (!(count <= static_cast<double>(HostTensor::limit)))
    return std::nullopt;
  HostTensor y(inputs[0]->element, {static_cast<int64_t>(count)});
  for (int64_t i = 0; i < y.size(); ++i) {
    double value = first + static_cast<double>(i) * step;
    if (y.isFloat())
      y.floats[i] = value;
    else
      y.integers[i] = static_cast<int64_t>(value);
  }
  return only(std::move(y));
}

static Result constantOfShape(const Node &node, HostInputs inputs) {
  HostTensor value = HostTensor::scalar(Element::F32, 0);
  ExternalFiles none("");
  if (const ::onnx::TensorProto *given = node.tensor("value")) {
    auto decoded = decodeTensor(*given, none);
    if (!decoded) {
      llvm::consumeError(decoded.takeError());
      return std::nullopt;
    }
    value = std::move(*decoded);
  }
  if (value.size() != 1 || inputs[0]->isFloat() || !makeTensor(value.element, inputs[0]->integers))
    return std::nullopt;
  return expandTo(value.reshaped({}), inputs[0]->integers);
}

static Result trilu(const Node &node, HostInputs inputs) {
  HostTensor y = *inputs[0];
  if (y.rank() < 2)
    return std::nullopt;
  const HostTensor *offset = input(inputs, 1);
  int64_t k = offset && offset->size() == 1 && !offset->isFloat() ? offset->integers[0] : 0;
  k = std::clamp<int64_t>(k, -(int64_t(1) << 40), int64_t(1) << 40);
  bool upper = node.integer("upper", 1);
  int64_t rows = y.shape[y.rank() - 2], columns = y.shape[y.rank() - 1];
  for (int64_t at = 0; at < y.size(); ++at) {
    int64_t i = at / columns % rows, j = at % columns;
    if (upper ? j - i >= k : j - i <= k)
      continue;
    if (y.isFloat())
      y.floats[at] = 0;
    else
      y.integers[at] = 0;
  }
  return only(std::move(y));
}

static Result nonZero(const Node &, HostInputs inputs) {
  const HostTensor &x = *inputs[0];
  SmallVector<int64_t> strides = stridesOf(x.shape);
  std::vector<int64_t> found;
  for (int64_t i = 0; i < x.size(); ++i)
    if (x.number(i) != 0)
      found.push_back(i);
  auto y = makeTensor(Element::I64, {x.rank(), static_cast<int64_t>(found.size())});
  if (!y)
    return std::nullopt;
  for (int64_t axis = 0; axis < x.rank(); ++axis)
    for (size_t i = 0; i < found.size(); ++i)
      y->integers[axis * found.size() + i] = found[i] / strides[axis] % x.shape[axis];
  return only(std::move(*y));
}

/// The first element of each slice that a row of `indices` (whose last axis counts coordinates) names; nothing where
/// one is outside.
static std::optional<std::vector<int64_t>> slicesAt(const HostTensor &x, const HostTensor &indices) {
  int64_t depth = indices.rank() ? indices.shape.back() : 0;
  if (indices.isFloat() || depth < 1 || depth > x.rank())
    return std::nullopt;
  SmallVector<int64_t> strides = stridesOf(x.shape);
  std::vector<int64_t> starts(indices.size() / depth, 0);
  for (int64_t i = 0; i < indices.size(); ++i) {
    auto at = normalizedAxis(indices.integers[i], x.shape[i % depth]);
    if (!at)
      return std::nullopt;
    starts[i / depth] += *at * strides[i % depth];
  }
  return starts;
}

static Result scatterNd(const Node &node, HostInputs inputs) {
  const HostTensor *indices = input(inputs, 1), *updates = input(inputs, 2);
  if (!indices || !updates || updates->element != inputs[0]->element || node.text("reduction", "none") != "none")
    return std::nullopt;
  HostTensor y = *inputs[0];
  auto starts = slicesAt(y, *indices);
  if (!starts)
    return std::nullopt;
  auto width = elementCount(ArrayRef<int64_t>(y.shape).drop_front(indices->shape.back()));
  if (!width || static_cast<int64_t>(starts->size()) * *width != updates->size())
    return std::nullopt;
  for (size_t s = 0; s < starts->size(); ++s)
    for (int64_t i = 0; i < *width; ++i)
      y.copy((*starts)[s] + i, *updates, static_cast<int64_t>(s) * *width + i);
  return only(std::move(y));
}

static Result gatherNd(const Node &node, HostInputs inputs) {
  const HostTensor &x = *inputs[0], *indices = input(inputs, 1);
  if (!indices || node.integer("batch_dims", 0) != 0)
    return std::nullopt;
  auto starts = slicesAt(x, *indices);
  if (!starts)
    return std::nullopt;
  SmallVector<int64_t> shape(ArrayRef<int64_t>(indices->shape).drop_back());
  ArrayRef<int64_t> rest = ArrayRef<int64_t>(x.shape).drop_front(indices->shape.back());
  llvm::append_range(shape, rest);
  auto y = makeTensor(x.element, shape);
  if (!y)
    return std::nullopt;
  int64_t width = *elementCount(rest), at = 0;
  for (int64_t start : *starts)
    for (int64_t i = 0; i < width; ++i)
      y->copy(at++, x, start + i);
  return only(std::move(*y));
}

/// GatherElements: the index along the axis is an operand, all other coordinates are the result's own.
static Result gatherElements(const Node &node, HostInputs inputs) {
  const HostTensor &x = *inputs[0], *indices = input(inputs, 1);
  auto axis = normalizedAxis(node.integer("axis", 0), x.rank());
  if (!indices || indices->isFloat() || indices->rank() != x.rank() || !axis)
    return std::nullopt;
  for (int64_t i = 0; i < x.rank(); ++i)
    if (i != *axis && indices->shape[i] > x.shape[i])
      return std::nullopt;
  auto y = makeTensor(x.element, indices->shape);
  if (!y)
    return std::nullopt;
  SmallVector<int64_t> from = stridesOf(x.shape), to = stridesOf(indices->shape);
  for (int64_t i = 0; i < y->size(); ++i) {
    int64_t at = 0;
    for (int64_t a = 0; a < x.rank(); ++a) {
      auto index = a == *axis ? normalizedAxis(indices->integers[i], x.shape[a]) : i / to[a] % indices->shape[a];
      if (!index)
        return std::nullopt;
      at += *index * from[a];
    }
    y->copy(i, x, at);
  }
  return only(std::move(*y));
}

static Result pad(const Node &node, HostInputs inputs) {
  auto widths = integersOf(node, inputs, "pads", 1);
  const HostTensor &x = *inputs[0], *value = input(inputs, 2);
  if (!widths || static_cast<int64_t>(widths->size()) != 2 * x.rank() || node.text("mode", "constant") != "constant" ||
      input(inputs, 3) || (value && value->size() != 1))
    return std::nullopt;
  SmallVector<int64_t> shape(x.shape);
  for (int64_t i = 0; i < x.rank(); ++i) {
    int64_t low = (*widths)[i], high = (*widths)[i + x.rank()];
    if (low < 0 || high < 0 || low > HostTensor::limit || high > HostTensor::limit)
      return std::nullopt;
    shape[i] += low + high;
  }
  auto y = makeTensor(x.element, shape);
  if (!y)
    return std::nullopt;
  if (value)
    for (int64_t i = 0; i < y->size(); ++i)
      y->copy(i, *value, 0);
  SmallVector<int64_t> from = stridesOf(x.shape), to = stridesOf(shape);
  for (int64_t i = 0; i < x.size(); ++i) {
    int64_t at = 0;
    for (int64_t a = 0; a < x.rank(); ++a)
      at += (i / from[a] % x.shape[a] + (*widths)[a]) * to[a];
    y->copy(at, x, i);
  }
  return only(std::move(*y));
}

llvm::StringMap<Evaluator> nf::onnxfe::shapeEvaluators() {
  llvm::StringMap<Evaluator> table;
  table["Shape"] = shapeOf;
  table["Size"] = sizeOf;
  table["Reshape"] = reshape;
  table["Flatten"] = flatten;
  table["Squeeze"] = squeeze;
  table["Unsqueeze"] = unsqueeze;
  table["Transpose"] = transpose;
  table["Gather"] = gather;
  table["Slice"] = slice;
  table["Concat"] = concat;
  table["Split"] = split;
  table["Expand"] = expand;
  table["Tile"] = tile;
  table["Range"] = range;
  table["ConstantOfShape"] = constantOfShape;
  table["Trilu"] = trilu;
  table["NonZero"] = nonZero;
  table["ScatterND"] = scatterNd;
  table["GatherND"] = gatherNd;
  table["GatherElements"] = gatherElements;
  table["Pad"] = pad;
  return table;
}
