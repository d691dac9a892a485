//===- LowerScatterAddGpu.cpp - scattered row sums become GPU kernels ------------------------===//
//
// Before → after in Passes.td.
//
// 1. A launch clears the table, always or under the flag.
// 2. In the kernel every row has a block. Its warps compare all indices with the row's own, 32 at once, and write
//    who is equal as one word each to shared memory. A block whose index has come before ends there.
// 3. The first row of an index adds all rows of that index to the entry, in ascending order: nobody else writes it, so
//    there is nothing to be atomic, and the bits never vary. A thread has a vector of columns.
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/gpu/GpuFill.h"
#include "passes/rows/KernelNames.h"
#include "passes/rows/RowOps.h"
#include "passes/rows/ScatterAdds.h"

namespace nf {
#define GEN_PASS_DEF_LOWERSCATTERADDGPU
#include "passes/gpu/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static constexpr int64_t mostThreads = 256;
/// Static shared memory ends at 48 KiB: a bit a row.
static constexpr int64_t mostRows = (48 << 10) * 8;

namespace {
class GpuScatter {
public:
  explicit GpuScatter(ScatterAddOp op) {
    auto table = cast<MemRefType>(op.getOuts()[0].getType());
    entries = table.getDimSize(0);
    columns = table.getDimSize(1);
    rows = cast<MemRefType>(op.getIndices().getType()).getNumElements();
    rowType = getElementTypeOrSelf(op.getRows().getType());
    vector = gpuVectorBytes / storedBytes(rowType);
    auto fits = [&](Value buffer, Type element) {
      int64_t bytes = std::min(gpuVectorBytes, vector * storedBytes(element));
      return alignmentOf(buffer) % bytes == 0;
    };
    while (vector > 1 &&
           !(columns % vector == 0 && fits(op.getRows(), rowType) && fits(op.getOuts()[0], table.getElementType())))
      vector /= 2;
    vectors = columns / vector;
    threads = std::min<int64_t>(mostThreads, llvm::alignTo(vectors, gpuWarp));
  }

  std::string kernelName() const {
    return "scatter_add_gpu_" + joinExtents({entries, columns}) + "_" + std::to_string(rows) + "_" +
           elementName(rowType) + "_by" + std::to_string(vector);
  }

  void build(GpuBuilder &b, Value source, Value indices, Value table) const {
    Type i32 = b.getI32Type();
    Value row = b.block(), own = b.load(indices, i32, row, 1);
    Value words = b.shared("equal", i32, llvm::divideCeil(rows, gpuWarp));
    findEqual(b, indices, own, words);
    b.barrier();
    Value word = b.divide(row, gpuWarp), bit = b.remainder(row, gpuWarp);
    Value seen = comesBefore(b, words, word, bit);
    b.onlyIf(isZero(b, seen), [&] { addRows(b, source, table, own, words, word); });
  }

  int64_t rows, threads;

private:
  Value isZero(GpuBuilder &b, Value number) const {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, number, b.constant32(0));
  }

  /// Bit i of word w: whether index 32 w + i is `own`.
  void findEqual(GpuBuilder &b, Value indices, Value own, Value words) const {
    Value lane = b.remainder(b.thread(), gpuWarp), warp = b.divide(b.thread(), gpuWarp);
    Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, b.constant(0));
    b.forEach(warp, b.constant(llvm::divideCeil(rows, gpuWarp)), threads / gpuWarp, {}, [&](Value word, ValueRange) {
      Value at = b.add(b.scale(word, gpuWarp), lane), exists;
      if (rows % gpuWarp != 0) {
        exists = b.isBelow(at, rows);
        at = arith::SelectOp::create(b, exists, at, b.constant(0));
      }
      Value other = b.load(indices, b.getI32Type(), at, 1);
      Value isEqual = b.both(exists, arith::CmpIOp::create(b, arith::CmpIPredicate::eq, other, own));
      auto ballot = NVVM::VoteSyncKindAttr::get(b.getContext(), NVVM::VoteSyncKind::ballot);
      Value mask = NVVM::VoteSyncOp::create(b, b.getI32Type(), b.constant32(-1), isEqual, ballot);
      b.onlyIf(isFirst, [&] { b.store(mask, words, word); });
      return SmallVector<Value>();
    });
  }

  /// Not zero where the index of the row at `bit` of `word` has come in an earlier row.
  Value comesBefore(GpuBuilder &b, Value words, Value word, Value bit) const {
    Value below = arith::ShLIOp::create(b, b.constant32(1), arith::TruncIOp::create(b, b.getI32Type(), bit));
    below = arith::SubIOp::create(b, below, b.constant32(1));
    Value seen = arith::AndIOp::create(b, b.load(words, b.getI32Type(), word, 1), below);
    return b.forEach(b.constant(0), word, 1, seen, [&](Value earlier, ValueRange carried) {
      return SmallVector<Value>{arith::OrIOp::create(b, carried[0], b.load(words, b.getI32Type(), earlier, 1))};
    })[0];
  }

  void addRows(GpuBuilder &b, Value source, Value table, Value own, Value words, Value first) const {
    Value entry = b.scale(arith::ExtUIOp::create(b, b.getI64Type(), own), columns);
    b.forEach(b.thread(), b.constant(vectors), threads, {}, [&](Value column, ValueRange) {
      Value start = b.scale(column, vector), place = b.add(entry, start);
      Value sum = b.load(table, b.getF32Type(), place, vector);
      Value last = b.constant(llvm::divideCeil(rows, gpuWarp));
      sum = b.forEach(first, last, 1, sum, [&](Value word, ValueRange carried) {
        return SmallVector<Value>{addWord(b, source, b.load(words, b.getI32Type(), word, 1), word, start, carried[0])};
      })[0];
      b.store(sum, table, place);
      return SmallVector<Value>();
    });
  }

  /// `sum` plus the rows whose bits are set in `mask`, from the lowest on.
  Value addWord(GpuBuilder &b, Value source, Value mask, Value word, Value start, Value sum) const {
    auto loop = scf::WhileOp::create(
        b, TypeRange{mask.getType(), sum.getType()}, ValueRange{mask, sum},
        [&](OpBuilder &inner, Location location, ValueRange carried) {
          Value zero = arith::ConstantIntOp::create(inner, location, inner.getI32Type(), 0);
          Value more = arith::CmpIOp::create(inner, location, arith::CmpIPredicate::ne, carried[0], zero);
          scf::ConditionOp::create(inner, location, more, carried);
        },
        [&](OpBuilder &inner, Location location, ValueRange carried) {
          GpuBuilder in(location, inner);
          Value lowest = math::CountTrailingZerosOp::create(in, carried[0]);
          Value row = in.add(in.scale(word, gpuWarp), arith::ExtUIOp::create(in, in.getI64Type(), lowest).getResult());
          Value part = in.load(source, rowType, in.add(in.scale(row, columns), start), vector);
          Value added = arith::AddFOp::create(in, carried[1], emitCast(in, part, in.getF32Type()));
          Value rest = arith::AndIOp::create(in, carried[0],
                                             arith::SubIOp::create(in, carried[0], in.constant32(1)).getResult());
          scf::YieldOp::create(in, ValueRange{rest, added});
        });
    return loop.getResult(1);
  }

  int64_t entries, columns, vector, vectors;
  Type rowType;
};

struct LowerScatterAddGpu : nf::impl::LowerScatterAddGpuBase<LowerScatterAddGpu> {
  void runOnOperation() override {
    auto ops = plannedScatterAdds(getOperation(), checkCount);
    if (failed(ops))
      return signalPassFailure();
    for (ScatterAddOp op : *ops)
      lower(op);
  }

  static LogicalResult checkCount(ScatterAddOp op) {
    int64_t count = cast<MemRefType>(op.getIndices().getType()).getNumElements();
    if (count > mostRows)
      return op.emitOpError() << "expected at most " << mostRows << " rows, but got " << count
                              << "; a GPU's block has no shared memory for more";
    return success();
  }

  void lower(ScatterAddOp op) {
    if (!op.getAlwaysAccumulate())
      launchFill(op, op.getOuts()[0], op.getAccumulate());
    GpuScatter scatter(op);
    SmallVector<Value> buffers{op.getRows(), op.getIndices(), op.getOuts()[0]};
    func::FuncOp kernel = getOrBuildGpuKernel(
        getOperation(), op.getLoc(), scatter.kernelName(), SmallVector<Type>(ValueRange(buffers).getTypes()),
        scatter.threads,
        [&](GpuBuilder &b, ValueRange pointers) { scatter.build(b, pointers[0], pointers[1], pointers[2]); });
    noteAlignment(kernel, buffers);
    OpBuilder b(op);
    LaunchOp::create(b, op.getLoc(), kernel.getSymName(), buffers, scatter.rows);
    op.erase();
  }
};
} // namespace
