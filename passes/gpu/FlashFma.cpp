//===- FlashFma.cpp - attention on a GPU by multiply-and-add in f32, forward ------------------===//
//
// A block is 64 queries (32 above width 64) of one head and a slice of its columns, the last queries first, which see
// most under a causal mask.
//
// 1. The queries go to shared memory.
// 2. For each 32 keys that they can see: scores = Q Kᵀ, masked, in powers of two; the maximum so far; probabilities
//    relative to it; sums and results so far rescaled to it (online softmax); dropout; out += P V, where V takes K's
//    place in shared memory, and P goes through it.
// 3. Divide by the sums; lse = maximum + log(sum).
//
//===------------------------------------------------------------------------------------------===//
#include "passes/gpu/FlashFma.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nf;

static constexpr int64_t keysAtOnce = 32, mostColumns = 128;

int64_t FlashFma::columnsOf(const FlashShape &shape, int64_t most) {
  return std::min<int64_t>(llvm::alignTo(shape.width, 4 * FmaThreads::across), most);
}

int64_t FlashFma::blocksOf(const FlashShape &shape, int64_t rows, int64_t rowsAtOnce, int64_t columns) {
  return shape.batch * shape.heads * llvm::divideCeil(rows, rowsAtOnce) * llvm::divideCeil(shape.width, columns);
}

static int64_t queriesOf(int64_t columns) { return columns <= 64 ? 64 : 32; }

int64_t FlashFma::forwardBlocks(const FlashShape &shape) {
  int64_t columns = columnsOf(shape, mostColumns);
  return blocksOf(shape, shape.queries, queriesOf(columns), columns);
}

FlashFma::Place FlashFma::place(int64_t tiles, int64_t columns) {
  // 168 registers a thread, with random words 255.
  allowRegistersOf(b.getBlock()->getParent()->getParentOfType<LLVM::LLVMFuncOp>(), shape.dropout > 0 ? 2 : 3);
  int64_t slices = llvm::divideCeil(shape.width, columns);
  Value task = b.block(), tile = b.div(task, slices);
  Value column = slices == 1 ? b.i32(0) : b.mul(b.rem(task, slices), columns);
  return {b.div(tile, tiles), b.rem(tile, tiles), column, tiles, columns, slices};
}

FmaRows FlashFma::rows(FlashHead &head, const FlashOperand &operand) {
  Type element = operand.type.getElementType();
  auto [strides, offset] = operand.type.getStridesAndOffset();
  bool isVector = shape.width % 4 == 0 && strides[0] % 4 == 0 && strides[1] % 4 == 0 &&
                  operand.alignment % (4 * storedBytes(element)) == 0;
  return {head.rows(operand), element, isVector ? 4 : 1};
}

FlashFma::Values FlashFma::overColumns(const Place &at, ArrayRef<Value> sums, function_ref<void(Value)> copy,
                                       function_ref<Values(ValueRange)> add) {
  auto addSlice = [&](Value firstColumn, ValueRange before) {
    copy(firstColumn);
    b.barrier();
    Values after = add(before);
    b.barrier();
    return after;
  };
  if (at.slices == 1)
    return addSlice(b.i32(0), sums);
  return b.forEach(b.i32(0), b.i32(at.slices * at.columns), at.columns, sums, addSlice);
}

//===------------------------------------------------------------------------------------------===//
// Masks and dropout
//===------------------------------------------------------------------------------------------===//

FlashFma::Values FlashFma::mask(FlashHead &head, ValueRange products, Value mayHide, const Values &queries,
                                const Values &keys, bool rowsAreQueries, double hidden) {
  Values scores;
  Value factor = b.f32(shape.scale * log2e);
  for (Value product : products)
    scores.push_back(b.mulF(product, factor));
  if (!mayHide)
    return scores;
  return b.choose(mayHide, scores, [&] {
    SmallVector<FlashHead::Token> ofQueries, ofKeys;
    for (Value query : queries)
      ofQueries.push_back(head.query(query));
    for (Value key : keys)
      ofKeys.push_back(head.key(key));
    size_t columns = rowsAreQueries ? keys.size() : queries.size();
    Values masked;
    for (auto [i, score] : llvm::enumerate(scores)) {
      size_t row = i / columns, column = i % columns;
      const FlashHead::Token &query = ofQueries[rowsAreQueries ? row : column];
      const FlashHead::Token &key = ofKeys[rowsAreQueries ? column : row];
      masked.push_back(head.masked(query, key, score, hidden));
    }
    return masked;
  });
}

FlashFma::Values FlashFma::keepOfQueryRows(FlashHead &head, const Values &queries, const Values &keys) {
  if (shape.dropout == 0)
    return {};
  assert(keys.size() == 4 && "the keys of a counter");
  Values keep;
  for (Value query : queries)
    for (Value word : head.draw(query, b.div(keys.front(), 4)))
      keep.push_back(head.keeps(word));
  return keep;
}

//===------------------------------------------------------------------------------------------===//
// Forward
//===------------------------------------------------------------------------------------------===//

/// Over the eight threads of a row.
static Value maxOfRow(ThreadBuilder &b, Value x) {
  x = b.maxOfFour(x);
  return b.maxF(x, b.fromLaneXor(x, 4));
}

static Value sumOfRow(ThreadBuilder &b, Value x) {
  x = b.sumOfFour(x);
  return b.addF(x, b.fromLaneXor(x, 4));
}

namespace {
/// What a thread carries from keys to keys, for its rows: results, and of each row the maximum and its part of the sum.
struct Softmax {
  using Values = SmallVector<Value>;
  Values out, maximum, sum;

  Softmax(ThreadBuilder &b, size_t rows, size_t columns)
      : out(rows * columns, b.f32(0)), maximum(rows, b.f32(-infinity)), sum(rows, b.f32(0)) {}

  Values flatten() const { return llvm::to_vector(llvm::concat<const Value>(out, maximum, sum)); }

  void take(ValueRange flat) {
    for (Values *values : {&out, &maximum, &sum}) {
      values->assign(flat.begin(), flat.begin() + values->size());
      flat = flat.drop_front(values->size());
    }
  }

  /// Scores become probabilities relative to the maximum so far.
  void add(ThreadBuilder &b, Values &scores) {
    size_t rows = maximum.size(), columns = scores.size() / rows;
    for (size_t r = 0; r < rows; ++r) {
      MutableArrayRef<Value> ofRow = MutableArrayRef<Value>(scores).slice(r * columns, columns);
      Value top = ofRow[0];
      for (Value score : ofRow.drop_front())
        top = b.maxF(top, score);
      top = b.maxF(maximum[r], maxOfRow(b, top));
      Value rescale = b.exp2(b.subF(maximum[r], top));
      sum[r] = b.mulF(sum[r], rescale);
      for (Value &score : ofRow) {
        score = b.exp2(b.subF(score, top));
        sum[r] = b.addF(sum[r], score);
      }
      for (Value &x : MutableArrayRef<Value>(out).slice(r * (out.size() / rows), out.size() / rows))
        x = b.mulF(x, rescale);
      maximum[r] = top;
    }
  }
};
} // namespace

void FlashFma::emitForward() {
  int64_t columns = columnsOf(shape, mostColumns), queries = queriesOf(columns), ofThread = queries / FmaThreads::down;
  Place at = place(llvm::divideCeil(shape.queries, queries), columns);
  FlashHead head(b, shape, operands, at.head);
  Value firstQuery = b.mul(b.sub(b.i32(at.tiles - 1), at.tile), queries);
  FmaTile q = block.allocateRows("q", queries, columns), kv = block.allocateRows("kv", keysAtOnce, columns);
  FmaTile p = block.allocateResults("p", queries, keysAtOnce);
  FmaRows qs = rows(head, operands.q), ks = rows(head, operands.k), vs = rows(head, operands.v);
  if (at.slices == 1)
    block.copy(qs, firstQuery, at.column, q, FmaThreads::down);

  Softmax softmax(b, ofThread, columns / FmaThreads::across);
  Value tiles = b.div(b.add(head.keyEnd(b.add(firstQuery, queries)), keysAtOnce - 1), keysAtOnce);
  Values result = b.forEach(b.i32(0), tiles, 1, softmax.flatten(), [&](Value i, ValueRange before) {
    softmax.take(before);
    Value firstKey = b.mul(i, keysAtOnce);
    Values scores = overColumns(
        at, block.zeros(ofThread * keysAtOnce / FmaThreads::across),
        [&](Value column) {
          if (at.slices > 1)
            block.copy(qs, firstQuery, column, q, FmaThreads::down);
          block.copy(ks, firstKey, column, kv, FmaThreads::across);
        },
        [&](ValueRange sums) { return block.addTransposed(sums, q, kv); });
    block.copy(vs, firstKey, at.column, kv, FmaThreads::across);
    Values ofRows = block.rowNumbers(firstQuery, ofThread);
    Values ofColumns = block.columnNumbers(firstKey, keysAtOnce / FmaThreads::across);
    scores = mask(head, scores, head.mayHide(firstQuery, firstKey, keysAtOnce), ofRows, ofColumns, true, maskedScore);
    softmax.add(b, scores);
    for (auto [probability, kept] : llvm::zip(scores, keepOfQueryRows(head, ofRows, ofColumns)))
      probability = b.select(kept, probability, b.f32(0));
    block.keep(scores, p);
    b.barrier();
    softmax.out = block.add(softmax.out, p, kv);
    b.barrier(); // the next keys overwrite what was read
    return softmax.flatten();
  });
  softmax.take(result);

  Values factors;
  Value writesLse = b.both(b.equal(block.column, b.i32(0)), b.equal(at.column, b.i32(0)));
  for (auto [r, query] : llvm::enumerate(block.rowNumbers(firstQuery, ofThread))) {
    Value sum = sumOfRow(b, softmax.sum[r]);
    factors.push_back(arith::DivFOp::create(b, b.f32(1 / (1 - shape.dropout)), sum));
    b.onlyIf(b.both(writesLse, b.less(query, shape.queries)), [&] {
      Value log = math::LogOp::create(b, sum);
      b.store(b.fma(softmax.maximum[r], b.f32(ln2), log), head.lseAt(query));
    });
  }
  block.store(softmax.out, factors, rows(head, operands.out), firstQuery, at.column, columns);
}
