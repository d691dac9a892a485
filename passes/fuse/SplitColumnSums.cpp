//===- SplitColumnSums.cpp - column sums of row reductions in fixed groups of rows ---------------------------------------------===//
//
// A region that reduces along rows runs a block of rows at a time; its column sums would tie all rows to one thread.
// The rows are split into a fixed number of groups (by shape, never by threads, so that the bits are the same on any
// number of them): the region gives one partial sum a group, and a second region adds the groups.
//
//   %y, %s = nf.fused rows 256 cols 768 … -> tensor<…>, tensor<768xf32>          {result_kinds = [rowcol, col_sum]}
// becomes
//   %y, %p = nf.fused rows 256 cols 768 groups 16 … -> tensor<…>, tensor<16x768xf32>
//   %s = nf.fused rows 16 cols 768 (%p) … -> tensor<768xf32>                      {result_kinds = [col_sum]}
//
//===----------------------------------------------------------------------------------------------------------------===//
#include "passes/fuse/Passes.h"

namespace nf {
#define GEN_PASS_DEF_SPLITCOLUMNSUMS
#include "passes/fuse/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// Enough groups for as many threads, but groups long enough to pay for their partial sums.
static int64_t groupsFor(int64_t rows) {
  constexpr int64_t most = 16, shortest = 8;
  return std::clamp<int64_t>(rows / shortest, 1, most);
}

/// Adds the groups of one partial sum.
static Value addGroups(OpBuilder &builder, Location location, Value partial, RankedTensorType type) {
  auto partialType = cast<RankedTensorType>(partial.getType());
  int64_t groups = partialType.getDimSize(0), cols = partialType.getDimSize(1);
  int32_t rowcol = static_cast<int32_t>(RowKind::RowCol), colSum = static_cast<int32_t>(RowKind::ColSum);
  auto sum = FusedOp::create(builder, location, TypeRange{type}, ValueRange{partial}, Value(), ValueRange(), groups, cols,
                             1, ArrayRef<int32_t>{rowcol}, ArrayRef<int32_t>{colSum}, ArrayRef<int64_t>{-1}, false);
  Block *body = builder.createBlock(&sum.getBody());
  Value row = body->addArgument(RankedTensorType::get({cols}, type.getElementType()), location);
  YieldOp::create(builder, location, ValueRange{row});
  builder.setInsertionPointAfter(sum);
  return sum.getResult(0);
}

static void split(FusedOp op) {
  int64_t groups = groupsFor(op.getRows());
  if (op.getGroups() != 1 || groups == 1 || !op.hasRowReduction() || !op.hasColumnSum())
    return;
  OpBuilder builder(op);
  builder.setInsertionPointAfter(op);
  op.setGroups(groups);
  for (auto [i, result] : llvm::enumerate(op.getResults())) {
    if (op.getResultKind(i) != RowKind::ColSum)
      continue;
    auto type = cast<RankedTensorType>(result.getType());
    result.setType(RankedTensorType::get({groups, static_cast<int64_t>(op.getCols())}, type.getElementType()));
    Value sum = addGroups(builder, op.getLoc(), result, type);
    result.replaceAllUsesExcept(sum, sum.getDefiningOp());
  }
}

namespace {
struct SplitColumnSums : nf::impl::SplitColumnSumsBase<SplitColumnSums> {
  void runOnOperation() override { getOperation()->walk(split); }
};
} // namespace
