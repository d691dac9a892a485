// An ONNX file: read, and checked as far as its structure goes.
#ifndef NF_FRONTEND_ONNX_MODELFILE_H
#define NF_FRONTEND_ONNX_MODELFILE_H

#include "frontend/onnx/ExternalData.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringSet.h"

#include <memory>

namespace onnx {
class ModelProto;
class TensorProto;
} // namespace onnx

namespace nf::onnxfe {

/// Under this key an exported model's metadata_props name the initializers that are not trained, as a JSON array.
inline constexpr llvm::StringLiteral frozenKey = "normforge.frozen";

/// A model that was read, and the files that its tensors name.
class ModelFile {
public:
  /// Reads `path`. Reports what is wrong as errors of `context` and returns null then: a file that cannot be read, is
  /// no protobuf, has no graph, is of an IR version before 3 or of an opset before 13 or after 25, or has two
  /// initializers of one name or one that checkTensor refuses.
  static std::unique_ptr<ModelFile> read(mlir::MLIRContext &context, llvm::StringRef path);
  ~ModelFile();

  const std::string &path() const { return name; }
  const ::onnx::ModelProto &model() const { return *proto; }
  ExternalFiles &files() { return external; }
  /// The version of a domain's operators ("" is ONNX's); 0 where the model imports none.
  int64_t opset(llvm::StringRef domain) const;
  /// The initializer of the main graph, or null.
  const ::onnx::TensorProto *initializer(llvm::StringRef name) const;

  /// Whether its weights are of a half type: double is then what exporters widen to, and no more than float32 is meant.
  bool isHalf() const { return half; }
  /// Whether the exporter noted that it is not trained.
  bool isFrozen(llvm::StringRef initializer) const { return frozen.contains(initializer); }

private:
  explicit ModelFile(llvm::StringRef path);
  void readFrozen();

  std::string name;
  std::unique_ptr<::onnx::ModelProto> proto;
  ExternalFiles external;
  std::map<std::string, const ::onnx::TensorProto *, std::less<>> initializers;
  llvm::StringSet<> frozen;
  bool half = false;
};

/// The place of node `index` (from 0) of a file's graph, or without one, the file.
mlir::Location placeOf(mlir::MLIRContext *context, llvm::StringRef file, int64_t index = -1);

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_MODELFILE_H
