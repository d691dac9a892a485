//===- RowSchedule.h - what is computed in which loop over a row's columns -------------------===//
//
// A row is computed by loops over its columns, one more than the longest chain of row reductions. A value's level is
// the first loop that can compute it; a reduction's result is there after the loop that reduces it. Values that a later
// loop needs again are loaded from where they were stored, computed again where that is cheap, or kept in scratch.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_ROWS_ROWSCHEDULE_H
#define NF_PASSES_ROWS_ROWSCHEDULE_H

#include "passes/rows/RowProblem.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace nf {

enum class RowCombiner { Sum, Mean, Max };

/// One number a row out of the columns of `operand`: the value `result` of the body, or result `output` of the op
/// (then `result` is null).
struct RowReduction {
  RowCombiner combiner;
  mlir::Value operand;
  mlir::Value result;
  unsigned output = 0;
};

/// A value that later loops read back: from scratch at `scratchOffset`, or from result `output` where that is there.
struct KeptValue {
  mlir::Value value;
  int64_t scratchOffset = 0;
  std::optional<unsigned> output;
};

struct ColumnLoop {
  llvm::SmallVector<RowReduction> reductions;
  llvm::SmallVector<unsigned> stores;     ///< rowcol results
  llvm::SmallVector<unsigned> columnSums; ///< col_sum results
  llvm::SmallVector<KeptValue> keeps;     ///< written here, read by later loops
};

struct RowSchedule {
  llvm::SmallVector<ColumnLoop> loops;
  llvm::DenseMap<mlir::Value, unsigned> levels; ///< of all values of the body
  llvm::DenseSet<mlir::Value> columnar;         ///< values that differ along a row; others are one number a row
  llvm::DenseMap<unsigned, int64_t> sumOffsets; ///< scratch of each col_sum result, accumulators × columns
  int64_t scratchBytes = 0;

  unsigned levelOf(mlir::Value value) const { return levels.lookup(value); }
  bool isColumnar(mlir::Value value) const { return columnar.contains(value); }
};

RowSchedule scheduleRows(const RowProblem &problem);

} // namespace nf

#endif // NF_PASSES_ROWS_ROWSCHEDULE_H
