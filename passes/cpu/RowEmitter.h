//===- RowEmitter.h - the values of one row --------------------------------------------------===//
//
// Emits what a fused body computes on one row: its numbers, and runs of its columns as vectors. The loops around them,
// and who runs which rows, are RowKernel's.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_CPU_ROWEMITTER_H
#define NF_PASSES_CPU_ROWEMITTER_H

#include "passes/rows/RowOps.h"

namespace nf {

/// A run of `count` vectors of `lanes` columns each, from `column` on. `phase` is column mod 4.
struct ColumnRun {
  mlir::Value column;
  int64_t phase, count, lanes;
};

/// The row being computed and its numbers by body value.
struct RowValues {
  mlir::Value row;
  llvm::DenseMap<mlir::Value, mlir::Value> numbers;
};

class RowEmitter {
public:
  RowEmitter(mlir::ImplicitLocOpBuilder &b, const RowProblem &problem, const RowSchedule &schedule,
             mlir::ValueRange arguments, mlir::Value scratch)
      : b(b), problem(problem), schedule(schedule), arguments(arguments), scratch(scratch) {}

  /// Loads the scalars and lays out the scratch memory; once, before any row.
  void begin();

  /// The numbers of a row that are known before its loops.
  RowValues beginRow(mlir::Value row);

  /// Adds the numbers of level `level`; those of the level's reductions are there already.
  void addNumbers(RowValues &values, unsigned level);

  /// The memref of result `index`, and the scratch of a column sum.
  mlir::Value out(unsigned index) const { return arguments[problem.outs[index]]; }
  mlir::Value sumScratch(unsigned index) const { return sums.lookup(index); }

  /// Computes loop `loop` on a run of columns: stores results and kept values; returns for each reduction of the loop,
  /// then each column sum, its values, `count` vectors in accumulator type.
  llvm::SmallVector<llvm::SmallVector<mlir::Value>> emitRun(const RowValues &values, unsigned loop,
                                                            const ColumnRun &run);

  /// `sum` of column sum `index` plus the old destination at `place`, where it accumulates: always, or under the flag.
  mlir::Value addOldDestination(unsigned index, mlir::Value sum, mlir::Value memref, mlir::ValueRange place);

  /// The op that has no vector form, if one was met.
  mlir::Operation *getUnsupported() const { return unsupported; }

private:
  friend class RunEmitter;

  mlir::Value view(int64_t offset, mlir::Type element);

  mlir::ImplicitLocOpBuilder &b;
  const RowProblem &problem;
  const RowSchedule &schedule;
  mlir::ValueRange arguments;
  mlir::Value scratch;
  mlir::Value mustAdd;                                                ///< i1 of the accumulate flag, or null
  llvm::DenseMap<mlir::Value, mlir::Value> scalars;                   ///< of scalar inputs
  llvm::DenseMap<int32_t, mlir::Value> sites;                         ///< i32 of each dropout site
  llvm::DenseMap<unsigned, mlir::Value> sums;                         ///< scratch of column sums
  llvm::DenseMap<mlir::Value, std::pair<unsigned, mlir::Value>> kept; ///< loop that writes a value, and its memref
  mlir::Operation *unsupported = nullptr;
};

} // namespace nf

#endif // NF_PASSES_CPU_ROWEMITTER_H
