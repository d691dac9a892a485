//===- LocateConstants.cpp - a place for constants that lost theirs --------------------------===//
//
// MLIR's folder drops the locations of constants that it merges. Each gets that of its first user.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/Passes.h"

#include "mlir/IR/Matchers.h"

namespace nf {
#define GEN_PASS_DEF_LOCATECONSTANTS
#include "passes/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

namespace {
struct LocateConstants : nf::impl::LocateConstantsBase<LocateConstants> {
  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      if (!isa<UnknownLoc>(op->getLoc()) || !op->hasTrait<OpTrait::ConstantLike>() || op->use_empty())
        return;
      // Uses are listed from the last one added: the order of the program says which comes first.
      Operation *first = *op->user_begin();
      for (Operation *user : op->getUsers())
        if (user->getBlock() == first->getBlock() && user->isBeforeInBlock(first))
          first = user;
      op->setLoc(first->getLoc());
    });
  }
};
} // namespace
