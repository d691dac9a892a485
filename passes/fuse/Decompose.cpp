//===- Decompose.cpp - composite ops in primitives -------------------------------------------===//
//
// Visits every op in order; one with a DecomposableOpInterface is replaced by its definition, and what the definition
// is made of is visited in turn (a composite may be defined by others).
//
//===------------------------------------------------------------------------------------------===//
#include "passes/fuse/Passes.h"

namespace nf {
#define GEN_PASS_DEF_DECOMPOSE
#include "passes/fuse/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// Decomposes `op`, if it can be, and then the ops of its definition.
static void decompose(Operation *op) {
  auto composite = dyn_cast<DecomposableOpInterface>(op);
  if (!composite)
    return;
  Operation *before = op->getPrevNode();
  OpBuilder builder(op);
  auto values = composite.decompose(builder);
  if (failed(values))
    return;
  Operation *first = before ? before->getNextNode() : &op->getBlock()->front();
  SmallVector<Operation *> definition;
  for (Operation *part = first; part != op; part = part->getNextNode())
    definition.push_back(part);
  op->replaceAllUsesWith(*values);
  op->erase();
  for (Operation *part : definition)
    decompose(part);
}

namespace {
struct Decompose : nf::impl::DecomposeBase<Decompose> {
  void runOnOperation() override {
    SmallVector<Operation *> composites;
    getOperation().walk([&](DecomposableOpInterface op) { composites.push_back(op); });
    for (Operation *op : composites)
      decompose(op);
  }
};
} // namespace
