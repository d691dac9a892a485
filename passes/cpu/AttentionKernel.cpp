//===- AttentionKernel.cpp - packing, masks and dropout of attention -------------------------===//
#include "passes/cpu/AttentionKernel.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/rows/Philox.h"

#include <cmath>

using namespace mlir;
using namespace nf;

/// Far below any score, and finite: a query that sees nothing gets a mean instead of NaN.
static constexpr double maskedScore = -1e30;

Value ScratchLayout::take(TileBuilder &b, ArrayRef<int64_t> shape, Type element) {
  auto type = MemRefType::get(shape, element);
  Value view = memref::ViewOp::create(b, type, scratch, b.index(used), ValueRange{});
  used += llvm::alignTo(type.getNumElements() * element.getIntOrFloatBitWidth() / 8, 64);
  return view;
}

AttentionKernel::AttentionKernel(TileBuilder &b, const AttentionShape &shape, const AttentionBuffers &buffers,
                                 Value scratch)
    : b(b), shape(shape), buffers(buffers), scratch(scratch) {
  if (buffers.queryOffset)
    queryOffset = b.toIndex(b.loadScalar(buffers.queryOffset, {b.index(0)}));
}

void AttentionKernel::enterHead(Value batchAndHead) {
  Value heads = b.index(shape.heads);
  batch = arith::DivUIOp::create(b, batchAndHead, heads);
  head = arith::RemUIOp::create(b, batchAndHead, heads);
  firstColumn = b.mul(head, shape.width);
}

//===------------------------------------------------------------------------------------------===//
// Between buffers and tiles
//===------------------------------------------------------------------------------------------===//

Value AttentionKernel::rowsInBlock(Value first, int64_t block, int64_t extent) {
  if (extent % block == 0)
    return b.index(block);
  return b.least(b.index(block), b.sub(b.index(extent), first));
}

void AttentionKernel::packRows(Value from, Value first, Value to, Value factor) {
  int64_t extent = cast<MemRefType>(from.getType()).getDimSize(1), rows = cast<MemRefType>(to.getType()).getDimSize(0);
  Value zero = b.splat(b.f32(0));
  b.loop(0, rows, 1, [&](Value row) {
    Value source = b.add(first, row), inside;
    if (extent % rows != 0) {
      inside = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, source, b.index(extent));
      source = b.least(source, b.index(extent - 1));
    }
    for (int64_t c = 0; c < shape.width; c += shape.lanes) {
      SmallVector<Value> at{batch, source, b.add(firstColumn, c)};
      Value x = b.loadFirst(shape.width - c, from, at);
      if (factor)
        x = arith::MulFOp::create(b, x, factor);
      if (inside)
        x = arith::SelectOp::create(b, inside, x, zero);
      b.store(x, to, {row, b.index(c)});
    }
  });
}

void AttentionKernel::unpackRows(Value from, Value to, Value first, Value count, Value factor) {
  b.loop(b.index(0), count, [&](Value row) {
    for (int64_t c = 0; c < shape.width; c += shape.lanes) {
      Value x = b.load(from, {row, b.index(c)});
      if (factor)
        x = arith::MulFOp::create(b, x, factor);
      SmallVector<Value> at{batch, b.add(first, row), b.add(firstColumn, c)};
      b.storeFirst(shape.width - c, x, to, at);
    }
  });
}

void AttentionKernel::packPerQuery(Value from, Value packed) {
  b.fill(packed, 0);
  b.loop(b.index(0), queryCount,
         [&](Value i) { b.store(b.loadScalar(from, {batch, head, b.add(firstQuery, i)}), packed, {i}); });
}

void AttentionKernel::packSegments() {
  b.loop(0, shape.queryBlock(), 1, [&](Value i) {
    Value query = b.least(b.add(firstQuery, i), b.index(shape.queries - 1));
    Value segment = b.loadScalar(buffers.segments, {batch, b.add(query, shape.keys - shape.queries)});
    b.store(segment, querySegments, {i});
  });
}

//===------------------------------------------------------------------------------------------===//
// What may be seen
//===------------------------------------------------------------------------------------------===//

Value AttentionKernel::visibleKeyBlocks() {
  Value end = b.index(shape.keys);
  if (shape.causal) {
    Value last = b.add(firstQuery, shape.queryBlock());
    end = b.least(end, queryOffset ? b.add(last, queryOffset) : last);
  }
  if (buffers.keyLength)
    end = b.least(end, b.toIndex(b.loadScalar(buffers.keyLength, {b.index(0)})));
  if (!shape.causal && !buffers.keyLength)
    return b.index(shape.keyBlocks());
  end = arith::MaxSIOp::create(b, end, b.index(1));
  return arith::CeilDivSIOp::create(b, end, b.index(shape.keyBlock()));
}

Value AttentionKernel::keyVisible(Value key) {
  Value visible;
  auto also = [&](Value condition) {
    visible = visible ? arith::AndIOp::create(b, visible, condition).getResult() : condition;
  };
  if (buffers.keyLength) {
    Value length = b.toIndex(b.loadScalar(buffers.keyLength, {b.index(0)}));
    also(arith::CmpIOp::create(b, arith::CmpIPredicate::slt, key, length));
  }
  if (buffers.keyPadding) {
    Value padding = b.loadScalar(buffers.keyPadding, {batch, key});
    also(arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, padding, b.f32(0)));
  }
  return visible;
}

void AttentionKernel::maskRows(Value scores, Value firstKey, Value count) {
  Value hidden = b.splat(b.f32(maskedScore));
  b.loop(b.index(0), count, [&](Value row) {
    Value key = b.add(firstKey, row), scalarVisible = keyVisible(key);
    b.loop(0, shape.queryBlock(), shape.lanes, [&](Value column) {
      Value visible = scalarVisible ? b.splat(scalarVisible) : Value();
      auto also = [&](Value condition) {
        visible = visible ? arith::AndIOp::create(b, visible, condition).getResult() : condition;
      };
      if (shape.causal) {
        Value query = b.add(firstQuery, column);
        if (queryOffset)
          query = b.add(query, queryOffset);
        Value queries = arith::AddIOp::create(b, b.splat(b.toI32(query)), b.iota());
        also(arith::CmpIOp::create(b, arith::CmpIPredicate::sge, queries, b.splat(b.toI32(key))));
      }
      if (buffers.segments) {
        Value segment = b.splat(b.loadScalar(buffers.segments, {batch, key}));
        also(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.load(querySegments, {column}), segment));
      }
      Value score = b.load(scores, {row, column});
      b.store(arith::SelectOp::create(b, visible, score, hidden), scores, {row, column});
    });
  });
}

void AttentionKernel::applyMask(Value scores, Value firstKey, Value count) {
  if (!masked())
    return;
  if (buffers.keyLength || buffers.keyPadding || buffers.segments)
    return maskRows(scores, firstKey, count);
  // Causal alone: only blocks on the diagonal have anything to hide.
  Value lastKey = b.add(firstKey, shape.keyBlock() - 1);
  Value query = queryOffset ? b.add(firstQuery, queryOffset) : firstQuery;
  Value diagonal = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, lastKey, query);
  b.when(diagonal, [&] { maskRows(scores, firstKey, count); });
}

//===------------------------------------------------------------------------------------------===//
// Dropout
//===------------------------------------------------------------------------------------------===//

void AttentionKernel::forEachDropout(Value firstKey, Value count, llvm::function_ref<void(Value, Value, Value)> body) {
  // Row ((sample_offset + b) · heads + h) · Tq + query of the random numbers, modulo 2^32 as counters are.
  Value sample = arith::AddIOp::create(b, b.loadScalar(buffers.sampleOffset, {b.index(0)}), b.toI32(batch));
  Value row = arith::MulIOp::create(b, sample, b.i32(shape.heads));
  row = arith::MulIOp::create(b, arith::AddIOp::create(b, row, b.toI32(head)), b.i32(shape.queries));
  row = arith::AddIOp::create(b, row, b.toI32(firstQuery));
  Value seed = b.loadScalar(buffers.seed, {b.index(0)});
  Value site = b.splat(b.loadScalar(buffers.site, {b.index(0)}));
  Value step = b.splat(b.loadScalar(buffers.step, {b.index(0)}));
  Value least = b.splat(b.i32(static_cast<int64_t>(std::ldexp(shape.dropout, 31))));
  Value one = b.splat(b.i32(1));
  b.loop(b.index(0), arith::CeilDivSIOp::create(b, count, b.index(4)), [&](Value group) {
    Value firstRow = b.mul(group, 4);
    Value counter = arith::DivUIOp::create(b, b.toI32(b.add(firstKey, firstRow)), b.i32(4));
    b.loop(0, shape.queryBlock(), shape.lanes, [&](Value column) {
      Value rows = arith::AddIOp::create(b, b.splat(row), b.splat(b.toI32(column)));
      rows = arith::AddIOp::create(b, rows, b.iota());
      std::array<Value, 4> words = emitPhilox(b, seed, {b.splat(counter), rows, site, step});
      for (int64_t i = 0; i < 4; ++i) {
        Value bits = arith::ShRUIOp::create(b, words[i], one);
        body(b.add(firstRow, i), column, arith::CmpIOp::create(b, arith::CmpIPredicate::sge, bits, least));
      }
    });
  });
}
