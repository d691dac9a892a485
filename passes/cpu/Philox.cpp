//===- Philox.cpp - random words in vector code ------------------------------------------------------------------------===//
#include "passes/cpu/Philox.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nf;

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
  Value multiplier0 = like(number(0xD2511F53u)), multiplier1 = like(number(0xCD9E8D57u));
  for (int round = 0; round < 10; ++round) {
    auto p0 = arith::MulUIExtendedOp::create(b, multiplier0, counter[0]);
    auto p1 = arith::MulUIExtendedOp::create(b, multiplier1, counter[2]);
    counter = {mix(p1.getHigh(), counter[1], key0), p1.getLow(), mix(p0.getHigh(), counter[3], key1), p0.getLow()};
    key0 = arith::AddIOp::create(b, key0, number(0x9E3779B9u));
    key1 = arith::AddIOp::create(b, key1, number(0xBB67AE85u));
  }
  return counter;
}
