// The forward computation of one program, layer by layer. Shared by the programs of GraphBuilder.cpp.
#ifndef NF_FRONTEND_FORWARDBUILDER_H
#define NF_FRONTEND_FORWARDBUILDER_H

#include "dialect/NF.h"
#include "frontend/ModelConfig.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

namespace nf {

/// `path` over the place of `key` in the definition.
mlir::Location locationOf(mlir::MLIRContext *context, const ModelConfig &config, llvm::StringRef path,
                          std::string_view key);

/// Appends ops to a program. Values are [batch, sequence, columns] in the definition's precision.
class ForwardBuilder {
public:
  /// `program` has the arguments tokens and positions, and key_padding in an encoder; segments where attention keeps to
  /// documents; with `isTraining` also the arguments of dropout, if the model drops anything.
  ForwardBuilder(const ModelConfig &config, mlir::ModuleOp module, ProgramOp program, bool isTraining);

  /// From tokens to the output of the last block.
  mlir::Value hidden();
  /// The final LayerNorm, in fp32: the input of the vocabulary projection.
  mlir::Value finalNorm(mlir::Value x);
  /// The weight [vocabulary, d_model] of the vocabulary projection, in fp32.
  mlir::Value vocabularyWeight();

  /// Sets the location of the ops that follow.
  void at(const llvm::Twine &path, std::string_view key);
  mlir::ImplicitLocOpBuilder &ops() { return b; }

private:
  mlir::Value embed();
  mlir::Value attention(mlir::Value x, const std::string &path, int32_t site);
  mlir::Value attentionBlock(mlir::Value x, int64_t layer);
  mlir::Value feedForward(mlir::Value x, const std::string &path);
  mlir::Value feedForwardBlock(mlir::Value x, int64_t layer);

  mlir::Value parameter(const std::string &name);
  mlir::Value linear(mlir::Value x, const std::string &path, std::string_view key);
  mlir::Value layerNorm(mlir::Value x, const std::string &path, std::string_view key);
  mlir::Value headScale(mlir::Value x, const std::string &path, const char *placement);
  mlir::Value activation(mlir::Value x);
  mlir::Value dropout(mlir::Value x, const std::string &path, int32_t site);
  mlir::Value residual(mlir::Value x, mlir::Value y, const std::string &path);
  mlir::Value wide(mlir::Value x);
  mlir::Value narrow(mlir::Value x);

  const ModelConfig &c;
  ProgramOp program;
  bool isTraining;
  mlir::ImplicitLocOpBuilder b;
  mlir::Type elementType;
  llvm::StringMap<ParameterOp> parameters;
  llvm::StringMap<mlir::Value> loaded;
  llvm::DenseMap<mlir::Value, mlir::Value> widened;
};

} // namespace nf

#endif // NF_FRONTEND_FORWARDBUILDER_H
