// An ONNX graph as nf IR.
#ifndef NF_FRONTEND_ONNX_IMPORTER_H
#define NF_FRONTEND_ONNX_IMPORTER_H

#include "frontend/onnx/HostTensor.h"
#include "frontend/onnx/ModelFile.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <map>
#include <string>

namespace nf::onnxfe {

struct ImportOptions {
  std::map<std::string, int64_t> dims; ///< extents of symbolic dimensions by name (--dim)
  int64_t microBatch = 0;              ///< of a symbolic batch dimension; 0: dims must have it
  int64_t sequence = 0;                ///< of a symbolic sequence dimension; 0: dims must have it
  std::string lossOutput;              ///< the graph's own loss among its outputs, or empty
  bool retie = true; ///< an initializer with the values of an embedding table, or of its transpose, is that table again
};

/// Adds "NAME=N" to dims; false where it is not of that form, or N is not from 1 to 2^31.
bool parseDim(llvm::StringRef text, std::map<std::string, int64_t> &dims);

/// The file that a module was imported from, and the options of that import (nf.weights); nothing where it was not.
std::optional<std::pair<std::string, ImportOptions>> importOf(mlir::ModuleOp module);

/// What an import gives beside its module.
struct ImportResult {
  mlir::OwningOpRef<mlir::ModuleOp> module; ///< null after errors
  /// Values that the file computes from constants and that have no short form in IR, by the name of the frozen
  /// parameter that stands for them.
  std::map<std::string, HostTensor> constants;
};

/// Imports a model: parameters with the init rule {"kind":"file","name":"<initializer>"} ("splat":true where a vector's
/// elements are equal; "role":"embedding" where rows of a table were picked by known indices), and the program @forward
/// in nf's primitives and the composite ops that ONNX names. Its argument `tokens` is the model's ids ([batch,
/// sequence]); attention masks, positions and token types become constants (ones; 0, 1, 2, …; zeros), other inputs
/// arguments of their own name. A model of ids has one result, `logits`; any other model has its outputs by name.
/// With a loss output a model of ids has a second program, @loss, of tokens, targets and loss_weight: the graph's loss,
/// with its input `labels` made of the other two (targets are the labels of each token's own place; 0 in loss_weight
/// marks those to ignore). Module attribute then: nf.loss = {output, labels, shift (1: the graph itself moves the
/// labels by one token), ignored}. nf.ports = {inputs = [{name, shape, becomes: "tokens", "labels", "ones",
/// "positions", "zeros" or "argument"}], outputs = [{name, shape, becomes: "logits", "loss", "left out", or "result"
/// where the model is none of ids}]}. Module attributes: nf.weights = {file = <path>, dims = {…}, and what else of the
/// options is no default}, nf.model = {kind, vocab, d_model, context, sequence, micro_batch} of a model of ids. Every
/// op's location is its node's name over <path>:<number of the node>. Errors are reported to the context, all operators
/// that are not supported at once. Loads the nf dialect.
ImportResult importModel(mlir::MLIRContext &context, ModelFile &file, const ImportOptions &options);

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_IMPORTER_H
