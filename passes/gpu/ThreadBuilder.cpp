//===- ThreadBuilder.cpp - code of one GPU thread ---------------------------------------------===//
#include "passes/gpu/ThreadBuilder.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace nf;

Value ThreadBuilder::f32(double value) { return arith::ConstantOp::create(*this, getF32FloatAttr(value)); }

Value ThreadBuilder::narrow(Value x) {
  return x.getType().isInteger(32) ? x : arith::TruncIOp::create(*this, getI32Type(), x).getResult();
}

Value ThreadBuilder::fma(Value x, Value y, Value z) { return math::FmaOp::create(*this, x, y, z); }

Value ThreadBuilder::exp2(Value x) {
  auto call =
      LLVM::CallIntrinsicOp::create(*this, getF32Type(), getStringAttr("llvm.nvvm.ex2.approx.ftz.f32"), ValueRange(x));
  return call.getResult(0);
}

Value ThreadBuilder::widenF(Value x) {
  Type type = x.getType(), element = getElementTypeOrSelf(type);
  if (element.isF32())
    return x;
  auto vector = dyn_cast<VectorType>(type);
  return arith::ExtFOp::create(*this, vector ? Type(vector.clone(getF32Type())) : getF32Type(), x);
}

//===------------------------------------------------------------------------------------------===//
// Conditions and loops
//===------------------------------------------------------------------------------------------===//

Value ThreadBuilder::select(Value condition, Value x, Value y) {
  return condition ? arith::SelectOp::create(*this, condition, x, y).getResult() : x;
}

ThreadBuilder::Values ThreadBuilder::choose(Value condition, ArrayRef<Value> otherwise, function_ref<Values()> body) {
  if (!condition)
    return body();
  auto branch = scf::IfOp::create(*this, TypeRange(ValueRange(otherwise)), condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(*this, body());
  setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(*this, otherwise);
  return Values(branch.getResults());
}

void ThreadBuilder::forEach(Value from, Value to, int64_t step, function_ref<void(Value)> body) {
  forEach(from, to, step, {}, [&](Value i, ValueRange) {
    body(i);
    return Values();
  });
}

//===------------------------------------------------------------------------------------------===//
// Memory
//===------------------------------------------------------------------------------------------===//

Value ThreadBuilder::at(Value pointer, Value bytes) {
  return LLVM::GEPOp::create(*this, pointer.getType(), getI8Type(), pointer, ValueRange(bytes),
                             LLVM::GEPNoWrapFlags::inbounds);
}

Value ThreadBuilder::at(Value pointer, int64_t bytes) { return bytes == 0 ? pointer : at(pointer, i32(bytes)); }

Value ThreadBuilder::load(Type type, Value pointer) {
  return LLVM::LoadOp::create(*this, type, pointer, accessAlignment(type));
}

void ThreadBuilder::store(Value value, Value pointer) {
  LLVM::StoreOp::create(*this, value, pointer, accessAlignment(value.getType()));
}

//===------------------------------------------------------------------------------------------===//
// Threads together
//===------------------------------------------------------------------------------------------===//

Value ThreadBuilder::thread() { return NVVM::ThreadIdXOp::create(*this, getI32Type()); }
Value ThreadBuilder::block() { return NVVM::BlockIdXOp::create(*this, getI32Type()); }

Value ThreadBuilder::fromLaneXor(Value x, int64_t mask) {
  return NVVM::ShflOp::create(*this, x.getType(), i32(-1), x, i32(mask), i32(gpuWarp - 1), NVVM::ShflKind::bfly,
                              UnitAttr());
}

Value ThreadBuilder::sumOfFour(Value x) {
  x = addF(x, fromLaneXor(x, 1));
  return addF(x, fromLaneXor(x, 2));
}

Value ThreadBuilder::maxOfFour(Value x) {
  x = maxF(x, fromLaneXor(x, 1));
  return maxF(x, fromLaneXor(x, 2));
}
