// Values that are known while a model is read: shapes, masks, tables, constants.
#ifndef NF_FRONTEND_ONNX_HOSTTENSOR_H
#define NF_FRONTEND_ONNX_HOSTTENSOR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nf::onnxfe {

/// The element types that a value may have here; others are refused by name. Numbers are those of TensorProto.DataType.
/// float16 and bfloat16 are F32: what is computed in is the training's affair, not the file's.
enum class Element : int32_t { F32 = 1, U8 = 2, I8 = 3, I32 = 6, I64 = 7, Bool = 9, F64 = 11 };

/// "float", "int64", ... of any TensorProto.DataType, also of those that are not supported.
std::string elementName(int32_t type);
/// The element of a TensorProto.DataType, where it is supported.
std::optional<Element> elementOf(int32_t type);
inline bool isFloat(Element element) { return element == Element::F32 || element == Element::F64; }

/// The product of the extents; nothing where one is negative or the product is over 2^62.
std::optional<int64_t> elementCount(llvm::ArrayRef<int64_t> shape);

/// The elements of one tensor in row-major order: floats as doubles, bools and integers as 64 bits.
struct HostTensor {
  Element element = Element::F32;
  llvm::SmallVector<int64_t> shape;
  std::vector<int64_t> integers; ///< of bools and integers
  std::vector<double> floats;    ///< of floats

  /// Most elements that one tensor may have: 128 MiB.
  static constexpr int64_t limit = int64_t(1) << 24;

  /// Zeros; the shape must have at most `limit` elements.
  HostTensor(Element element, llvm::ArrayRef<int64_t> shape);
  /// A scalar.
  static HostTensor scalar(Element element, double value);
  /// A vector of int64.
  static HostTensor vector(llvm::ArrayRef<int64_t> values);

  bool isFloat() const { return onnxfe::isFloat(element); }
  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
  int64_t size() const { return static_cast<int64_t>(isFloat() ? floats.size() : integers.size()); }
  double number(int64_t index) const { return isFloat() ? floats[index] : static_cast<double>(integers[index]); }
  /// Element `to` becomes element `from` of `other`, which has the same element type.
  void copy(int64_t to, const HostTensor &other, int64_t from);
  /// The same elements in another shape of as many.
  HostTensor reshaped(llvm::ArrayRef<int64_t> to) const;
};

/// The elements between neighbours along each axis of a dense tensor.
llvm::SmallVector<int64_t> stridesOf(llvm::ArrayRef<int64_t> shape);

/// The shape that two shapes broadcast to by NumPy's rule; nothing where they do not.
std::optional<llvm::SmallVector<int64_t>> broadcast(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b);

/// Where elements of a tensor of shape `from` lie, for every element of `to` in order; `from` broadcasts to `to`.
std::vector<int64_t> broadcastPositions(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to);

/// "[4, 64, 768]"
std::string shapeText(llvm::ArrayRef<int64_t> shape);

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_HOSTTENSOR_H
