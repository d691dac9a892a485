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
  c = partOf(builder, {buffers.back(), scaled(builder, batch, shape.m * shape.n), shape.n}, row, column);
}

Value nf::isFlagSet(ImplicitLocOpBuilder &b, Value flag) {
  Value value = memref::LoadOp::create(b, flag, indexConstant(b, 0));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, value, zeroLanes(b, b.getI32Type(), 1));
}
