//===- RowSpread.h - how a region's rows and columns are spread over threads -----------------===//
#ifndef NF_PASSES_GPU_ROWSPREAD_H
#define NF_PASSES_GPU_ROWSPREAD_H

#include "passes/rows/RowSchedule.h"

namespace nf {

/// Threads and blocks of a row kernel. Everything follows from shapes, types and alignment, never from a device: so do
/// the bits of its sums.
struct RowSpread {
  int64_t vector;        ///< columns that a thread loads at once, up to 16 bytes
  int64_t threadsPerRow; ///< a power of two; over 32 of them are the whole block
  int64_t chunks;        ///< vectors of a thread in one row
  int64_t columnBlocks;  ///< blocks that share a row; 1 where something is reduced along rows
  int64_t rowsAtOnce;    ///< of a block
  int64_t rowsPerBlock;  ///< one after another or at once; a group of rows where columns are summed
  int64_t blocks;        ///< of a launch
  int64_t blocksAtOnce;  ///< on a processor, that a kernel's registers are to allow for; 0: ptxas decides
  bool isUnrolled;       ///< whether a thread holds its part of a row in registers; else it goes over the row in loops

  int64_t threads() const { return threadsPerRow * rowsAtOnce; }
  /// Columns from a thread's vector to its next.
  int64_t stride() const { return vector * threadsPerRow; }
  /// Columns of a block in one row, the last ones maybe behind the row's end.
  int64_t columnsPerBlock() const { return stride() * chunks; }
};

RowSpread spreadRows(const RowProblem &problem, const RowSchedule &schedule);

} // namespace nf

#endif // NF_PASSES_GPU_ROWSPREAD_H
