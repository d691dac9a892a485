//===- RowFormula.h - a value as a formula of rows --------------------------------------------===//
//
// A formula is recognised by its values, not by its spelling: the cone of row-wise primitives above a value is
// evaluated in double on chosen rows and compared with the formula in question. Cones hold analytic functions of few
// ops, so that two of them that agree on dozens of points over the whole range of floats are the same function, however
// it is written: commuted, reassociated, with identities in between. What differs (a sample variance, an epsilon
// outside the root, another activation) differs by far more than the rounding of constants.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_RAISE_ROWFORMULA_H
#define NF_PASSES_RAISE_ROWFORMULA_H

#include "passes/raise/Values.h"

namespace nf {

/// One row of a value: a number a column, or one number for all columns.
using Row = std::vector<double>;
/// The rows of leaves.
using Leaves = llvm::DenseMap<mlir::Value, Row>;

class RowFormula {
public:
  /// The formula of `root` over the rows of `x`, both with the same elements in the same order and the same last axis.
  /// Fails where the cone has other operands than x, numbers, vectors of weights ([columns]) and, if `perRow`, numbers
  /// a row.
  static std::optional<RowFormula> of(mlir::Value root, mlir::Value x, bool perRow = false);

  /// Values of the cone above `root` that it may be a formula of, nearest first: those of root's extents or, where root
  /// is `reduced` to one number a row, of as many rows as root has elements. None where no op close above root is one
  /// that every formula in question needs.
  static llvm::SmallVector<mlir::Value> candidates(mlir::Value root, llvm::function_ref<bool(mlir::Operation *)> needed,
                                                   bool reduced = false);

  /// Vectors of weights, in the order in which they were met.
  llvm::ArrayRef<mlir::Value> vectors() const { return vectorLeaves; }
  /// Values of one number a row.
  llvm::ArrayRef<mlir::Value> rowNumbers() const { return rowLeaves; }
  /// The numbers that occur, without repetition.
  llvm::ArrayRef<double> numbers() const { return numberLeaves; }
  /// Ops of the cone, the root's first.
  llvm::ArrayRef<mlir::Operation *> ops() const { return cone; }
  /// The value whose rows it is a formula of.
  mlir::Value argument() const { return x; }
  int64_t columns() const { return extent; }

  /// Whether nothing outside of the cone reads a value of it other than the root.
  bool isClosed() const;
  /// Whether the cone has a reduction over the row.
  bool hasReduction() const;

  /// The root's row where x is `x` and leaves are as given; an elementwise formula takes a row of any length.
  Row evaluate(const Row &x, const Leaves &leaves = Leaves()) const;

private:
  bool collect(mlir::Value value);
  bool collectLeaf(mlir::Value value);
  bool isVector(mlir::Value value) const;
  bool isRepeatedVector(mlir::Operation *op) const;
  bool fits(mlir::Operation *op) const;

  mlir::Value root, x;
  int64_t rows = 0, extent = 0;
  bool perRow = false;
  llvm::SmallVector<mlir::Operation *> cone; // operands before users, reversed at the end
  llvm::SmallVector<mlir::Value> vectorLeaves, rowLeaves;
  llvm::SmallVector<double> numberLeaves;
  llvm::DenseMap<mlir::Value, double> numberValues;
  llvm::DenseSet<mlir::Value> dependent, seen; // dependent: on x or on a number a row
};

/// The nearest formula of `root` that may be a norm and that `matches`: of rows of root's type, with a square root or a
/// power and a reduction, whose values nothing else reads.
std::optional<RowFormula> findNorm(mlir::Value root, llvm::function_ref<bool(const RowFormula &)> matches);

/// e^x over its sum.
Row softmaxOf(const Row &x);

/// Whether two rows agree within `tolerance` of the largest magnitude, NaN and infinities alike.
bool agree(const Row &expected, const Row &actual, double tolerance = 1e-6);

/// Pseudo-random numbers, the same in every run.
class Samples {
public:
  /// In [-1, 1).
  double next() {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<double>(static_cast<int64_t>(state) >> 11) / 4503599627370496.0;
  }
  /// `count` of them times `scale`.
  Row row(int64_t count, double scale) {
    Row row(count);
    for (double &value : row)
      value = scale * next();
    return row;
  }

private:
  uint64_t state = 0x853c49e6748fea9bull;
};

} // namespace nf

#endif // NF_PASSES_RAISE_ROWFORMULA_H
