//===- FlashMma.h - attention on the GPU's tensor cores ---------------------------------------===//
//
// For bf16 tensors and head widths that are multiples of 8, up to 128. A block has four warps of 16 queries (or keys)
// each; tiles of the others come in turn into two buffers by cp.async, one being copied while the other is used. Rows
// in shared memory are reordered (RowOrder), so that the four keys of a random counter lie in one lane, or in two that
// exchange halves.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_GPU_FLASHMMA_H
#define NF_PASSES_GPU_FLASHMMA_H

#include "passes/gpu/FlashKernel.h"

namespace nf {

class FlashMma {
public:
  using Value = mlir::Value;

  FlashMma(ThreadBuilder &b, const FlashShape &shape, const FlashOperands &operands)
      : b(b), shape(shape), operands(operands) {}

  static constexpr int64_t threads = 128, rowsOfBlock = 64;

  /// Whether these kernels can do it.
  static bool fits(const FlashShape &shape, const FlashOperands &operands);

  /// Blocks of out and lse; of D = Σ_columns dout · out, which is left in the first four bytes of each row of dq; of dk
  /// and dv; of dq, which read D.
  static int64_t forwardBlocks(const FlashShape &shape);
  static int64_t deltaBlocks(const FlashShape &shape);
  static int64_t keyGradientBlocks(const FlashShape &shape);
  static int64_t queryGradientBlocks(const FlashShape &shape) { return forwardBlocks(shape); }

  void emitForward();
  void emitDelta();
  void emitKeyGradients();
  void emitQueryGradients();

private:
  using Values = llvm::SmallVector<Value>;
  using Fragment = MmaTile::Fragment;
  using Fragments = MmaTile::Fragments;
  using Tokens = llvm::SmallVector<FlashHead::Token>;

  int64_t keysAtOnce(int64_t products) const;
  int64_t queriesAtOnce() const;
  Value allocate(int64_t bytes);
  /// Goes over tiles from … to - 1: `copy` starts to fill a buffer, `body` uses it when it has landed.
  Values stream(Value from, Value to, int64_t bufferBytes, llvm::function_ref<void(Value, Value)> copy,
                llvm::ArrayRef<Value> carried,
                llvm::function_ref<Values(Value tile, Value buffer, mlir::ValueRange)> body);
  /// The same over tiles of keys and values that queries from `firstQuery` on see; body(first key, keys, values, …).
  Values streamKeys(FlashHead &head, Value firstQuery, int64_t keys, llvm::ArrayRef<Value> carried,
                    llvm::function_ref<Values(Value, Value, Value, mlir::ValueRange)> body);
  /// The warp's 16 rows from `first` on, by way of shared memory.
  Fragments loadRows(const GlobalRows &rows, Value first, RowOrder order, Value staging);

  /// Queries as rows: what the lane's rows and columns are.
  Tokens queryRows(FlashHead &head, Value firstQuery);
  Tokens keyColumns(FlashHead &head, Value firstKey, int64_t keys);
  Fragments scale(Fragments scores);
  /// Scores that a mask hides become `hidden`, those of keys that do not exist -∞. Rows are queries or keys.
  Fragments mask(FlashHead &head, const Fragments &scores, Value mayHide, bool rowsAreQueries,
                 llvm::function_ref<Tokens()> rows, llvm::function_ref<Tokens()> columns, double hidden);

  /// keep[n][2h + i]: i1 of the elements of fragments, empty without dropout.
  Fragments keepOfQueryRows(FlashHead &head, Value firstQuery, Value firstKey, int64_t keys);
  Fragments keepOfKeyRows(FlashHead &head, Value firstQuery, Value firstKey, int64_t queries);
  /// Scores become dropout(P), and dP becomes dS; numbers are by fragment and element.
  void scoreGradients(Fragments &scores, Fragments &dp, const Fragments &keep,
                      llvm::function_ref<Value(int64_t, int64_t)> lse,
                      llvm::function_ref<Value(int64_t, int64_t)> delta);
  void onlineSoftmax(Fragments &scores, Fragments &out, std::array<Value, 2> &maximum, std::array<Value, 2> &sum);
  void storeLse(FlashHead &head, Value firstQuery, std::array<Value, 2> maximum, std::array<Value, 2> sum);
  Value sumOutTimesDout(FlashHead &head, Value query, Value quarter);

  ThreadBuilder &b;
  const FlashShape &shape;
  const FlashOperands &operands;
  std::optional<MmaTile> tile;
  Value memory; ///< shared
};

} // namespace nf

#endif // NF_PASSES_GPU_FLASHMMA_H
