//===- FlashKernel.cpp - masks and dropout of attention on a GPU ------------------------------===//
#include "passes/gpu/FlashKernel.h"
#include "passes/rows/Philox.h"

#include <cmath>

using namespace mlir;
using namespace nf;

static int64_t strideOf(MemRefType type, unsigned axis) {
  auto [strides, offset] = type.getStridesAndOffset();
  assert(offset == 0 && "buffers start where their pointers point");
  return strides[axis];
}

FlashHead::FlashHead(ThreadBuilder &b, const FlashShape &shape, const FlashOperands &operands, Value batchAndHead)
    : b(b), shape(shape), operands(operands) {
  batch = b.div(batchAndHead, shape.heads);
  head = b.rem(batchAndHead, shape.heads);
  if (operands.keyLength)
    keyLength = number(operands.keyLength);
  if (operands.queryOffset)
    queryOffset = number(operands.queryOffset);
  if (shape.dropout == 0)
    return;
  seed = b.load(b.getI64Type(), operands.seed.pointer);
  step = number(operands.step);
  site = number(operands.site);
  // Row ((sample_offset + b) · heads + h) · queries + query of the random numbers, modulo 2^32 as counters are.
  firstRow = b.add(b.mul(b.add(number(operands.sampleOffset), batch), shape.heads), head);
  firstRow = b.mul(firstRow, shape.queries);
}

Value FlashHead::number(const FlashOperand &operand) {
  return b.narrow(b.load(operand.type.getElementType(), operand.pointer));
}

GlobalRows FlashHead::rows(const FlashOperand &operand) {
  Value place = b.add(b.mul(b.wide(batch), strideOf(operand.type, 0)), b.wide(b.mul(head, shape.width)));
  return {b.at(operand.pointer, b.mul(place, storedBytes(operand.type.getElementType()))), strideOf(operand.type, 1),
          operand.type.getDimSize(1), shape.width};
}

Value FlashHead::lseAt(Value query) {
  Value row = b.add(b.mul(batch, shape.heads), head);
  Value place = b.add(b.mul(b.wide(row), shape.queries), b.wide(query));
  return b.at(operands.lse.pointer, b.mul(place, 4));
}

//===------------------------------------------------------------------------------------------===//
// What may be seen
//===------------------------------------------------------------------------------------------===//

/// Element [batch, token] of a mask.
static Value loadToken(ThreadBuilder &b, const FlashOperand &mask, Value batch, Value token) {
  Value place = b.add(b.mul(batch, strideOf(mask.type, 0)), token);
  return b.load(mask.type.getElementType(),
                b.at(mask.pointer, b.mul(b.wide(place), storedBytes(mask.type.getElementType()))));
}

FlashHead::Token FlashHead::query(Value number) {
  Token query = {number, {}, {}};
  if (operands.segments) {
    Value inside = b.least(number, b.i32(shape.queries - 1));
    query.segment = loadToken(b, operands.segments, batch, b.add(inside, shape.keys - shape.queries));
  }
  return query;
}

FlashHead::Token FlashHead::key(Value number) {
  Token key = {number, {}, {}};
  Value inside = b.least(number, b.i32(shape.keys - 1));
  if (operands.segments)
    key.segment = loadToken(b, operands.segments, batch, inside);
  if (operands.keyPadding) {
    Value padding = b.widenF(loadToken(b, operands.keyPadding, batch, inside));
    key.isSeen = arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, padding, b.f32(0));
  }
  if (keyLength)
    key.isSeen = b.both(key.isSeen, b.less(number, keyLength));
  return key;
}

Value FlashHead::sees(const Token &query, const Token &key) {
  Value seen = key.isSeen;
  if (shape.causal) {
    Value last = queryOffset ? b.add(query.number, queryOffset) : query.number;
    seen = b.both(seen, arith::CmpIOp::create(b, arith::CmpIPredicate::sle, key.number, last));
  }
  if (operands.segments)
    seen = b.both(seen, b.equal(query.segment, key.segment));
  return seen;
}

Value FlashHead::masked(const Token &query, const Token &key, Value score, double hidden) {
  if (Value seen = sees(query, key))
    score = b.select(seen, score, b.f32(hidden));
  return b.select(b.less(key.number, shape.keys), score, b.f32(-infinity));
}

Value FlashHead::mayHide(Value firstQuery, Value firstKey, int64_t keys) {
  if (hidesKeys())
    return arith::ConstantIntOp::create(b, b.getI1Type(), 1);
  Value hides;
  auto also = [&](Value condition) {
    hides = hides ? arith::OrIOp::create(b, hides, condition).getResult() : condition;
  };
  if (shape.causal)
    also(b.less(queryOffset ? b.add(firstQuery, queryOffset) : firstQuery, b.add(firstKey, keys - 1)));
  if (shape.keys % keys != 0)
    also(b.less(b.i32(shape.keys - keys), firstKey));
  return hides;
}

Value FlashHead::keyEnd(Value end) {
  Value keys = b.i32(shape.keys);
  if (shape.causal)
    keys = b.least(keys, queryOffset ? b.add(end, queryOffset) : end);
  if (keyLength)
    keys = b.least(keys, keyLength);
  return keyLength || queryOffset ? b.most(keys, b.i32(1)) : keys;
}

Value FlashHead::firstQuery(Value key) {
  if (!shape.causal)
    return b.i32(0);
  return queryOffset ? b.most(b.sub(key, queryOffset), b.i32(0)) : key;
}

//===------------------------------------------------------------------------------------------===//
// Dropout
//===------------------------------------------------------------------------------------------===//

std::array<Value, 4> FlashHead::draw(Value query, Value group) {
  return emitPhilox(b, seed, {group, b.add(firstRow, query), site, step});
}

Value FlashHead::keeps(Value word) {
  Value bits = arith::ShRUIOp::create(b, word, b.i32(1));
  Value least = b.i32(static_cast<int64_t>(std::ldexp(shape.dropout, 31)));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::sge, bits, least);
}
