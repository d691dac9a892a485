//===- AttentionBackward.cpp - the backward kernel of attention ------------------------------===//
//
// A task is one batch entry and head, so that no two tasks add to one gradient and every sum has a fixed order.
//
// For each block of queries:
// 1. Pack scale · q and dout as rows and transposed, lse, and D = Σ_columns dout · out.
// 2. For each block of keys that they can see: P = e^(K Qᵀ + mask − lse), dP = V doutᵀ, dS = P · (dropout(dP) − D);
//    dv += dropout(P) dout, dk += dS (scale · q), dqᵀ += Kᵀ dS. dk and dv of all keys stay in scratch memory.
// 3. dq = scale · (dqᵀ)ᵀ.
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/cpu/AttentionKernel.h"

using namespace mlir;
using namespace nf;

void AttentionKernel::emitBackward(Value task) {
  int64_t queryBlock = shape.queryBlock(), keyBlock = shape.keyBlock(), width = shape.paddedWidth();
  queryRows = tile(queryBlock, width);
  queryT = tile(width, queryBlock);
  doutRows = tile(queryBlock, width);
  doutT = tile(width, queryBlock);
  keyRows = tile(keyBlock, width);
  valueRows = tile(keyBlock, width);
  resultT = tile(width, queryBlock);
  Value scores = tile(keyBlock, queryBlock), dprobabilities = tile(keyBlock, queryBlock);
  Value dk = tile(shape.keyBlocks() * keyBlock, width), dv = tile(shape.keyBlocks() * keyBlock, width);
  logSums = numbers(queryBlock);
  delta = numbers(queryBlock);
  if (buffers.segments)
    querySegments = scratch.take(b, {queryBlock}, b.getI32Type());

  enterHead(task);
  b.fill(dk, 0);
  b.fill(dv, 0);
  b.loop(0, shape.queryBlocks(), 1, [&](Value block) {
    firstQuery = b.mul(block, queryBlock);
    queryCount = rowsInBlock(firstQuery, queryBlock, shape.queries);
    packQueryBlock();
    b.fill(resultT, 0);
    b.loop(b.index(0), visibleKeyBlocks(), [&](Value keys) {
      Value firstKey = b.mul(keys, keyBlock), count = rowsInBlock(firstKey, keyBlock, shape.keys);
      packRows(buffers.k, firstKey, keyRows);
      packRows(buffers.v, firstKey, valueRows);
      b.product({keyBlock, queryBlock, shape.width, keyRows, false, queryT, scores, {}, false});
      b.product({keyBlock, queryBlock, shape.width, valueRows, false, doutT, dprobabilities, {}, false});
      applyMask(scores, firstKey, count);
      scoreGradients(scores, dprobabilities, firstKey, count);
      b.product({keyBlock, width, queryBlock, scores, false, doutRows, dv, firstKey, true});
      b.product({keyBlock, width, queryBlock, dprobabilities, false, queryRows, dk, firstKey, true});
      b.product({shape.width, queryBlock, keyBlock, keyRows, true, dprobabilities, resultT, {}, true});
    });
    b.transpose(resultT, queryRows);
    unpackRows(queryRows, buffers.dq, firstQuery, queryCount, b.splat(b.f32(shape.scale)));
  });
  unpackRows(dk, buffers.dk, b.index(0), b.index(shape.keys));
  unpackRows(dv, buffers.dv, b.index(0), b.index(shape.keys));
}

void AttentionKernel::packQueryBlock() {
  packRows(buffers.dout, firstQuery, doutRows);
  packRows(buffers.out, firstQuery, queryRows);
  sumOutTimesDout();
  packRows(buffers.q, firstQuery, queryRows, b.splat(b.f32(shape.scale)));
  b.transpose(queryRows, queryT);
  b.transpose(doutRows, doutT);
  packPerQuery(buffers.lse, logSums);
  if (buffers.segments)
    packSegments();
}

/// delta := Σ_columns out · dout; queryRows holds out.
void AttentionKernel::sumOutTimesDout() {
  b.loop(0, shape.queryBlock(), 1, [&](Value row) {
    Value total;
    for (int64_t c = 0; c < shape.width; c += shape.lanes) {
      Value x = b.load(queryRows, {row, b.index(c)}), y = b.load(doutRows, {row, b.index(c)});
      total = total ? b.multiplyAdd(x, y, total) : arith::MulFOp::create(b, x, y).getResult();
    }
    b.store(vector::ReductionOp::create(b, vector::CombiningKind::ADD, total, arith::FastMathFlags::reassoc), delta,
            row);
  });
}

/// scores := dropout(P), dprobabilities := dS, for the keys that exist; rows of keys that do not stay zero.
void AttentionKernel::scoreGradients(Value scores, Value dprobabilities, Value firstKey, Value count) {
  auto gradient = [&](Value p, Value dp, Value column) {
    return arith::MulFOp::create(b, p, arith::SubFOp::create(b, dp, b.load(delta, column)));
  };
  b.loop(b.index(0), count, [&](Value row) {
    b.loop(0, shape.queryBlock(), shape.lanes, [&](Value column) {
      Value shifted = arith::SubFOp::create(b, b.load(scores, {row, column}), b.load(logSums, column));
      Value p = math::ExpOp::create(b, shifted);
      b.store(p, scores, {row, column});
      if (shape.dropout == 0)
        b.store(gradient(p, b.load(dprobabilities, {row, column}), column), dprobabilities, {row, column});
    });
  });
  if (shape.dropout == 0)
    return;
  Value zero = b.splat(b.f32(0)), factor = b.splat(b.f32(1 / (1 - shape.dropout)));
  forEachDropout(firstKey, count, [&](Value row, Value column, Value keep) {
    auto drop = [&](Value x) { return arith::SelectOp::create(b, keep, arith::MulFOp::create(b, x, factor), zero); };
    Value p = b.load(scores, {row, column}), dp = b.load(dprobabilities, {row, column});
    b.store(gradient(p, drop(dp), column), dprobabilities, {row, column});
    b.store(drop(p), scores, {row, column});
  });
}
