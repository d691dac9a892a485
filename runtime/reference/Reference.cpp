#include "runtime/reference/Reference.h"
#include "runtime/reference/Tables.h"

#include <bit>
#include <cmath>

namespace nf::rt::reference {

int64_t elementCount(const Shape &shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

template <typename T> Tensor<T>::Tensor(Shape shape, Element element) : shape(std::move(shape)), element(element) {
  if (isFloat())
    floats.resize(size());
  else
    integers.resize(size());
}

int64_t Attributes::integer(const std::string &name, int64_t otherwise) const {
  auto found = values.find(name);
  return found == values.end() ? otherwise : std::get<int64_t>(found->second);
}

double Attributes::number(const std::string &name, double otherwise) const {
  auto found = values.find(name);
  return found == values.end() ? otherwise : std::get<double>(found->second);
}

const std::vector<int64_t> &Attributes::list(const std::string &name) const {
  return std::get<std::vector<int64_t>>(values.at(name));
}

template <typename T> const KernelTable<T> &kernels() {
  static const KernelTable<T> table = [] {
    KernelTable<T> table;
    addElementwise(table);
    addReductions(table);
    addMovement(table);
    addProducts(table);
    addLayers(table);
    addActivations(table);
    addRandom(table);
    addAttention(table);
    addLoss(table);
    addOptimizer(table);
    return table;
  }();
  return table;
}

template <typename T> const Kernel<T> *findKernel(std::string_view name) {
  auto found = kernels<T>().find(name);
  return found == kernels<T>().end() ? nullptr : &found->second;
}

int64_t broadcastPosition(const Shape &operand, const Shape &shape, int64_t i) {
  int64_t position = 0, stride = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    int64_t index = i % shape[axis];
    i /= shape[axis];
    size_t missing = shape.size() - operand.size();
    if (axis < missing)
      continue;
    int64_t extent = operand[axis - missing];
    if (extent != 1)
      position += index * stride;
    stride *= extent;
  }
  return position;
}

double roundToBf16(double value) {
  if (std::isnan(value))
    return value;
  // Through float with its last bit sticky, so that rounding twice is rounding once.
  float nearest = static_cast<float>(value);
  uint32_t bits = std::bit_cast<uint32_t>(nearest);
  if (static_cast<double>(nearest) != value && std::isfinite(nearest)) {
    if (std::fabs(static_cast<double>(nearest)) > std::fabs(value))
      --bits;
    bits |= 1;
  }
  if ((bits & 0x7fffffff) < 0x7f800000)
    bits += 0x7fff + ((bits >> 16) & 1);
  return std::bit_cast<float>(bits & 0xffff0000u);
}

template struct Tensor<float>;
template struct Tensor<double>;
template const KernelTable<float> &kernels();
template const KernelTable<double> &kernels();
template const Kernel<float> *findKernel<float>(std::string_view);
template const Kernel<double> *findKernel<double>(std::string_view);

} // namespace nf::rt::reference
