//===- Layout.h - where the axes of a value went ------------------------------------------------===//
//
// A chain of reshapes and transposes moves pieces of axes about. A layout follows the pieces (atoms): a reshape splits
// and joins axes without changing the order of the atoms, a transpose changes it. Axes of extent 1 have no atoms.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_RAISE_LAYOUT_H
#define NF_PASSES_RAISE_LAYOUT_H

#include "passes/raise/Values.h"

namespace nf {

class Layout {
public:
  /// The layout of `value` in terms of the value at the start of its chain of reshapes and transposes; at most up to
  /// `end`, where it is given. Stops early where a reshape joins what cannot be told apart.
  static Layout of(mlir::Value value, mlir::Value end = {});

  /// Where the chain starts.
  mlir::Value source() const { return start; }
  /// Reshapes and transposes in the chain.
  unsigned length() const { return steps; }
  /// Transposes in it.
  unsigned transposes() const { return transposeSteps; }

  /// Whether the elements are in the source's order.
  bool keepsOrder() const { return order == sourceOrder; }
  /// Extents of the atoms by identity.
  int64_t extentOf(int atom) const { return extents[atom]; }
  /// The atoms in the source's order, and in the value's.
  llvm::ArrayRef<int> atomsOfSource() const { return sourceOrder; }
  llvm::ArrayRef<int> atoms() const { return order; }
  /// The atoms of one axis of the value, and of its source.
  llvm::SmallVector<int> axis(unsigned index) const { return group(order, shape)[index]; }
  llvm::SmallVector<int> sourceAxis(unsigned index) const { return group(sourceOrder, sourceShape)[index]; }

private:
  explicit Layout(mlir::Value start);

  bool reshape(llvm::ArrayRef<int64_t> to);
  void transpose(llvm::ArrayRef<int64_t> permutation);
  void split(int atom, int64_t inner);
  llvm::SmallVector<llvm::SmallVector<int>> group(llvm::ArrayRef<int> atoms, llvm::ArrayRef<int64_t> shape) const;

  mlir::Value start;
  unsigned steps = 0, transposeSteps = 0;
  llvm::SmallVector<int64_t> extents, shape, sourceShape;
  llvm::SmallVector<int> order, sourceOrder;
};

} // namespace nf

#endif // NF_PASSES_RAISE_LAYOUT_H
