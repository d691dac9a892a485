#include "frontend/onnx/WeightsFile.h"
#include "dialect/NF.h"
#include "frontend/onnx/TensorData.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include "onnx.pb.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;
using nlohmann::json;

static llvm::Error fail(const std::string &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

std::vector<FileWeight> nf::onnxfe::fileWeights(ModuleOp module) {
  std::vector<FileWeight> weights;
  for (auto parameter : module.getOps<ParameterOp>()) {
    json rule = json::parse(parameter.getInit().str(), nullptr, /*allow_exceptions=*/false);
    if (!rule.is_object() || rule.value("kind", "") != "file")
      continue;
    ArrayRef<int64_t> shape = cast<RankedTensorType>(parameter.getType()).getShape();
    weights.push_back({parameter.getSymName().str(), std::vector<int64_t>(shape.begin(), shape.end()),
                       rule.value("name", ""), rule.value("transposed", false)});
  }
  return weights;
}

static llvm::Expected<std::vector<float>> storedValues(const FileWeight &weight, ModelFile &file,
                                                       const std::map<std::string, HostTensor> &constants) {
  if (const ::onnx::TensorProto *tensor = file.initializer(weight.name))
    return decodeFloats(*tensor, file.files());
  auto constant = constants.find(weight.name);
  if (constant == constants.end())
    return fail(fmt::format("expected an initializer '{}' in {}, but got none", weight.name, file.path()));
  return std::vector<float>(constant->second.floats.begin(), constant->second.floats.end());
}

/// `values`, a matrix [columns, rows], as [rows, columns].
static std::vector<float> transposed(const std::vector<float> &values, int64_t rows, int64_t columns) {
  std::vector<float> result(values.size());
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      result[i * columns + j] = values[j * rows + i];
  return result;
}

llvm::Expected<std::vector<float>> nf::onnxfe::valuesOf(const FileWeight &weight, ModelFile &file,
                                                        const std::map<std::string, HostTensor> &constants) {
  auto values = storedValues(weight, file, constants);
  if (!values)
    return values;
  if (static_cast<int64_t>(values->size()) != *elementCount(weight.shape))
    return fail(fmt::format("expected {} elements of '{}' in {}, but got {}", *elementCount(weight.shape), weight.name,
                            file.path(), values->size()));
  if (weight.isTransposed && weight.shape.size() == 2)
    *values = transposed(*values, weight.shape[0], weight.shape[1]);
  return values;
}

static llvm::Error writeValues(ArrayRef<FileWeight> weights, ModelFile &file,
                               const std::map<std::string, HostTensor> &constants, llvm::raw_ostream &stream) {
  for (const FileWeight &weight : weights) {
    auto values = valuesOf(weight, file, constants);
    if (!values)
      return values.takeError();
    stream.write(reinterpret_cast<const char *>(values->data()), values->size() * sizeof(float));
  }
  return llvm::Error::success();
}

/// The header, padded so that the values are aligned.
static std::string headerOf(ArrayRef<FileWeight> weights) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  int64_t offset = 0;
  for (const FileWeight &weight : weights) {
    int64_t end = offset + *elementCount(weight.shape) * static_cast<int64_t>(sizeof(float));
    header[weight.parameter] = {{"dtype", "F32"}, {"shape", weight.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

llvm::Error nf::onnxfe::writeWeights(ArrayRef<FileWeight> weights, ModelFile &file,
                                     const std::map<std::string, HostTensor> &constants, const std::string &path) {
  std::string unfinished = path + ".tmp";
  std::error_code code;
  llvm::raw_fd_ostream stream(unfinished, code);
  if (code)
    return fail(fmt::format("{}: error: expected to write the weights, but got: {}", path, code.message()));
  std::string header = headerOf(weights);
  uint64_t size = header.size();
  stream.write(reinterpret_cast<const char *>(&size), sizeof(size));
  stream << header;
  llvm::Error error = writeValues(weights, file, constants, stream);
  stream.close();
  if (!error && stream.has_error())
    error = fail(fmt::format("{}: error: expected to write the weights, but got: {}", path, stream.error().message()));
  stream.clear_error();
  if (!error && !(code = llvm::sys::fs::rename(unfinished, path)))
    return llvm::Error::success();
  llvm::sys::fs::remove(unfinished);
  return error ? std::move(error)
               : fail(fmt::format("{}: error: expected to write the weights, but got: {}", path, code.message()));
}
