// Reading and writing safetensors files, strictly.
#ifndef NF_RUNTIME_TRAIN_SAFETENSORS_H
#define NF_RUNTIME_TRAIN_SAFETENSORS_H

#include "runtime/train/data/Files.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace nf::rt {

/// A tensor to write; `data` is borrowed and holds the product of `shape` elements of `dtype`.
struct TensorView {
  std::string name;
  std::string dtype; ///< "F32", "F64", "I32", ...
  std::vector<int64_t> shape;
  const void *data;
};

TensorView viewF32(std::string name, std::vector<int64_t> shape, std::span<const float> values);

/// Writes the tensors in this order and fsyncs the file; returns the XXH3-64 of the whole file as 16 hexadecimal
/// digits. Throws Error ("path: ...").
std::string writeSafetensors(const std::string &path, std::span<const TensorView> tensors);

/// A file mapped for reading. The header must be well formed, at most 100 MB, every tensor of a known dtype with
/// exactly the bytes that its shape needs, names unique, and the tensors must cover the rest of the file without
/// overlap or hole.
class SafetensorsFile {
public:
  struct Tensor {
    std::string dtype;
    std::vector<int64_t> shape;
    const std::byte *data; ///< not aligned
    size_t bytes;
  };

  /// Throws Error ("path: ...").
  explicit SafetensorsFile(const std::string &path);

  const std::map<std::string, Tensor> &tensors() const { return byName; }
  const Tensor *find(const std::string &name) const;
  /// Copies a tensor that must exist with this dtype and shape. Throws Error.
  void read(const std::string &name, const std::string &dtype, std::span<const int64_t> shape, void *to) const;
  /// XXH3-64 of the whole file, 16 hexadecimal digits.
  std::string hash() const;

private:
  void parseHeader();

  std::string path;
  MappedFile file;
  std::map<std::string, Tensor> byName;
};

} // namespace nf::rt

#endif
