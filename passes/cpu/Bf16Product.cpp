//===- Bf16Product.cpp - matrix products with the processor's bf16 dot product ---------------===//
//
// AVX-512 BF16 adds two products of bf16 to each f32 lane at a time (vdpbf16ps): twice the rate of f32.
//
// A task makes its tile of C in f32 in scratch memory:
// 1. The tile starts as the bias, the old C, or zeros.
// 2. For each block of the inner extent, an operand whose sum is wanted is added up (OperandSum), and the parts of A
//    and B are packed as pairs of consecutive k; f32 operands are rounded. B is packed in panels of up to three vectors
//    of columns, each contiguous in memory.
// 3. For each panel and eight rows of A: 24 vectors of sums in registers, one pair of A against a row of the panel.
// 4. The tile goes to C, rounded where that is bf16.
//
// The tile in scratch is padded to whole panels and to eight rows; what stands in the padding reaches only padding.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/cpu/Product.h"
#include "passes/cpu/TileBuilder.h"

using namespace mlir;
using namespace nf;

static constexpr int64_t lanes = 16;
static constexpr int64_t rowsAtOnce = 8, mostVectors = 3;
/// The inner extent of a block: a panel of B and eight rows of A then fit the first-level cache.
static constexpr int64_t mostInner = 256;

bool nf::hasBf16Kernel(const Product &product) {
  return product.shape.k % 2 == 0 && (product.a.isBF16() || product.b.isBF16());
}

namespace {
/// Extents of the padded tile and of its blocks, and where they lie in scratch memory.
struct Layout {
  int64_t rows;              ///< of the tile
  int64_t pairs;             ///< of a block of the inner extent
  int64_t panel, panels;     ///< columns of a panel, and their number
  int64_t a, b, sums, bytes; ///< places in scratch memory, and its size

  Layout(const Product &product, const Grid &grid) {
    rows = llvm::alignTo(grid.rows, lanes);
    pairs = llvm::divideCeil(llvm::divideCeil(product.shape.k, llvm::divideCeil(product.shape.k, mostInner)), 2);
    int64_t vectors = llvm::divideCeil(grid.cols, lanes), fewest = llvm::divideCeil(vectors, mostVectors);
    panel = llvm::divideCeil(vectors, fewest) * lanes;
    panels = llvm::divideCeil(grid.cols, panel);
    a = 0;
    b = a + rows * pairs * 4;
    sums = b + panels * panel * pairs * 4;
    bytes = sums + rows * panels * panel * 4;
  }
};

class Bf16Kernel {
public:
  Bf16Kernel(ImplicitLocOpBuilder &builder, const Product &product, const Grid &grid, ValueRange buffers, Value task,
             Value scratch)
      : b(builder.getLoc(), builder, lanes), product(product), grid(grid), layout(product, grid),
        tile(b, product, grid, buffers, task), scratch(scratch) {
    Type i32 = b.getI32Type();
    packedA = matrixInScratch(b, scratch, layout.a, layout.rows * layout.pairs, 0, i32).memref;
    packedB = matrixInScratch(b, scratch, layout.b, layout.panels * layout.panel * layout.pairs, 0, i32).memref;
    int64_t stride = layout.panels * layout.panel;
    sums = matrixInScratch(b, scratch, layout.sums, layout.rows * stride, stride, b.getF32Type());
  }

  void build(ValueRange buffers) {
    start(buffers);
    OperandSum sum(b, product, grid, tile, buffers);
    forLoop(b, b.index(0), b.index(product.shape.k), 2 * layout.pairs, [&](Value k) {
      Value length = blockLength(b, k, 2 * layout.pairs, product.shape.k), pairs = halved(length);
      sum.add(k, length);
      if (product.transposeA)
        packAcross(partOf(b, tile.a, k, tile.row), tile.rows, pairs, packedA, layout.rows);
      else
        packRows(partOf(b, tile.a, tile.row, k), pairs);
      if (product.transposeB)
        packTransposed(partOf(b, tile.b, tile.column, k), pairs);
      else
        packAcross(partOf(b, tile.b, k, tile.column), tile.cols, pairs, packedB, layout.panel);
      multiply(pairs);
    });
    copyRows(b, sums, tile.c, tile.rows, tile.cols);
  }

private:
  Value halved(Value index) { return arith::DivUIOp::create(b, index, b.index(2)); }

  /// sums := what the product is added to.
  void start(ValueRange buffers) {
    if (product.bias)
      return copyRows(b, {buffers[2], tile.column, 0}, sums, tile.rows, tile.cols);
    if (product.accumulate == Accumulate::Always)
      return copyRows(b, tile.c, sums, tile.rows, tile.cols);
    if (product.accumulate == Accumulate::Never)
      return clear();
    auto branch = scf::IfOp::create(b, isFlagSet(b, buffers[2]), /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    copyRows(b, tile.c, sums, tile.rows, tile.cols);
    b.setInsertionPointToStart(branch.elseBlock());
    clear();
  }

  void clear() {
    Value zeros = b.splat(b.f32(0));
    forLoop(b, b.index(0), scaled(b, tile.rows, sums.stride), lanes, [&](Value i) { b.store(zeros, sums.memref, i); });
  }

  //===----------------------------------------------------------------------------------------===//
  // Packing
  //===----------------------------------------------------------------------------------------===//

  /// `count` elements from [row, column] on, in bf16.
  Value load(const Matrix &from, Value row, Value column, int64_t count) {
    Value place = add(b, add(b, from.start, scaled(b, row, from.stride)), column);
    return convertLanes(b, loadLanes(b, from.memref, place, count), b.getBF16Type());
  }

  /// Pairs of two vectors or numbers as i32: the first in the low half.
  Value paired(Value low, Value high) {
    if (isa<VectorType>(low.getType())) {
      Value both = vector::InterleaveOp::create(b, low, high);
      return vector::BitCastOp::create(b, VectorType::get({lanes}, b.getI32Type()), both);
    }
    auto bits = [&](Value x) -> Value {
      return arith::ExtUIOp::create(b, b.getI32Type(), arith::BitcastOp::create(b, b.getI16Type(), x).getResult());
    };
    return arith::OrIOp::create(b, bits(low), arith::ShLIOp::create(b, bits(high), b.i32(16)).getResult());
  }

  /// Where pair `pair` of an outer index is, in panels of `width` outer indices.
  Value placeInPanels(Value pair, Value outer, int64_t width) {
    Value first = scaled(b, arith::DivUIOp::create(b, outer, b.index(width)), width * layout.pairs);
    return add(b, add(b, first, scaled(b, pair, width)), arith::RemUIOp::create(b, outer, b.index(width)));
  }

  /// From [k, outer]: two rows become one row of pairs.
  void packAcross(const Matrix &from, Value count, Value pairs, Value packed, int64_t width) {
    forLoop(b, b.index(0), pairs, 1, [&](Value pair) {
      Value k = scaled(b, pair, 2), next = add(b, k, b.index(1));
      forLanes(b, count, [&](Value outer, int64_t n) {
        Value value = paired(load(from, k, outer, n), load(from, next, outer, n));
        storeLanes(b, value, packed, placeInPanels(pair, outer, width), n);
      });
    });
  }

  /// From [rows, k]: rows of A as they are, in bf16.
  void packRows(const Matrix &from, Value pairs) {
    Matrix rows =
        matrixInScratch(b, scratch, layout.a, 2 * layout.rows * layout.pairs, 2 * layout.pairs, b.getBF16Type());
    copyRows(b, from, rows, tile.rows, scaled(b, pairs, 2));
  }

  /// From [columns, k]: 16 columns of 16 pairs at a time, what is left pair by pair.
  void packTransposed(const Matrix &from, Value pairs) {
    auto whole = [&](Value extent) -> Value {
      return arith::SubIOp::create(b, extent, arith::RemUIOp::create(b, extent, b.index(lanes)).getResult());
    };
    Value wholeColumns = whole(tile.cols), wholePairs = whole(pairs);
    forLoop(b, b.index(0), wholeColumns, lanes, [&](Value column) {
      forLoop(b, b.index(0), wholePairs, lanes, [&](Value pair) { packBlock(from, column, pair); });
    });
    packOneByOne(from, b.index(0), wholeColumns, wholePairs, pairs);
    packOneByOne(from, wholeColumns, tile.cols, b.index(0), pairs);
  }

  void packBlock(const Matrix &from, Value column, Value pair) {
    SmallVector<Value> rows;
    auto type = VectorType::get({lanes}, b.getI32Type());
    for (int64_t i = 0; i < lanes; ++i) {
      Value value = load(from, add(b, column, b.index(i)), scaled(b, pair, 2), 2 * lanes);
      rows.push_back(vector::BitCastOp::create(b, type, value));
    }
    for (auto [i, row] : llvm::enumerate(b.transposed(rows)))
      storeLanes(b, row, packedB, placeInPanels(add(b, pair, b.index(i)), column, layout.panel), lanes);
  }

  void packOneByOne(const Matrix &from, Value firstColumn, Value endColumn, Value firstPair, Value endPair) {
    forLoop(b, firstColumn, endColumn, 1, [&](Value column) {
      forLoop(b, firstPair, endPair, 1, [&](Value pair) {
        Value k = scaled(b, pair, 2), next = add(b, k, b.index(1));
        Value value = paired(load(from, column, k, 1), load(from, column, next, 1));
        storeLanes(b, value, packedB, placeInPanels(pair, column, layout.panel), 1);
      });
    });
  }

  //===----------------------------------------------------------------------------------------===//
  // Products
  //===----------------------------------------------------------------------------------------===//

  /// sums += the product of the packed parts.
  void multiply(Value pairs) {
    forLoop(b, b.index(0), tile.cols, layout.panel, [&](Value column) {
      forLoop(b, b.index(0), tile.rows, rowsAtOnce, [&](Value row) { multiplyBlock(row, column, pairs); });
    });
  }

  void multiplyBlock(Value row, Value column, Value pairs) {
    int64_t vectors = layout.panel / lanes;
    SmallVector<Value> places, carried;
    for (int64_t r = 0; r < rowsAtOnce; ++r)
      for (int64_t v = 0; v < vectors; ++v) {
        Value place = add(b, scaled(b, add(b, row, b.index(r)), sums.stride), add(b, column, b.index(v * lanes)));
        places.push_back(place);
        carried.push_back(b.load(sums.memref, place));
      }
    Value panel = scaled(b, column, layout.pairs); // column is a multiple of the panel's width
    carried = b.loop(b.index(0), pairs, carried, [&](Value pair, ValueRange now) {
      SmallVector<Value> next, right;
      Value line = add(b, panel, scaled(b, pair, layout.panel));
      for (int64_t v = 0; v < vectors; ++v)
        right.push_back(asBf16(b.load(packedB, add(b, line, b.index(v * lanes)))));
      for (int64_t r = 0; r < rowsAtOnce; ++r) {
        Value left = asBf16(b.splat(b.loadScalar(packedA, placeInA(add(b, row, b.index(r)), pair))));
        for (int64_t v = 0; v < vectors; ++v)
          next.push_back(addProducts(now[r * vectors + v], left, right[v]));
      }
      return next;
    });
    for (auto [place, value] : llvm::zip(places, carried))
      b.store(value, sums.memref, place);
  }

  Value placeInA(Value row, Value pair) {
    return product.transposeA ? add(b, scaled(b, pair, layout.rows), row) : add(b, scaled(b, row, layout.pairs), pair);
  }

  Value asBf16(Value pairs) {
    return vector::BitCastOp::create(b, VectorType::get({2 * lanes}, b.getBF16Type()), pairs);
  }

  Value addProducts(Value sum, Value left, Value right) {
    return LLVM::CallIntrinsicOp::create(b, sum.getType(), b.getStringAttr("llvm.x86.avx512bf16.dpbf16ps.512"),
                                         ValueRange{sum, left, right})
        ->getResult(0);
  }

  TileBuilder b;
  const Product &product;
  const Grid &grid;
  Layout layout;
  ProductTile tile;
  Value scratch, packedA, packedB; ///< packed: memref of i32
  Matrix sums;
};
} // namespace

int64_t nf::bf16ScratchBytes(const Product &product, const Grid &grid) { return Layout(product, grid).bytes; }

void nf::buildBf16Kernel(ImplicitLocOpBuilder &b, const Product &product, const Grid &grid, ValueRange buffers,
                         Value task, Value scratch) {
  Bf16Kernel kernel(b, product, grid, buffers, task, scratch);
  kernel.build(buffers);
}
