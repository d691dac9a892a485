//===- TileBuilder.cpp - small matrices in scratch memory ------------------------------------===//
#include "passes/cpu/TileBuilder.h"
#include "passes/cpu/KernelBuilder.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nf;

Value TileBuilder::index(int64_t value) { return arith::ConstantIndexOp::create(*this, value); }
Value TileBuilder::i32(int64_t value) { return arith::ConstantIntOp::create(*this, getI32Type(), value); }
Value TileBuilder::f32(double value) { return arith::ConstantOp::create(*this, getF32FloatAttr(value)); }
Value TileBuilder::toIndex(Value i32) { return arith::IndexCastOp::create(*this, getIndexType(), i32); }
Value TileBuilder::toI32(Value index) { return arith::IndexCastOp::create(*this, getI32Type(), index); }

Value TileBuilder::splat(Value scalar) {
  return vector::BroadcastOp::create(*this, vectorType(scalar.getType()), scalar);
}

Value TileBuilder::iota() {
  SmallVector<int32_t> lane(lanes);
  for (int64_t i = 0; i < lanes; ++i)
    lane[i] = i;
  return arith::ConstantOp::create(*this, DenseElementsAttr::get(vectorType(getI32Type()), ArrayRef<int32_t>(lane)));
}

/// True in the first `count` lanes.
Value TileBuilder::firstLanes(int64_t count) {
  SmallVector<bool> lane(lanes, false);
  std::fill_n(lane.begin(), count, true);
  return arith::ConstantOp::create(*this, DenseElementsAttr::get(vectorType(getI1Type()), lane));
}

Value TileBuilder::multiplyAdd(Value x, Value y, Value z) {
  Value product = arith::MulFOp::create(*this, x, y, arith::FastMathFlags::contract);
  return arith::AddFOp::create(*this, product, z, arith::FastMathFlags::contract);
}

Value TileBuilder::widened(Value floats) {
  bool isNarrow = getElementTypeOrSelf(floats.getType()).isBF16();
  return isNarrow ? convertLanes(*this, floats, getF32Type()) : floats;
}

Value TileBuilder::roundedFor(Value memref, Value value) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  return element.isBF16() ? convertLanes(*this, value, element) : value;
}

Value TileBuilder::load(Value memref, ValueRange indices) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  return widened(vector::LoadOp::create(*this, vectorType(element), memref, indices));
}

Value TileBuilder::loadFirst(int64_t count, Value memref, ValueRange indices) {
  if (count >= lanes)
    return load(memref, indices);
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  Value zero = splat(arith::ConstantOp::create(*this, getZeroAttr(element)));
  return widened(vector::MaskedLoadOp::create(*this, vectorType(element), memref, indices, firstLanes(count), zero));
}

Value TileBuilder::loadScalar(Value memref, ValueRange indices) {
  return widened(memref::LoadOp::create(*this, memref, indices));
}

void TileBuilder::store(Value value, Value memref, ValueRange indices) {
  value = roundedFor(memref, value);
  if (isa<VectorType>(value.getType()))
    vector::StoreOp::create(*this, value, memref, indices);
  else
    memref::StoreOp::create(*this, value, memref, indices);
}

void TileBuilder::storeFirst(int64_t count, Value vector, Value memref, ValueRange indices) {
  if (count >= lanes)
    return store(vector, memref, indices);
  vector::MaskedStoreOp::create(*this, memref, indices, firstLanes(count), roundedFor(memref, vector));
}

void TileBuilder::loop(int64_t from, int64_t to, int64_t step, Body body) {
  if (from + step >= to)
    return body(index(from));
  auto loop = scf::ForOp::create(*this, index(from), index(to), index(step));
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

void TileBuilder::loop(Value from, Value to, Body body) {
  auto loop = scf::ForOp::create(*this, from, to, index(1));
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

SmallVector<Value> TileBuilder::loop(Value from, Value to, ValueRange initial, CarryingBody body) {
  auto loop = scf::ForOp::create(*this, from, to, index(1), initial);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  scf::YieldOp::create(*this, body(loop.getInductionVar(), loop.getRegionIterArgs()));
  return SmallVector<Value>(loop.getResults());
}

void TileBuilder::when(Value condition, llvm::function_ref<void()> body) {
  auto branch = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  body();
}

void TileBuilder::product(const TileProduct &p) {
  // 8 × 3 sums of 16 lanes fit the 32 registers of AVX-512, 4 × 3 sums of 8 lanes the 16 of AVX2.
  constexpr int64_t most = 3;
  int64_t vectors = p.n / lanes, panels = llvm::divideCeil(vectors, most), width = llvm::divideCeil(vectors, panels);
  int64_t even = vectors / width * width;
  loop(0, even * lanes, width * lanes, [&](Value column) { productColumns(p, column, width); });
  if (even < vectors)
    productColumns(p, index(even * lanes), vectors - even);
}

void TileBuilder::productColumns(const TileProduct &p, Value column, int64_t vectors) {
  int64_t rows = std::min<int64_t>(p.m, lanes >= 16 ? 8 : 4), even = p.m / rows * rows;
  loop(0, even, rows, [&](Value row) { productBlock(p, column, vectors, row, rows); });
  if (even < p.m)
    productBlock(p, column, vectors, index(even), p.m - even);
}

void TileBuilder::productBlock(const TileProduct &p, Value column, int64_t vectors, Value row, int64_t rows) {
  SmallVector<Value> columnOf, rowOfA, rowOfC, sums;
  for (int64_t v = 0; v < vectors; ++v)
    columnOf.push_back(add(column, v * lanes));
  for (int64_t r = 0; r < rows; ++r) {
    rowOfA.push_back(add(row, r));
    rowOfC.push_back(p.firstRow ? add(rowOfA.back(), p.firstRow) : rowOfA.back());
    for (Value c : columnOf)
      sums.push_back(p.accumulate ? load(p.c, {rowOfC.back(), c}) : splat(f32(0)));
  }
  sums = loop(index(0), index(p.k), sums, [&](Value k, ValueRange carried) {
    SmallVector<Value> next, right;
    for (Value c : columnOf)
      right.push_back(load(p.b, {k, c}));
    for (int64_t r = 0; r < rows; ++r) {
      Value left = splat(p.transposeA ? loadScalar(p.a, {k, rowOfA[r]}) : loadScalar(p.a, {rowOfA[r], k}));
      for (int64_t v = 0; v < vectors; ++v)
        next.push_back(multiplyAdd(left, right[v], carried[r * vectors + v]));
    }
    return next;
  });
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t v = 0; v < vectors; ++v)
      store(sums[r * vectors + v], p.c, {rowOfC[r], columnOf[v]});
}

/// Rows become columns by log2(lanes) perfect shuffles: each turns the bits of (row, column) left by one.
SmallVector<Value> TileBuilder::transposed(SmallVector<Value> rows) {
  int64_t n = rows.size();
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < n / 2; ++i) {
    low.append({i, n + i});
    high.append({n / 2 + i, n + n / 2 + i});
  }
  for (int64_t done = 1; done < n; done *= 2) {
    SmallVector<Value> next;
    for (int64_t i = 0; i < n / 2; ++i) {
      next.push_back(vector::ShuffleOp::create(*this, rows[i], rows[i + n / 2], low));
      next.push_back(vector::ShuffleOp::create(*this, rows[i], rows[i + n / 2], high));
    }
    rows = next;
  }
  return rows;
}

void TileBuilder::transpose(Value from, Value to) {
  auto type = cast<MemRefType>(from.getType());
  loop(0, type.getDimSize(0), lanes, [&](Value row) {
    loop(0, type.getDimSize(1), lanes, [&](Value column) {
      SmallVector<Value> rows;
      for (int64_t i = 0; i < lanes; ++i)
        rows.push_back(load(from, {add(row, i), column}));
      rows = transposed(rows);
      for (int64_t i = 0; i < lanes; ++i)
        store(rows[i], to, {add(column, i), row});
    });
  });
}

void TileBuilder::fill(Value tile, double value) {
  auto type = cast<MemRefType>(tile.getType());
  Value vector = splat(f32(value));
  if (type.getRank() == 1)
    return loop(0, type.getDimSize(0), lanes, [&](Value i) { store(vector, tile, i); });
  loop(0, type.getDimSize(0), 1, [&](Value row) {
    loop(0, type.getDimSize(1), lanes, [&](Value column) { store(vector, tile, {row, column}); });
  });
}
