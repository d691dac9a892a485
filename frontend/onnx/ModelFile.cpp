#include "frontend/onnx/ModelFile.h"
#include "frontend/onnx/HalfFloats.h"
#include "frontend/onnx/TensorData.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include "onnx.pb.h"

#include <nlohmann/json.hpp>

using namespace mlir;
using namespace nf::onnxfe;

/// protobuf's limit of one message; larger models keep their weights in external files.
static constexpr uint64_t largestFile = uint64_t(INT32_MAX);
static constexpr int64_t oldestOpset = 13, newestOpset = 25;

Location nf::onnxfe::placeOf(MLIRContext *context, StringRef file, int64_t index) {
  return FileLineColLoc::get(context, file, static_cast<unsigned>(index + 1), 0);
}

ModelFile::ModelFile(StringRef path)
    : name(path), proto(std::make_unique<::onnx::ModelProto>()), external(llvm::sys::path::parent_path(path).str()) {}

ModelFile::~ModelFile() = default;

int64_t ModelFile::opset(StringRef domain) const {
  auto isOnnx = [](StringRef name) { return name.empty() || name == "ai.onnx"; };
  int64_t version = 0;
  for (const auto &import : proto->opset_import())
    if (import.domain() == domain || (isOnnx(domain) && isOnnx(import.domain())))
      version = std::max<int64_t>(version, import.version());
  return version;
}

const ::onnx::TensorProto *ModelFile::initializer(StringRef name) const {
  auto found = initializers.find(name);
  return found == initializers.end() ? nullptr : found->second;
}

std::unique_ptr<ModelFile> ModelFile::read(MLIRContext &context, StringRef path) {
  Location place = placeOf(&context, path);
  auto error = [&](const Twine &message) {
    emitError(place) << message;
    return nullptr;
  };
  uint64_t size = 0;
  if (std::error_code code = llvm::sys::fs::file_size(path, size))
    return error("expected an ONNX model, but it cannot be read: " + code.message());
  if (llvm::sys::fs::is_directory(path))
    return error("expected an ONNX model, but got a folder");
  if (size > largestFile)
    return error("expected a file of at most 2 GB, but got " + Twine(size) +
                 " bytes; export with external data (torch.onnx.export(..., external_data=True))");
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return error("expected an ONNX model, but it cannot be read: " + buffer.getError().message());
  std::unique_ptr<ModelFile> file(new ModelFile(path));
  if (!file->proto->ParseFromArray((*buffer)->getBufferStart(), static_cast<int>((*buffer)->getBufferSize())))
    return error("expected an ONNX model, but this is no protobuf of one, or it is truncated");
  const ::onnx::ModelProto &model = *file->proto;
  if (!model.has_graph() || model.graph().output_size() == 0)
    return error("expected an ONNX model with a graph and outputs, but got none");
  if (model.ir_version() < 3)
    return error("expected IR version 3 or later, but got " + Twine(model.ir_version()));
  int64_t opset = file->opset("");
  if (opset < oldestOpset || opset > newestOpset)
    return error("expected opset " + Twine(oldestOpset) + " to " + Twine(newestOpset) + ", but got " + Twine(opset) +
                 "; export with opset_version=18");
  bool isSound = true;
  // Of a missing file every tensor says the same.
  llvm::MapVector<std::string, std::pair<Location, int>, std::map<std::string, unsigned>> flaws;
  if (model.graph().sparse_initializer_size())
    return error("expected dense initializers, but got a sparse one");
  for (const ::onnx::TensorProto &tensor : model.graph().initializer()) {
    file->half |= halfOf(tensor.data_type()).has_value();
    Location here = NameLoc::get(StringAttr::get(&context, tensor.name()), place);
    if (!file->initializers.emplace(tensor.name(), &tensor).second) {
      emitError(here) << "expected one initializer of this name, but got two";
      isSound = false;
    }
    if (llvm::Error flaw = checkTensor(tensor, file->files()))
      ++flaws.insert({llvm::toString(std::move(flaw)), {here, 0}}).first->second.second;
  }
  for (auto &[flaw, where] : flaws) {
    auto diagnostic = emitError(where.first) << flaw;
    if (where.second > 1)
      diagnostic << " (and " << where.second - 1 << " more tensor" << (where.second > 2 ? "s" : "") << ")";
  }
  isSound &= flaws.empty();
  file->readFrozen();
  return isSound ? std::move(file) : nullptr;
}

/// A note that is none of this project's is left alone.
void ModelFile::readFrozen() {
  for (const auto &note : proto->metadata_props()) {
    auto names = note.key() == frozenKey ? nlohmann::json::parse(note.value(), nullptr, /*allow_exceptions=*/false)
                                         : nlohmann::json::array();
    for (const auto &name : names.is_array() ? names : nlohmann::json::array())
      if (name.is_string())
        frozen.insert(name.get<std::string>());
  }
}
