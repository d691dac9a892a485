//===- FlashFma.h - attention on a GPU by multiply-and-add in f32 -----------------------------===//
//
// For f32 tensors, which tensor cores would round, and for what FlashMma does not do: any head width, rows that begin
// anywhere. Arithmetic is f32 throughout, also of bf16 tensors.
//
// A block holds tiles of at most 64 columns (forward: 128) in shared memory. A wider head is cut into slices: a block
// makes one slice of its results, and goes over all columns for scores. 128 threads share products as FmaTile says.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_GPU_FLASHFMA_H
#define NF_PASSES_GPU_FLASHFMA_H

#include "passes/gpu/FlashKernel.h"
#include "passes/gpu/FmaTile.h"

namespace nf {

class FlashFma {
public:
  using Value = mlir::Value;

  FlashFma(ThreadBuilder &b, const FlashShape &shape, const FlashOperands &operands)
      : b(b), shape(shape), operands(operands), block(b) {}

  static constexpr int64_t threads = FmaThreads::threads;

  /// Blocks of out and lse, of dk and dv, and of dq.
  static int64_t forwardBlocks(const FlashShape &shape);
  static int64_t keyGradientBlocks(const FlashShape &shape);
  static int64_t queryGradientBlocks(const FlashShape &shape);

  /// Columns of the tiles of a head: all of them, or a slice of `most`.
  static int64_t columnsOf(const FlashShape &shape, int64_t most);
  /// Blocks of kernels that make `rowsAtOnce` rows and `columns` columns of a head at once.
  static int64_t blocksOf(const FlashShape &shape, int64_t rows, int64_t rowsAtOnce, int64_t columns);

  void emitForward();
  void emitKeyGradients();
  void emitQueryGradients();

private:
  using Values = llvm::SmallVector<Value>;

  /// Where a block is: its head, its tile of rows and the first column of its slice.
  struct Place {
    Value head, tile, column;
    int64_t tiles, columns, slices;
  };
  Place place(int64_t tiles, int64_t columns);

  FmaRows rows(FlashHead &head, const FlashOperand &operand);
  /// What `add` makes of `sums` with the tiles that `copy` fills, for each slice of columns; copy and add are
  /// separated by a barrier, add and the next copy by another one.
  Values overColumns(const Place &at, llvm::ArrayRef<Value> sums, llvm::function_ref<void(Value firstColumn)> copy,
                     llvm::function_ref<Values(mlir::ValueRange)> add);
  /// Scores in powers of two. Those that a mask hides become `hidden`, those of keys that do not exist -∞.
  Values mask(FlashHead &head, mlir::ValueRange products, Value mayHide, const Values &queries, const Values &keys,
              bool rowsAreQueries, double hidden);
  /// i1 of each score, empty without dropout; keys are neighbours, those of a thread begin at a multiple of their
  /// count.
  Values keepOfQueryRows(FlashHead &head, const Values &queries, const Values &keys);
  Values keepOfKeyRows(FlashHead &head, const Values &queries, const Values &keys);
  /// Scores become dropout(P), and dP becomes dS.
  void scoreGradients(Values &scores, Values &dp, const Values &keep, llvm::function_ref<Value(size_t)> lse,
                      llvm::function_ref<Value(size_t)> delta);
  Value loadLse(FlashHead &head, Value query);
  /// D = Σ_columns dout · out of a tile's queries, in shared memory.
  void computeDelta(FlashHead &head, Value firstQuery, Value to);

  ThreadBuilder &b;
  const FlashShape &shape;
  const FlashOperands &operands;
  FmaThreads block;
};

} // namespace nf

#endif // NF_PASSES_GPU_FLASHFMA_H
