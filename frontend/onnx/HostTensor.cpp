#include "frontend/onnx/HostTensor.h"
#include "frontend/onnx/HalfFloats.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace nf::onnxfe;
using llvm::ArrayRef;
using llvm::SmallVector;

std::string nf::onnxfe::elementName(int32_t type) {
  static constexpr const char *names[] = {"undefined", "float",  "uint8",   "int8",      "uint16",  "int16",
                                          "int32",     "int64",  "string",  "bool",      "float16", "double",
                                          "uint32",    "uint64", "complex", "complex64", "bfloat16"};
  if (type >= 0 && type < static_cast<int32_t>(std::size(names)))
    return names[type];
  return fmt::format("element type {}", type);
}

std::optional<Element> nf::onnxfe::elementOf(int32_t type) {
  if (halfOf(type))
    return Element::F32;
  for (Element element :
       {Element::F32, Element::U8, Element::I8, Element::I32, Element::I64, Element::Bool, Element::F64})
    if (static_cast<int32_t>(element) == type)
      return element;
  return std::nullopt;
}

std::optional<int64_t> nf::onnxfe::elementCount(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  bool isEmpty = false;
  for (int64_t extent : shape) {
    if (extent < 0)
      return std::nullopt;
    isEmpty |= extent == 0;
  }
  if (isEmpty)
    return 0;
  for (int64_t extent : shape)
    if (__builtin_mul_overflow(count, extent, &count) || count > int64_t(1) << 62)
      return std::nullopt;
  return count;
}

HostTensor::HostTensor(Element element, ArrayRef<int64_t> shape) : element(element), shape(shape) {
  int64_t count = elementCount(shape).value_or(0);
  if (isFloat())
    floats.resize(count);
  else
    integers.resize(count);
}

HostTensor HostTensor::scalar(Element element, double value) {
  HostTensor tensor(element, {});
  if (tensor.isFloat())
    tensor.floats[0] = value;
  else
    tensor.integers[0] = static_cast<int64_t>(value);
  return tensor;
}

HostTensor HostTensor::vector(ArrayRef<int64_t> values) {
  HostTensor tensor(Element::I64, {static_cast<int64_t>(values.size())});
  tensor.integers.assign(values.begin(), values.end());
  return tensor;
}

void HostTensor::copy(int64_t to, const HostTensor &other, int64_t from) {
  if (isFloat())
    floats[to] = other.floats[from];
  else
    integers[to] = other.integers[from];
}

HostTensor HostTensor::reshaped(ArrayRef<int64_t> to) const {
  HostTensor result = *this;
  result.shape.assign(to.begin(), to.end());
  return result;
}

SmallVector<int64_t> nf::onnxfe::stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

std::optional<SmallVector<int64_t>> nf::onnxfe::broadcast(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  if (a.size() < b.size())
    std::swap(a, b);
  SmallVector<int64_t> shape(a);
  size_t lead = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) {
    int64_t &extent = shape[lead + i];
    if (extent == 1)
      extent = b[i];
    else if (b[i] != 1 && b[i] != extent)
      return std::nullopt;
  }
  return shape;
}

std::vector<int64_t> nf::onnxfe::broadcastPositions(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  size_t rank = to.size(), lead = rank - from.size();
  SmallVector<int64_t> fromStrides = stridesOf(from), steps(rank, 0), index(rank, 0);
  for (size_t i = 0; i < from.size(); ++i)
    steps[lead + i] = from[i] == 1 ? 0 : fromStrides[i];
  std::vector<int64_t> positions(elementCount(to).value_or(0));
  int64_t at = 0;
  for (int64_t &position : positions) {
    position = at;
    for (size_t axis = rank; axis-- > 0;) {
      at += steps[axis];
      if (++index[axis] < to[axis])
        break;
      at -= steps[axis] * to[axis];
      index[axis] = 0;
    }
  }
  return positions;
}

std::string nf::onnxfe::shapeText(ArrayRef<int64_t> shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }
