//===- Values.h - what raising asks of single values ------------------------------------------===//
#ifndef NF_PASSES_RAISE_VALUES_H
#define NF_PASSES_RAISE_VALUES_H

#include "dialect/NF.h"

#include <optional>

namespace nf {

/// The type of a value of a program before planning.
mlir::RankedTensorType tensorType(mlir::Value value);

/// What an elementwise primitive, or nf.relu or nf.silu, makes of one number per operand: compare gives 0 or 1. Nothing
/// for other ops, and for casts between floats, which round.
std::optional<double> applyElementwise(mlir::Operation *op, llvm::ArrayRef<double> operands);

/// The number that every element of `value` is: a splat constant, arithmetic on such, and movement of it.
std::optional<double> numberOf(mlir::Value value);

/// `value` = `base` · `factor`, with all multiplications and divisions by numbers taken off `base`.
struct Factored {
  mlir::Value base;
  double factor;
};
Factored factorOf(mlir::Value value);

/// Whether `value` depends on parameters and constants alone, and on at least one parameter or on a constant that is
/// not one number.
bool isWeightOnly(mlir::Value value);

/// The parameter read by `value` through reshapes, or null.
GetOp parameterOf(mlir::Value value);

/// The parameter that `value` alone is computed from, by reshapes, casts and arithmetic with numbers (1 + gamma), or
/// null.
GetOp sourceParameterOf(mlir::Value value);

/// The operand of `op`, an nf.add or nf.mul, that holds one weight a column of the other operand, or null.
mlir::Value columnVectorOf(mlir::Operation *op);

/// `value` as [extent], without the reshapes that give it leading axes of extent 1.
mlir::Value asVector(mlir::OpBuilder &builder, mlir::Location location, mlir::Value value, int64_t extent);

/// The number of the fewest decimal digits that is `value` in `element`: what the author of a rounded constant wrote.
double shortestNumber(double value, mlir::Type element);

/// Whether `value` is computed from `source`.
bool dependsOn(mlir::Value value, mlir::Value source);

/// Erases what nothing reads.
void eraseDeadOps(ProgramOp program);

/// Calls `raise` on the ops of `program` from the last to the first, so that the whole of a formula comes before its
/// parts; what is dead by then is left out. Ops that nothing reads are erased before and after.
void forEachRoot(ProgramOp program, llvm::function_ref<void(mlir::Operation *)> raise);

/// The locations of `ops`, the first one's first.
mlir::Location fusedLocation(llvm::ArrayRef<mlir::Operation *> ops);

} // namespace nf

#endif // NF_PASSES_RAISE_VALUES_H
