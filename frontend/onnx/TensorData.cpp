#include "frontend/onnx/TensorData.h"
#include "frontend/onnx/HalfFloats.h"

#include "onnx.pb.h"

#include <cstring>
#include <fmt/format.h>

using namespace nf::onnxfe;
using ::onnx::TensorProto;

static llvm::Error fail(const std::string &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static int64_t bytesOf(const TensorProto &tensor) {
  if (halfOf(tensor.data_type()))
    return 2;
  switch (*elementOf(tensor.data_type())) {
  case Element::F32:
  case Element::I32:
    return 4;
  case Element::I64:
  case Element::F64:
    return 8;
  case Element::Bool:
  case Element::U8:
  case Element::I8:
    return 1;
  }
  return 1;
}

/// The raw bytes, inline or external; nothing where the elements are typed fields.
static llvm::Expected<std::optional<llvm::StringRef>> rawBytes(const TensorProto &tensor, ExternalFiles &files) {
  if (tensor.data_location() != TensorProto::EXTERNAL) {
    if (tensor.has_raw_data())
      return llvm::StringRef(tensor.raw_data());
    return std::nullopt;
  }
  llvm::StringRef location;
  int64_t offset = 0, length = -1;
  for (const auto &entry : tensor.external_data()) {
    llvm::StringRef key = entry.key(), value = entry.value();
    if (key == "location")
      location = value;
    else if (key == "offset" || key == "length") {
      int64_t &number = key == "offset" ? offset : length;
      if (value.getAsInteger(10, number) || number < 0)
        return fail(fmt::format("expected a number of bytes for the {} of external data, but got '{}'", key.str(),
                                value.str()));
    }
  }
  auto bytes = files.bytes(location, offset, length);
  if (!bytes)
    return bytes.takeError();
  return *bytes;
}

/// Elements in the typed field that belongs to the tensor's type.
static int64_t typedCount(const TensorProto &tensor) {
  if (halfOf(tensor.data_type()))
    return tensor.int32_data_size();
  switch (*elementOf(tensor.data_type())) {
  case Element::F32:
    return tensor.float_data_size();
  case Element::F64:
    return tensor.double_data_size();
  case Element::I64:
    return tensor.int64_data_size();
  default:
    return tensor.int32_data_size();
  }
}

static llvm::Expected<int64_t> countOf(const TensorProto &tensor) {
  auto element = elementOf(tensor.data_type());
  if (!element)
    return fail(fmt::format("expected elements of float, double, a half type, bool or an integer type up to int64, but "
                            "got {}",
                            elementName(tensor.data_type())));
  auto count = elementCount({tensor.dims().data(), static_cast<size_t>(tensor.dims_size())});
  if (!count)
    return fail("expected extents that are not negative and whose product fits 62 bits, but got " +
                shapeText({tensor.dims().data(), static_cast<size_t>(tensor.dims_size())}));
  return *count;
}

llvm::Error nf::onnxfe::checkTensor(const TensorProto &tensor, ExternalFiles &files) {
  auto count = countOf(tensor);
  if (!count)
    return count.takeError();
  if (tensor.has_segment())
    return fail("expected a whole tensor, but got a segment of one");
  auto raw = rawBytes(tensor, files);
  if (!raw)
    return raw.takeError();
  int64_t size = bytesOf(tensor);
  if (*raw) {
    if (*count > INT64_MAX / size || static_cast<int64_t>((*raw)->size()) != *count * size)
      return fail(
          fmt::format("expected {} elements of {} bytes, but got {} bytes of data", *count, size, (*raw)->size()));
    return llvm::Error::success();
  }
  if (typedCount(tensor) != *count)
    return fail(fmt::format("expected {} elements, but got {}", *count, typedCount(tensor)));
  return llvm::Error::success();
}

template <typename Stored, typename To> static void widenAll(llvm::StringRef bytes, std::vector<To> &to) {
  for (size_t i = 0; i < to.size(); ++i) {
    Stored value;
    std::memcpy(&value, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    to[i] = static_cast<To>(value);
  }
}

template <typename To> static void decodeRaw(llvm::StringRef bytes, Element element, std::vector<To> &to) {
  switch (element) {
  case Element::F32:
    return widenAll<float>(bytes, to);
  case Element::F64:
    return widenAll<double>(bytes, to);
  case Element::I64:
    return widenAll<int64_t>(bytes, to);
  case Element::I32:
    return widenAll<int32_t>(bytes, to);
  case Element::I8:
    return widenAll<int8_t>(bytes, to);
  case Element::U8:
  case Element::Bool:
    return widenAll<uint8_t>(bytes, to);
  }
}

template <typename To> static void decodeTyped(const TensorProto &tensor, Element element, std::vector<To> &to) {
  auto take = [&](const auto &field) { std::copy(field.begin(), field.end(), to.begin()); };
  if (element == Element::F32)
    take(tensor.float_data());
  else if (element == Element::F64)
    take(tensor.double_data());
  else if (element == Element::I64)
    take(tensor.int64_data());
  else
    take(tensor.int32_data());
}

template <typename To>
static void decodeHalf(const TensorProto &tensor, std::optional<llvm::StringRef> raw, Half half, std::vector<To> &to) {
  for (size_t i = 0; i < to.size(); ++i) {
    auto bits = static_cast<uint16_t>(raw ? 0 : tensor.int32_data(static_cast<int>(i)));
    if (raw)
      std::memcpy(&bits, raw->data() + i * sizeof(bits), sizeof(bits));
    to[i] = static_cast<To>(widen(half, bits));
  }
}

template <typename To>
static llvm::Error decode(const TensorProto &tensor, ExternalFiles &files, int64_t count, std::vector<To> &to) {
  auto raw = rawBytes(tensor, files);
  if (!raw)
    return raw.takeError();
  to.resize(count);
  Element element = *elementOf(tensor.data_type());
  if (auto half = halfOf(tensor.data_type()))
    decodeHalf(tensor, *raw, *half, to);
  else if (*raw)
    decodeRaw(**raw, element, to);
  else
    decodeTyped(tensor, element, to);
  return llvm::Error::success();
}

llvm::Expected<HostTensor> nf::onnxfe::decodeTensor(const TensorProto &tensor, ExternalFiles &files) {
  if (llvm::Error error = checkTensor(tensor, files))
    return error;
  int64_t count = *countOf(tensor);
  if (count > HostTensor::limit)
    return fail(fmt::format("expected at most {} elements to compute with while reading, but got {}", HostTensor::limit,
                            count));
  HostTensor result(*elementOf(tensor.data_type()), {tensor.dims().data(), static_cast<size_t>(tensor.dims_size())});
  if (llvm::Error error = result.isFloat() ? decode(tensor, files, count, result.floats)
                                           : decode(tensor, files, count, result.integers))
    return error;
  if (auto half = halfOf(tensor.data_type()); half && count == 1)
    result.floats[0] = unrounded(*half, result.floats[0]);
  if (result.element == Element::Bool)
    for (int64_t &value : result.integers)
      value = value != 0;
  return result;
}

llvm::Expected<std::vector<float>> nf::onnxfe::decodeFloats(const TensorProto &tensor, ExternalFiles &files) {
  std::vector<float> values;
  if (llvm::Error error = checkTensor(tensor, files))
    return error;
  if (llvm::Error error = decode(tensor, files, *countOf(tensor), values))
    return error;
  return values;
}
