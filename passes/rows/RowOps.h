//===- RowOps.h - primitives of a fused body on scalars and vectors --------------------------===//
#ifndef NF_PASSES_ROWS_ROWOPS_H
#define NF_PASSES_ROWS_ROWOPS_H

#include "dialect/NF.h"
#include "passes/rows/RowSchedule.h"

namespace nf {

/// Emits an elementwise primitive on scalars, or on vectors of equal length; null where the op has no such form.
mlir::Value emitElementwise(mlir::ImplicitLocOpBuilder &b, mlir::Operation *op, mlir::ValueRange operands);

/// Converts between element types as nf.cast does; scalars or vectors.
mlir::Value emitCast(mlir::ImplicitLocOpBuilder &b, mlir::Value value, mlir::Type element);

/// Two partial results of a reduction in one: the sum (also for means), or the maximum, NaN if one is.
mlir::Value emitCombine(mlir::ImplicitLocOpBuilder &b, RowCombiner combiner, mlir::Value x, mlir::Value y);

/// The value that a reduction starts from, in `lanes` lanes.
mlir::Value emitIdentity(mlir::ImplicitLocOpBuilder &b, RowCombiner combiner, mlir::Type element, int64_t lanes);

/// All lanes of a vector in one number: halves are combined, so that the order is fixed. Lanes are a power of two.
mlir::Value emitCombineLanes(mlir::ImplicitLocOpBuilder &b, RowCombiner combiner, mlir::Value vector);

/// Where the bits of an nf.random_bits come from: seed is i64, the others i32.
struct RandomSource {
  mlir::Value seed, site, step, sampleOffset;
  int64_t rowsPerSample;
};

/// The 31 random bits of nf.random_bits for `width` columns from `column` on. `phase` is column mod 4; either width is
/// a multiple of 4 and phase 0, or phase + width is at most 4. Returns vector<width x i32>.
mlir::Value emitRandomBits(mlir::ImplicitLocOpBuilder &b, const RandomSource &source, mlir::Value row,
                           mlir::Value column, int64_t phase, int64_t width);

/// Loads and stores of `width` elements of the last axis; a mask is one byte an element in memory.
mlir::Value emitLoad(mlir::ImplicitLocOpBuilder &b, mlir::Value memref, mlir::ValueRange indices, int64_t width);
void emitStore(mlir::ImplicitLocOpBuilder &b, mlir::Value vector, mlir::Value memref, mlir::ValueRange indices);

} // namespace nf

#endif // NF_PASSES_ROWS_ROWOPS_H
