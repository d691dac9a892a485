//===- ThreadBuilder.h - code of one GPU thread -----------------------------------------------===//
//
// Beside what GpuBuilder has: i32 numbers, f32 arithmetic, places in bytes, and what the lanes of a warp do together.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_GPU_THREADBUILDER_H
#define NF_PASSES_GPU_THREADBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/gpu/GpuBuilder.h"

namespace nf {

class ThreadBuilder : public GpuBuilder {
public:
  using GpuBuilder::GpuBuilder;
  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value>;

  Value i32(int64_t value) { return constant32(value); }
  Value i64(int64_t value) { return constant(value); }
  Value f32(double value);

  // Integers of one type; a number in C++ takes the other operand's type. div and rem are of numbers ≥ 0.
  Value add(Value x, Value y) { return mlir::arith::AddIOp::create(*this, x, y); }
  Value sub(Value x, Value y) { return mlir::arith::SubIOp::create(*this, x, y); }
  Value mul(Value x, Value y) { return mlir::arith::MulIOp::create(*this, x, y); }
  Value add(Value x, int64_t y) { return y == 0 ? x : add(x, like(x, y)); }
  Value mul(Value x, int64_t y) { return y == 1 ? x : mul(x, like(x, y)); }
  Value div(Value x, int64_t y) { return mlir::arith::DivUIOp::create(*this, x, like(x, y)); }
  Value rem(Value x, int64_t y) { return mlir::arith::RemUIOp::create(*this, x, like(x, y)); }
  Value least(Value x, Value y) { return mlir::arith::MinSIOp::create(*this, x, y); }
  Value most(Value x, Value y) { return mlir::arith::MaxSIOp::create(*this, x, y); }
  Value wide(Value x) { return mlir::arith::ExtSIOp::create(*this, getI64Type(), x); }
  Value narrow(Value x); ///< to i32; an i32 stays

  Value addF(Value x, Value y) { return mlir::arith::AddFOp::create(*this, x, y); }
  Value subF(Value x, Value y) { return mlir::arith::SubFOp::create(*this, x, y); }
  Value mulF(Value x, Value y) { return mlir::arith::MulFOp::create(*this, x, y); }
  Value maxF(Value x, Value y) { return mlir::arith::MaxNumFOp::create(*this, x, y); }
  Value fma(Value x, Value y, Value z);
  Value exp2(Value x); ///< ex2.approx.ftz
  Value widenF(Value x);

  // Conditions; a null one holds always.
  Value less(Value x, Value y) { return mlir::arith::CmpIOp::create(*this, mlir::arith::CmpIPredicate::slt, x, y); }
  Value less(Value x, int64_t y) { return less(x, like(x, y)); }
  Value equal(Value x, Value y) { return mlir::arith::CmpIOp::create(*this, mlir::arith::CmpIPredicate::eq, x, y); }
  Value select(Value condition, Value x, Value y);

  /// body() where `condition` holds, else `otherwise`.
  Values choose(Value condition, llvm::ArrayRef<Value> otherwise, llvm::function_ref<Values()> body);
  void forEach(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> body);
  using GpuBuilder::forEach;

  /// The place `bytes` (i32 or i64) behind a pointer, in its address space.
  Value at(Value pointer, Value bytes);
  Value at(Value pointer, int64_t bytes);
  Value load(mlir::Type type, Value pointer);
  void store(Value value, Value pointer);

  Value thread();
  Value block();
  /// An f32 or i32 of the lane whose number differs in the bits of `mask`.
  Value fromLaneXor(Value x, int64_t mask);
  /// The sum or maximum of an f32 over the four lanes 4g … 4g + 3.
  Value sumOfFour(Value x);
  Value maxOfFour(Value x);

private:
  Value like(Value x, int64_t value) { return x.getType().isInteger(64) ? i64(value) : i32(value); }
};

} // namespace nf

#endif // NF_PASSES_GPU_THREADBUILDER_H
