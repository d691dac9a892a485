//===- FlashFmaBackward.cpp - attention on a GPU by multiply-and-add in f32, backward ---------===//
//
// Two kernels, so that no two blocks add to one gradient. Each computes D = Σ_columns dout · out of its queries itself,
// which is a hundredth of the work and needs no memory.
//
// 1. A block is 32 keys of one head and a slice of its columns. For each 32 queries that see them: Sᵀ = K Qᵀ,
//    dPᵀ = V doutᵀ, P = e^(S − lse), dS = P · (dropout(dP) − D); dv += dropout(P)ᵀ dout, dk += dSᵀ Q.
// 2. A block is 32 queries of one head and a slice. For each 32 keys that they see: S, dP and dS again, dq += dS K.
//
// Of a head wider than a slice the tiles hold all columns in turn while scores are summed, and then the block's own.
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/gpu/FlashFma.h"

using namespace mlir;
using namespace nf;

/// Rows and columns of a tile of scores; of the tensors' columns as many as leave room for four of them.
static constexpr int64_t atOnce = 32, mostColumns = 64;
static constexpr int64_t ofRow = atOnce / FmaThreads::down, ofColumn = atOnce / FmaThreads::across;

int64_t FlashFma::keyGradientBlocks(const FlashShape &shape) {
  return blocksOf(shape, shape.keys, atOnce, columnsOf(shape, mostColumns));
}
int64_t FlashFma::queryGradientBlocks(const FlashShape &shape) {
  return blocksOf(shape, shape.queries, atOnce, columnsOf(shape, mostColumns));
}

//===------------------------------------------------------------------------------------------===//
// Numbers of queries
//===------------------------------------------------------------------------------------------===//

/// In powers of two; 0 of a query that does not exist.
Value FlashFma::loadLse(FlashHead &head, Value query) {
  Value exists = b.less(query, shape.queries);
  Value lse = b.load(b.getF32Type(), head.lseAt(b.select(exists, query, b.i32(0))));
  return b.select(exists, b.mulF(lse, b.f32(log2e)), b.f32(0));
}

/// Four threads a query, which take turns over its columns.
void FlashFma::computeDelta(FlashHead &head, Value firstQuery, Value to) {
  static_assert(4 * atOnce == threads);
  FmaRows out = rows(head, operands.out), dout = rows(head, operands.dout);
  int64_t width = std::min(out.vector, dout.vector);
  Value thread = b.thread(), row = b.div(thread, 4), quarter = b.rem(thread, 4);
  Value query = b.add(firstQuery, row), exists = b.less(query, shape.queries);
  query = b.select(exists, query, b.i32(0));
  auto numbers = [&](const FmaRows &of, Value column) {
    Type type = width == 1 ? of.element : Type(VectorType::get({width}, of.element));
    Value loaded = b.widenF(b.load(type, block.placeOf(of, query, column)));
    Values each;
    for (int64_t i = 0; i < width; ++i)
      each.push_back(width == 1 ? loaded : vector::ExtractOp::create(b, loaded, ArrayRef<int64_t>{i}).getResult());
    return each;
  };
  Values sum = b.forEach(b.mul(quarter, width), b.i32(shape.width), 4 * width, Values{b.f32(0)},
                         [&](Value column, ValueRange before) {
                           Value after = before[0];
                           for (auto [x, y] : llvm::zip(numbers(out, column), numbers(dout, column)))
                             after = b.fma(x, y, after);
                           return Values{after};
                         });
  Value delta = b.select(exists, b.sumOfFour(sum[0]), b.f32(0));
  b.onlyIf(b.equal(quarter, b.i32(0)), [&] { b.store(delta, b.at(to, b.mul(row, 4))); });
}

void FlashFma::scoreGradients(Values &scores, Values &dp, const Values &keep, function_ref<Value(size_t)> lse,
                              function_ref<Value(size_t)> delta) {
  Value zero = b.f32(0), factor = b.f32(1 / (1 - shape.dropout));
  for (size_t i = 0; i < scores.size(); ++i) {
    Value p = b.exp2(b.subF(scores[i], lse(i))), gradient = dp[i];
    if (!keep.empty())
      gradient = b.select(keep[i], b.mulF(gradient, factor), zero);
    dp[i] = b.mulF(p, b.subF(gradient, delta(i)));
    scores[i] = keep.empty() ? p : b.select(keep[i], p, zero);
  }
}

/// A thread's two keys have one counter with the two before or behind them, which another thread draws again.
FlashFma::Values FlashFma::keepOfKeyRows(FlashHead &head, const Values &queries, const Values &keys) {
  if (shape.dropout == 0)
    return {};
  static_assert(ofRow == 2);
  Value isLate = b.equal(b.rem(block.row, 2), b.i32(1));
  Values keep(keys.size() * queries.size());
  for (auto [c, query] : llvm::enumerate(queries)) {
    std::array<Value, 4> words = head.draw(query, b.div(keys.front(), 4));
    for (size_t r = 0; r < keys.size(); ++r)
      keep[r * queries.size() + c] = head.keeps(b.select(isLate, words[ofRow + r], words[r]));
  }
  return keep;
}

//===------------------------------------------------------------------------------------------===//
// dk and dv
//===------------------------------------------------------------------------------------------===//

static SmallVector<Value> joined(ArrayRef<Value> x, ArrayRef<Value> y) {
  SmallVector<Value> both(x);
  llvm::append_range(both, y);
  return both;
}

void FlashFma::emitKeyGradients() {
  Place at = place(llvm::divideCeil(shape.keys, atOnce), columnsOf(shape, mostColumns));
  FlashHead head(b, shape, operands, at.head);
  Value firstKey = b.mul(at.tile, atOnce);
  FmaTile k = block.allocateRows("k", atOnce, at.columns), v = block.allocateRows("v", atOnce, at.columns);
  FmaTile q = block.allocateRows("q", atOnce, at.columns), dout = block.allocateRows("dout", atOnce, at.columns);
  FmaTile p = block.allocateResults("p", atOnce, atOnce), ds = block.allocateResults("ds", atOnce, atOnce);
  Value deltas = b.shared("delta", b.getF32Type(), atOnce);
  auto copyKeys = [&](Value column) {
    block.copy(rows(head, operands.k), firstKey, column, k, FmaThreads::down);
    block.copy(rows(head, operands.v), firstKey, column, v, FmaThreads::down);
  };
  if (at.slices == 1)
    copyKeys(at.column);
  Values keys = block.rowNumbers(firstKey, ofRow);

  size_t sums = ofRow * at.columns / FmaThreads::across;
  Values result = b.forEach(
      b.div(head.firstQuery(firstKey), atOnce), b.i32(llvm::divideCeil(shape.queries, atOnce)), 1,
      block.zeros(2 * sums), [&](Value i, ValueRange before) {
        Value firstQuery = b.mul(i, atOnce);
        auto copyQueries = [&](Value column) {
          block.copy(rows(head, operands.q), firstQuery, column, q, FmaThreads::across);
          block.copy(rows(head, operands.dout), firstQuery, column, dout, FmaThreads::across);
        };
        computeDelta(head, firstQuery, deltas);
        Values products = overColumns(
            at, block.zeros(2 * ofRow * ofColumn),
            [&](Value column) {
              if (at.slices > 1)
                copyKeys(column);
              copyQueries(column);
            },
            [&](ValueRange parts) {
              ValueRange scores = parts.take_front(ofRow * ofColumn), dp = parts.drop_front(ofRow * ofColumn);
              return joined(block.addTransposed(scores, k, q), block.addTransposed(dp, v, dout));
            });
        Values queries = block.columnNumbers(firstQuery, ofColumn), lse, delta;
        for (int64_t c = 0; c < ofColumn; ++c) {
          lse.push_back(loadLse(head, queries[c]));
          delta.push_back(b.load(b.getF32Type(), b.at(deltas, b.mul(b.add(b.mul(block.column, ofColumn), c), 4))));
        }
        Values scores = mask(head, ValueRange(products).take_front(ofRow * ofColumn),
                             head.mayHide(firstQuery, firstKey, atOnce), queries, keys, false, -infinity);
        Values dp(products.begin() + ofRow * ofColumn, products.end());
        scoreGradients(
            scores, dp, keepOfKeyRows(head, queries, keys), [&](size_t n) { return lse[n % ofColumn]; },
            [&](size_t n) { return delta[n % ofColumn]; });
        block.keep(scores, p);
        block.keep(dp, ds);
        if (at.slices > 1)
          copyQueries(at.column);
        b.barrier();
        Values dk = block.add(before.take_front(sums), ds, q), dv = block.add(before.drop_front(sums), p, dout);
        b.barrier(); // the next queries overwrite what was read
        return joined(dk, dv);
      });
  ValueRange flat(result);
  Values scaling(ofRow, b.f32(shape.scale)), dropout(ofRow, b.f32(1 / (1 - shape.dropout)));
  block.store(flat.take_front(sums), scaling, rows(head, operands.dk), firstKey, at.column, at.columns);
  block.store(flat.drop_front(sums), dropout, rows(head, operands.dv), firstKey, at.column, at.columns);
}

//===------------------------------------------------------------------------------------------===//
// dq
//===------------------------------------------------------------------------------------------===//

void FlashFma::emitQueryGradients() {
  Place at = place(llvm::divideCeil(shape.queries, atOnce), columnsOf(shape, mostColumns));
  FlashHead head(b, shape, operands, at.head);
  Value firstQuery = b.mul(b.sub(b.i32(at.tiles - 1), at.tile), atOnce);
  FmaTile q = block.allocateRows("q", atOnce, at.columns), dout = block.allocateRows("dout", atOnce, at.columns);
  FmaTile k = block.allocateRows("k", atOnce, at.columns), v = block.allocateRows("v", atOnce, at.columns);
  FmaTile ds = block.allocateResults("ds", atOnce, atOnce);
  Value deltas = b.shared("delta", b.getF32Type(), atOnce);
  auto copyQueries = [&](Value column) {
    block.copy(rows(head, operands.q), firstQuery, column, q, FmaThreads::down);
    block.copy(rows(head, operands.dout), firstQuery, column, dout, FmaThreads::down);
  };
  if (at.slices == 1)
    copyQueries(at.column);
  computeDelta(head, firstQuery, deltas);
  b.barrier();
  Values queries = block.rowNumbers(firstQuery, ofRow), lse, delta;
  for (int64_t r = 0; r < ofRow; ++r) {
    lse.push_back(loadLse(head, queries[r]));
    delta.push_back(b.load(b.getF32Type(), b.at(deltas, b.mul(b.add(b.mul(block.row, ofRow), r), 4))));
  }

  size_t sums = ofRow * at.columns / FmaThreads::across;
  Value tiles = b.div(b.add(head.keyEnd(b.add(firstQuery, atOnce)), atOnce - 1), atOnce);
  Values result = b.forEach(b.i32(0), tiles, 1, block.zeros(sums), [&](Value i, ValueRange before) {
    Value firstKey = b.mul(i, atOnce);
    Values products = overColumns(
        at, block.zeros(2 * ofRow * ofColumn),
        [&](Value column) {
          if (at.slices > 1)
            copyQueries(column);
          block.copy(rows(head, operands.k), firstKey, column, k, FmaThreads::across);
          block.copy(rows(head, operands.v), firstKey, column, v, FmaThreads::across);
        },
        [&](ValueRange parts) {
          ValueRange scores = parts.take_front(ofRow * ofColumn), dp = parts.drop_front(ofRow * ofColumn);
          return joined(block.addTransposed(scores, q, k), block.addTransposed(dp, dout, v));
        });
    Values keys = block.columnNumbers(firstKey, ofColumn);
    Values scores = mask(head, ValueRange(products).take_front(ofRow * ofColumn),
                         head.mayHide(firstQuery, firstKey, atOnce), queries, keys, true, -infinity);
    Values dp(products.begin() + ofRow * ofColumn, products.end());
    scoreGradients(
        scores, dp, keepOfQueryRows(head, queries, keys), [&](size_t n) { return lse[n / ofColumn]; },
        [&](size_t n) { return delta[n / ofColumn]; });
    block.keep(dp, ds);
    if (at.slices > 1)
      block.copy(rows(head, operands.k), firstKey, at.column, k, FmaThreads::across);
    b.barrier();
    Values after = block.add(before, ds, k);
    b.barrier(); // the next keys overwrite what was read
    return after;
  });
  Values scaling(ofRow, b.f32(shape.scale));
  block.store(result, scaling, rows(head, operands.dq), firstQuery, at.column, at.columns);
}
