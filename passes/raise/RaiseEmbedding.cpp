//===- RaiseEmbedding.cpp - rows of a parameter into nf.embedding -------------------------------===//
//
// A gather whose table is a parameter is an embedding; a gather of computed rows stays what it is.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/Passes.h"
#include "passes/raise/Values.h"

namespace nf {
#define GEN_PASS_DEF_RAISEEMBEDDING
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static void raise(Operation *op) {
  auto gather = dyn_cast<GatherOp>(op);
  if (!gather || !gather.getTable().getDefiningOp<GetOp>())
    return;
  OpBuilder builder(op);
  Value rows = EmbeddingOp::create(builder, op->getLoc(), gather.getTable(), gather.getIndices());
  gather.getResult().replaceAllUsesWith(rows);
}

namespace {
struct RaiseEmbedding : nf::impl::RaiseEmbeddingBase<RaiseEmbedding> {
  void runOnOperation() override { forEachRoot(getOperation(), raise); }
};
} // namespace
