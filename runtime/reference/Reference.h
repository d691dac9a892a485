// The executable specification: one plain-loop kernel an nf op, in float or double. Nothing here is fast; what a
// compiled kernel computes is compared with it. What each op means is written in dialect/*.td, shapes with it.
#ifndef NF_RUNTIME_REFERENCE_REFERENCE_H
#define NF_RUNTIME_REFERENCE_REFERENCE_H

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace nf::rt::reference {

using Shape = std::vector<int64_t>;

/// Elements in a shape; 1 for a scalar.
int64_t elementCount(const Shape &shape);

enum class Element { Float, I1, I32, I64 };

/// A row-major tensor. Every float type is held as T; i1 holds 0 or 1.
template <typename T> struct Tensor {
  Shape shape;
  Element element = Element::Float;
  std::vector<T> floats;         // where element is Float
  std::vector<int64_t> integers; // otherwise

  Tensor() = default;
  /// Zeros.
  explicit Tensor(Shape shape, Element element = Element::Float);

  bool isFloat() const { return element == Element::Float; }
  int64_t size() const { return elementCount(shape); }
  /// Extent of the last axis; 1 for a scalar.
  int64_t columns() const { return shape.empty() ? 1 : shape.back(); }
  /// Extents of all axes but the last, multiplied.
  int64_t rows() const { return columns() == 0 ? 0 : size() / columns(); }

  /// Elements of a float tensor by row-major position.
  T &operator[](int64_t i) { return floats[i]; }
  const T &operator[](int64_t i) const { return floats[i]; }
  /// Elements of a float tensor by row and column.
  T &at(int64_t row, int64_t column) { return floats[row * columns() + column]; }
  const T &at(int64_t row, int64_t column) const { return floats[row * columns() + column]; }
};

/// An op's attributes by name, integers, enums, flags and lists of integers or numbers alike.
class Attributes {
public:
  using Value = std::variant<int64_t, double, std::vector<int64_t>>;
  void set(const std::string &name, Value value) { values[name] = std::move(value); }
  bool flag(const std::string &name) const { return integer(name, 0) != 0; }
  int64_t integer(const std::string &name, int64_t otherwise = 0) const;
  double number(const std::string &name, double otherwise = 0) const;
  const std::vector<int64_t> &list(const std::string &name) const;

private:
  std::map<std::string, Value> values;
};

/// One application of an op. Operands stand in the op's order, an absent optional one as null (a trailing one may be
/// missing). The caller gives results their shapes and zeros; the kernel fills them. The value of nf.constant comes as
/// operand 0.
template <typename T> struct Call {
  std::vector<const Tensor<T> *> operands;
  Attributes attributes;
  std::vector<Tensor<T>> results;

  bool has(size_t index) const { return index < operands.size() && operands[index]; }
  const Tensor<T> &in(size_t index) const { return *operands[index]; }
  Tensor<T> &out(size_t index = 0) { return results[index]; }
};

template <typename T> using Kernel = std::function<void(Call<T> &)>;
template <typename T> using KernelTable = std::map<std::string, Kernel<T>, std::less<>>;

/// All kernels, by op name ("nf.layer_norm").
template <typename T> const KernelTable<T> &kernels();

/// The kernel of an op, or null.
template <typename T> const Kernel<T> *findKernel(std::string_view name);

/// The element of `operand` that meets position `i` of a result of `shape` when the operand is broadcast to it.
int64_t broadcastPosition(const Shape &operand, const Shape &shape, int64_t i);

/// `value` rounded to bfloat16, to nearest even.
double roundToBf16(double value);

/// 31 bits of the Philox word of (row, column) at a dropout site; the map is in runtime/abi/nf_abi.h.
int64_t randomBits(int64_t seed, int64_t step, int64_t site, int64_t row, int64_t column);

/// Whether dropout with probability p keeps the element that drew `bits`.
bool dropoutKeeps(int64_t bits, double p);

} // namespace nf::rt::reference

#endif // NF_RUNTIME_REFERENCE_REFERENCE_H
