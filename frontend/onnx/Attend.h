// Attention, as the operators of attention have it in common.
#ifndef NF_FRONTEND_ONNX_ATTEND_H
#define NF_FRONTEND_ONNX_ATTEND_H

#include "frontend/onnx/OpContext.h"

namespace nf::onnxfe {

/// Queries, keys and values, and what is done with them.
struct Heads {
  mlir::Value q, k, v; ///< [batch, tokens, heads · width]; values may be of another width than keys
  int64_t heads = 0, keyHeads = 0;
  double scale = 0;   ///< 0: 1 / √width
  double softcap = 0; ///< scores become softcap · tanh(scores / softcap); 0: they stay
  bool isCausal = false;
  int64_t offset = 0;            ///< of the first query among the keys
  int64_t left = -1, right = -1; ///< keys that a query sees before and after its own; -1: all
  /// Added to the scores [batch, heads, queries, keys], or bools of what is seen. None is null.
  llvm::SmallVector<mlir::Value, 2> masks;
  mlir::Value sink;        ///< [1] or [heads]: the score of a further key without a value, or null
  bool scoresRead = false; ///< the other members of Attended are wanted
};

/// Scores are [batch, heads, queries, keys]; null unless asked for.
struct Attended {
  mlir::Value out; ///< [batch, tokens, heads · width]; null after a failure
  mlir::Value scores, capped, masked, weights;
};

/// softmax(scale · q kᵀ + masks) v: nf.attention where it can say so, otherwise written out, for passes to recognise.
Attended attend(OpContext &op, Heads heads);

/// [batch, heads, tokens, width] of [batch, tokens, heads · width], and back. Null gives null.
mlir::Value splitHeads(OpContext &op, mlir::Value x, int64_t heads);
mlir::Value joinHeads(OpContext &op, mlir::Value x);

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_ATTEND_H
