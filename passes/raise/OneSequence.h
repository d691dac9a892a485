//===- OneSequence.h - a micro-batch's operations for one of its sequences --------------------===//
#ifndef NF_PASSES_RAISE_ONESEQUENCE_H
#define NF_PASSES_RAISE_ONESEQUENCE_H

#include "dialect/NF.h"

#include "mlir/IR/IRMapping.h"

#include <map>
#include <optional>

namespace nf {

/// Copies operations that compute a batch so that they compute its first sequence alone. The batch is followed from the
/// values that have it in axis 0 through reshapes and transposes, also where it is one factor of an axis ([batch ·
/// tokens, columns]). What does not depend on them, such as constants and parameters, is cut to the first sequence
/// where it meets one that does.
class SequenceCloner {
public:
  /// Copies go to where `b` inserts; `copies` maps to them. `batch` is over 1.
  SequenceCloner(mlir::OpBuilder &b, int64_t batch, mlir::IRMapping &copies) : b(b), batch(batch), copies(copies) {}

  /// Maps a value [batch, ...] to its one sequence [1, ...].
  void divide(mlir::Value value, mlir::Value sequence);

  /// Copies an op, whose operands have copies. Fails, without a trace, where sequences are mixed, or the batch cannot
  /// be told from other extents.
  mlir::LogicalResult clone(mlir::Operation *op);

private:
  /// Where the batch is in a value: extents[axis] = outer · batch · inner, and indices count in this order.
  struct Place {
    unsigned axis;
    int64_t outer;
    auto operator<=>(const Place &) const = default;
  };

  std::optional<Place> placeOf(mlir::Value value) const;
  bool isDivided(mlir::Value value) const { return placeOf(value).has_value(); }
  mlir::RankedTensorType dividedType(mlir::Type type, Place place) const;
  bool isAxisOf(mlir::Type type, Place place) const;

  // The place in the results of an op, or nothing where it cannot be divided.
  std::optional<Place> placeInResult(mlir::Operation *op) const;
  std::optional<Place> placeOfAligned(mlir::Operation *op) const;
  std::optional<Place> placeOfReshaped(Place place, llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> shape) const;
  std::optional<Place> placeOfProduct(mlir::Operation *op) const;

  /// The place in an operand that belongs to one in the result; nothing where the operand has no such axis.
  std::optional<Place> placeInOperand(mlir::OpOperand &operand, Place result) const;

  /// The first sequence of a value that has all of them; null where it cannot be cut.
  mlir::Value cut(mlir::Value value, Place place);
  mlir::Value cutSource(mlir::Value value, Place place);
  mlir::Value slice(mlir::Value value, Place place);

  mlir::OpBuilder &b;
  int64_t batch;
  mlir::IRMapping &copies;
  llvm::DenseMap<mlir::Value, Place> places;
  std::map<std::tuple<void *, unsigned, int64_t>, mlir::Value> cuts;
};

} // namespace nf

#endif // NF_PASSES_RAISE_ONESEQUENCE_H
