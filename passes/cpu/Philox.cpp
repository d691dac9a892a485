//===- Philox.cpp - random words in vector code -------------------------------------------------------------------===//
#include "passes/cpu/Philox.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nf;

namespace {
struct WideProduct {
  Value high, low;
};
} // namespace

/// The 64-bit product of every lane with `multiplier`. Vectors are taken as pairs of lanes: processors multiply the
/// lower half of 64-bit lanes, and putting halves together costs less than widening each lane as mului_extended does.
static WideProduct multiplyWide(ImplicitLocOpBuilder &b, Value x, uint32_t multiplier) {
  auto type = dyn_cast<VectorType>(x.getType());
  if (!type || type.getNumElements() % 2 != 0) {
    auto number = arith::ConstantOp::create(b, type ? TypedAttr(DenseElementsAttr::get(type, multiplier))
                                                    : b.getI32IntegerAttr(int32_t(multiplier)));
    auto product = arith::MulUIExtendedOp::create(b, x, number);
    return {product.getHigh(), product.getLow()};
  }
  int64_t lanes = type.getNumElements();
  auto pairs = VectorType::get({lanes / 2}, b.getI64Type());
  auto number = [&](uint64_t value) -> Value {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(pairs, value));
  };
  auto multiply = [&](Value word) -> Value {
    return vector::BitCastOp::create(b, type, arith::MulIOp::create(b, word, number(multiplier)));
  };
  Value pair = vector::BitCastOp::create(b, pairs, x);
  Value even = multiply(arith::AndIOp::create(b, pair, number(0xFFFFFFFFu)));
  Value odd = multiply(arith::ShRUIOp::create(b, pair, number(32)));
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < lanes; i += 2) {
    low.append({i, lanes + i});
    high.append({i + 1, lanes + i + 1});
  }
  return {vector::ShuffleOp::create(b, even, odd, high), vector::ShuffleOp::create(b, even, odd, low)};
}

std::array<Value, 4> nf::emitPhilox(ImplicitLocOpBuilder &b, Value seed, std::array<Value, 4> counter) {
  Type type = counter[0].getType(), i32 = b.getI32Type();
  auto like = [&](Value scalar) -> Value {
    return isa<VectorType>(type) ? vector::BroadcastOp::create(b, type, scalar).getResult() : scalar;
  };
  auto number = [&](uint32_t value) -> Value {
    return arith::ConstantIntOp::create(b, i32, static_cast<int32_t>(value));
  };
  auto mix = [&](Value high, Value word, Value key) -> Value {
    return arith::XOrIOp::create(b, arith::XOrIOp::create(b, high, word), like(key));
  };
  Value key0 = arith::TruncIOp::create(b, i32, seed);
  Value half = arith::ConstantIntOp::create(b, b.getI64Type(), 32);
  Value key1 = arith::TruncIOp::create(b, i32, arith::ShRUIOp::create(b, seed, half));
  for (int round = 0; round < 10; ++round) {
    WideProduct p0 = multiplyWide(b, counter[0], 0xD2511F53u), p1 = multiplyWide(b, counter[2], 0xCD9E8D57u);
    counter = {mix(p1.high, counter[1], key0), p1.low, mix(p0.high, counter[3], key1), p0.low};
    key0 = arith::AddIOp::create(b, key0, number(0x9E3779B9u));
    key1 = arith::AddIOp::create(b, key1, number(0xBB67AE85u));
  }
  return counter;
}
