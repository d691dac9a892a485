// The weights of an imported model, as the file that its program starts from.
#ifndef NF_FRONTEND_ONNX_WEIGHTSFILE_H
#define NF_FRONTEND_ONNX_WEIGHTSFILE_H

#include "frontend/onnx/HostTensor.h"
#include "frontend/onnx/ModelFile.h"

#include "mlir/IR/BuiltinOps.h"

namespace nf::onnxfe {

/// A parameter whose init rule is {"kind":"file","name":…}.
struct FileWeight {
  std::string parameter; ///< its present name
  std::vector<int64_t> shape;
  std::string name;          ///< of an initializer, or of a constant that the import computed
  bool isTransposed = false; ///< the parameter is the file's matrix with its axes swapped ("transposed":true)
};

/// The parameters of `module` that come from a file.
std::vector<FileWeight> fileWeights(mlir::ModuleOp module);

/// The elements of a parameter as it is now, from the file or from what the import computed.
llvm::Expected<std::vector<float>> valuesOf(const FileWeight &weight, ModelFile &file,
                                            const std::map<std::string, HostTensor> &constants);

/// Writes `weights` to `path`, as safetensors in F32, one after the other through memory. Whole or not at all.
llvm::Error writeWeights(llvm::ArrayRef<FileWeight> weights, ModelFile &file,
                         const std::map<std::string, HostTensor> &constants, const std::string &path);

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_WEIGHTSFILE_H
