//===- DenseValues.h - small tensors computed by the compiler -----------------------------------===//
#ifndef NF_PASSES_RAISE_DENSEVALUES_H
#define NF_PASSES_RAISE_DENSEVALUES_H

#include "passes/raise/Values.h"

namespace nf {

/// Computes the elements of values that depend on constants, indices and given leaves alone: masks.
class DenseValues {
public:
  using Elements = std::vector<double>;

  /// Fixes the elements of a leaf.
  void set(mlir::Value leaf, Elements elements) { values[leaf] = std::move(elements); }

  /// The elements of `value` in row-major order, or null where it depends on anything else or is too large.
  const Elements *of(mlir::Value value);

  /// The values that `value` depends on and that are not computed from constants: its leaves, at most `limit` of them;
  /// nothing where there are more.
  static std::optional<llvm::SmallVector<mlir::Value>> leavesOf(mlir::Value value, size_t limit);

  /// Whether the elements of an op's result follow from those of its operands here: it is no leaf.
  static bool isComputable(mlir::Operation *op);

private:
  bool compute(mlir::Value value);
  Elements fromOperands(mlir::Operation *op);

  llvm::DenseMap<mlir::Value, Elements> values;
};

} // namespace nf

#endif // NF_PASSES_RAISE_DENSEVALUES_H
