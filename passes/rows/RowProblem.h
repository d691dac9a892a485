//===- RowProblem.h - an nf.fused op as the kernel generator sees it -------------------------===//
//
// One distinct buffer is one kernel argument, and so is one distinct dropout site: layers differ in their sites alone.
// And the iteration space is turned so that columns are worth vectorizing:
// where cols = 1, rows become the columns; where nothing depends on the place of a row, all elements are one row.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_ROWS_ROWPROBLEM_H
#define NF_PASSES_ROWS_ROWPROBLEM_H

#include "dialect/NF.h"

namespace nf {

/// A buffer of the kernel. A buffer that is operand and out is one argument.
struct RowArgument {
  mlir::Value buffer;    ///< of the program
  RowKind kind;          ///< what it is of the turned iteration space
  mlir::MemRefType type; ///< [rows, cols], [rows], [cols], [1], [entries, cols] or [groups, cols] by kind
  bool isRead = false;
  bool isWritten = false;
};

struct RowProblem {
  mutable FusedOp op; ///< its accessors are not const
  int64_t rows, cols;
  int64_t groups;              ///< of rows, for column sums
  bool rowsAreColumns = false; ///< cols was 1: reductions along a row are identities, column sums reduce along rows
  llvm::SmallVector<RowArgument> arguments;
  llvm::SmallVector<unsigned> inputs;     ///< argument of each input
  llvm::SmallVector<RowKind> inputKinds;  ///< in the turned space
  llvm::SmallVector<unsigned> outs;       ///< argument of each result
  llvm::SmallVector<RowKind> resultKinds; ///< in the turned space; Row with sumsRow for a column sum turned to a row
  std::optional<unsigned> accumulate;     ///< argument of the i32 flag
  llvm::SmallVector<int32_t> sites;       ///< of the body's random bits, in order; memref<1xi32> after `arguments`

  /// The kernel argument that holds the site of random bits.
  unsigned argumentOfSite(int32_t site) const { return arguments.size() + (llvm::find(sites, site) - sites.begin()); }
  /// Whether result `index` is the sum along a row of a yielded value (a column sum where rows are columns).
  bool sumsRow(unsigned index) const { return rowsAreColumns && op.getResultKind(index) == RowKind::ColSum; }
  /// Whether the destination of result `index` is added to, always or under the flag.
  bool accumulates(unsigned index) const {
    return op.getResultKind(index) == RowKind::ColSum && (op.getAlwaysAccumulate() || accumulate);
  }
  /// Text that is equal for two problems exactly when one kernel serves both.
  std::string getKey() const;
};

/// The problem of a fused op in buffer form. Reports a buffer that is used in two ways, one of them written.
mlir::FailureOr<RowProblem> describeRows(FusedOp op);

/// A symbol that says what a kernel is of: "layers.3.attn.ln" becomes "attn_ln", since one kernel serves all layers.
std::string rowKernelName(FusedOp op, unsigned number);

} // namespace nf

#endif // NF_PASSES_ROWS_ROWPROBLEM_H
