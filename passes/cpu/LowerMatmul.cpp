//===- LowerMatmul.cpp - matrix products become tiles of library calls -----------------------===//
//
// Before → after in Passes.td.
//
// 1. chooseGrid cuts C into equal tiles, by its shape alone.
// 2. The kernel finds its batch and tile from the task number and calls nf_gemm_f32 on them, with beta 0 where C is
//    overwritten (the library then never reads it) and 1 where it is added to.
// 3. With a bias, the task writes the bias to its tile and adds the product: no pass over C of its own.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/cpu/KernelBuilder.h"

namespace nf {
#define GEN_PASS_DEF_LOWERMATMUL
#include "passes/cpu/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

namespace {
/// Tiles of [rows, cols], `down` of them one below the other and `across` side by side.
struct Grid {
  int64_t rows, cols, down, across;
  int64_t tiles() const { return down * across; }
};

enum class Accumulate { Never, Flag, Always };

/// All that a product's kernel depends on. B of rank 2 under batches of A is one product of more rows.
struct Product {
  MatmulOp::Shape shape;
  bool transposeA, transposeB, bias;
  Accumulate accumulate;

  std::string kernelName() const {
    std::string name = "matmul_" + (shape.batch == 1 ? "" : std::to_string(shape.batch) + "_") +
                       joinExtents({shape.m, shape.n, shape.k}) + (transposeA ? "_t" : "_n") + (transposeB ? "t" : "n");
    if (bias)
      name += "_bias";
    if (accumulate != Accumulate::Never)
      name += accumulate == Accumulate::Flag ? "_flag" : "_add";
    return name;
  }
};
} // namespace

static int64_t roundUp(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

/// What a grid costs, relative to one call for all of C. The numbers are measured with OpenBLAS on Zen 4: it packs
/// a tile's operands, and a tile's columns cost three times its rows; padded edges and idle threads cost in proportion.
static double gridCost(const Grid &grid, int64_t batch, int64_t m, int64_t n) {
  double packing = 1.0 + 10.0 / grid.rows + 30.0 / grid.cols;
  double edges = double(grid.rows * grid.down) * double(grid.cols * grid.across) / (double(m) * double(n));
  int64_t tasks = batch * grid.tiles();
  double idle = double(roundUp(tasks, 8)) / double(tasks);
  return packing * edges * idle;
}

/// The cheapest grid of 8 to 64 tasks with tiles of 64 to 1024 rows and 64 to 2048 columns; one tile a batch where
/// there is none.
static Grid chooseGrid(const MatmulOp::Shape &shape) {
  constexpr int64_t unit = 16, minTasks = 8, maxTasks = 64;
  auto extent = [](int64_t size, int64_t parts) { return std::min(size, roundUp((size + parts - 1) / parts, unit)); };
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

/// The address of element `offset` of a flat memref.
static Value elementPointer(ImplicitLocOpBuilder &b, Value memref, Value offset) {
  auto ptr = LLVM::LLVMPointerType::get(b.getContext());
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, memref);
  Value base = LLVM::IntToPtrOp::create(b, ptr, arith::IndexCastOp::create(b, b.getI64Type(), address).getResult());
  Type elementType = cast<MemRefType>(memref.getType()).getElementType();
  return LLVM::GEPOp::create(b, ptr, elementType, base,
                             ValueRange{arith::IndexCastOp::create(b, b.getI64Type(), offset).getResult()});
}

namespace {
/// Builds the body of one kernel.
class ProductBuilder {
public:
  ProductBuilder(ImplicitLocOpBuilder &b, const Product &product, const Grid &grid, func::FuncOp gemm)
      : b(b), product(product), shape(product.shape), grid(grid), gemm(gemm) {}

  void build(ValueRange buffers, Value task) {
    locate(task);
    Value a = buffers[0], other = buffers[1], c = buffers.back();
    if (product.bias)
      writeBias(buffers[2], c);
    // Element [row, 0] of op(A) and [0, column] of op(B), in the operands as they are stored.
    Value fromA = scaled(b, row, product.transposeA ? 1 : shape.k);
    Value fromB = scaled(b, column, product.transposeB ? shape.k : 1);
    fromA = add(b, fromA, scaled(b, batch, shape.m * shape.k));
    fromB = add(b, fromB, scaled(b, batch, shape.k * shape.n));
    func::CallOp::create(b, gemm,
                         ValueRange{flag(product.transposeA), flag(product.transposeB), i64(rows), i64(cols),
                                    i64(shape.k), f32(1), elementPointer(b, a, fromA),
                                    i64(product.transposeA ? shape.m : shape.k), elementPointer(b, other, fromB),
                                    i64(product.transposeB ? shape.k : shape.n),
                                    beta(product.accumulate == Accumulate::Flag ? buffers[2] : Value()),
                                    elementPointer(b, c, place), i64(shape.n)});
  }

private:
  /// batch, row, column and extents of the task's tile. Tasks go along a row of tiles, which share rows of A.
  void locate(Value task) {
    Value tiles = indexConstant(b, grid.tiles()), across = indexConstant(b, grid.across);
    batch = arith::DivUIOp::create(b, task, tiles);
    Value tile = arith::RemUIOp::create(b, task, tiles);
    row = scaled(b, arith::DivUIOp::create(b, tile, across), grid.rows);
    column = scaled(b, arith::RemUIOp::create(b, tile, across), grid.cols);
    rows = blockLength(b, row, grid.rows, shape.m);
    cols = blockLength(b, column, grid.cols, shape.n);
    place = add(b, add(b, scaled(b, batch, shape.m * shape.n), scaled(b, row, shape.n)), column);
  }

  void writeBias(Value bias, Value c) {
    forLoop(b, indexConstant(b, 0), rows, 1, [&](Value i) {
      Value start = add(b, place, scaled(b, i, shape.n));
      forLanes(b, cols, [&](Value j, int64_t lanes) {
        storeLanes(b, loadLanes(b, bias, add(b, column, j), lanes), c, add(b, start, j), lanes);
      });
    });
  }

  Value beta(Value accumulate) {
    if (!accumulate)
      return f32(product.bias || product.accumulate == Accumulate::Always ? 1 : 0);
    Value set =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                              memref::LoadOp::create(b, accumulate, indexConstant(b, 0)).getResult(), flag(false));
    return arith::SelectOp::create(b, set, f32(1), f32(0));
  }

  Value flag(bool value) { return arith::ConstantOp::create(b, b.getI32IntegerAttr(value)); }
  Value i64(int64_t value) { return arith::ConstantOp::create(b, b.getI64IntegerAttr(value)); }
  Value i64(Value index) { return arith::IndexCastOp::create(b, b.getI64Type(), index); }
  Value f32(float value) { return arith::ConstantOp::create(b, b.getF32FloatAttr(value)); }

  ImplicitLocOpBuilder &b;
  const Product &product;
  const MatmulOp::Shape &shape;
  const Grid &grid;
  func::FuncOp gemm;
  Value batch, row, column, rows, cols, place;
};

struct LowerMatmul : nf::impl::LowerMatmulBase<LowerMatmul> {
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
    for (Value value : {op.getLhs(), op.getRhs(), op.getOuts()[0]})
      if (Type element = cast<ShapedType>(value.getType()).getElementType(); !element.isF32())
        return op.emitOpError() << "expected f32 operands, but got " << value.getType()
                                << "; matrix products on the CPU are fp32 only, use precision = \"fp32\"";
    return success();
  }

  void lower(MatmulOp op) {
    Product product{op.getProductShape(), op.getTransposeA(), op.getTransposeB(), static_cast<bool>(op.getBias()),
                    op.getAlwaysAccumulate() ? Accumulate::Always
                    : op.getAccumulate()     ? Accumulate::Flag
                                             : Accumulate::Never};
    SmallVector<Value> buffers{op.getLhs(), op.getRhs()};
    if (product.bias)
      buffers.push_back(op.getBias());
    if (product.accumulate == Accumulate::Flag)
      buffers.push_back(op.getAccumulate());
    buffers.push_back(op.getOuts()[0]);
    SmallVector<Type> types;
    for (Value buffer : buffers)
      types.push_back(flattened(cast<MemRefType>(buffer.getType())));
    Grid grid = chooseGrid(product.shape);
    func::FuncOp gemm = getGemm(getOperation());
    func::FuncOp kernel = getOrBuildKernel(getOperation(), op.getLoc(), product.kernelName(), types,
                                           [&](ImplicitLocOpBuilder &b, ValueRange arguments, Value task) {
                                             ProductBuilder(b, product, grid, gemm).build(arguments, task);
                                           });
    OpBuilder b(op);
    LaunchOp::create(b, op.getLoc(), kernel.getSymName(), buffers, product.shape.batch * grid.tiles());
    op.erase();
  }
};
} // namespace
