//===- ExportWeights.h - the values of a module's parameters, from where they lie ------------===//
#ifndef NF_TOOLS_EXPORTWEIGHTS_H
#define NF_TOOLS_EXPORTWEIGHTS_H

#include "dialect/NF.h"
#include "frontend/onnx/Importer.h"
#include "runtime/train/Safetensors.h"

#include "mlir/IR/BuiltinOps.h"

#include <memory>

namespace nf {

/// Finds values in a file of weights by the parameters' names; those of a module that was imported also in its ONNX
/// file (nf.weights), where no file of weights is given or they are not trained. Values that are a rule of the model
/// itself, such as sinusoidal positions, need no file. First values of training are none: they are never made up.
class ExportWeights {
public:
  /// `path`: a safetensors file, or empty.
  ExportWeights(mlir::ModuleOp module, std::string path) : module(module), path(std::move(path)) {}

  /// Opens what the parameters need. Prints what is missing, all at once, and returns false then.
  bool open(llvm::ArrayRef<ParameterOp> parameters, llvm::StringRef input);
  llvm::Expected<std::vector<float>> valuesOf(ParameterOp parameter);

private:
  enum class Place { Weights, Model, Rule, Nowhere };
  Place placeOf(ParameterOp parameter);
  bool openWeights();
  bool openModel(llvm::StringRef input);
  bool check(llvm::ArrayRef<ParameterOp> parameters, llvm::StringRef input);

  mlir::ModuleOp module;
  std::string path;
  std::unique_ptr<rt::SafetensorsFile> weights;
  std::unique_ptr<onnxfe::ModelFile> model;
  onnxfe::ImportResult imported;
};

} // namespace nf

#endif // NF_TOOLS_EXPORTWEIGHTS_H
