//===- MmaTile.cpp - matrix products of a warp on tiles in shared memory ----------------------===//
#include "passes/gpu/MmaTile.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nf;

static constexpr int64_t pieceBytes = 16, pieceColumns = 8;

Value nf::sourceRow(ThreadBuilder &b, Value row, RowOrder order) {
  auto masked = [&](Value x, int64_t mask) -> Value { return arith::AndIOp::create(b, x, b.i32(mask)); };
  auto bitTo = [&](int64_t from, int64_t to) -> Value {
    Value bit = masked(row, int64_t(1) << from);
    return from < to ? arith::ShLIOp::create(b, bit, b.i32(to - from)).getResult()
                     : arith::ShRUIOp::create(b, bit, b.i32(from - to)).getResult();
  };
  Value group = masked(row, ~int64_t(15));
  switch (order) {
  case RowOrder::Natural:
    return row;
  case RowOrder::Fours: {
    Value q = arith::ShLIOp::create(b, masked(row, 6), b.i32(1));
    return b.add(b.add(group, q), b.add(bitTo(3, 1), masked(row, 1)));
  }
  case RowOrder::Pairs: {
    Value g = arith::ShLIOp::create(b, masked(row, 7), b.i32(1));
    return b.add(b.add(group, g), bitTo(3, 0));
  }
  }
  llvm_unreachable("unknown order");
}

MmaTile::MmaTile(ThreadBuilder &b, int64_t width, int64_t threads)
    : b(b), padded(llvm::alignTo(width, 16)), threads(threads) {
  thread = b.thread();
  lane = b.rem(thread, gpuWarp);
  warp = b.div(thread, gpuWarp);
  laneRow = b.div(lane, 4);
  lanePair = b.mul(b.rem(lane, 4), 2);
  Value half = b.mul(b.div(lane, 16), pieceBytes);
  rowsOffset = b.add(b.mul(b.rem(lane, 16), rowBytes()), half);
  Value row = b.add(b.rem(lane, 8), b.mul(b.div(lane, 16), 8));
  columnsOffset = b.add(b.mul(row, rowBytes()), b.mul(b.rem(b.div(lane, 8), 2), pieceBytes));
}

//===------------------------------------------------------------------------------------------===//
// Between global and shared memory
//===------------------------------------------------------------------------------------------===//

void MmaTile::forEachPiece(int64_t rows, function_ref<void(Value, Value)> body) {
  int64_t inRow = padded / pieceColumns, pieces = rows * inRow;
  for (int64_t i = 0; i < pieces; i += threads) {
    Value piece = b.add(thread, i), exists;
    if (i + threads > pieces)
      exists = b.less(piece, pieces);
    b.onlyIf(exists, [&] { body(b.div(piece, inRow), b.rem(piece, inRow)); });
  }
}

/// Whether a piece of a row lies in it, or null where all do.
static Value columnExists(ThreadBuilder &b, const GlobalRows &rows, int64_t padded, Value piece) {
  return rows.width == padded ? Value() : b.less(piece, rows.width / pieceColumns);
}

void MmaTile::copy(const GlobalRows &from, Value first, int64_t rows, RowOrder order, Value tile) {
  forEachPiece(rows, [&](Value row, Value piece) {
    Value source = b.add(first, sourceRow(b, row, order));
    Value exists = b.both(b.less(source, from.rows), columnExists(b, from, padded, piece));
    Value place = b.add(b.mul(b.wide(source), 2 * from.stride), b.wide(b.mul(piece, pieceBytes)));
    // What does not exist is not read, but an address must be one.
    Value address = b.at(from.base, b.select(exists, place, b.i64(0)));
    Value to = b.at(tile, b.add(b.mul(row, rowBytes()), b.mul(piece, pieceBytes)));
    NVVM::CpAsyncOp::create(b, to, address, pieceBytes, NVVM::LoadCacheModifierKind::CG,
                            b.select(exists, b.i32(pieceBytes), b.i32(0)));
  });
}

void MmaTile::commit() { NVVM::CpAsyncCommitGroupOp::create(b); }

void MmaTile::wait(int64_t pending) {
  NVVM::CpAsyncWaitGroupOp::create(b, pending);
  b.barrier();
}

void MmaTile::store(ArrayRef<Fragment> c, std::array<Value, 2> factors, Value staging, const GlobalRows &to,
                    Value first, RowOrder order) {
  Value row = b.add(b.mul(warp, 16), laneRow);
  for (auto [n, fragment] : llvm::enumerate(c))
    for (int64_t h = 0; h < 2; ++h) {
      Value low = b.mulF(fragment[2 * h], factors[h]), high = b.mulF(fragment[2 * h + 1], factors[h]);
      Value place = b.add(b.mul(b.add(row, 8 * h), rowBytes()), b.mul(lanePair, 2));
      b.store(pack(low, high), b.at(staging, b.add(place, 16 * static_cast<int64_t>(n))));
    }
  b.barrier();
  auto type = VectorType::get({4}, b.getI32Type());
  forEachPiece(threads / gpuWarp * 16, [&](Value row, Value piece) {
    Value target = b.add(first, sourceRow(b, row, order));
    b.onlyIf(b.both(b.less(target, to.rows), columnExists(b, to, padded, piece)), [&] {
      Value from = b.at(staging, b.add(b.mul(row, rowBytes()), b.mul(piece, pieceBytes)));
      Value place = b.add(b.mul(b.wide(target), 2 * to.stride), b.wide(b.mul(piece, pieceBytes)));
      b.store(b.load(type, from), b.at(to.base, place));
    });
  });
}

//===------------------------------------------------------------------------------------------===//
// Products
//===------------------------------------------------------------------------------------------===//

MmaTile::Fragment MmaTile::loadMatrices(Value tile, Value laneOffset, int64_t row, int64_t column, bool transposed) {
  Value address = b.at(b.at(tile, laneOffset), row * rowBytes() + 2 * column);
  auto type = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(4, b.getI32Type()));
  Value loaded =
      NVVM::LdMatrixOp::create(b, type, address, 4, transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row,
                               NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8), NVVM::LdStMatrixEltType::B16);
  Fragment fragment;
  for (int64_t i = 0; i < 4; ++i)
    fragment[i] = LLVM::ExtractValueOp::create(b, loaded, i);
  return fragment;
}

void MmaTile::multiply(Fragment &c, const Fragment &a, Value b0, Value b1) {
  auto type = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(4, b.getF32Type()));
  Value product =
      NVVM::MmaOp::create(b, type, ValueRange(a), ValueRange{b0, b1}, ValueRange(c), ArrayRef<int64_t>{16, 8, 16},
                          std::nullopt, std::nullopt, std::array{NVVM::MMATypes::bf16, NVVM::MMATypes::bf16},
                          std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
  for (int64_t i = 0; i < 4; ++i)
    c[i] = LLVM::ExtractValueOp::create(b, product, i);
}

MmaTile::Fragments MmaTile::loadOperand(Value tile, Value firstRow) {
  Value rows = b.at(tile, b.mul(firstRow, rowBytes()));
  Fragments a;
  for (int64_t column = 0; column < padded; column += 16)
    a.push_back(loadMatrices(rows, rowsOffset, 0, column, /*transposed=*/false));
  return a;
}

MmaTile::Fragments MmaTile::timesTransposed(ArrayRef<Fragment> a, Value tile, int64_t rows) {
  Fragments c = zeros(rows / 8);
  for (int64_t row = 0; row < rows; row += 16)
    for (auto [k, operand] : llvm::enumerate(a)) {
      Fragment two = loadMatrices(tile, columnsOffset, row, 16 * k, /*transposed=*/false);
      multiply(c[row / 8], operand, two[0], two[1]);
      multiply(c[row / 8 + 1], operand, two[2], two[3]);
    }
  return c;
}

void MmaTile::addProduct(Fragments &c, ArrayRef<Fragment> a, Value tile) {
  for (auto [k, operand] : llvm::enumerate(a))
    for (int64_t column = 0; column < padded; column += 16) {
      Fragment two = loadMatrices(tile, rowsOffset, 16 * k, column, /*transposed=*/true);
      multiply(c[column / 8], operand, two[0], two[1]);
      multiply(c[column / 8 + 1], operand, two[2], two[3]);
    }
}

Value MmaTile::pack(Value low, Value high) {
  Value two = vector::FromElementsOp::create(b, VectorType::get({2}, b.getF32Type()), ValueRange{low, high});
  Value narrow = arith::TruncFOp::create(b, VectorType::get({2}, b.getBF16Type()), two);
  Value word = vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()), narrow);
  return vector::ExtractOp::create(b, word, ArrayRef<int64_t>{0});
}

MmaTile::Fragments MmaTile::asOperand(ArrayRef<Fragment> c) {
  Fragments a;
  for (size_t n = 0; n < c.size(); n += 2)
    a.push_back({pack(c[n][0], c[n][1]), pack(c[n][2], c[n][3]), pack(c[n + 1][0], c[n + 1][1]),
                 pack(c[n + 1][2], c[n + 1][3])});
  return a;
}

MmaTile::Fragments MmaTile::zeros(int64_t count) {
  Value zero = b.f32(0);
  return Fragments(count, Fragment{zero, zero, zero, zero});
}

SmallVector<Value> MmaTile::flatten(ArrayRef<Fragment> fragments) {
  SmallVector<Value> flat;
  for (const Fragment &fragment : fragments)
    flat.append(fragment.begin(), fragment.end());
  return flat;
}

MmaTile::Fragments MmaTile::take(ValueRange &flat, int64_t count) {
  Fragments fragments;
  for (int64_t i = 0; i < count; ++i)
    fragments.push_back({flat[4 * i], flat[4 * i + 1], flat[4 * i + 2], flat[4 * i + 3]});
  flat = flat.drop_front(4 * count);
  return fragments;
}
