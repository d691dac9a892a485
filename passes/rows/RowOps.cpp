//===- RowOps.cpp - primitives of a fused body on scalars and vectors ------------------------===//
#include "passes/rows/RowOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/rows/Philox.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nf;

/// `element`, in as many lanes as `value` has.
static Type typeLike(Value value, Type element) {
  auto vector = dyn_cast<VectorType>(value.getType());
  return vector ? VectorType::get(vector.getShape(), element) : element;
}

static Value splatLike(ImplicitLocOpBuilder &b, Value value, TypedAttr scalar) {
  auto vector = dyn_cast<VectorType>(value.getType());
  TypedAttr attribute =
      vector
          ? TypedAttr(DenseElementsAttr::get(VectorType::get(vector.getShape(), scalar.getType()), Attribute(scalar)))
          : scalar;
  return arith::ConstantOp::create(b, attribute);
}

static Type elementOf(Value value) { return getElementTypeOrSelf(value.getType()); }

//===------------------------------------------------------------------------------------------===//
// Conversions
//===------------------------------------------------------------------------------------------===//

static Value castFloat(ImplicitLocOpBuilder &b, Value value, FloatType element) {
  Type to = typeLike(value, element);
  unsigned have = elementOf(value).getIntOrFloatBitWidth(), want = element.getWidth();
  if (want > have)
    return arith::ExtFOp::create(b, to, value);
  return arith::TruncFOp::create(b, to, value);
}

static Value castInteger(ImplicitLocOpBuilder &b, Value value, IntegerType element) {
  Type to = typeLike(value, element);
  unsigned have = elementOf(value).getIntOrFloatBitWidth();
  if (element.getWidth() < have)
    return arith::TruncIOp::create(b, to, value);
  if (have == 1)
    return arith::ExtUIOp::create(b, to, value);
  return arith::ExtSIOp::create(b, to, value);
}

Value nf::emitCast(ImplicitLocOpBuilder &b, Value value, Type element) {
  Type from = elementOf(value);
  if (from == element)
    return value;
  auto toFloat = dyn_cast<FloatType>(element);
  if (isa<FloatType>(from))
    return toFloat ? castFloat(b, value, toFloat)
                   : arith::FPToSIOp::create(b, typeLike(value, element), value).getResult();
  if (!toFloat)
    return castInteger(b, value, cast<IntegerType>(element));
  if (from.isInteger(1))
    return arith::UIToFPOp::create(b, typeLike(value, element), value);
  return arith::SIToFPOp::create(b, typeLike(value, element), value);
}

//===------------------------------------------------------------------------------------------===//
// Elementwise
//===------------------------------------------------------------------------------------------===//

static Value emitCompare(ImplicitLocOpBuilder &b, ComparePredicate predicate, Value x, Value y) {
  using F = arith::CmpFPredicate;
  using I = arith::CmpIPredicate;
  static constexpr F floats[] = {F::OEQ, F::UNE, F::OLT, F::OLE, F::OGT, F::OGE};
  static constexpr I integers[] = {I::eq, I::ne, I::slt, I::sle, I::sgt, I::sge};
  auto index = static_cast<unsigned>(predicate);
  if (isa<FloatType>(elementOf(x)))
    return arith::CmpFOp::create(b, floats[index], x, y);
  return arith::CmpIOp::create(b, integers[index], x, y);
}

static Value emitFloat(ImplicitLocOpBuilder &b, Operation *op, ValueRange v) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](NegOp) { return arith::NegFOp::create(b, v[0]); })
      .Case([&](ExpOp) { return math::ExpOp::create(b, v[0]); })
      .Case([&](LogOp) { return math::LogOp::create(b, v[0]); })
      .Case([&](TanhOp) { return math::TanhOp::create(b, v[0]); })
      .Case([&](ErfOp) { return math::ErfOp::create(b, v[0]); })
      .Case([&](SqrtOp) { return math::SqrtOp::create(b, v[0]); })
      .Case([&](RsqrtOp) { return math::RsqrtOp::create(b, v[0]); })
      .Case([&](AddOp) { return arith::AddFOp::create(b, v[0], v[1]); })
      .Case([&](SubOp) { return arith::SubFOp::create(b, v[0], v[1]); })
      .Case([&](MulOp) { return arith::MulFOp::create(b, v[0], v[1]); })
      .Case([&](DivOp) { return arith::DivFOp::create(b, v[0], v[1]); })
      .Case([&](PowOp) { return math::PowFOp::create(b, v[0], v[1]); })
      .Case([&](MaxOp) { return arith::MaximumFOp::create(b, v[0], v[1]); })
      .Default([](Operation *) { return Value(); });
}

static Value emitInteger(ImplicitLocOpBuilder &b, Operation *op, ValueRange v) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](AddOp) { return arith::AddIOp::create(b, v[0], v[1]); })
      .Case([&](SubOp) { return arith::SubIOp::create(b, v[0], v[1]); })
      .Case([&](MulOp) { return arith::MulIOp::create(b, v[0], v[1]); })
      .Case([&](DivOp) { return arith::DivSIOp::create(b, v[0], v[1]); })
      .Case([&](MaxOp) { return arith::MaxSIOp::create(b, v[0], v[1]); })
      .Default([](Operation *) { return Value(); });
}

static Value emitConstant(ImplicitLocOpBuilder &b, ConstantOp op) {
  auto elements = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!elements || !elements.isSplat())
    return nullptr;
  return arith::ConstantOp::create(b, cast<TypedAttr>(elements.getSplatValue<Attribute>()));
}

/// bf16 is a format of memory: arithmetic on it is done in f32.
static Value emitWidened(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands) {
  SmallVector<Value> wide;
  for (Value operand : operands)
    wide.push_back(elementOf(operand).isBF16() ? emitCast(b, operand, b.getF32Type()) : operand);
  if (auto compare = dyn_cast<CompareOp>(op))
    return emitCompare(b, compare.getPredicate(), wide[0], wide[1]);
  Value result = emitFloat(b, op, wide);
  return result ? emitCast(b, result, elementOf(operands[0])) : result;
}

Value nf::emitElementwise(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands) {
  if (auto constant = dyn_cast<ConstantOp>(op))
    return emitConstant(b, constant);
  if (auto cast = dyn_cast<CastOp>(op))
    return emitCast(b, operands[0], cast.getY().getType().getElementType());
  if (isa<BroadcastOp>(op))
    return operands[0];
  if (isa<WhereOp>(op))
    return arith::SelectOp::create(b, operands[0], operands[1], operands[2]);
  if (operands.empty())
    return nullptr;
  if (isa<FloatType>(elementOf(operands[0])))
    return emitWidened(b, op, operands);
  if (auto compare = dyn_cast<CompareOp>(op))
    return emitCompare(b, compare.getPredicate(), operands[0], operands[1]);
  return emitInteger(b, op, operands);
}

//===------------------------------------------------------------------------------------------===//
// Reductions
//===------------------------------------------------------------------------------------------===//

Value nf::emitCombine(ImplicitLocOpBuilder &b, RowCombiner combiner, Value x, Value y) {
  // NaN stays; which zero of two is larger does not matter, and would take as many instructions again.
  if (combiner == RowCombiner::Max)
    return arith::MaximumFOp::create(b, x, y, arith::FastMathFlags::nsz);
  return arith::AddFOp::create(b, x, y);
}

Value nf::emitIdentity(ImplicitLocOpBuilder &b, RowCombiner combiner, Type element, int64_t lanes) {
  const llvm::fltSemantics &semantics = cast<FloatType>(element).getFloatSemantics();
  APFloat value =
      combiner == RowCombiner::Max ? APFloat::getInf(semantics, /*Negative=*/true) : APFloat::getZero(semantics);
  return arith::ConstantOp::create(b, DenseElementsAttr::get(VectorType::get({lanes}, element), value));
}

Value nf::emitCombineLanes(ImplicitLocOpBuilder &b, RowCombiner combiner, Value vector) {
  int64_t lanes = cast<VectorType>(vector.getType()).getNumElements();
  for (int64_t half = lanes / 2; half >= 1; half /= 2) {
    Value low = vector::ExtractStridedSliceOp::create(b, vector, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{half},
                                                      ArrayRef<int64_t>{1});
    Value high = vector::ExtractStridedSliceOp::create(b, vector, ArrayRef<int64_t>{half}, ArrayRef<int64_t>{half},
                                                       ArrayRef<int64_t>{1});
    vector = emitCombine(b, combiner, low, high);
  }
  return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0});
}

//===------------------------------------------------------------------------------------------===//
// Random bits
//===------------------------------------------------------------------------------------------===//

Value nf::emitRandomBits(ImplicitLocOpBuilder &b, const RandomSource &source, Value row, Value column, int64_t phase,
                         int64_t width) {
  int64_t blocks = llvm::divideCeil(phase + width, 4);
  Type i64 = b.getI64Type();
  auto type = VectorType::get({blocks}, i64);
  auto number = [&](int64_t value) -> Value { return arith::ConstantIntOp::create(b, i64, value); };
  auto widen = [&](Value i32) -> Value { return arith::ExtSIOp::create(b, i64, i32); };
  auto inAllLanes = [&](Value scalar) -> Value { return vector::BroadcastOp::create(b, type, scalar); };

  auto lanes = llvm::to_vector(llvm::seq<int64_t>(0, blocks));
  Value lane = arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef<int64_t>(lanes)));
  Value first = arith::ShRUIOp::create(b, arith::IndexCastOp::create(b, i64, column), number(2));
  Value block = arith::AddIOp::create(b, inAllLanes(first), lane);
  Value firstRow = arith::MulIOp::create(b, widen(source.sampleOffset), number(source.rowsPerSample));
  Value globalRow = arith::AddIOp::create(b, firstRow, arith::IndexCastOp::create(b, i64, row));

  auto words = emitPhiloxInLowHalves(
      b, source.seed, {block, inAllLanes(globalRow), inAllLanes(widen(source.site)), inAllLanes(widen(source.step))});
  auto pair = [&](Value low, Value high) -> Value {
    Value kept = arith::AndIOp::create(b, low, inAllLanes(number(0xFFFFFFFF)));
    return arith::OrIOp::create(b, kept, arith::ShLIOp::create(b, high, inAllLanes(number(32))));
  };
  Value both = vector::InterleaveOp::create(b, pair(words[0], words[1]), pair(words[2], words[3]));
  Value bits = vector::BitCastOp::create(b, VectorType::get({4 * blocks}, b.getI32Type()), both);
  if (width % 4 != 0)
    bits = vector::ExtractStridedSliceOp::create(b, bits, ArrayRef<int64_t>{phase}, ArrayRef<int64_t>{width},
                                                 ArrayRef<int64_t>{1});
  return arith::ShRUIOp::create(b, bits, splatLike(b, bits, b.getI32IntegerAttr(1)));
}

//===------------------------------------------------------------------------------------------===//
// Memory
//===------------------------------------------------------------------------------------------===//

/// The address of an element of a mask, whose elements are bytes: a vector of i1 in LLVM would be packed bits.
static Value addressInMask(ImplicitLocOpBuilder &b, Value memref, ValueRange indices) {
  auto type = cast<MemRefType>(memref.getType());
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, memref);
  for (auto [axis, index] : llvm::enumerate(indices)) {
    int64_t stride = 1;
    for (int64_t extent : type.getShape().drop_front(axis + 1))
      stride *= extent;
    Value offset = arith::MulIOp::create(b, index, arith::ConstantIndexOp::create(b, stride));
    address = arith::AddIOp::create(b, address, offset);
  }
  Value integer = arith::IndexCastOp::create(b, b.getI64Type(), address);
  return LLVM::IntToPtrOp::create(b, LLVM::LLVMPointerType::get(b.getContext()), integer);
}

Value nf::emitLoad(ImplicitLocOpBuilder &b, Value memref, ValueRange indices, int64_t width) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  if (!element.isInteger(1))
    return vector::LoadOp::create(b, VectorType::get({width}, element), memref, indices);
  Value bytes = LLVM::LoadOp::create(b, VectorType::get({width}, b.getI8Type()), addressInMask(b, memref, indices), 1);
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, bytes, splatLike(b, bytes, b.getI8IntegerAttr(0)));
}

void nf::emitStore(ImplicitLocOpBuilder &b, Value vector, Value memref, ValueRange indices) {
  if (!elementOf(vector).isInteger(1)) {
    vector::StoreOp::create(b, vector, memref, indices);
    return;
  }
  Value bytes = arith::ExtUIOp::create(b, typeLike(vector, b.getI8Type()), vector);
  LLVM::StoreOp::create(b, bytes, addressInMask(b, memref, indices), 1);
}
