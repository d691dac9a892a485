//===- LowerScatterAdd.cpp - scattered row sums become kernels -------------------------------===//
//
// Before → after in Passes.td.
//
// 1. The columns are cut into equal blocks of whole cache lines; each task owns a block of every row of the table.
// 2. The task clears its columns unless the op adds to the table, then adds its part of each row, in ascending order.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/cpu/KernelBuilder.h"
#include "passes/rows/ScatterAdds.h"

namespace nf {
#define GEN_PASS_DEF_LOWERSCATTERADD
#include "passes/cpu/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// Columns a task: about 8 tasks, each of whole vectors.
static int64_t chooseBlock(int64_t columns) {
  int64_t block = (columns + 7) / 8;
  return std::min(columns, (block + kernelLanes - 1) / kernelLanes * kernelLanes);
}

namespace {
struct Scatter {
  int64_t entries, columns, rows, block;
  bool always, flag;
  Type rowType;

  std::string kernelName() const {
    return "scatter_add_" + joinExtents({entries, columns}) + "_" + std::to_string(rows) +
           (rowType.isF32() ? "" : "_" + elementName(rowType)) +
           (always ? "_add"
            : flag ? "_flag"
                   : "");
  }
  int64_t tasks() const { return (columns + block - 1) / block; }
};

struct LowerScatterAdd : nf::impl::LowerScatterAddBase<LowerScatterAdd> {
  void runOnOperation() override {
    auto ops = plannedScatterAdds(getOperation());
    if (failed(ops))
      return signalPassFailure();
    for (ScatterAddOp op : *ops)
      lower(op);
  }

  void lower(ScatterAddOp op) {
    auto table = cast<MemRefType>(op.getOuts()[0].getType());
    int64_t columns = table.getDimSize(1);
    Scatter scatter{table.getDimSize(0),
                    columns,
                    cast<MemRefType>(op.getIndices().getType()).getNumElements(),
                    chooseBlock(columns),
                    op.getAlwaysAccumulate(),
                    op.getAccumulate() && !op.getAlwaysAccumulate(),
                    getElementTypeOrSelf(op.getRows().getType())};
    SmallVector<Value> buffers{op.getRows(), op.getIndices()};
    if (scatter.flag)
      buffers.push_back(op.getAccumulate());
    buffers.push_back(op.getOuts()[0]);
    SmallVector<Type> types;
    for (Value buffer : buffers)
      types.push_back(flattened(cast<MemRefType>(buffer.getType())));
    func::FuncOp kernel = getOrBuildKernel(
        getOperation(), op.getLoc(), scatter.kernelName(), types, /*scratchBytes=*/0,
        [&](ImplicitLocOpBuilder &b, ValueRange arguments, Value task, Value) { build(b, scatter, arguments, task); });
    OpBuilder b(op);
    LaunchOp::create(b, op.getLoc(), kernel.getSymName(), buffers, scatter.tasks());
    op.erase();
  }

  void build(ImplicitLocOpBuilder &b, const Scatter &scatter, ValueRange buffers, Value task) {
    Value rows = buffers[0], indices = buffers[1], table = buffers.back();
    Value column = scaled(b, task, scatter.block);
    Value width = blockLength(b, column, scatter.block, scatter.columns);
    if (scatter.flag) {
      Value flag = memref::LoadOp::create(b, buffers[2], indexConstant(b, 0));
      Value overwrite = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, flag, zeroLanes(b, b.getI32Type(), 1));
      auto branch = scf::IfOp::create(b, overwrite, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      clear(b, scatter, table, column, width);
    } else if (!scatter.always) {
      clear(b, scatter, table, column, width);
    }
    Value zero = indexConstant(b, 0);
    forLoop(b, zero, indexConstant(b, scatter.rows), 1, [&](Value row) {
      Value entry = arith::IndexCastOp::create(b, b.getIndexType(), loadLanes(b, indices, row, 1));
      Value from = add(b, scaled(b, row, scatter.columns), column);
      Value to = add(b, scaled(b, entry, scatter.columns), column);
      forLanes(b, width, [&](Value j, int64_t lanes) {
        Value place = add(b, to, j);
        Value part = convertLanes(b, loadLanes(b, rows, add(b, from, j), lanes), b.getF32Type());
        Value sum = arith::AddFOp::create(b, loadLanes(b, table, place, lanes), part);
        storeLanes(b, sum, table, place, lanes);
      });
    });
  }

  void clear(ImplicitLocOpBuilder &b, const Scatter &scatter, Value table, Value column, Value width) {
    Type elementType = cast<MemRefType>(table.getType()).getElementType();
    forLoop(b, indexConstant(b, 0), indexConstant(b, scatter.entries), 1, [&](Value entry) {
      Value to = add(b, scaled(b, entry, scatter.columns), column);
      forLanes(b, width, [&](Value j, int64_t lanes) {
        storeLanes(b, zeroLanes(b, elementType, lanes), table, add(b, to, j), lanes);
      });
    });
  }
};
} // namespace
