//===- Product.h - a matrix product as its kernels see it ------------------------------------===//
//
// Two kernels serve nf.matmul: tiles of library calls (LowerMatmul.cpp), and, for bf16 operands on processors that
// multiply them, code of our own (Bf16Product.cpp). They share the grid of tiles and the pieces below.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_CPU_PRODUCT_H
#define NF_PASSES_CPU_PRODUCT_H

#include "passes/cpu/KernelBuilder.h"

namespace nf {

/// Tiles of [rows, cols], `down` of them one below the other and `across` side by side.
struct Grid {
  int64_t rows, cols, down, across;
  int64_t tiles() const { return down * across; }
};

enum class Accumulate { Never, Flag, Always };

/// The operand whose rows, as they are stored, are also summed.
enum class Summed { None, A, B };

/// All that a product's kernel depends on. B of rank 2 under batches of A is one product of more rows.
struct Product {
  MatmulOp::Shape shape;
  bool transposeA, transposeB, bias;
  Accumulate accumulate;
  Summed summed;
  mlir::Type a, b, c; ///< element types: f32 or bf16

  /// Where C is among a kernel's buffers: A, B, the bias or the flag if there is one, C, the sum if there is one.
  unsigned placeOfC() const { return 2 + (bias || accumulate == Accumulate::Flag); }
  bool isF32() const { return a.isF32() && b.isF32() && c.isF32(); }
};

/// A matrix in memory: its element [i, j] is at `start` + i · stride + j of a flat memref.
struct Matrix {
  mlir::Value memref, start;
  int64_t stride;
};

/// `matrix` from [row, column] on.
Matrix partOf(mlir::ImplicitLocOpBuilder &b, const Matrix &matrix, mlir::Value row, mlir::Value column);

/// `count` elements of the scratch memory from byte `offset` on, in rows of `stride`.
Matrix matrixInScratch(mlir::ImplicitLocOpBuilder &b, mlir::Value scratch, int64_t offset, int64_t count,
                       int64_t stride, mlir::Type element);

/// to := from, in the element type of `to`. A stride of 0 repeats a row.
void copyRows(mlir::ImplicitLocOpBuilder &b, const Matrix &from, const Matrix &to, mlir::Value rows, mlir::Value cols);

/// What a task works on: the first row and column of its tile of C and their number, and the matrices as they are
/// stored. `a` is [m, k], or [k, m] where it is transposed, and `b` [k, n] or [n, k], of the task's batch; `c` is the
/// tile. Tasks go along a row of tiles, which share rows of A.
struct ProductTile {
  mlir::Value row, column, rows, cols;
  Matrix a, b, c;

  ProductTile(mlir::ImplicitLocOpBuilder &builder, const Product &product, const Grid &grid, mlir::ValueRange buffers,
              mlir::Value task);
};

/// A task's share of the sum of an operand. Each task that reads a part of the operand sums a slice of its columns,
/// over all of the inner extent in ascending order, so that shapes alone decide the order of a sum. A block of the
/// inner extent is summed right before it is multiplied: what the product reads next is then in the cache.
class OperandSum {
public:
  /// Starts the sum: as it was where the product is added to C too, else as zeros. Does nothing where none is wanted.
  OperandSum(mlir::ImplicitLocOpBuilder &builder, const Product &product, const Grid &grid, const ProductTile &tile,
             mlir::ValueRange buffers);

  /// Adds `length` inner indices from `k` on.
  void add(mlir::Value k, mlir::Value length);

private:
  mlir::ImplicitLocOpBuilder &b;
  Summed summed;
  Matrix from;                 ///< the slice, [k, columns]
  mlir::Value columns;         ///< of the slice
  mlir::Value sum, firstOfSum; ///< the whole sum, and where the slice begins in it
};

/// i1: whether the i32 flag of an accumulating product is set.
mlir::Value isFlagSet(mlir::ImplicitLocOpBuilder &b, mlir::Value flag);

/// Whether there is code of ours for the product on a processor with AVX-512 BF16: a bf16 operand, pairs along k.
bool hasBf16Kernel(const Product &product);
int64_t bf16ScratchBytes(const Product &product, const Grid &grid);
void buildBf16Kernel(mlir::ImplicitLocOpBuilder &b, const Product &product, const Grid &grid, mlir::ValueRange buffers,
                     mlir::Value task, mlir::Value scratch);

} // namespace nf

#endif // NF_PASSES_CPU_PRODUCT_H
