//===- Philox.cpp - random words in vector code ----------------------------------------------===//
#include "passes/rows/Philox.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nf;

/// `element` in as many lanes as `type` has.
static Type lanesOf(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(element)) : element;
}

// A product of two words is one 64-bit multiplication of low halves, and every word stays in its lane. Products of i32
// vectors would be shuffled apart and together in every round.
std::array<Value, 4> nf::emitPhiloxInLowHalves(ImplicitLocOpBuilder &b, Value seed, std::array<Value, 4> counter) {
  Type type = counter[0].getType(), i64 = b.getI64Type();
  auto like = [&](Value scalar) -> Value {
    return isa<VectorType>(type) ? vector::BroadcastOp::create(b, type, scalar).getResult() : scalar;
  };
  auto number = [&](int64_t value) -> Value { return arith::ConstantIntOp::create(b, i64, value); };
  Value half = like(number(32)), lowHalf = like(number(0xFFFFFFFF));
  auto product = [&](Value word, int64_t multiplier) -> Value {
    return arith::MulIOp::create(b, arith::AndIOp::create(b, word, lowHalf), like(number(multiplier)));
  };
  auto mix = [&](Value product, Value word, Value key) -> Value {
    Value high = arith::ShRUIOp::create(b, product, half);
    return arith::XOrIOp::create(b, arith::XOrIOp::create(b, high, word), like(key));
  };
  Value key0 = seed, key1 = arith::ShRUIOp::create(b, seed, number(32));
  for (int round = 0; round < 10; ++round) {
    Value p0 = product(counter[0], 0xD2511F53), p1 = product(counter[2], 0xCD9E8D57);
    counter = {mix(p1, counter[1], key0), p1, mix(p0, counter[3], key1), p0};
    key0 = arith::AddIOp::create(b, key0, number(0x9E3779B9));
    key1 = arith::AddIOp::create(b, key1, number(0xBB67AE85));
  }
  return counter;
}

std::array<Value, 4> nf::emitPhilox(ImplicitLocOpBuilder &b, Value seed, std::array<Value, 4> counter) {
  Type narrow = counter[0].getType(), wide = lanesOf(narrow, b.getI64Type());
  for (Value &word : counter)
    word = arith::ExtUIOp::create(b, wide, word);
  std::array<Value, 4> words = emitPhiloxInLowHalves(b, seed, counter);
  for (Value &word : words)
    word = arith::TruncIOp::create(b, narrow, word);
  return words;
}
