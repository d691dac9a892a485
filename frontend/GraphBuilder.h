// A model definition as nf IR: parameters, and the programs' forward computations. Passes add what follows from them
// (backward, update).
#ifndef NF_FRONTEND_GRAPHBUILDER_H
#define NF_FRONTEND_GRAPHBUILDER_H

#include "frontend/ModelConfig.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace nf {

/// Builds the module of a checked config. It holds, with the arguments of runtime/abi/nf_abi.h that each needs:
///   forward_backward  one micro-batch up to the loss, with dropout: what autodiff completes
///   eval              the same without dropout; the result is the plain sum over tokens
///   logits            decoders only: one sequence, the logits of one position
/// The module keeps the definition, so that its text alone can be compiled: nf.definition = {file, sets, text}.
/// With more than one reduction slot the module's attribute nf.reduction_slots holds their number.
/// Every op's location is its parameter path ("layers.3.attn.q") over the definition's key. Loads the nf dialect into
/// `context`.
mlir::OwningOpRef<mlir::ModuleOp> buildModule(mlir::MLIRContext &context, const ModelConfig &config);

/// Keeps a definition, or the recipe of an imported graph, in the module: nf.definition = {file, sets, text}.
void keepDefinition(mlir::ModuleOp module, llvm::StringRef file, llvm::StringRef text,
                    llvm::ArrayRef<std::string> sets);

/// The definition that a module keeps, parsed again with the same settings; nothing where it keeps none. Of a module
/// with nf.model, an imported graph, it is the recipe; nf.name is then the model's name.
std::optional<ConfigResult> definitionOf(mlir::ModuleOp module);

} // namespace nf

#endif // NF_FRONTEND_GRAPHBUILDER_H
