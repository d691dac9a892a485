#include "frontend/onnx/ConstantBuilder.h"

#include <cmath>

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

Type nf::onnxfe::elementType(Builder &b, Element element) {
  if (onnxfe::isFloat(element))
    return b.getF32Type();
  return element == Element::Bool ? b.getI1Type() : b.getI32Type();
}

static bool isSame(const HostTensor &x, int64_t a, int64_t b) {
  if (!x.isFloat())
    return x.integers[a] == x.integers[b];
  return x.floats[a] == x.floats[b] || (std::isnan(x.floats[a]) && std::isnan(x.floats[b]));
}

HostTensor nf::onnxfe::withoutRepetition(const HostTensor &tensor) {
  HostTensor x = tensor;
  for (int64_t axis = 0; axis < x.rank(); ++axis) {
    int64_t extent = x.shape[axis], inner = *elementCount(ArrayRef<int64_t>(x.shape).drop_front(axis + 1));
    bool repeats = extent > 1;
    for (int64_t i = 0; repeats && i < x.size(); ++i)
      repeats = isSame(x, i, i - i / inner % extent * inner);
    if (!repeats)
      continue;
    SmallVector<int64_t> shape(x.shape);
    shape[axis] = 1;
    HostTensor y(x.element, shape);
    for (int64_t i = 0; i < y.size(); ++i)
      y.copy(i, x, i / inner * extent * inner + i % inner);
    x = std::move(y);
  }
  return x;
}

namespace {

/// A tensor that changes along two axes, i before j, as two values by the diagonal j - i: `inside` where
/// low ≤ j - i ≤ high, `outside` elsewhere. One bound is beyond every diagonal where there is one change only.
struct Band {
  int64_t iAxis, jAxis;
  int64_t low, high;
  int64_t inside, outside; // positions of elements with these values
  bool hasLow, hasHigh;
};

} // namespace

/// The axes that are longer than 1.
static SmallVector<int64_t> longAxes(const HostTensor &x) {
  SmallVector<int64_t> axes;
  for (int64_t axis = 0; axis < x.rank(); ++axis)
    if (x.shape[axis] > 1)
      axes.push_back(axis);
  return axes;
}

static std::optional<Band> bandOf(const HostTensor &x) {
  SmallVector<int64_t> axes = longAxes(x);
  if (axes.size() != 2)
    return std::nullopt;
  int64_t rows = x.shape[axes[0]], columns = x.shape[axes[1]];
  // The value of every diagonal, from the lower left corner to the upper right one.
  SmallVector<int64_t> first(rows + columns - 1, -1);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      int64_t &at = first[j - i + rows - 1];
      if (at < 0)
        at = i * columns + j;
      else if (!isSame(x, at, i * columns + j))
        return std::nullopt;
    }
  SmallVector<int64_t> changes;
  for (size_t d = 1; d < first.size(); ++d)
    if (!isSame(x, first[d - 1], first[d]))
      changes.push_back(static_cast<int64_t>(d));
  int64_t last = static_cast<int64_t>(first.size()) - 1, zero = rows - 1;
  if (changes.size() == 1)
    return Band{axes[0], axes[1], -zero, changes[0] - 1 - zero, first[0], first[last], false, true};
  if (changes.size() == 2 && isSame(x, first[0], first[last]))
    return Band{axes[0], axes[1], changes[0] - zero, changes[1] - 1 - zero, first[changes[0]], first[0], true, true};
  return std::nullopt;
}

bool nf::onnxfe::isCausalMask(const HostTensor &tensor) {
  HostTensor x = withoutRepetition(tensor);
  auto band = bandOf(x);
  return band && !band->hasLow && band->high >= 0 && band->jAxis == x.rank() - 1 && band->iAxis == x.rank() - 2;
}

/// Element `index` of a tensor, as a constant of this shape.
static Value element(ImplicitLocOpBuilder &b, const HostTensor &tensor, int64_t index, ArrayRef<int64_t> shape = {1}) {
  Type type = elementType(b, tensor.element);
  Attribute number = isa<FloatType>(type) ? Attribute(b.getFloatAttr(type, tensor.number(index)))
                                          : b.getIntegerAttr(type, tensor.integers[index]);
  auto tensorType = RankedTensorType::get(shape, type);
  return ConstantOp::create(b, tensorType, DenseElementsAttr::get(tensorType, number));
}

/// 0, 1, 2, … along `axis` of a tensor of `rank` axes whose other extents are 1.
static Value indexAlong(ImplicitLocOpBuilder &b, int64_t extent, int64_t axis, int64_t rank, Type type) {
  Value index = IotaOp::create(b, RankedTensorType::get({extent}, type));
  SmallVector<int64_t> shape(rank, 1);
  shape[axis] = extent;
  return ReshapeOp::create(b, RankedTensorType::get(shape, type), index);
}

static Value buildBand(ImplicitLocOpBuilder &b, const HostTensor &x, const Band &band) {
  Type i32 = b.getI32Type();
  Value i = indexAlong(b, x.shape[band.iAxis], band.iAxis, x.rank(), i32);
  Value j = indexAlong(b, x.shape[band.jAxis], band.jAxis, x.rank(), i32);
  auto shifted = [&](int64_t by) -> Value {
    return by == 0 ? i : AddOp::create(b, i, splat(b, b.getLoc(), i32, static_cast<double>(by))).getResult();
  };
  Value within = CompareOp::create(b, ComparePredicate::Le, j, shifted(band.high));
  bool isMask = x.element == Element::Bool && !band.hasLow && x.number(band.inside) == 1;
  if (isMask)
    return within;
  auto one = [&](int64_t position) -> Value {
    if (x.element != Element::Bool)
      return element(b, x, position);
    return splat(b, b.getLoc(), i32, x.number(position));
  };
  Value result = WhereOp::create(b, within, one(band.inside), one(band.outside));
  if (band.hasLow) {
    Value above = CompareOp::create(b, ComparePredicate::Ge, j, shifted(band.low));
    result = WhereOp::create(b, above, result, one(band.outside));
  }
  if (x.element == Element::Bool)
    result = CompareOp::create(b, ComparePredicate::Ne, result, splat(b, b.getLoc(), i32, 0));
  return result;
}

/// Integers that rise by one step along one axis.
static Value buildProgression(ImplicitLocOpBuilder &b, const HostTensor &x) {
  SmallVector<int64_t> axes = longAxes(x);
  constexpr double exact = 1 << 24;
  if (axes.size() != 1 || x.element == Element::Bool)
    return nullptr;
  double first = x.number(0), step = x.number(1) - first;
  for (int64_t i = 0; i < x.size(); ++i)
    if (!(std::abs(x.number(i)) <= exact) || x.number(i) != first + static_cast<double>(i) * step ||
        x.number(i) != std::floor(x.number(i)))
      return nullptr;
  Type type = elementType(b, x.element);
  Value value = indexAlong(b, x.size(), axes[0], x.rank(), type);
  if (step != 1)
    value = MulOp::create(b, value, splat(b, b.getLoc(), type, step));
  if (first != 0)
    value = AddOp::create(b, value, splat(b, b.getLoc(), type, first));
  return value;
}

Value nf::onnxfe::buildStructured(ImplicitLocOpBuilder &b, const HostTensor &tensor) {
  HostTensor x = withoutRepetition(tensor);
  if (x.size() == 1)
    return element(b, x, 0, SmallVector<int64_t>(std::max<int64_t>(x.rank(), 1), 1));
  if (auto band = bandOf(x))
    return buildBand(b, x, *band);
  return buildProgression(b, x);
}
