//===- FmaTile.cpp - matrix products of a block's threads on tiles in shared memory -----------===//
#include "passes/gpu/FmaTile.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nf;

/// Elements of a 16-byte piece.
static constexpr int64_t piece = 4;

FmaThreads::FmaThreads(ThreadBuilder &b) : b(b), thread(b.thread()) {
  row = b.div(thread, across);
  column = b.rem(thread, across);
}

FmaTile FmaThreads::allocateRows(StringRef name, int64_t rows, int64_t columns) {
  int64_t stride = columns + piece;
  return {b.shared(name, b.getF32Type(), rows * stride), rows, columns, stride};
}

/// Threads store numbers one by one: four rows of eight neighbours each, 8 banks apart.
FmaTile FmaThreads::allocateResults(StringRef name, int64_t rows, int64_t columns) {
  int64_t stride = columns + 8;
  return {b.shared(name, b.getF32Type(), rows * stride), rows, columns, stride};
}

FmaThreads::Values FmaThreads::numbersOf(Value index, Value first, int64_t count) {
  Values numbers;
  for (int64_t i = 0; i < count; ++i)
    numbers.push_back(b.add(b.add(first, b.mul(index, count)), i));
  return numbers;
}

//===------------------------------------------------------------------------------------------===//
// Global memory
//===------------------------------------------------------------------------------------------===//

Value FmaThreads::placeOf(const FmaRows &from, Value row, Value column) {
  Value place = b.add(b.mul(b.wide(row), from.rows.stride), b.wide(column));
  return b.at(from.rows.base, b.mul(place, storedBytes(from.element)));
}

/// Null where all columns of a tile exist.
Value FmaThreads::columnExists(const FmaRows &rows, Value column, int64_t tileColumns) {
  return rows.rows.width % tileColumns == 0 ? Value() : b.less(column, rows.rows.width);
}

void FmaThreads::copy(const FmaRows &from, Value firstRow, Value firstColumn, const FmaTile &to, int64_t groups) {
  int64_t pieces = to.columns / piece, inGroup = to.rows / groups;
  assert(to.rows * pieces % threads == 0 && "each thread has as many pieces");
  Value none = b.i32(0), zero = b.f32(0);
  auto type = VectorType::get({from.vector}, from.element);
  for (int64_t i = 0; i < to.rows * pieces / threads; ++i) {
    Value index = b.add(thread, i * threads), tileRow = b.div(index, pieces);
    Value tileColumn = b.mul(b.rem(index, pieces), piece);
    Value row = b.add(b.add(firstRow, b.mul(b.rem(tileRow, groups), inGroup)), b.div(tileRow, groups));
    Value rowExists = b.less(row, from.rows.rows);
    Value target = b.at(to.base, b.mul(b.add(b.mul(tileRow, to.stride), tileColumn), 4));
    for (int64_t e = 0; e < piece; e += from.vector) {
      Value column = b.add(b.add(firstColumn, tileColumn), e);
      Value exists = b.both(rowExists, columnExists(from, column, to.columns));
      // What does not exist is not read, but an address must be one.
      Value place = placeOf(from, b.select(exists, row, none), b.select(exists, column, none));
      Value loaded = from.vector == 1 ? b.load(from.element, place) : b.load(type, place);
      loaded = b.widenF(loaded);
      Value empty = from.vector == 1 ? zero : vector::BroadcastOp::create(b, loaded.getType(), zero).getResult();
      b.store(b.select(exists, loaded, empty), b.at(target, 4 * e));
    }
  }
}

/// To the element type of a tensor in memory.
static Value narrowTo(ThreadBuilder &b, Value value, Type element) {
  if (element.isF32())
    return value;
  auto vector = dyn_cast<VectorType>(value.getType());
  return arith::TruncFOp::create(b, vector ? Type(vector.clone(element)) : element, value);
}

void FmaThreads::store(ValueRange sums, ArrayRef<Value> factors, const FmaRows &to, Value firstRow, Value firstColumn,
                       int64_t columns) {
  auto type = VectorType::get({piece}, b.getF32Type());
  Values rows = rowNumbers(firstRow, factors.size());
  for (auto [target, factor] : llvm::zip_equal(rows, factors)) {
    Value rowExists = b.less(target, to.rows.rows);
    for (int64_t first = 0; first < columns; first += piece * across) {
      Values four;
      for (Value sum : sums.take_front(piece))
        four.push_back(b.mulF(sum, factor));
      sums = sums.drop_front(piece);
      Value from = b.add(b.add(firstColumn, b.mul(column, piece)), first);
      for (int64_t e = 0; e < piece; e += to.vector) {
        Value place = b.add(from, e), exists = b.both(rowExists, columnExists(to, place, columns));
        b.onlyIf(exists, [&] {
          Value value = to.vector == 1 ? four[e] : vector::FromElementsOp::create(b, type, four).getResult();
          b.store(narrowTo(b, value, to.element), placeOf(to, target, place));
        });
      }
    }
  }
}

//===------------------------------------------------------------------------------------------===//
// Products
//===------------------------------------------------------------------------------------------===//

FmaThreads::Values FmaThreads::loadFour(const FmaTile &tile, Value row, Value column) {
  auto type = VectorType::get({piece}, b.getF32Type());
  Value loaded = b.load(type, b.at(tile.base, b.mul(b.add(b.mul(row, tile.stride), column), 4)));
  Values four;
  for (int64_t i = 0; i < piece; ++i)
    four.push_back(vector::ExtractOp::create(b, loaded, ArrayRef<int64_t>{i}));
  return four;
}

FmaThreads::Values FmaThreads::overPieces(int64_t extent, ValueRange sums, function_ref<void(Value, Values &)> add) {
  Values results = b.forEach(b.i32(0), b.i32(extent), piece, sums, [&](Value k, ValueRange before) {
    Values after(before);
    add(k, after);
    return after;
  });
  keepRolled(results[0].getDefiningOp());
  return results;
}

FmaThreads::Values FmaThreads::addTransposed(ValueRange sums, const FmaTile &left, const FmaTile &right) {
  int64_t rows = left.rows / down, columns = right.rows / across;
  return overPieces(left.columns, sums, [&](Value k, Values &after) {
    SmallVector<Values> ofRight;
    for (int64_t c = 0; c < columns; ++c)
      ofRight.push_back(loadFour(right, b.add(column, c * across), k));
    for (int64_t r = 0; r < rows; ++r) {
      Values ofLeft = loadFour(left, b.add(row, r * down), k);
      for (int64_t c = 0; c < columns; ++c)
        for (int64_t i = 0; i < piece; ++i)
          after[r * columns + c] = b.fma(ofLeft[i], ofRight[c][i], after[r * columns + c]);
    }
  });
}

FmaThreads::Values FmaThreads::add(ValueRange sums, const FmaTile &left, const FmaTile &right) {
  int64_t rows = left.rows / down, columns = right.columns / across;
  return overPieces(right.rows, sums, [&](Value k, Values &after) {
    SmallVector<Values> ofLeft;
    for (int64_t r = 0; r < rows; ++r)
      ofLeft.push_back(loadFour(left, b.add(row, r * down), k));
    for (int64_t i = 0; i < piece; ++i)
      for (int64_t c = 0; c < columns; c += piece) {
        Values ofRight = loadFour(right, b.add(k, i), b.add(b.mul(column, piece), c * across));
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t j = 0; j < piece; ++j) {
            Value &sum = after[r * columns + c + j];
            sum = b.fma(ofLeft[r][i], ofRight[j], sum);
          }
      }
  });
}

void FmaThreads::keep(ValueRange results, const FmaTile &to) {
  int64_t rows = to.rows / down, columns = to.columns / across;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) {
      Value place = b.add(b.mul(b.add(row, r * down), to.stride), b.add(column, c * across));
      b.store(results[r * columns + c], b.at(to.base, b.mul(place, 4)));
    }
}
