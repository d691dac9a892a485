//===- Mask.h - recognises masks of attention ---------------------------------------------------===//
//
// A mask is recognised by its elements: it is computed, all of it, for drawn values of the arguments that it depends
// on, and must be exactly what the kinds of nf.attention say. What a query that sees no key gets is left open there, so
// that such rows are not compared.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_RAISE_MASK_H
#define NF_PASSES_RAISE_MASK_H

#include "passes/raise/DenseValues.h"

#include <map>

namespace nf {

/// The scores that masks apply to: [batch, heads, queries, keys], the first two perhaps as one axis.
struct ScoreShape {
  int64_t batch, heads, queries, keys;
  auto operator<=>(const ScoreShape &) const = default;
};

/// What a mask hides. Null values: nothing of that kind.
struct Mask {
  bool causal = false;
  mlir::Value padding;       ///< numbers a key, any shape of batch · keys elements
  bool paddingHides = false; ///< keys of padding ≠ 0 are hidden, instead of those of 0
  mlir::Value segments;      ///< i32 a key, of batch · keys elements
};

/// What the elements of a mask mean.
enum class MaskElements {
  Added, ///< to the scores: 0 shows, -1e4 or less hides
  Shows, ///< condition: true shows
  Hides, ///< condition: true hides
};

/// Recognises masks, each once.
class MaskReader {
public:
  /// The mask that `value` is when it is broadcast to `scores` of `shape`, or nothing.
  std::optional<Mask> read(mlir::Value value, MaskElements elements, mlir::RankedTensorType scores, ScoreShape shape);

private:
  std::map<std::tuple<std::string, MaskElements, ScoreShape>, std::optional<Mask>> known; // by recipe
};

} // namespace nf

#endif // NF_PASSES_RAISE_MASK_H
