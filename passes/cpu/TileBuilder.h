//===- TileBuilder.h - small matrices in scratch memory --------------------------------------===//
//
// Emits vector code on tiles: row-major f32 matrices of static shape in a kernel's scratch memory, whose columns are a
// multiple of the vector length. Nothing here knows what the matrices mean.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_CPU_TILEBUILDER_H
#define NF_PASSES_CPU_TILEBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nf {

/// C[m, n] = op(A)[m, k] B[k, n], or C += that. `transposeA`: A is stored as [k, m]. `firstRow` (may be null: 0) is
/// the row of C's memref that the product starts in. n is a multiple of the vector length.
struct TileProduct {
  int64_t m, n, k;
  mlir::Value a;
  bool transposeA;
  mlir::Value b, c;
  mlir::Value firstRow;
  bool accumulate;
};

class TileBuilder : public mlir::ImplicitLocOpBuilder {
public:
  /// `lanes`: floats in a vector register of the target.
  TileBuilder(mlir::Location location, mlir::OpBuilder &builder, int64_t lanes)
      : ImplicitLocOpBuilder(location, builder), lanes(lanes) {}

  const int64_t lanes;

  mlir::Value index(int64_t value);
  mlir::Value i32(int64_t value);
  mlir::Value f32(double value);
  mlir::Value toIndex(mlir::Value i32);
  mlir::Value toI32(mlir::Value index);

  // Index arithmetic of values that are not negative; an addition of or a product with a constant folds.
  mlir::Value add(mlir::Value x, mlir::Value y) { return mlir::arith::AddIOp::create(*this, x, y); }
  mlir::Value add(mlir::Value x, int64_t y) { return y == 0 ? x : add(x, index(y)); }
  mlir::Value sub(mlir::Value x, mlir::Value y) { return mlir::arith::SubIOp::create(*this, x, y); }
  mlir::Value mul(mlir::Value x, int64_t y) { return mlir::arith::MulIOp::create(*this, x, index(y)); }
  mlir::Value least(mlir::Value x, mlir::Value y) { return mlir::arith::MinSIOp::create(*this, x, y); }

  mlir::VectorType vectorType(mlir::Type element) { return mlir::VectorType::get({lanes}, element); }
  /// `scalar` in every lane.
  mlir::Value splat(mlir::Value scalar);
  /// 0, 1, … lanes − 1 as i32.
  mlir::Value iota();
  /// x · y + z in one rounding where the target has that instruction.
  mlir::Value multiplyAdd(mlir::Value x, mlir::Value y, mlir::Value z);

  /// A vector from `indices` on, of the memref's element type; bf16 is widened to f32.
  mlir::Value load(mlir::Value memref, mlir::ValueRange indices);
  mlir::Value loadScalar(mlir::Value memref, mlir::ValueRange indices);
  /// The first `count` lanes of such a vector of floats; the others are 0.
  mlir::Value loadFirst(int64_t count, mlir::Value memref, mlir::ValueRange indices);
  /// Stores a vector or a number, rounded to bf16 where that is the memref's element type.
  void store(mlir::Value value, mlir::Value memref, mlir::ValueRange indices);
  /// The same for the first `count` lanes of a vector.
  void storeFirst(int64_t count, mlir::Value vector, mlir::Value memref, mlir::ValueRange indices);

  using Body = llvm::function_ref<void(mlir::Value)>;
  using CarryingBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)>;
  /// for (i = from; i < to; i += step) body(i); a single iteration becomes no loop.
  void loop(int64_t from, int64_t to, int64_t step, Body body);
  void loop(mlir::Value from, mlir::Value to, Body body);
  /// The same with values carried from one iteration to the next; returns the last ones.
  llvm::SmallVector<mlir::Value> loop(mlir::Value from, mlir::Value to, mlir::ValueRange initial, CarryingBody body);
  /// if (condition) body().
  void when(mlir::Value condition, llvm::function_ref<void()> body);

  /// Emits the product with its sums in registers.
  void product(const TileProduct &p);

  /// As many vectors as lanes, rows of a square matrix, as its columns.
  llvm::SmallVector<mlir::Value> transposed(llvm::SmallVector<mlir::Value> rows);
  /// to[c][r] = from[r][c]; rows and columns of `from` are multiples of the vector length.
  void transpose(mlir::Value from, mlir::Value to);

  /// All of a tile, or of as many numbers as vectors hold, := value.
  void fill(mlir::Value tile, double value);

private:
  mlir::Value firstLanes(int64_t count);
  mlir::Value widened(mlir::Value floats);
  mlir::Value roundedFor(mlir::Value memref, mlir::Value floats);
  void productColumns(const TileProduct &p, mlir::Value column, int64_t vectors);
  void productBlock(const TileProduct &p, mlir::Value column, int64_t vectors, mlir::Value row, int64_t rows);
};

} // namespace nf

#endif // NF_PASSES_CPU_TILEBUILDER_H
