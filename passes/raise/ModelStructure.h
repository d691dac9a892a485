//===- ModelStructure.h - the layers of a transformer in a program of composite ops --------------===//
#ifndef NF_PASSES_RAISE_MODELSTRUCTURE_H
#define NF_PASSES_RAISE_MODELSTRUCTURE_H

#include "mlir/IR/BuiltinOps.h"
#include "passes/raise/NormParts.h"
#include "passes/raise/Values.h"

#include <string>
#include <vector>

namespace nf {

/// Where a layer has its norms: before its branches, after their sums, before two branches that read one value and
/// are added to it together, or none of these.
enum class NormPlacement { Other, Pre, Post, Parallel };

/// "pre", "post", "parallel" or "other".
llvm::StringRef placementName(NormPlacement placement);

/// One attention op and the feed-forward network after it. Null ops: not found.
struct TransformerLayer {
  AttentionOp attention;
  LinearOp q, k, v, out, fc1, fc2;         ///< q, k and v are one op where they are packed
  LinearOp up;                             ///< that the activation of fc1 is multiplied with (SwiGLU)
  NormPart attentionNorm, feedForwardNorm; ///< Pre-LN: before the branch; Post-LN: of the sum after it
  NormPart postNorm;       ///< after attention's output projection: NormFormer's where it is a LayerNorm
  NormPart activationNorm; ///< after the activation: NormFormer's where it is a LayerNorm
  HeadScaleOp headScale;
  bool scalesBeforeProjection = false; ///< pre_proj
  ResidualScaleOp residualScale;
  mlir::Value attentionScale, feedForwardScale; ///< LayerScale: vectors that the branches are multiplied with
  mlir::Operation *activation = nullptr;
  NormPlacement placement = NormPlacement::Other;
  mlir::Value input;                  ///< the residual stream in front of the layer
  AddOp attentionSum, feedForwardSum; ///< that the branches end in; one op where they run side by side

  /// The residual stream behind the layer; null where its feed-forward network was not found.
  mlir::Value output();
};

/// Visits the linears and norms of `layer`, each with its name in it ("attn.q"); one that was not found is null.
void forEachPart(const TransformerLayer &layer, llvm::function_ref<void(LinearOp, llvm::StringRef)> linear,
                 llvm::function_ref<void(const NormPart &, llvm::StringRef)> norm);

/// The names of ModelStructure::embeddings, in their order; further ones have none.
inline constexpr llvm::StringLiteral embeddingNames[] = {"embed.tokens", "embed.positions", "embed.types"};

/// A program's layers in order, and what is around them.
struct ModelStructure {
  std::vector<TransformerLayer> layers;
  mlir::SmallVector<EmbeddingOp> embeddings; ///< those of the program's tokens first
  std::vector<NormPart> norms;               ///< all of the program, in order
  NormPart embeddingNorm, finalNorm;
  mlir::Operation *head = nullptr; ///< the projection to the vocabulary: nf.linear or nf.linear_cross_entropy
};

/// The structure of `program`.
ModelStructure readStructure(ProgramOp program);

/// The program that shows a module's structure: forward, else forward_backward, else the first; null in a module of
/// none.
ProgramOp structureProgram(mlir::ModuleOp module);

/// A parameter's part in a program of `module`: its name by role ("layers.0.attn.q.weight") and what it is ("linear
/// weight"); empty where it has none.
struct ParameterRole {
  std::string name, kind;
};

/// The roles of the parameters that `program` reads, by symbol.
llvm::StringMap<ParameterRole> rolesOf(ProgramOp program);

/// Parameters that are added to embeddings, whole or rows of them: exporters read a table for known positions without a
/// gather.
mlir::SmallVector<GetOp> tablesOf(ProgramOp program);

/// What is said of a graph's own loss that is no nf.linear_cross_entropy.
constexpr llvm::StringLiteral lossInPrimitives =
    "loss: stays in primitives, with all logits in memory: it is no mean of cross entropies of the last linear";

/// The name that a location gives to a part of the model ("layers.3.attn.q"), or "".
std::string partName(mlir::Location location);

/// The name that the part has where the model comes from: of an imported graph's node, else as partName.
std::string sourceName(mlir::Location location);

} // namespace nf

#endif // NF_PASSES_RAISE_MODELSTRUCTURE_H
