//===- AttentionForward.cpp - the forward kernel of attention --------------------------------===//
//
// A task is a block of queries of one batch entry and head; the last block, which sees most under a causal mask, first.
//
// 1. Pack the queries, times scale, and transpose them.
// 2. For each block of keys that they can see: scores = K Qᵀ, masked; the maximum so far; probabilities relative to it;
//    sums and results so far rescaled to it (online softmax); dropout; resultᵀ += Vᵀ Pᵀ.
// 3. Divide by the sums; lse = maximum + log(sum).
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/cpu/AttentionKernel.h"

#include <limits>

using namespace mlir;
using namespace nf;

void AttentionKernel::emitForward(Value task) {
  int64_t queryBlock = shape.queryBlock(), keyBlock = shape.keyBlock(), width = shape.paddedWidth();
  queryRows = tile(queryBlock, width);
  queryT = tile(width, queryBlock);
  keyRows = tile(keyBlock, width);
  valueRows = tile(keyBlock, width);
  resultT = tile(width, queryBlock);
  Value scores = tile(keyBlock, queryBlock);
  maximum = numbers(queryBlock);
  sum = numbers(queryBlock);
  if (buffers.segments)
    querySegments = scratch.take(b, {queryBlock}, b.getI32Type());

  Value blocks = b.index(shape.queryBlocks());
  enterHead(arith::DivUIOp::create(b, task, blocks));
  Value block = b.sub(b.index(shape.queryBlocks() - 1), arith::RemUIOp::create(b, task, blocks));
  firstQuery = b.mul(block, queryBlock);
  queryCount = rowsInBlock(firstQuery, queryBlock, shape.queries);

  packRows(buffers.q, firstQuery, queryRows, b.splat(b.f32(shape.scale)));
  b.transpose(queryRows, queryT);
  if (buffers.segments)
    packSegments();
  bool online = shape.keyBlocks() > 1;
  if (online) {
    b.fill(maximum, -std::numeric_limits<double>::infinity());
    b.fill(sum, 0);
    b.fill(resultT, 0);
  }
  auto attend = [&](Value keys) {
    Value firstKey = b.mul(keys, keyBlock), count = rowsInBlock(firstKey, keyBlock, shape.keys);
    packRows(buffers.k, firstKey, keyRows);
    packRows(buffers.v, firstKey, valueRows);
    b.product({keyBlock, queryBlock, shape.width, keyRows, false, queryT, scores, {}, false});
    softmax(scores, firstKey, count);
    b.product({shape.width, queryBlock, keyBlock, valueRows, true, scores, resultT, {}, online});
  };
  if (online)
    b.loop(b.index(0), visibleKeyBlocks(), attend);
  else
    attend(b.index(0));
  finishForward();
}

void AttentionKernel::softmax(Value scores, Value firstKey, Value count) {
  applyMask(scores, firstKey, count);
  int64_t vectors = shape.queryBlock() / shape.lanes;
  for (int64_t v = 0; v < vectors; v += 4)
    softmaxColumns(scores, v, std::min<int64_t>(4, vectors - v), count);
  if (shape.dropout > 0)
    dropProbabilities(scores, firstKey, count);
}

void AttentionKernel::softmaxColumns(Value scores, int64_t firstVector, int64_t vectors, Value count) {
  bool online = shape.keyBlocks() > 1;
  SmallVector<Value> columns, before, top;
  for (int64_t v = 0; v < vectors; ++v) {
    columns.push_back(b.index((firstVector + v) * shape.lanes));
    before.push_back(online ? b.load(maximum, columns[v]) : b.splat(b.f32(-std::numeric_limits<double>::infinity())));
  }
  top = b.loop(b.index(0), count, before, [&](Value row, ValueRange highest) {
    SmallVector<Value> next;
    for (int64_t v = 0; v < vectors; ++v) {
      Value score = b.load(scores, {row, columns[v]});
      // A NaN is no maximum; it reaches the sum as e^NaN.
      Value greater = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, score, highest[v]);
      next.push_back(arith::SelectOp::create(b, greater, score, highest[v]));
    }
    return next;
  });
  SmallVector<Value> zeros(vectors, b.splat(b.f32(0)));
  SmallVector<Value> sums = b.loop(b.index(0), count, zeros, [&](Value row, ValueRange carried) {
    SmallVector<Value> next;
    for (int64_t v = 0; v < vectors; ++v) {
      Value shifted = arith::SubFOp::create(b, b.load(scores, {row, columns[v]}), top[v]);
      Value p = math::ExpOp::create(b, shifted);
      b.store(p, scores, {row, columns[v]});
      next.push_back(arith::AddFOp::create(b, carried[v], p));
    }
    return next;
  });
  SmallVector<Value> rescale;
  for (int64_t v = 0; v < vectors; ++v) {
    if (online) {
      rescale.push_back(math::ExpOp::create(b, arith::SubFOp::create(b, before[v], top[v])));
      sums[v] = b.multiplyAdd(b.load(sum, columns[v]), rescale[v], sums[v]);
    }
    b.store(top[v], maximum, columns[v]);
    b.store(sums[v], sum, columns[v]);
  }
  if (online)
    b.loop(0, shape.width, 1, [&](Value row) {
      for (int64_t v = 0; v < vectors; ++v) {
        Value x = b.load(resultT, {row, columns[v]});
        b.store(arith::MulFOp::create(b, x, rescale[v]), resultT, {row, columns[v]});
      }
    });
}

void AttentionKernel::dropProbabilities(Value scores, Value firstKey, Value count) {
  Value zero = b.splat(b.f32(0)), factor = b.splat(b.f32(1 / (1 - shape.dropout)));
  forEachDropout(firstKey, count, [&](Value row, Value column, Value keep) {
    Value p = arith::MulFOp::create(b, b.load(scores, {row, column}), factor);
    b.store(arith::SelectOp::create(b, keep, p, zero), scores, {row, column});
  });
}

void AttentionKernel::finishForward() {
  Value one = b.splat(b.f32(1));
  b.loop(0, shape.queryBlock(), shape.lanes, [&](Value column) {
    Value total = b.load(sum, column), factor = arith::DivFOp::create(b, one, total);
    Value lse = arith::AddFOp::create(b, b.load(maximum, column), math::LogOp::create(b, total));
    b.store(lse, maximum, column);
    b.loop(0, shape.width, 1, [&](Value row) {
      b.store(arith::MulFOp::create(b, b.load(resultT, {row, column}), factor), resultT, {row, column});
    });
  });
  b.transpose(resultT, queryRows);
  unpackRows(queryRows, buffers.out, firstQuery, queryCount);
  b.loop(b.index(0), queryCount,
         [&](Value i) { b.store(b.loadScalar(maximum, i), buffers.lse, {batch, head, b.add(firstQuery, i)}); });
}
