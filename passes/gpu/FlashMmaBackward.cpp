//===- FlashMmaBackward.cpp - attention on the GPU's tensor cores, backward -------------------===//
//
// Three kernels, so that no two blocks add to one gradient and nothing but D goes through memory:
//
// 1. D = Σ_columns dout · out of each query and head, four lanes each. It waits in dq, which the last kernel
// overwrites.
// 2. A block is 64 keys of one head, keys and values in registers. For each tile of queries that see them:
//    Sᵀ = K Qᵀ, dPᵀ = V doutᵀ, P = e^(S − lse), dS = P · (dropout(dP) − D); dv += dropout(P)ᵀ dout, dk += dSᵀ Q.
// 3. A block is 64 queries of one head, q and dout in registers. For each tile of keys that they see: S, dP and dS
// again,
//    dq += dS K.
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/gpu/FlashMma.h"

using namespace mlir;
using namespace nf;

int64_t FlashMma::deltaBlocks(const FlashShape &shape) {
  return llvm::divideCeil(shape.batch * shape.heads * shape.queries, threads / 4);
}

/// Queries of a tile for dk and dv: as many as registers hold scores of, beside random words where there are any.
int64_t FlashMma::queriesAtOnce() const { return tile->columns() > 96 && shape.dropout > 0 ? 16 : 32; }

int64_t FlashMma::keyGradientBlocks(const FlashShape &shape) {
  return shape.batch * shape.heads * llvm::divideCeil(shape.keys, rowsOfBlock);
}

/// log2(e^lse), to subtract from scores in powers of two.
static Value inPowersOfTwo(ThreadBuilder &b, Value lse) { return b.mulF(lse, b.f32(log2e)); }

/// Where D of a query is.
static Value deltaAt(ThreadBuilder &b, const GlobalRows &dq, Value query) {
  return b.at(dq.base, b.mul(b.wide(query), 2 * dq.stride));
}

//===------------------------------------------------------------------------------------------===//
// D
//===------------------------------------------------------------------------------------------===//

/// Over 16-byte pieces quarter, quarter + 4, … of a row.
Value FlashMma::sumOutTimesDout(FlashHead &head, Value query, Value quarter) {
  GlobalRows out = head.rows(operands.out), dout = head.rows(operands.dout);
  auto type = VectorType::get({8}, b.getBF16Type());
  Value total = b.f32(0);
  for (int64_t first = 0; first < shape.width / 8; first += 4) {
    Value piece = b.add(quarter, first), exists;
    if (first + 4 > shape.width / 8) {
      exists = b.less(piece, shape.width / 8);
      piece = b.select(exists, piece, b.i32(0));
    }
    auto loadPiece = [&](const GlobalRows &rows) {
      Value place = b.add(b.mul(b.wide(query), 2 * rows.stride), b.wide(b.mul(piece, 16)));
      return b.widenF(b.load(type, b.at(rows.base, place)));
    };
    Value x = loadPiece(out), y = loadPiece(dout), sum = total;
    for (int64_t i = 0; i < 8; ++i)
      sum = b.fma(vector::ExtractOp::create(b, x, ArrayRef<int64_t>{i}),
                  vector::ExtractOp::create(b, y, ArrayRef<int64_t>{i}), sum);
    total = b.select(exists, sum, total);
  }
  return b.sumOfFour(total);
}

void FlashMma::emitDelta() {
  int64_t rows = shape.batch * shape.queries * shape.heads;
  Value thread = b.thread();
  Value row = b.add(b.mul(b.block(), threads / 4), b.div(thread, 4)), exists = b.less(row, rows);
  row = b.select(exists, row, b.i32(rows - 1));
  Value token = b.div(row, shape.heads), batch = b.div(token, shape.queries), query = b.rem(token, shape.queries);
  FlashHead head(b, shape, operands, b.add(b.mul(batch, shape.heads), b.rem(row, shape.heads)));
  Value quarter = b.rem(thread, 4), delta = sumOutTimesDout(head, query, quarter);
  b.onlyIf(b.both(exists, b.equal(quarter, b.i32(0))),
           [&] { b.store(delta, deltaAt(b, head.rows(operands.dq), query)); });
}

//===------------------------------------------------------------------------------------------===//
// Gradients of scores
//===------------------------------------------------------------------------------------------===//

void FlashMma::scoreGradients(Fragments &scores, Fragments &dp, const Fragments &keep,
                              function_ref<Value(int64_t, int64_t)> lse, function_ref<Value(int64_t, int64_t)> delta) {
  Value zero = b.f32(0), factor = b.f32(1 / (1 - shape.dropout));
  for (int64_t n = 0; n < static_cast<int64_t>(scores.size()); ++n)
    for (int64_t e = 0; e < 4; ++e) {
      Value p = b.exp2(b.subF(scores[n][e], lse(n, e))), gradient = dp[n][e];
      if (!keep.empty())
        gradient = b.select(keep[n][e], b.mulF(gradient, factor), zero);
      dp[n][e] = b.mulF(p, b.subF(gradient, delta(n, e)));
      scores[n][e] = keep.empty() ? p : b.select(keep[n][e], p, zero);
    }
}

/// A counter's four keys are in two lanes, 4 apart, of which each draws for one of two queries and gives the other half
/// of its words.
FlashMma::Fragments FlashMma::keepOfKeyRows(FlashHead &head, Value firstQuery, Value firstKey, int64_t queries) {
  if (shape.dropout == 0)
    return {};
  Fragments keep(queries / 8);
  Value parity = b.rem(tile->laneRow, 2), isOdd = b.equal(parity, b.i32(1));
  Value counter = b.div(b.add(firstKey, b.mul(tile->laneRow, 2)), 4);
  Value query = b.add(firstQuery, b.add(tile->lanePair, parity));
  for (int64_t n = 0; n < queries / 8; ++n) {
    std::array<Value, 4> words = head.draw(b.add(query, 8 * n), counter);
    for (int64_t h = 0; h < 2; ++h) {
      Value own = b.select(isOdd, words[2 + h], words[h]);
      Value received = b.fromLaneXor(b.select(isOdd, words[h], words[2 + h]), 4);
      keep[n][2 * h] = head.keeps(b.select(isOdd, received, own));
      keep[n][2 * h + 1] = head.keeps(b.select(isOdd, own, received));
    }
  }
  return keep;
}

//===------------------------------------------------------------------------------------------===//
// dk and dv
//===------------------------------------------------------------------------------------------===//

/// Starts to copy lse and D of a tile of queries, a number a thread; what does not exist becomes 0.
static void copyNumbers(ThreadBuilder &b, FlashHead &head, const GlobalRows &dq, Value first, int64_t count, Value to) {
  Value thread = b.thread();
  b.onlyIf(b.less(thread, count), [&] {
    Value query = b.add(first, thread), exists = b.less(query, dq.rows);
    query = b.select(exists, query, b.i32(0));
    Value bytes = b.select(exists, b.i32(4), b.i32(0)), place = b.at(to, b.mul(thread, 4));
    NVVM::CpAsyncOp::create(b, place, head.lseAt(query), 4, NVVM::LoadCacheModifierKind::CA, bytes);
    NVVM::CpAsyncOp::create(b, b.at(place, 4 * count), deltaAt(b, dq, query), 4, NVVM::LoadCacheModifierKind::CA,
                            bytes);
  });
}

void FlashMma::emitKeyGradients() {
  tile.emplace(b, shape.width, threads);
  int64_t queries = queriesAtOnce(), tileBytes = tile->bytes(queries), bufferBytes = 2 * tileBytes + 8 * queries;
  int64_t blocks = llvm::divideCeil(shape.keys, rowsOfBlock), fragments = tile->columns() / 8;
  memory = allocate(2 * std::max(bufferBytes, tile->bytes(rowsOfBlock)));
  Value task = b.block();
  FlashHead head(b, shape, operands, b.div(task, blocks));
  Value firstKey = b.mul(b.rem(task, blocks), rowsOfBlock);
  Fragments keys = loadRows(head.rows(operands.k), firstKey, RowOrder::Pairs, memory);
  Fragments values = loadRows(head.rows(operands.v), firstKey, RowOrder::Pairs, memory);
  GlobalRows q = head.rows(operands.q), dout = head.rows(operands.dout), dq = head.rows(operands.dq);
  Value warpKey = b.add(firstKey, b.mul(tile->warp, 16));
  auto keyRows = [&] {
    Value key = b.add(warpKey, b.mul(tile->laneRow, 2));
    return Tokens{head.key(key), head.key(b.add(key, 1))};
  };

  Values carried = MmaTile::flatten(tile->zeros(2 * fragments));
  Values result = stream(
      b.div(head.firstQuery(firstKey), queries), b.i32(llvm::divideCeil(shape.queries, queries)), bufferBytes,
      [&](Value i, Value buffer) {
        Value first = b.mul(i, queries);
        tile->copy(q, first, queries, RowOrder::Natural, buffer);
        tile->copy(dout, first, queries, RowOrder::Natural, b.at(buffer, tileBytes));
        copyNumbers(b, head, dq, first, queries, b.at(buffer, 2 * tileBytes));
      },
      carried,
      [&](Value i, Value buffer, ValueRange before) {
        Fragments dk = MmaTile::take(before, fragments), dv = MmaTile::take(before, fragments);
        Value first = b.mul(i, queries), douts = b.at(buffer, tileBytes);
        Value numbers = b.at(b.at(buffer, 2 * tileBytes), b.mul(tile->lanePair, 4));
        Fragments scores = mask(
            head, scale(tile->timesTransposed(keys, buffer, queries)), head.mayHide(first, firstKey, rowsOfBlock),
            false, keyRows,
            [&] {
              Tokens columns;
              for (int64_t n = 0; n < queries; n += 8)
                for (int64_t j = 0; j < 2; ++j)
                  columns.push_back(head.query(b.add(b.add(first, tile->lanePair), n + j)));
              return columns;
            },
            -infinity);
        Fragments dp = tile->timesTransposed(values, douts, queries);
        Values lse, delta;
        for (int64_t n = 0; n < queries; n += 8)
          for (int64_t j = 0; j < 2; ++j) {
            lse.push_back(inPowersOfTwo(b, b.load(b.getF32Type(), b.at(numbers, 4 * (n + j)))));
            delta.push_back(b.load(b.getF32Type(), b.at(numbers, 4 * (queries + n + j))));
          }
        scoreGradients(
            scores, dp, keepOfKeyRows(head, first, warpKey, queries),
            [&](int64_t n, int64_t e) { return lse[2 * n + e % 2]; },
            [&](int64_t n, int64_t e) { return delta[2 * n + e % 2]; });
        tile->addProduct(dv, tile->asOperand(scores), douts);
        tile->addProduct(dk, tile->asOperand(dp), buffer);
        Values after = MmaTile::flatten(dk);
        after.append(MmaTile::flatten(dv));
        return after;
      });
  ValueRange flat(result);
  Fragments dk = MmaTile::take(flat, fragments), dv = MmaTile::take(flat, fragments);
  Value scaling = b.f32(shape.scale), dropout = b.f32(1 / (1 - shape.dropout));
  tile->store(dk, {scaling, scaling}, memory, head.rows(operands.dk), firstKey, RowOrder::Pairs);
  tile->store(dv, {dropout, dropout}, b.at(memory, tile->bytes(rowsOfBlock)), head.rows(operands.dv), firstKey,
              RowOrder::Pairs);
}

//===------------------------------------------------------------------------------------------===//
// dq
//===------------------------------------------------------------------------------------------===//

void FlashMma::emitQueryGradients() {
  tile.emplace(b, shape.width, threads);
  int64_t keys = keysAtOnce(2), blocks = llvm::divideCeil(shape.queries, rowsOfBlock);
  int64_t fragments = tile->columns() / 8;
  memory = allocate(4 * tile->bytes(keys));
  Value task = b.block();
  FlashHead head(b, shape, operands, b.div(task, blocks));
  Value firstQuery = b.mul(b.sub(b.i32(blocks - 1), b.rem(task, blocks)), rowsOfBlock);
  Fragments queries = loadRows(head.rows(operands.q), firstQuery, RowOrder::Natural, memory);
  Fragments douts = loadRows(head.rows(operands.dout), firstQuery, RowOrder::Natural, memory);
  GlobalRows dq = head.rows(operands.dq);
  std::array<Value, 2> lse, delta;
  for (auto [h, row] : llvm::enumerate(queryRows(head, firstQuery))) {
    Value query = b.least(row.number, b.i32(shape.queries - 1));
    lse[h] = inPowersOfTwo(b, b.load(b.getF32Type(), head.lseAt(query)));
    delta[h] = b.load(b.getF32Type(), deltaAt(b, dq, query));
  }

  Values result = streamKeys(
      head, firstQuery, keys, MmaTile::flatten(tile->zeros(fragments)),
      [&](Value firstKey, Value k, Value v, ValueRange before) {
        Fragments sums = MmaTile::take(before, fragments);
        Fragments scores = mask(
            head, scale(tile->timesTransposed(queries, k, keys)), head.mayHide(firstQuery, firstKey, keys), true,
            [&] { return queryRows(head, firstQuery); }, [&] { return keyColumns(head, firstKey, keys); }, -infinity);
        Fragments dp = tile->timesTransposed(douts, v, keys);
        scoreGradients(
            scores, dp, keepOfQueryRows(head, firstQuery, firstKey, keys),
            [&](int64_t, int64_t e) { return lse[e / 2]; }, [&](int64_t, int64_t e) { return delta[e / 2]; });
        tile->addProduct(sums, tile->asOperand(dp), k);
        return MmaTile::flatten(sums);
      });
  ValueRange flat(result);
  Value scaling = b.f32(shape.scale);
  tile->store(MmaTile::take(flat, fragments), {scaling, scaling}, memory, dq, firstQuery, RowOrder::Natural);
}
