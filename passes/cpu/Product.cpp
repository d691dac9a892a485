//===- Product.cpp - what the kernels of matrix products share -------------------------------===//
#include "passes/cpu/Product.h"

using namespace mlir;
using namespace nf;

Matrix nf::partOf(ImplicitLocOpBuilder &b, const Matrix &matrix, Value row, Value column) {
  return {matrix.memref, add(b, add(b, matrix.start, scaled(b, row, matrix.stride)), column), matrix.stride};
}

Matrix nf::matrixInScratch(ImplicitLocOpBuilder &b, Value scratch, int64_t offset, int64_t count, int64_t stride,
                           Type element) {
  Value view =
      memref::ViewOp::create(b, MemRefType::get({count}, element), scratch, indexConstant(b, offset), ValueRange{});
  return {view, indexConstant(b, 0), stride};
}

void nf::copyRows(ImplicitLocOpBuilder &b, const Matrix &from, const Matrix &to, Value rows, Value cols) {
  Type element = cast<MemRefType>(to.memref.getType()).getElementType();
  forLoop(b, indexConstant(b, 0), rows, 1, [&](Value i) {
    Value source = add(b, from.start, scaled(b, i, from.stride)), target = add(b, to.start, scaled(b, i, to.stride));
    forLanes(b, cols, [&](Value j, int64_t lanes) {
      Value value = loadLanes(b, from.memref, add(b, source, j), lanes);
      storeLanes(b, convertLanes(b, value, element), to.memref, add(b, target, j), lanes);
    });
  });
}

ProductTile::ProductTile(ImplicitLocOpBuilder &builder, const Product &product, const Grid &grid, ValueRange buffers,
                         Value task) {
  const MatmulOp::Shape &shape = product.shape;
  Value tiles = indexConstant(builder, grid.tiles()), across = indexConstant(builder, grid.across);
  Value batch = arith::DivUIOp::create(builder, task, tiles), tile = arith::RemUIOp::create(builder, task, tiles);
  row = scaled(builder, arith::DivUIOp::create(builder, tile, across), grid.rows);
  column = scaled(builder, arith::RemUIOp::create(builder, tile, across), grid.cols);
  rows = blockLength(builder, row, grid.rows, shape.m);
  cols = blockLength(builder, column, grid.cols, shape.n);
  a = {buffers[0], scaled(builder, batch, shape.m * shape.k), product.transposeA ? shape.m : shape.k};
  b = {buffers[1], scaled(builder, batch, shape.k * shape.n), product.transposeB ? shape.k : shape.n};
  c = partOf(builder, {buffers[product.placeOfC()], scaled(builder, batch, shape.m * shape.n), shape.n}, row, column);
}

/// sum[0 … n) += the sums of `rows` rows of `from`, in registers for 4 vectors of columns at a time.
static void addRows(ImplicitLocOpBuilder &b, const Matrix &from, Value rows, Value columns, Value sum,
                    Value firstOfSum) {
  constexpr int64_t vectorsAtOnce = 4;
  Type f32 = b.getF32Type();
  auto addVectors = [&](Value column, int64_t vectors, int64_t lanes) {
    SmallVector<Value> zeros(vectors, zeroLanes(b, f32, lanes)), places;
    for (int64_t v = 0; v < vectors; ++v)
      places.push_back(add(b, column, indexConstant(b, v * lanes)));
    auto loop = scf::ForOp::create(b, indexConstant(b, 0), rows, indexConstant(b, 1), zeros);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value line = add(b, from.start, scaled(b, loop.getInductionVar(), from.stride));
      SmallVector<Value> next;
      for (auto [place, old] : llvm::zip(places, loop.getRegionIterArgs())) {
        Value value = convertLanes(b, loadLanes(b, from.memref, add(b, line, place), lanes), f32);
        next.push_back(arith::AddFOp::create(b, old, value));
      }
      scf::YieldOp::create(b, next);
    }
    for (auto [place, value] : llvm::zip(places, loop.getResults())) {
      Value target = add(b, firstOfSum, place);
      storeLanes(b, arith::AddFOp::create(b, loadLanes(b, sum, target, lanes), value), sum, target, lanes);
    }
  };
  auto whole = [&](int64_t width) -> Value {
    return arith::SubIOp::create(b, columns, arith::RemUIOp::create(b, columns, indexConstant(b, width)).getResult());
  };
  Value wide = whole(vectorsAtOnce * kernelLanes), vectors = whole(kernelLanes);
  forLoop(b, indexConstant(b, 0), wide, vectorsAtOnce * kernelLanes,
          [&](Value column) { addVectors(column, vectorsAtOnce, kernelLanes); });
  forLoop(b, wide, vectors, kernelLanes, [&](Value column) { addVectors(column, 1, kernelLanes); });
  forLoop(b, vectors, columns, 1, [&](Value column) { addVectors(column, 1, 1); });
}

OperandSum::OperandSum(ImplicitLocOpBuilder &builder, const Product &product, const Grid &grid, const ProductTile &tile,
                       ValueRange buffers)
    : b(builder), summed(product.summed) {
  if (summed == Summed::None)
    return;
  // Tiles side by side read the same columns of A, tiles one below the other those of B: they share them.
  bool isA = summed == Summed::A;
  int64_t tasks = isA ? grid.across : grid.down;
  int64_t slice = llvm::alignTo(llvm::divideCeil(isA ? grid.rows : grid.cols, tasks), kernelLanes);
  Value other = isA ? tile.column : tile.row, extent = isA ? tile.rows : tile.cols;
  Value number = arith::DivUIOp::create(b, other, indexConstant(b, isA ? grid.cols : grid.rows));
  Value first = arith::MinSIOp::create(b, scaled(b, number, slice), extent);
  columns = arith::MinSIOp::create(b, indexConstant(b, slice), arith::SubIOp::create(b, extent, first).getResult());
  firstOfSum = nf::add(b, isA ? tile.row : tile.column, first);
  from = partOf(b, isA ? tile.a : tile.b, indexConstant(b, 0), firstOfSum);
  sum = buffers.back();
  if (product.accumulate == Accumulate::Always)
    return;
  auto clear = [&] {
    forLanes(b, columns, [&](Value column, int64_t lanes) {
      storeLanes(b, zeroLanes(b, b.getF32Type(), lanes), sum, nf::add(b, firstOfSum, column), lanes);
    });
  };
  if (product.accumulate == Accumulate::Never) {
    clear();
    return;
  }
  auto branch = scf::IfOp::create(b, isFlagSet(b, buffers[2]), /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.elseBlock());
  clear();
}

void OperandSum::add(Value k, Value length) {
  if (summed != Summed::None)
    addRows(b, partOf(b, from, k, indexConstant(b, 0)), length, columns, sum, firstOfSum);
}

Value nf::isFlagSet(ImplicitLocOpBuilder &b, Value flag) {
  Value value = memref::LoadOp::create(b, flag, indexConstant(b, 0));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, value, zeroLanes(b, b.getI32Type(), 1));
}
