//===- LowerCopyGpu.cpp - strided copies become GPU kernels ----------------------------------===//
//
// Before → after in Passes.td.
//
// 1. The axes take their only form (CopyAxes). Pointers stay multiples of 16 bytes: what is left of an offset is
//    part of the kernel.
// 2. Where the destination's last axis is contiguous, and so is the source's, or stands still, a thread moves up to 16
//    bytes at once; else one element. Neighbouring threads have neighbouring places in the destination.
// 3. A transpose goes through square tiles of shared memory: rows of the source are read and rows of the destination
//    written, each by a warp. A tile's rows are one element longer than they need to be, so that its columns lie in
//    different banks. Again all reads come first; outside of the matrix, a thread reads the first element in vain.
// 4. `fill` clears the whole destination by a launch before the copy.
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/gpu/GpuFill.h"
#include "passes/rows/CopyAxes.h"
#include "passes/rows/KernelNames.h"

namespace nf {
#define GEN_PASS_DEF_LOWERCOPYGPU
#include "passes/gpu/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// A tile of a transpose, and the warps that walk through its rows.
static constexpr int64_t tile = 32, tileWarps = 8;

namespace {
/// One side of a copy: a buffer that starts on a multiple of 16 bytes, and the element of it that the copy starts at.
struct Side {
  Value buffer;
  int64_t start;
};

/// One kernel: its loops, spread over threads.
class GpuCopy {
public:
  GpuCopy(ArrayRef<CopyAxis> axes, Type element, int64_t fromStart, int64_t toStart)
      : axes(axes), element(element), fromStart(fromStart), toStart(toStart),
        crossing(axes.back().from == 0 ? std::nullopt : crossingAxis(axes)) {
    units = 1;
    for (const CopyAxis &axis : axes.drop_back())
      units *= axis.size;
    if (crossing) {
      threads = tile * tileWarps;
      units /= axes[*crossing].size;
      blocks = units * llvm::divideCeil(axes[*crossing].size, tile) * llvm::divideCeil(axes.back().size, tile);
    } else {
      vector = widestVector();
      spread = spreadVectors(units * (axes.back().size / vector));
      threads = spread.threads;
      blocks = spread.blocks;
    }
  }

  std::string kernelName() const {
    std::string name = "copy_gpu_" + elementName(element) + nameOf(axes);
    if (!crossing)
      name += "_by" + std::to_string(vector);
    if (fromStart || toStart)
      name += "_at" + std::to_string(fromStart) + "_" + std::to_string(toStart);
    return name;
  }

  void build(GpuBuilder &b, Value from, Value to) const {
    if (crossing)
      buildTile(b, from, to);
    else
      buildVectors(b, from, to);
  }

  int64_t threads, blocks;

private:
  /// Whether vectors of `width` elements are whole everywhere on a side that is contiguous along the last axis.
  bool fits(int64_t width, int64_t start, int64_t CopyAxis::*stride) const {
    return start % width == 0 &&
           llvm::all_of(axes.drop_back(), [&](const CopyAxis &axis) { return (axis.*stride) % width == 0; });
  }

  int64_t widestVector() const {
    const CopyAxis &last = axes.back();
    if (last.to != 1 || last.from > 1)
      return 1;
    int64_t width = gpuVectorBytes / storedBytes(element);
    while (width > 1 && !(last.size % width == 0 && fits(width, toStart, &CopyAxis::to) &&
                          (last.from == 0 || fits(width, fromStart, &CopyAxis::from))))
      width /= 2;
    return width;
  }

  /// A thread's vectors: all are read before the first is written, so that their reads wait for memory together.
  void buildVectors(GpuBuilder &b, Value from, Value to) const {
    const CopyAxis &last = axes.back();
    SmallVector<Value> values, places, real;
    forVectors(b, spread, [&](Value index, Value isReal) {
      Value source = b.constant(fromStart), place = b.constant(toStart), rest = index;
      for (size_t i = axes.size(); i-- > 0;) {
        const CopyAxis &axis = axes[i];
        int64_t width = i + 1 == axes.size() ? vector : 1;
        Value along = i == 0 ? rest : b.remainder(rest, axis.size / width);
        rest = i == 0 ? rest : b.divide(rest, axis.size / width);
        source = b.add(source, b.scale(along, axis.from * width));
        place = b.add(place, b.scale(along, axis.to * width));
      }
      Value value = b.load(from, element, source, last.from == 0 ? 1 : vector);
      if (last.from == 0 && vector > 1)
        value = vector::BroadcastOp::create(b, VectorType::get({vector}, value.getType()), value);
      values.push_back(value);
      places.push_back(place);
      real.push_back(isReal);
    });
    for (auto [value, place, isReal] : llvm::zip(values, places, real))
      b.onlyIf(isReal, [&, value = value, place = place] { b.store(value, to, place); });
  }

  void buildTile(GpuBuilder &b, Value from, Value to) const {
    const CopyAxis &other = axes[*crossing], &last = axes.back();
    Value rest = b.block();
    auto take = [&](int64_t size) {
      Value place = b.remainder(rest, size);
      rest = b.divide(rest, size);
      return place;
    };
    Value column = b.scale(take(llvm::divideCeil(last.size, tile)), tile);
    Value row = b.scale(take(llvm::divideCeil(other.size, tile)), tile);
    Value source = b.constant(fromStart), place = b.constant(toStart);
    for (size_t i = axes.size() - 1; i-- > 0;) {
      if (i == *crossing)
        continue;
      Value along = take(axes[i].size);
      source = b.add(source, b.scale(along, axes[i].from));
      place = b.add(place, b.scale(along, axes[i].to));
    }
    Value memory = b.shared("tile", storedElement(element), tile * (tile + 1));
    Value lane = b.remainder(b.thread(), tile), warp = b.divide(b.thread(), tile);
    auto isInside = [&](Value x, const CopyAxis &axis) { return axis.size % tile ? b.isBelow(x, axis.size) : Value(); };
    SmallVector<Value> values;
    for (int64_t step = 0; step < tile; step += tileWarps) {
      Value along = b.add(row, lane), across = b.add(column, b.add(warp, step));
      Value at = b.add(source, b.add(along, b.scale(across, last.from)));
      if (Value inside = b.both(isInside(along, other), isInside(across, last)))
        at = arith::SelectOp::create(b, inside, at, b.constant(fromStart));
      values.push_back(b.load(from, element, at, 1));
    }
    for (auto [step, value] : llvm::enumerate(values))
      b.store(value, memory, b.add(b.scale(b.add(warp, step * tileWarps), tile + 1), lane));
    b.barrier();
    for (int64_t step = 0; step < tile; step += tileWarps) {
      Value line = b.add(warp, step), along = b.add(row, line), across = b.add(column, lane);
      b.onlyIf(b.both(isInside(along, other), isInside(across, last)), [&] {
        Value value = b.load(memory, element, b.add(b.scale(lane, tile + 1), line), 1);
        b.store(value, to, b.add(place, b.add(b.scale(along, other.to), across)));
      });
    }
  }

  ArrayRef<CopyAxis> axes;
  Type element;
  int64_t fromStart, toStart;
  std::optional<size_t> crossing; ///< the axis that has unit stride in the source where the last one has not
  int64_t units;                  ///< places along all axes but the last and the crossing one
  int64_t vector = 1;             ///< elements that a thread moves at once
  VectorSpread spread{};
};

struct LowerCopyGpu : nf::impl::LowerCopyGpuBase<LowerCopyGpu> {
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
      launchFill(op, out, Value());
    SmallVector<CopyAxis> axes = canonicalAxes(op);
    OpBuilder b(op);
    Side from = sideOf(b, in, op.getFrom(), extentOf(axes, &CopyAxis::from));
    Side to = sideOf(b, out, op.getTo(), extentOf(axes, &CopyAxis::to));
    GpuCopy copy(axes, cast<MemRefType>(in.getType()).getElementType(), from.start, to.start);
    func::FuncOp kernel = getOrBuildGpuKernel(
        getOperation(), op.getLoc(), copy.kernelName(), {from.buffer.getType(), to.buffer.getType()}, copy.threads,
        [&](GpuBuilder &b, ValueRange pointers) { copy.build(b, pointers[0], pointers[1]); });
    LaunchOp::create(b, op.getLoc(), kernel.getSymName(), ValueRange{from.buffer, to.buffer}, copy.blocks);
    op.erase();
    return success();
  }

  /// `count` elements of a buffer from element `first` on.
  Side sideOf(OpBuilder &b, BufferOp buffer, int64_t first, int64_t count) {
    Type element = cast<MemRefType>(buffer.getType()).getElementType();
    int64_t bytes = storedBytes(element), offset = buffer.getOffset() + first * bytes;
    int64_t start = offset % gpuVectorBytes / bytes;
    auto view = BufferOp::create(b, buffer.getLoc(), MemRefType::get({start + count}, element), buffer.getSegment(),
                                 offset - start * bytes);
    return {view, start};
  }
};
} // namespace
