//===- Interpreter.h - runs nf programs by the reference kernels -----------------------------===//
//
// Evaluates an nf.program in tensor form (any stage from import to fuse) in float or double, op by op, with the kernels
// of runtime/reference. nf.fused is evaluated as its body over whole tensors [rows, cols].
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_TOOLS_INTERPRETER_H
#define NF_TOOLS_INTERPRETER_H

#include "dialect/NF.h"
#include "mlir/IR/BuiltinOps.h"
#include "runtime/reference/Reference.h"

#include <map>
#include <string>
#include <vector>

namespace nf {

template <typename T> class Interpreter {
public:
  using Tensor = rt::reference::Tensor<T>;

  /// Parameters and states by symbol; a program reads and replaces them. A symbol that is not there reads as zeros.
  std::map<std::string, Tensor> states;

  /// Whether a cast to bf16 rounds (T = float: always worth it; T = double: to follow a bf16 model's values).
  bool roundsToBf16 = std::is_same_v<T, float>;

  /// Runs `program` on one tensor an argument, of the argument's shape, and returns its results. Fails, after an error
  /// at the op, on an op without a reference kernel and on an index outside its table.
  llvm::FailureOr<std::vector<Tensor>> run(ProgramOp program, const std::vector<Tensor> &arguments);

private:
  using Values = llvm::DenseMap<mlir::Value, Tensor>;

  llvm::LogicalResult evaluate(mlir::Operation *op, Values &values);
  llvm::LogicalResult evaluateFused(FusedOp op, Values &values);
  llvm::LogicalResult evaluateKernel(mlir::Operation *op, Values &values,
                                     const std::vector<rt::reference::Shape> &resultShapes);
  Tensor readState(llvm::StringRef symbol, mlir::Type type);
};

/// Zeros of a static tensor type.
template <typename T> rt::reference::Tensor<T> zerosOf(mlir::Type type);

/// Makes every f32 of the module f64: types, attributes and constants. Passes then write their constants in double too,
/// as a comparison closer than float's precision needs.
void widenToDouble(mlir::ModuleOp module);

} // namespace nf

#endif // NF_TOOLS_INTERPRETER_H
