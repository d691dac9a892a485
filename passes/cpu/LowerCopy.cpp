//===- LowerCopy.cpp - strided copies become kernels -----------------------------------------===//
//
// Before → after in Passes.td.
//
// 1. Axes of extent 1 go, the others are ordered by their stride in the destination, and neighbours that are contiguous
//    on both sides merge: what is left is the same for all copies that move the same elements.
// 2. Offsets go into nf.buffers of their own, so that the kernel depends on extents and strides alone.
// 3. Tasks take equal shares of the rows (all axes but the last), or of the one axis there is. Rows of unit stride on
//    both sides move in vectors. Where another axis has unit stride in the source, it and the last axis are walked in
//    blocks.
// 4. `fill` clears the whole destination by a launch before the copy.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/cpu/KernelBuilder.h"
#include "passes/rows/CopyAxes.h"

namespace nf {
#define GEN_PASS_DEF_LOWERCOPY
#include "passes/cpu/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

namespace {
/// Elements that a task should move at least: less is not worth a thread.
constexpr int64_t elementsPerTask = 16 * 1024;
constexpr int64_t maxTasks = 16;
constexpr int64_t transposeBlock = 32;
} // namespace

static int64_t tasksFor(int64_t elements, int64_t parts) {
  return std::clamp<int64_t>(elements / elementsPerTask, 1, std::min(maxTasks, parts));
}

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

namespace {
/// One kernel's loops. An element type of i1 has no vectors in memory.
class CopyBuilder {
public:
  CopyBuilder(ArrayRef<CopyAxis> axes, Type elementType)
      : axes(axes), elementType(elementType), crossing(crossingAxis(axes)) {
    int64_t elements = 1;
    for (const CopyAxis &axis : axes)
      elements *= axis.size;
    if (axes.size() == 1) {
      share = ceilDiv(ceilDiv(elements, tasksFor(elements, axes[0].size)), kernelLanes) * kernelLanes;
      units = elements;
    } else {
      units = 1;
      for (const CopyAxis &axis : axes.drop_back())
        units *= axis.size;
      if (crossing)
        units = units / axes[*crossing].size * ceilDiv(axes[*crossing].size, transposeBlock);
      share = ceilDiv(units, tasksFor(elements, units));
    }
  }

  int64_t tasks() const { return ceilDiv(units, share); }

  std::string kernelName() const { return "copy_" + elementName(elementType) + nameOf(axes); }

  void build(ImplicitLocOpBuilder &b, Value in, Value out, Value task) const {
    Value begin = scaled(b, task, share);
    Value count = blockLength(b, begin, share, units);
    if (axes.size() == 1)
      return buildRow(b, in, out, scaled(b, begin, axes[0].from), scaled(b, begin, axes[0].to), count);
    forLoop(b, begin, add(b, begin, count), 1, [&](Value unit) {
      // The unit's place along each outer axis; along the crossing axis it counts blocks.
      Value from = indexConstant(b, 0), to = from, block, rest = unit;
      for (size_t i = axes.size() - 1; i-- > 0;) {
        bool crosses = crossing == i;
        Value size = indexConstant(b, crosses ? ceilDiv(axes[i].size, transposeBlock) : axes[i].size);
        Value place = scaled(b, arith::RemUIOp::create(b, rest, size), crosses ? transposeBlock : 1);
        rest = arith::DivUIOp::create(b, rest, size);
        from = add(b, from, scaled(b, place, axes[i].from));
        to = add(b, to, scaled(b, place, axes[i].to));
        if (crosses)
          block = place;
      }
      if (crossing)
        buildCrossing(b, in, out, from, to, block);
      else
        buildRow(b, in, out, from, to, indexConstant(b, axes.back().size));
    });
  }

private:
  void buildRow(ImplicitLocOpBuilder &b, Value in, Value out, Value from, Value to, Value count) const {
    const CopyAxis &axis = axes.back();
    auto move = [&](Value i, int64_t lanes) {
      storeLanes(b, loadLanes(b, in, add(b, from, scaled(b, i, axis.from)), lanes), out,
                 add(b, to, scaled(b, i, axis.to)), lanes);
    };
    if (axis.from == 1 && axis.to == 1 && !elementType.isInteger(1))
      forLanes(b, count, move);
    else
      forLoop(b, indexConstant(b, 0), count, 1, [&](Value i) { move(i, 1); });
  }

  /// Blocks of the crossing axis times blocks of the last one, so that both sides use the cache lines they touch.
  void buildCrossing(ImplicitLocOpBuilder &b, Value in, Value out, Value from, Value to, Value block) const {
    const CopyAxis &other = axes[*crossing], &last = axes.back();
    Value zero = indexConstant(b, 0);
    Value rows = blockLength(b, block, transposeBlock, other.size);
    forLoop(b, zero, indexConstant(b, last.size), transposeBlock, [&](Value start) {
      Value columns = blockLength(b, start, transposeBlock, last.size);
      forLoop(b, zero, rows, 1, [&](Value i) {
        Value fromRow = add(b, add(b, from, i), scaled(b, start, last.from));
        Value toRow = add(b, add(b, to, scaled(b, i, other.to)), start);
        forLoop(b, zero, columns, 1, [&](Value j) {
          Value value = loadLanes(b, in, add(b, fromRow, scaled(b, j, last.from)), 1);
          storeLanes(b, value, out, add(b, toRow, j), 1);
        });
      });
    });
  }

  ArrayRef<CopyAxis> axes;
  Type elementType;
  std::optional<size_t> crossing; ///< the axis that has unit stride in the source where the last one has not
  int64_t units, share;           ///< what tasks count (elements, rows or blocks of rows), and how many one takes
};

struct LowerCopy : nf::impl::LowerCopyBase<LowerCopy> {
  void runOnOperation() override {
    SmallVector<CopyOp> copies;
    getOperation().walk([&](CopyOp op) { copies.push_back(op); });
    for (CopyOp op : copies)
      if (failed(lower(op)))
        return signalPassFailure();
  }

  LogicalResult lower(CopyOp op) {
    auto buffers = copiedBuffers(op);
    if (failed(buffers))
      return failure();
    auto [in, out] = *buffers;
    if (op.getFill())
      fill(op, out);
    SmallVector<CopyAxis> axes = canonicalAxes(op);
    Type elementType = cast<MemRefType>(in.getType()).getElementType();
    CopyBuilder copy(axes, elementType);
    OpBuilder b(op);
    Value from = view(b, in, op.getFrom(), extentOf(axes, &CopyAxis::from));
    Value to = view(b, out, op.getTo(), extentOf(axes, &CopyAxis::to));
    func::FuncOp kernel =
        getOrBuildKernel(getOperation(), op.getLoc(), copy.kernelName(), {from.getType(), to.getType()},
                         /*scratchBytes=*/0, [&](ImplicitLocOpBuilder &b, ValueRange buffers, Value task, Value) {
                           copy.build(b, buffers[0], buffers[1], task);
                         });
    LaunchOp::create(b, op.getLoc(), kernel.getSymName(), ValueRange{from, to}, copy.tasks());
    op.erase();
    return success();
  }

  /// `count` elements of a buffer from element `first`.
  Value view(OpBuilder &b, BufferOp buffer, int64_t first, int64_t count) {
    Type elementType = cast<MemRefType>(buffer.getType()).getElementType();
    int64_t bytes = std::max<int64_t>(1, elementType.getIntOrFloatBitWidth() / 8);
    return BufferOp::create(b, buffer.getLoc(), MemRefType::get({count}, elementType), buffer.getSegment(),
                            buffer.getOffset() + first * bytes);
  }

  void fill(CopyOp op, BufferOp out) {
    MemRefType type = flattened(cast<MemRefType>(out.getType()));
    int64_t count = type.getNumElements(), tasks = tasksFor(count, count);
    int64_t share = ceilDiv(ceilDiv(count, tasks), kernelLanes) * kernelLanes;
    std::string name = "fill_" + elementName(type.getElementType()) + "_" + std::to_string(count);
    func::FuncOp kernel = getOrBuildKernel(
        getOperation(), op.getLoc(), name, {type}, /*scratchBytes=*/0,
        [&](ImplicitLocOpBuilder &b, ValueRange buffers, Value task, Value) {
          Value begin = scaled(b, task, share);
          auto clear = [&](Value i, int64_t lanes) {
            storeLanes(b, zeroLanes(b, type.getElementType(), lanes), buffers[0], add(b, begin, i), lanes);
          };
          Value length = blockLength(b, begin, share, count);
          if (type.getElementType().isInteger(1))
            forLoop(b, indexConstant(b, 0), length, 1, [&](Value i) { clear(i, 1); });
          else
            forLanes(b, length, clear);
        });
    OpBuilder b(op);
    LaunchOp::create(b, op.getLoc(), kernel.getSymName(), ValueRange{out.getResult()}, ceilDiv(count, share));
  }
};
} // namespace
