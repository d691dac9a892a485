//===- FlashMma.cpp - attention on the GPU's tensor cores, forward ----------------------------===//
//
// A block is 64 queries of one head, the last first, which see most under a causal mask.
//
// 1. The warps' queries go to registers.
// 2. For each tile of keys and values that they can see: scores = Q Kᵀ, masked, in powers of two; the maximum so far;
//    probabilities relative to it; sums and results so far rescaled to it (online softmax); dropout; out += P V. P
//    stays in registers: what a lane has of scores is what it needs of P as an operand.
// 3. Divide by the sums; lse = maximum + log(sum).
//
//===------------------------------------------------------------------------------------------===//
#include "passes/gpu/FlashMma.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nf;

static constexpr int64_t mostSharedBytes = 48 << 10; // of static shared memory

bool FlashMma::fits(const FlashShape &shape, const FlashOperands &operands) {
  if (shape.width % 8 != 0 || shape.width > 128)
    return false;
  for (const FlashOperand *rows : {&operands.q, &operands.k, &operands.v, &operands.out, &operands.dout, &operands.dq,
                                   &operands.dk, &operands.dv}) {
    if (!rows->type)
      continue;
    auto [strides, offset] = rows->type.getStridesAndOffset();
    if (!rows->type.getElementType().isBF16() || rows->alignment < gpuVectorBytes || strides[0] % 8 != 0 ||
        strides[1] % 8 != 0)
      return false;
  }
  return true;
}

int64_t FlashMma::forwardBlocks(const FlashShape &shape) {
  return shape.batch * shape.heads * llvm::divideCeil(shape.queries, rowsOfBlock);
}

/// Keys of a tile: 64 where two buffers of keys and values fit and registers hold the scores.
int64_t FlashMma::keysAtOnce(int64_t products) const {
  bool fits = 4 * tile->bytes(64) <= mostSharedBytes && (products == 1 || tile->columns() <= 64);
  return fits ? 64 : 32;
}

Value FlashMma::allocate(int64_t bytes) {
  assert(bytes <= mostSharedBytes);
  return b.shared("tiles", b.getI8Type(), bytes);
}

//===------------------------------------------------------------------------------------------===//
// Tiles
//===------------------------------------------------------------------------------------------===//

FlashMma::Values FlashMma::stream(Value from, Value to, int64_t bufferBytes, function_ref<void(Value, Value)> copy,
                                  ArrayRef<Value> carried, function_ref<Values(Value, Value, ValueRange)> body) {
  b.onlyIf(b.less(from, to), [&] { copy(from, memory); });
  tile->commit();
  return b.forEach(from, to, 1, carried, [&](Value i, ValueRange before) {
    Value odd = b.rem(b.sub(i, from), 2), next = b.add(i, 1);
    b.onlyIf(b.less(next, to), [&] { copy(next, b.at(memory, b.mul(b.sub(b.i32(1), odd), bufferBytes))); });
    tile->commit();
    tile->wait(1);
    Values after = body(i, b.at(memory, b.mul(odd, bufferBytes)), before);
    b.barrier(); // the next copy overwrites what was read
    return after;
  });
}

FlashMma::Values FlashMma::streamKeys(FlashHead &head, Value firstQuery, int64_t keys, ArrayRef<Value> carried,
                                      function_ref<Values(Value, Value, Value, ValueRange)> body) {
  GlobalRows k = head.rows(operands.k), v = head.rows(operands.v);
  int64_t bytes = tile->bytes(keys);
  Value end = head.keyEnd(b.add(firstQuery, rowsOfBlock));
  return stream(
      b.i32(0), b.div(b.add(end, keys - 1), keys), 2 * bytes,
      [&](Value i, Value buffer) {
        tile->copy(k, b.mul(i, keys), keys, RowOrder::Fours, buffer);
        tile->copy(v, b.mul(i, keys), keys, RowOrder::Fours, b.at(buffer, bytes));
      },
      carried,
      [&](Value i, Value buffer, ValueRange before) {
        return body(b.mul(i, keys), buffer, b.at(buffer, bytes), before);
      });
}

FlashMma::Fragments FlashMma::loadRows(const GlobalRows &rows, Value first, RowOrder order, Value staging) {
  tile->copy(rows, first, rowsOfBlock, order, staging);
  tile->commit();
  tile->wait(0);
  Fragments fragments = tile->loadOperand(staging, b.mul(tile->warp, 16));
  b.barrier(); // what comes next overwrites the tile
  return fragments;
}

//===------------------------------------------------------------------------------------------===//
// Masks and dropout
//===------------------------------------------------------------------------------------------===//

FlashMma::Tokens FlashMma::queryRows(FlashHead &head, Value firstQuery) {
  Value row = b.add(firstQuery, b.add(b.mul(tile->warp, 16), tile->laneRow));
  return {head.query(row), head.query(b.add(row, 8))};
}

/// By fragment and column of the lane; the order of rows in tiles of keys is RowOrder::Fours.
FlashMma::Tokens FlashMma::keyColumns(FlashHead &head, Value firstKey, int64_t keys) {
  Tokens tokens;
  Value own = b.add(firstKey, b.mul(tile->lanePair, 2));
  for (int64_t group = 0; group < keys; group += 16)
    for (int64_t i = 0; i < 4; ++i)
      tokens.push_back(head.key(b.add(own, group + i)));
  return tokens;
}

FlashMma::Fragments FlashMma::scale(Fragments scores) {
  Value factor = b.f32(shape.scale * log2e);
  for (Fragment &fragment : scores)
    for (Value &score : fragment)
      score = b.mulF(score, factor);
  return scores;
}

FlashMma::Fragments FlashMma::mask(FlashHead &head, const Fragments &scores, Value mayHide, bool rowsAreQueries,
                                   function_ref<Tokens()> rows, function_ref<Tokens()> columns, double hidden) {
  if (!mayHide)
    return scores;
  Values masked = b.choose(mayHide, MmaTile::flatten(scores), [&] {
    Tokens ofRows = rows(), ofColumns = columns();
    Values result;
    for (auto [n, fragment] : llvm::enumerate(scores))
      for (int64_t e = 0; e < 4; ++e) {
        const FlashHead::Token &row = ofRows[e / 2], &column = ofColumns[2 * n + e % 2];
        const FlashHead::Token &query = rowsAreQueries ? row : column, &key = rowsAreQueries ? column : row;
        result.push_back(head.masked(query, key, fragment[e], hidden));
      }
    return result;
  });
  ValueRange flat(masked);
  return MmaTile::take(flat, scores.size());
}

FlashMma::Fragments FlashMma::keepOfQueryRows(FlashHead &head, Value firstQuery, Value firstKey, int64_t keys) {
  if (shape.dropout == 0)
    return {};
  Fragments keep(keys / 8);
  Value row = b.add(firstQuery, b.add(b.mul(tile->warp, 16), tile->laneRow));
  Value counter = b.add(b.div(firstKey, 4), b.div(tile->lanePair, 2));
  for (int64_t group = 0; group < keys / 16; ++group)
    for (int64_t h = 0; h < 2; ++h) {
      std::array<Value, 4> words = head.draw(b.add(row, 8 * h), b.add(counter, 4 * group));
      for (int64_t i = 0; i < 4; ++i)
        keep[2 * group + i / 2][2 * h + i % 2] = head.keeps(words[i]);
    }
  return keep;
}

//===------------------------------------------------------------------------------------------===//
// Forward
//===------------------------------------------------------------------------------------------===//

void FlashMma::onlineSoftmax(Fragments &scores, Fragments &out, std::array<Value, 2> &maximum,
                             std::array<Value, 2> &sum) {
  for (int64_t h = 0; h < 2; ++h) {
    Value top = maximum[h];
    for (Fragment &fragment : scores)
      top = b.maxF(top, b.maxF(fragment[2 * h], fragment[2 * h + 1]));
    top = b.maxOfFour(top);
    Value rescale = b.exp2(b.subF(maximum[h], top));
    sum[h] = b.mulF(sum[h], rescale);
    for (Fragment &fragment : scores)
      for (int64_t i = 2 * h; i < 2 * h + 2; ++i) {
        fragment[i] = b.exp2(b.subF(fragment[i], top));
        sum[h] = b.addF(sum[h], fragment[i]);
      }
    for (Fragment &fragment : out)
      for (int64_t i = 2 * h; i < 2 * h + 2; ++i)
        fragment[i] = b.mulF(fragment[i], rescale);
    maximum[h] = top;
  }
}

void FlashMma::storeLse(FlashHead &head, Value firstQuery, std::array<Value, 2> maximum, std::array<Value, 2> sum) {
  Tokens rows = queryRows(head, firstQuery);
  Value isFirst = b.equal(tile->lanePair, b.i32(0));
  for (int64_t h = 0; h < 2; ++h)
    b.onlyIf(b.both(isFirst, b.less(rows[h].number, shape.queries)), [&] {
      Value log = math::LogOp::create(b, sum[h]);
      b.store(b.fma(maximum[h], b.f32(ln2), log), head.lseAt(rows[h].number));
    });
}

void FlashMma::emitForward() {
  tile.emplace(b, shape.width, threads);
  int64_t keys = keysAtOnce(1), blocks = llvm::divideCeil(shape.queries, rowsOfBlock);
  if (tile->columns() > 96 && shape.dropout > 0)
    allowRegistersOf(b.getBlock()->getParent()->getParentOfType<LLVM::LLVMFuncOp>(), 2);
  memory = allocate(4 * tile->bytes(keys));
  Value task = b.block();
  FlashHead head(b, shape, operands, b.div(task, blocks));
  Value firstQuery = b.mul(b.sub(b.i32(blocks - 1), b.rem(task, blocks)), rowsOfBlock);
  Fragments queries = loadRows(head.rows(operands.q), firstQuery, RowOrder::Natural, memory);

  Fragments out = tile->zeros(tile->columns() / 8);
  Values carried = MmaTile::flatten(out);
  Value low = b.f32(-infinity), zero = b.f32(0);
  carried.append({low, low, zero, zero});
  Values result = streamKeys(head, firstQuery, keys, carried, [&](Value firstKey, Value k, Value v, ValueRange before) {
    Fragments sums = MmaTile::take(before, out.size());
    std::array<Value, 2> maximum = {before[0], before[1]}, sum = {before[2], before[3]};
    Fragments scores = mask(
        head, scale(tile->timesTransposed(queries, k, keys)), head.mayHide(firstQuery, firstKey, keys), true,
        [&] { return queryRows(head, firstQuery); }, [&] { return keyColumns(head, firstKey, keys); }, maskedScore);
    onlineSoftmax(scores, sums, maximum, sum);
    Fragments keep = keepOfQueryRows(head, firstQuery, firstKey, keys);
    for (auto [fragment, kept] : llvm::zip(scores, keep))
      for (auto [p, condition] : llvm::zip(fragment, kept))
        p = b.select(condition, p, zero);
    tile->addProduct(sums, tile->asOperand(scores), v);
    Values after = MmaTile::flatten(sums);
    after.append({maximum[0], maximum[1], sum[0], sum[1]});
    return after;
  });
  ValueRange flat(result);
  out = MmaTile::take(flat, out.size());
  std::array<Value, 2> sum, factors;
  for (int64_t h = 0; h < 2; ++h) {
    sum[h] = b.sumOfFour(flat[2 + h]);
    factors[h] = arith::DivFOp::create(b, b.f32(1 / (1 - shape.dropout)), sum[h]);
  }
  storeLse(head, firstQuery, {flat[0], flat[1]}, sum);
  tile->store(out, factors, memory, head.rows(operands.out), firstQuery, RowOrder::Natural);
}
