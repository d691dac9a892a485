//===- NF.h - the nf dialect's C++ face ------------------------------------------------------===//
//
// Types, interfaces and ops of the nf dialect; what each op means is written in the .td files.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_DIALECT_NF_H
#define NF_DIALECT_NF_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir {
class PatternRewriter;
}

namespace nf {

/// The part that an op plays in a pass over rows (RowWiseOpInterface).
enum class RowRole { None, Elementwise, RowReduction, ColumnReduction };

/// What an operand or a result of nf.fused is of the whole tensor; the numbers are those of `operand_kinds`.
enum class RowKind : int32_t { RowCol = 0, Row = 1, Col = 2, Scalar = 3, Gather = 4, ColSum = 5 };

/// Clones `op` onto row values and infers its type anew: the default of RowWiseOpInterface::buildRow.
mlir::Value buildRowByClone(mlir::OpBuilder &builder, mlir::Operation *op, mlir::ValueRange operands, int64_t cols);

/// The shape that `shapes` broadcast to by NumPy's rule, or failure.
llvm::FailureOr<llvm::SmallVector<int64_t>> broadcastShapes(llvm::ArrayRef<llvm::ArrayRef<int64_t>> shapes);

/// Sums `value` over the axes along which an operand of `type` was repeated, and gives it that type: the gradient of
/// broadcasting.
mlir::Value sumToShape(mlir::OpBuilder &builder, mlir::Location location, mlir::Value value,
                       mlir::RankedTensorType type);

/// `groups` ([n]) with each element repeated extent / n times: [extent]. And its gradient: the sums of `values`
/// ([extent]) over each of n equal groups.
mlir::Value repeatGroups(mlir::ImplicitLocOpBuilder &builder, mlir::Value groups, int64_t extent);
mlir::Value sumGroups(mlir::ImplicitLocOpBuilder &builder, mlir::Value values, int64_t n);

/// The value that `value` is a reshape of.
mlir::Value stripReshapes(mlir::Value value);

/// The uses of a value, also those of its reshapes, which do not count themselves.
llvm::SmallVector<mlir::OpOperand *> usesThroughReshapes(mlir::Value value);

/// Bytes of a tensor's elements, one at least for each.
int64_t bytesOf(mlir::Value value);

/// Sums and maxima of bf16 are taken in f32.
mlir::Type accumulatorType(mlir::Type element);

/// A splat constant of one element of `elementType`, of shape [1].
mlir::Value splat(mlir::OpBuilder &builder, mlir::Location location, mlir::Type elementType, double value);

} // namespace nf

#include "dialect/NFInterfaces.h.inc"

#include "dialect/NFDialect.h.inc"
#include "dialect/NFEnums.h.inc"

#define GET_OP_CLASSES
#include "dialect/NFOps.h.inc"

namespace nf {

/// An argument or a result of a program: the name by which the host finds it, and its type.
struct Port {
  llvm::StringRef name;
  mlir::Type type;
};

/// A program at the builder's place, whose block has its arguments and nothing else.
ProgramOp createProgram(mlir::OpBuilder &builder, mlir::Location location, llvm::StringRef name,
                        llvm::ArrayRef<Port> arguments, llvm::ArrayRef<Port> results);

} // namespace nf

#endif // NF_DIALECT_NF_H
