//===- LowerMatmul.cpp - matrix products become tiles of library calls -----------------------===//
//
// Before → after in Passes.td.
//
// 1. chooseGrid cuts C into equal tiles, by its shape alone.
// 2. The kernel finds its batch and tile from the task number and calls nf_gemm_f32 on them, with beta 0 where C is
//    overwritten (the library then never reads it) and 1 where it is added to.
// 3. With a bias, the task writes the bias to its tile and adds the product: no pass over C of its own.
// 4. The library multiplies f32. Of a bf16 operand the task widens its part to scratch memory, a block of the inner
//    extent at a time; a bf16 C is summed in scratch memory and rounded once.
// 5. A product that also sums an operand does so block by block (OperandSum), before the library reads the block.
// 6. Where the processor multiplies bf16, products with a bf16 operand get code of their own instead (Bf16Product.cpp).
//
//===------------------------------------------------------------------------------------------===//
#include "passes/cpu/Product.h"

namespace nf {
#define GEN_PASS_DEF_LOWERMATMUL
#include "passes/cpu/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static std::string kernelName(const Product &product) {
  const MatmulOp::Shape &shape = product.shape;
  std::string name = "matmul_" + (shape.batch == 1 ? "" : std::to_string(shape.batch) + "_") +
                     joinExtents({shape.m, shape.n, shape.k}) + (product.transposeA ? "_t" : "_n") +
                     (product.transposeB ? "t" : "n");
  if (product.bias)
    name += "_bias";
  if (product.accumulate != Accumulate::Never)
    name += product.accumulate == Accumulate::Flag ? "_flag" : "_add";
  if (product.summed != Summed::None)
    name += product.summed == Summed::A ? "_suma" : "_sumb";
  if (!product.isF32())
    name += "_" + elementName(product.a) + "_" + elementName(product.b) + "_" + elementName(product.c);
  return name;
}

/// What a grid costs, relative to one call for all of C. The numbers are measured with OpenBLAS on Zen 4: it packs
/// a tile's operands, and a tile's columns cost three times its rows; padded edges and idle threads cost in proportion.
static double gridCost(const Grid &grid, int64_t batch, int64_t m, int64_t n) {
  double packing = 1.0 + 10.0 / grid.rows + 30.0 / grid.cols;
  double edges = double(grid.rows * grid.down) * double(grid.cols * grid.across) / (double(m) * double(n));
  int64_t tasks = batch * grid.tiles();
  double idle = double(llvm::alignTo(tasks, 8)) / double(tasks);
  return packing * edges * idle;
}

/// The cheapest grid of 8 to 64 tasks with tiles of 64 to 1024 rows and 64 to 2048 columns; one tile a batch where
/// there is none.
static Grid chooseGrid(const MatmulOp::Shape &shape) {
  constexpr int64_t unit = 16, minTasks = 8, maxTasks = 64;
  auto extent = [](int64_t size, int64_t parts) {
    return std::min<int64_t>(size, llvm::alignTo(llvm::divideCeil(size, parts), unit));
  };
  Grid best{shape.m, shape.n, 1, 1};
  double bestCost = 0;
  bool found = false;
  for (int64_t down = 1; down <= maxTasks; ++down)
    for (int64_t across = 1; across <= maxTasks; ++across) {
      Grid grid{extent(shape.m, down), extent(shape.n, across), 0, 0};
      grid.down = (shape.m + grid.rows - 1) / grid.rows;
      grid.across = (shape.n + grid.cols - 1) / grid.cols;
      int64_t tasks = shape.batch * grid.tiles();
      bool rowsFit = (grid.rows >= 64 || grid.down == 1) && grid.rows <= 1024;
      bool colsFit = (grid.cols >= 64 || grid.across == 1) && grid.cols <= 2048;
      if (!rowsFit || !colsFit || tasks < minTasks || (tasks > maxTasks && grid.tiles() > 1))
        continue;
      double cost = gridCost(grid, shape.batch, shape.m, shape.n);
      if (!found || cost < bestCost || (cost == bestCost && grid.tiles() > best.tiles())) {
        best = grid;
        bestCost = cost;
        found = true;
      }
    }
  return best;
}

static constexpr StringLiteral gemmName = "nf_gemm_f32";

/// The declaration of nf_gemm_f32 (runtime/abi/nf_abi.h).
static func::FuncOp getGemm(ModuleOp module) {
  if (auto gemm = module.lookupSymbol<func::FuncOp>(gemmName))
    return gemm;
  ImplicitLocOpBuilder b(module.getLoc(), OpBuilder::atBlockBegin(module.getBody()));
  Type i32 = b.getI32Type(), i64 = b.getI64Type(), f32 = b.getF32Type(),
       ptr = LLVM::LLVMPointerType::get(b.getContext());
  auto type = b.getFunctionType({i32, i32, i64, i64, i64, f32, ptr, i64, ptr, i64, f32, ptr, i64}, {});
  auto gemm = func::FuncOp::create(b, gemmName, type);
  gemm.setPrivate();
  return gemm;
}

/// The address of a matrix's first element.
static Value pointer(ImplicitLocOpBuilder &b, const Matrix &matrix) {
  auto ptr = LLVM::LLVMPointerType::get(b.getContext());
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, matrix.memref);
  Value base = LLVM::IntToPtrOp::create(b, ptr, arith::IndexCastOp::create(b, b.getI64Type(), address).getResult());
  Type elementType = cast<MemRefType>(matrix.memref.getType()).getElementType();
  return LLVM::GEPOp::create(b, ptr, elementType, base,
                             ValueRange{arith::IndexCastOp::create(b, b.getI64Type(), matrix.start).getResult()});
}

/// The inner extent of one library call where operands are widened: parts of both then stay in the cache.
static constexpr int64_t mostInner = 512;
/// The same where an f32 operand is summed: a task's slice of it then stays in the cache.
static constexpr int64_t mostInnerSummed = 2048;

namespace {
/// Where the parts of a task lie in scratch memory, in bytes.
struct Scratch {
  int64_t inner, a = 0, b = 0, c = 0, bytes = 0;

  Scratch(const Product &product, const Grid &grid) {
    int64_t k = product.shape.k;
    int64_t most = !product.isF32() ? mostInner : product.summed != Summed::None ? mostInnerSummed : k;
    inner = llvm::divideCeil(k, llvm::divideCeil(k, most));
    auto take = [&](Type element, int64_t count) {
      int64_t at = bytes;
      if (!element.isF32())
        bytes += llvm::alignTo(count * 4, 64);
      return at;
    };
    a = take(product.a, grid.rows * inner);
    b = take(product.b, inner * grid.cols);
    c = take(product.c, grid.rows * grid.cols);
  }
};

/// Builds the body of a kernel of library calls.
class LibraryKernel {
public:
  LibraryKernel(ImplicitLocOpBuilder &b, const Product &product, const Grid &grid, const Scratch &layout,
                func::FuncOp gemm)
      : b(b), product(product), shape(product.shape), grid(grid), layout(layout), gemm(gemm) {}

  void build(ValueRange buffers, Value task, Value scratch) {
    ProductTile tile(b, product, grid, buffers, task);
    Matrix c = tile.c;
    if (!product.c.isF32())
      c = matrixInScratch(b, scratch, layout.c, grid.rows * grid.cols, grid.cols, b.getF32Type());
    if (product.bias)
      copyRows(b, {buffers[2], tile.column, 0}, c, tile.rows, tile.cols);
    OperandSum sum(b, product, grid, tile, buffers);
    Value first = f32(product.bias || product.accumulate == Accumulate::Always ? 1 : 0);
    if (product.accumulate == Accumulate::Flag)
      first = arith::SelectOp::create(b, isFlagSet(b, buffers[2]), f32(1), f32(0));
    auto block = [&](Value k, Value length, Value scale) {
      sum.add(k, length);
      multiply(tile, c, scratch, k, length, scale);
    };
    if (layout.inner == shape.k)
      block(indexConstant(b, 0), indexConstant(b, shape.k), first);
    else
      forLoop(b, indexConstant(b, 0), indexConstant(b, shape.k), layout.inner, [&](Value k) {
        Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, k, indexConstant(b, 0));
        Value scale = arith::SelectOp::create(b, isFirst, first, f32(1));
        block(k, blockLength(b, k, layout.inner, shape.k), scale);
      });
    if (!product.c.isF32())
      copyRows(b, c, tile.c, tile.rows, tile.cols);
  }

private:
  /// c := scale · c + the product over `length` inner indices from `k` on.
  void multiply(const ProductTile &tile, const Matrix &c, Value scratch, Value k, Value length, Value scale) {
    Matrix a =
        product.transposeA
            ? widened(partOf(b, tile.a, k, tile.row), length, tile.rows, scratch, layout.a, layout.inner, grid.rows)
            : widened(partOf(b, tile.a, tile.row, k), tile.rows, length, scratch, layout.a, grid.rows, layout.inner);
    Matrix right =
        product.transposeB
            ? widened(partOf(b, tile.b, tile.column, k), tile.cols, length, scratch, layout.b, grid.cols, layout.inner)
            : widened(partOf(b, tile.b, k, tile.column), length, tile.cols, scratch, layout.b, layout.inner, grid.cols);
    func::CallOp::create(b, gemm,
                         ValueRange{flag(product.transposeA), flag(product.transposeB), i64(tile.rows), i64(tile.cols),
                                    i64(length), f32(1), pointer(b, a), i64(a.stride), pointer(b, right),
                                    i64(right.stride), scale, pointer(b, c), i64(c.stride)});
  }

  /// The f32 matrix itself, or a copy of the bf16 one at `offset` of the scratch memory, where `mostRows` × `mostCols`
  /// have room.
  Matrix widened(const Matrix &part, Value rows, Value cols, Value scratch, int64_t offset, int64_t mostRows,
                 int64_t mostCols) {
    if (cast<MemRefType>(part.memref.getType()).getElementType().isF32())
      return part;
    Matrix copy = matrixInScratch(b, scratch, offset, mostRows * mostCols, mostCols, b.getF32Type());
    copyRows(b, part, copy, rows, cols);
    return copy;
  }

  Value flag(bool value) { return arith::ConstantOp::create(b, b.getI32IntegerAttr(value)); }
  Value i64(int64_t value) { return arith::ConstantOp::create(b, b.getI64IntegerAttr(value)); }
  Value i64(Value index) { return arith::IndexCastOp::create(b, b.getI64Type(), index); }
  Value f32(float value) { return arith::ConstantOp::create(b, b.getF32FloatAttr(value)); }

  ImplicitLocOpBuilder &b;
  const Product &product;
  const MatmulOp::Shape &shape;
  const Grid &grid;
  const Scratch &layout;
  func::FuncOp gemm;
};

struct LowerMatmul : nf::impl::LowerMatmulBase<LowerMatmul> {
  using LowerMatmulBase::LowerMatmulBase;

  void runOnOperation() override {
    SmallVector<MatmulOp> matmuls;
    getOperation().walk([&](MatmulOp op) {
      if (!op.getOuts().empty())
        matmuls.push_back(op);
    });
    bool fits = true;
    for (MatmulOp op : matmuls)
      fits &= succeeded(check(op));
    if (!fits)
      return signalPassFailure();
    for (MatmulOp op : matmuls)
      lower(op);
  }

  LogicalResult check(MatmulOp op) {
    Value c = op.getOuts()[0];
    for (Value value : {op.getLhs(), op.getRhs(), c})
      if (Type element = getElementTypeOrSelf(value.getType()); !element.isF32() && !element.isBF16())
        return op.emitOpError() << "expected f32 or bf16, but got " << value.getType();
    if (!getElementTypeOrSelf(c.getType()).isF32() && (op.getAccumulate() || op.getAlwaysAccumulate()))
      return op.emitOpError() << "expected an f32 destination to add to, but got " << c.getType();
    if (op.hasOperandSum() && !getElementTypeOrSelf(op.getOuts()[1].getType()).isF32())
      return op.emitOpError() << "expected an f32 sum, but got " << op.getOuts()[1].getType();
    return success();
  }

  void lower(MatmulOp op) {
    Product product{op.getProductShape(),
                    op.getTransposeA(),
                    op.getTransposeB(),
                    static_cast<bool>(op.getBias()),
                    op.getAlwaysAccumulate() ? Accumulate::Always
                    : op.getAccumulate()     ? Accumulate::Flag
                                             : Accumulate::Never,
                    op.getSumLhs()   ? Summed::A
                    : op.getSumRhs() ? Summed::B
                                     : Summed::None,
                    getElementTypeOrSelf(op.getLhs().getType()),
                    getElementTypeOrSelf(op.getRhs().getType()),
                    getElementTypeOrSelf(op.getOuts()[0].getType())};
    SmallVector<Value> buffers{op.getLhs(), op.getRhs()};
    if (product.bias)
      buffers.push_back(op.getBias());
    if (product.accumulate == Accumulate::Flag)
      buffers.push_back(op.getAccumulate());
    llvm::append_range(buffers, op.getOuts());
    SmallVector<Type> types;
    for (Value buffer : buffers)
      types.push_back(flattened(cast<MemRefType>(buffer.getType())));
    Grid grid = chooseGrid(product.shape);
    func::FuncOp kernel = kernelOf(op.getLoc(), product, grid, types);
    OpBuilder b(op);
    LaunchOp::create(b, op.getLoc(), kernel.getSymName(), buffers, product.shape.batch * grid.tiles());
    op.erase();
  }

  func::FuncOp kernelOf(Location location, const Product &product, const Grid &grid, ArrayRef<Type> types) {
    std::string name = kernelName(product);
    if (bf16Products && hasBf16Kernel(product))
      return getOrBuildKernel(getOperation(), location, name, types, bf16ScratchBytes(product, grid),
                              [&](ImplicitLocOpBuilder &b, ValueRange arguments, Value task, Value scratch) {
                                buildBf16Kernel(b, product, grid, arguments, task, scratch);
                              });
    Scratch layout(product, grid);
    func::FuncOp gemm = getGemm(getOperation());
    return getOrBuildKernel(getOperation(), location, name, types, layout.bytes,
                            [&](ImplicitLocOpBuilder &b, ValueRange arguments, Value task, Value scratch) {
                              LibraryKernel(b, product, grid, layout, gemm).build(arguments, task, scratch);
                            });
  }
};
} // namespace
