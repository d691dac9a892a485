//===- AppendCombine.cpp - the sums of slots become one gradient -----------------------------===//
//
// Before → after in Passes.td. With S = 2^L reduction slots:
//
// 1. Every gradient sum, of a parameter or of a folded weight, gets L partial sums. Partial sum k holds that of 2^k
// finished slots while it
//    waits for its neighbour, as the bits of a binary counter do.
// 2. combine_k runs after a slot that completes k pairs: it adds partial sums 0 … k − 1 to the slot's sum and keeps the
//    result as partial sum k. combine_L ends the step: the sum of all slots is the gradient.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/autodiff/Passes.h"

#include "llvm/Support/MathExtras.h"

namespace nf {
#define GEN_PASS_DEF_APPENDCOMBINE
#include "passes/autodiff/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static constexpr StringLiteral slotsAttr = "nf.reduction_slots";

namespace {
/// A gradient and its partial sums, the one of fewest slots first.
struct Summed {
  StateOp gradient;
  SmallVector<StateOp> partials;
};

struct AppendCombine : nf::impl::AppendCombineBase<AppendCombine> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto slots = module->getAttrOfType<IntegerAttr>(slotsAttr);
    if (!slots)
      return;
    if (slots.getInt() < 1 || !llvm::isPowerOf2_64(slots.getInt())) {
      module.emitError() << "expected " << slotsAttr << " to be a power of two, but got " << slots.getInt();
      return signalPassFailure();
    }
    module->removeAttr(slotsAttr);
    unsigned levels = llvm::Log2_64(slots.getInt());
    if (levels == 0)
      return;
    SmallVector<Summed> sums = addPartialSums(module, levels);
    for (unsigned level = 0; level <= levels; ++level)
      buildCombine(module, sums, level);
  }

  SmallVector<Summed> addPartialSums(ModuleOp module, unsigned levels) {
    SmallVector<Summed> sums;
    OpBuilder b(module.getContext());
    for (auto state : llvm::to_vector(module.getOps<StateOp>())) {
      bool isFolded = state.getKind() == StateKind::Folded;
      if (state.getKind() != StateKind::Gradient && !isFolded)
        continue;
      b.setInsertionPointAfter(state);
      Summed summed{state, {}};
      for (unsigned level = 0; level < levels; ++level)
        summed.partials.push_back(StateOp::create(b, state.getLoc(), isFolded ? StateKind::Folded : StateKind::Partial,
                                                  (state.getSymName() + "." + Twine(level)).str(), state.getParameter(),
                                                  state.getType()));
      sums.push_back(summed);
    }
    return sums;
  }

  void buildCombine(ModuleOp module, ArrayRef<Summed> sums, unsigned level) {
    ImplicitLocOpBuilder b(module.getLoc(), module.getContext());
    b.setInsertionPointToEnd(module.getBody());
    ProgramOp program = createProgram(b, b.getLoc(), ("combine_" + Twine(level)).str(), {}, {});
    b.setInsertionPointToEnd(&program.getBody().front());
    for (Summed summed : sums) {
      b.setLoc(summed.gradient.getLoc());
      auto read = [&](StateOp state) { return GetOp::create(b, state.getType(), state.getSymName()).getResult(); };
      Value sum = read(summed.gradient);
      for (StateOp waiting : ArrayRef(summed.partials).take_front(level))
        sum = AddOp::create(b, read(waiting), sum);
      StateOp target = level < summed.partials.size() ? summed.partials[level] : summed.gradient;
      SetOp::create(b, target.getSymName(), sum);
    }
    b.setLoc(module.getLoc());
    ReturnOp::create(b, ValueRange());
  }
};
} // namespace
