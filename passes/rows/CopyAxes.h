//===- CopyAxes.h - the axes of an nf.copy in their only form --------------------------------===//
#ifndef NF_PASSES_ROWS_COPYAXES_H
#define NF_PASSES_ROWS_COPYAXES_H

#include "dialect/NF.h"

namespace nf {

/// An axis of a copy: its extent, and the elements from one place to the next in the source and in the destination.
struct CopyAxis {
  int64_t size, from, to;
};

/// The source and the destination of a planned copy; fails, after an error, where one is no nf.buffer.
llvm::FailureOr<std::pair<BufferOp, BufferOp>> copiedBuffers(CopyOp op);

/// The copy's axes, at least one: none of extent 1, ordered by their stride in the destination, the widest first, and
/// neighbours that are contiguous on both sides merged. Equal for all copies that move the same elements.
llvm::SmallVector<CopyAxis> canonicalAxes(CopyOp op);

/// Elements between the first and the last that the axes address, both included.
int64_t extentOf(llvm::ArrayRef<CopyAxis> axes, int64_t CopyAxis::*stride);

/// The axis that has unit stride in the source, where the last one has it in the destination alone: a transpose.
std::optional<size_t> crossingAxis(llvm::ArrayRef<CopyAxis> axes);

/// The axes as kernel names have them: "_8s1s4_4s8s1".
std::string nameOf(llvm::ArrayRef<CopyAxis> axes);

} // namespace nf

#endif // NF_PASSES_ROWS_COPYAXES_H
