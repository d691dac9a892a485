// A graph and its weights as a file, or as two.
#include "frontend/onnx/export/Exporter.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include "onnx.pb.h"

#include <fmt/format.h>
#include <fstream>
#include <iostream>

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

/// The most bytes of one protobuf message, less what a graph itself takes.
static constexpr int64_t mostInside = (int64_t(1) << 31) - (int64_t(64) << 20);
/// Where tensors begin in the file of the weights, so that they can be mapped.
static constexpr int64_t alignment = 4096;

static llvm::Error fail(const std::string &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static int64_t weightBytes(ParameterOp parameter) {
  return cast<RankedTensorType>(parameter.getType()).getNumElements() * static_cast<int64_t>(sizeof(float));
}

static StringRef rawBytes(const std::vector<float> &values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float)};
}

/// Sets where a tensor lies.
static void refer(::onnx::TensorProto &tensor, StringRef file, int64_t offset, int64_t length) {
  tensor.set_data_location(::onnx::TensorProto::EXTERNAL);
  auto add = [&](const char *key, const std::string &value) {
    auto &entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  };
  add("location", file.str());
  add("offset", std::to_string(offset));
  add("length", std::to_string(length));
}

/// The weights, each where `put` puts it.
static llvm::Error forEachWeight(ExportedGraph &graph, ParameterValues valuesOf,
                                 llvm::function_ref<void(::onnx::TensorProto &, const std::vector<float> &)> put) {
  for (auto [i, parameter] : llvm::enumerate(graph.parameters)) {
    auto values = valuesOf(parameter);
    if (!values)
      return values.takeError();
    put(*graph.model->mutable_graph()->mutable_initializer(static_cast<int>(i)), *values);
  }
  return llvm::Error::success();
}

static llvm::Error putInside(ExportedGraph &graph, ParameterValues valuesOf) {
  return forEachWeight(graph, valuesOf, [](::onnx::TensorProto &tensor, const std::vector<float> &values) {
    tensor.set_raw_data(rawBytes(values).str());
  });
}

static llvm::Error putBeside(ExportedGraph &graph, ParameterValues valuesOf, const std::string &name,
                             std::ostream &stream) {
  int64_t offset = 0;
  return forEachWeight(graph, valuesOf, [&](::onnx::TensorProto &tensor, const std::vector<float> &values) {
    std::string gap((alignment - offset % alignment) % alignment, '\0');
    StringRef bytes = rawBytes(values);
    stream << gap;
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    offset += static_cast<int64_t>(gap.size());
    refer(tensor, name, offset, static_cast<int64_t>(bytes.size()));
    offset += static_cast<int64_t>(bytes.size());
  });
}

namespace {
/// A file that appears under its name once it is whole.
class NewFile {
public:
  explicit NewFile(const std::string &path) : path(path), stream(path + ".tmp", std::ios::binary) {}
  ~NewFile() { llvm::sys::fs::remove(path + ".tmp"); }

  llvm::Error keep() {
    stream.close();
    if (!stream)
      return fail(fmt::format("{}: error: expected to write the model, but got: {}", path, std::strerror(errno)));
    if (std::error_code code = llvm::sys::fs::rename(path + ".tmp", path))
      return fail(fmt::format("{}: error: expected to write the model, but got: {}", path, code.message()));
    return llvm::Error::success();
  }

  std::string path;
  std::ofstream stream;
};
} // namespace

llvm::Error nf::onnxfe::writeModel(ExportedGraph &graph, ParameterValues valuesOf, const std::string &path,
                                   bool isExternal) {
  int64_t bytes = 0;
  for (ParameterOp parameter : graph.parameters)
    bytes += weightBytes(parameter);
  isExternal |= bytes > mostInside;
  if (path == "-") {
    if (isExternal)
      return fail(fmt::format(
          "<stdout>: error: expected a file to write to (-o model.onnx), but got standard output: {} bytes of "
          "weights go to a second file beside it",
          bytes));
    if (llvm::Error error = putInside(graph, valuesOf))
      return error;
    if (!graph.model->SerializeToOstream(&std::cout) || !std::cout.flush())
      return fail("<stdout>: error: expected to write the model, but standard output cannot be written");
    return llvm::Error::success();
  }
  NewFile model(path);
  if (!isExternal) {
    if (llvm::Error error = putInside(graph, valuesOf))
      return error;
    graph.model->SerializeToOstream(&model.stream);
    return model.keep();
  }
  NewFile data(path + ".data");
  if (llvm::Error error = putBeside(graph, valuesOf, llvm::sys::path::filename(data.path).str(), data.stream))
    return error;
  graph.model->SerializeToOstream(&model.stream);
  if (llvm::Error error = data.keep())
    return error;
  return model.keep();
}
