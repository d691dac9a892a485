//===- MmaTile.h - matrix products of a warp on tiles in shared memory ------------------------===//
//
// A tile holds rows of bf16 in shared memory, each padded by 16 bytes: rows then start an odd number of 16-byte pieces
// apart, so that the eight rows of an ldmatrix meet all 32 banks. Fragments are those of mma.sync m16n8k16: lane 4g + t
// of a warp has of a 16 × 8 result the elements (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1).
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_GPU_MMATILE_H
#define NF_PASSES_GPU_MMATILE_H

#include "passes/gpu/ThreadBuilder.h"

#include <array>

namespace nf {

/// Rows of one head in global memory: `base` points to the first; `stride` elements lie between rows.
struct GlobalRows {
  mlir::Value base;
  int64_t stride, rows, width;
};

/// Where the rows of a tile come from within each 16: what a lane holds then belongs together (see FlashKernel.h).
enum class RowOrder {
  Natural,
  Fours, ///< row 8e + 2q + i of the tile is row 4q + 2e + i of the source
  Pairs, ///< row 8h + g of the tile is row 2g + h of the source
};

/// A row of the source, for a row of the tile (i32).
mlir::Value sourceRow(ThreadBuilder &b, mlir::Value row, RowOrder order);

class MmaTile {
public:
  using Value = mlir::Value;
  using Fragment = std::array<Value, 4>; ///< of A (i32), of two tiles of B side by side (i32), or of C (f32)
  using Fragments = llvm::SmallVector<Fragment>;

  /// For tiles of `width` columns, rounded up to 16; `threads` threads copy.
  MmaTile(ThreadBuilder &b, int64_t width, int64_t threads);

  int64_t columns() const { return padded; }
  int64_t rowBytes() const { return 2 * (padded + 8); }
  int64_t bytes(int64_t rows) const { return rows * rowBytes(); }

  Value lane, warp;        ///< i32
  Value laneRow, lanePair; ///< g, and 2t

  /// Starts to copy rows first … first + rows - 1 to `tile`; rows and columns that do not exist become zeros. The
  /// caller commits.
  void copy(const GlobalRows &from, Value first, int64_t rows, RowOrder order, Value tile);
  void commit();
  /// Until all groups but the newest `pending` have landed in all threads.
  void wait(int64_t pending);

  /// A of the warp's 16 rows of a tile, 16 columns each.
  Fragments loadOperand(Value tile, Value firstRow);
  /// A · tileᵀ, for `rows` rows of the tile: rows / 8 fragments of C.
  Fragments timesTransposed(llvm::ArrayRef<Fragment> a, Value tile, int64_t rows);
  /// c += a · tile, where a has 16 columns a fragment.
  void addProduct(Fragments &c, llvm::ArrayRef<Fragment> a, Value tile);
  /// Fragments of C, two by two, as bf16 fragments of A: 16 columns each.
  Fragments asOperand(llvm::ArrayRef<Fragment> c);
  Fragments zeros(int64_t count);

  /// Stores the warps' C of 16 rows each, times a factor of row g and one of row g + 8, as rows first … of `to`. The
  /// tile in between is each warp's 16 rows of `staging`.
  void store(llvm::ArrayRef<Fragment> c, std::array<Value, 2> factors, Value staging, const GlobalRows &to, Value first,
             RowOrder order);

  static llvm::SmallVector<Value> flatten(llvm::ArrayRef<Fragment> fragments);
  /// The next `count` fragments of a flat list, which is cut off.
  static Fragments take(mlir::ValueRange &flat, int64_t count);

private:
  Fragment loadMatrices(Value tile, Value laneOffset, int64_t row, int64_t column, bool transposed);
  void multiply(Fragment &c, const Fragment &a, Value b0, Value b1);
  Value pack(Value low, Value high);
  /// Calls body(row, piece) for a thread's pieces of 16 bytes of a tile.
  void forEachPiece(int64_t rows, llvm::function_ref<void(Value, Value)> body);

  ThreadBuilder &b;
  int64_t padded, threads;
  Value thread;
  Value rowsOffset;    ///< of the lane, in bytes, for A, and for B from the tile's rows
  Value columnsOffset; ///< for B from the tile's columns
};

} // namespace nf

#endif // NF_PASSES_GPU_MMATILE_H
