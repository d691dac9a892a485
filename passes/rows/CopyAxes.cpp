//===- CopyAxes.cpp - the axes of an nf.copy in their only form ------------------------------===//
#include "passes/rows/CopyAxes.h"

using namespace mlir;
using namespace nf;

FailureOr<std::pair<BufferOp, BufferOp>> nf::copiedBuffers(CopyOp op) {
  auto in = op.getIn().getDefiningOp<BufferOp>(), out = op.getOut().getDefiningOp<BufferOp>();
  if (!in || !out)
    return op.emitOpError() << "expected operands made by nf.buffer, but got " << (in ? op.getOut() : op.getIn())
                            << "; plan memory first";
  return std::pair(in, out);
}

SmallVector<CopyAxis> nf::canonicalAxes(CopyOp op) {
  SmallVector<CopyAxis> axes;
  for (auto [size, from, to] : llvm::zip(op.getSizes(), op.getFromStrides(), op.getToStrides()))
    if (size != 1)
      axes.push_back({size, from, to});
  llvm::stable_sort(axes, [](const CopyAxis &a, const CopyAxis &b) { return a.to > b.to; });
  SmallVector<CopyAxis> merged;
  for (const CopyAxis &axis : axes) {
    if (!merged.empty() && merged.back().from == axis.from * axis.size && merged.back().to == axis.to * axis.size)
      merged.back() = {merged.back().size * axis.size, axis.from, axis.to};
    else
      merged.push_back(axis);
  }
  if (merged.empty())
    merged.push_back({1, 1, 1});
  return merged;
}

int64_t nf::extentOf(ArrayRef<CopyAxis> axes, int64_t CopyAxis::*stride) {
  int64_t last = 0;
  for (const CopyAxis &axis : axes)
    last += (axis.size - 1) * (axis.*stride);
  return last + 1;
}

std::optional<size_t> nf::crossingAxis(ArrayRef<CopyAxis> axes) {
  std::optional<size_t> crossing;
  for (size_t i = 0; i + 1 < axes.size(); ++i)
    if (axes[i].from == 1 && axes.back().from != 1 && axes.back().to == 1)
      crossing = i;
  return crossing;
}

std::string nf::nameOf(ArrayRef<CopyAxis> axes) {
  std::string name;
  for (const CopyAxis &axis : axes)
    name += "_" + std::to_string(axis.size) + "s" + std::to_string(axis.from) + "s" + std::to_string(axis.to);
  return name;
}
