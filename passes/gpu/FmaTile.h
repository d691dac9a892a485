//===- FmaTile.h - matrix products of a block's threads on tiles in shared memory -------------===//
//
// A tile holds rows of f32 in shared memory. 128 threads stand 16 down and 8 across: of a product of `rows` × `columns`
// a thread has rows / 16 rows and columns / 8 columns. Its rows are neighbours in the source, and 16 (8) apart in the
// tile, whose rows are an odd number of 16-byte pieces: what a warp reads at once, 4 rows of a left and 8 of a right
// side, then meets every bank once.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_GPU_FMATILE_H
#define NF_PASSES_GPU_FMATILE_H

#include "passes/gpu/MmaTile.h"

namespace nf {

/// Rows in global memory, which threads access `vector` elements (4 or 1) at a time.
struct FmaRows {
  GlobalRows rows;
  mlir::Type element; ///< f32 or bf16
  int64_t vector;
};

struct FmaTile {
  mlir::Value base;
  int64_t rows, columns, stride; ///< elements
};

class FmaThreads {
public:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<Value>;

  static constexpr int64_t down = 16, across = 8, threads = down * across;

  explicit FmaThreads(ThreadBuilder &b);

  Value row, column; ///< of the thread (i32)

  /// A tile of rows of a tensor, `columns` a multiple of 32; one of the results of a product, with `rows` × `columns`
  /// of it; `count` numbers.
  FmaTile allocateRows(llvm::StringRef name, int64_t rows, int64_t columns);
  FmaTile allocateResults(llvm::StringRef name, int64_t rows, int64_t columns);

  /// Fills a tile that is a product's left (groups = down) or right side (across) with rows from `firstRow` on and
  /// columns from `firstColumn` on; what does not exist becomes zeros.
  void copy(const FmaRows &from, Value firstRow, Value firstColumn, const FmaTile &to, int64_t groups);

  /// A thread's part of left · rightᵀ, added to `sums`: its rows, and of each its columns.
  Values addTransposed(mlir::ValueRange sums, const FmaTile &left, const FmaTile &right);
  /// That of left · right, where left holds results whose columns are right's rows. A thread's columns are four
  /// neighbours of every 32.
  Values add(mlir::ValueRange sums, const FmaTile &left, const FmaTile &right);
  Values zeros(int64_t count) { return Values(count, b.f32(0)); }

  /// Keeps a thread's part of a product as addTransposed has it.
  void keep(mlir::ValueRange results, const FmaTile &to);
  /// Stores what add made as rows from `firstRow` on and columns from `firstColumn` on, each row times its factor.
  void store(mlir::ValueRange sums, llvm::ArrayRef<Value> factors, const FmaRows &to, Value firstRow, Value firstColumn,
             int64_t columns);

  /// Numbers of the thread's `count` rows, from `first` on.
  Values rowNumbers(Value first, int64_t count) { return numbersOf(row, first, count); }
  Values columnNumbers(Value first, int64_t count) { return numbersOf(column, first, count); }

  /// The address of an element.
  Value placeOf(const FmaRows &rows, Value row, Value column);

private:
  Values numbersOf(Value index, Value first, int64_t count);
  /// Carries `sums` over the pieces of four along `extent`, the inner extent of a product.
  Values overPieces(int64_t extent, mlir::ValueRange sums, llvm::function_ref<void(Value piece, Values &sums)> add);
  /// Four f32 of a row of a tile, from `column` on.
  Values loadFour(const FmaTile &tile, Value row, Value column);
  Value columnExists(const FmaRows &rows, Value column, int64_t tileColumns);

  ThreadBuilder &b;
  Value thread;
};

} // namespace nf

#endif // NF_PASSES_GPU_FMATILE_H
