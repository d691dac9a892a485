//===- ThreadEmitter.h - what one thread computes of a row ------------------------------------===//
//
// Emits a fused body's numbers, which every thread of a row has, and its vectors, each at one place of the row. A
// vector that was computed or loaded stays in registers for as long as its RowPart lives. The loops, reductions over
// threads and who takes which row are GpuRowKernel's.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_GPU_THREADEMITTER_H
#define NF_PASSES_GPU_THREADEMITTER_H

#include "passes/gpu/RowSpread.h"
#include "passes/rows/RowOps.h"

namespace nf {

/// A row and its numbers by body value. `isReal`: whether the row exists, null where all do; else `row` is one that
/// does.
struct ThreadRow {
  mlir::Value row, isReal;
  llvm::DenseMap<mlir::Value, mlir::Value> numbers;
};

/// A thread's vector in a row: its first column (i64), whether it exists, and the values there.
struct RowPart {
  mlir::Value column, isReal;
  llvm::DenseMap<mlir::Value, mlir::Value> values;
};

class ThreadEmitter {
public:
  ThreadEmitter(mlir::ImplicitLocOpBuilder &b, const RowProblem &problem, const RowSchedule &schedule,
                const RowSpread &spread, mlir::ValueRange arguments)
      : b(b), problem(problem), schedule(schedule), spread(spread), arguments(arguments) {}

  /// Loads the scalars; once, before any row.
  void begin();

  /// The numbers of a row that are known before anything is reduced.
  ThreadRow beginRow(mlir::Value row, mlir::Value isReal);

  /// Adds the numbers of level `level`; those of the level's reductions are there already.
  void addNumbers(ThreadRow &row, unsigned level);

  /// vector<spread.vector> of a value of the body; null where an op has no such form (getUnsupported).
  mlir::Value get(const ThreadRow &row, RowPart &part, mlir::Value value);

  /// Loads or stores `width` elements of an argument from element `index` (i64) on; masks are one byte an element.
  mlir::Value load(unsigned argument, mlir::Value index, int64_t width);
  void store(mlir::Value vector, unsigned argument, mlir::Value index);
  /// row · cols + column.
  mlir::Value placeIn(mlir::Value row, mlir::Value column);

  /// `sum` of column sum `index` plus the old destination at `place`, where it accumulates: always, or under the flag.
  mlir::Value addOldDestination(unsigned index, mlir::Value sum, mlir::Value place);

  mlir::Operation *getUnsupported() const { return unsupported; }

private:
  mlir::Value make(const ThreadRow &row, RowPart &part, mlir::Value value);
  mlir::Value loadInput(const ThreadRow &row, RowPart &part, mlir::BlockArgument argument);
  mlir::Value compute(const ThreadRow &row, RowPart &part, mlir::Operation *op);
  mlir::Value drawBits(const ThreadRow &row, RowPart &part, RandomBitsOp op);
  mlir::Value numberColumns(RowPart &part, mlir::Value iota);
  mlir::Value address(unsigned argument, mlir::Value index);
  mlir::Value loadOwn(mlir::Value isOwn, unsigned argument, mlir::Value index, int64_t width);

  mlir::ImplicitLocOpBuilder &b;
  const RowProblem &problem;
  const RowSchedule &schedule;
  const RowSpread &spread;
  mlir::ValueRange arguments;
  mlir::Value mustAdd;                              ///< i1 of the accumulate flag, or null
  llvm::DenseMap<mlir::Value, mlir::Value> scalars; ///< of scalar inputs
  llvm::DenseMap<int32_t, mlir::Value> sites;       ///< i32 of each dropout site
  mlir::Operation *unsupported = nullptr;
};

} // namespace nf

#endif // NF_PASSES_GPU_THREADEMITTER_H
