//===- AppendUpdate.cpp - the optimizer step as a program ------------------------------------===//
//
// 1. Every parameter with a gradient, as a state or as a result of unfold_gradients, gets two moment states.
// 2. `update` begins with unfold_gradients, which is used up: all that follows sees the parameters' own gradients.
// 3. It squares and sums each gradient; the root of the total is `grad_norm`, the parts are `grad_sqnorm`.
// 4. One nf.adamw a parameter, clipped by the norm, replaces parameter and moments. States are written at the end, when
//    nothing needs their old values any more (a folded weight's gradient is unfolded with the old factors).
//
//===------------------------------------------------------------------------------------------===//
#include "passes/autodiff/Folds.h"
#include "passes/autodiff/Passes.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/StringSet.h"

namespace nf {
#define GEN_PASS_DEF_APPENDUPDATE
#include "passes/autodiff/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

namespace {
struct Trained {
  ParameterOp parameter;
  StateOp gradient, moment1, moment2; // no gradient where the parameter is only folded into others
};

struct AppendUpdate : nf::impl::AppendUpdateBase<AppendUpdate> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<Trained> trained = addMoments(module);
    if (!trained.empty())
      buildUpdate(module, trained);
  }

  /// The trained parameters in the module's order, each with its states.
  SmallVector<Trained> addMoments(ModuleOp module) {
    SmallVector<Trained> trained;
    llvm::StringSet<> unfolded;
    if (auto unfold = module.lookupSymbol<ProgramOp>(unfoldGradientsName))
      for (unsigned i = 0; i < unfold.getNumResults(); ++i)
        unfolded.insert(unfold.getResultName(i));
    for (auto parameter : module.getOps<ParameterOp>()) {
      auto gradient = module.lookupSymbol<StateOp>((parameter.getSymName() + ".grad").str());
      if (!gradient && !unfolded.contains(parameter.getSymName()))
        continue;
      OpBuilder b(parameter->getContext());
      b.setInsertionPointAfter(gradient ? gradient.getOperation() : parameter.getOperation());
      auto moment = [&](StateKind kind, StringRef suffix) {
        return StateOp::create(b, parameter.getLoc(), kind, (parameter.getSymName() + suffix).str(),
                               parameter.getSymName(), parameter.getType());
      };
      StateOp m = moment(StateKind::Moment1, ".m"), v = moment(StateKind::Moment2, ".v");
      trained.push_back({parameter, gradient, m, v});
    }
    return trained;
  }

  void buildUpdate(ModuleOp module, ArrayRef<Trained> trained) {
    ImplicitLocOpBuilder b(module.getLoc(), module.getBodyRegion());
    b.setInsertionPointToEnd(module.getBody());
    Type f32 = b.getF32Type();
    auto scalar = RankedTensorType::get({}, f32);
    auto perParameter = RankedTensorType::get({static_cast<int64_t>(trained.size())}, f32);
    SmallVector<Port> arguments;
    for (StringRef name : {"lr", "beta1", "beta2", "eps", "clip", "bias_correction1", "bias_correction2"})
      arguments.push_back({name, scalar});
    arguments.push_back({"weight_decay", perParameter});
    ProgramOp program =
        createProgram(b, b.getLoc(), "update", arguments, {{"grad_norm", scalar}, {"grad_sqnorm", perParameter}});
    b.setInsertionPointToEnd(&program.getBody().front());
    auto argument = [&](StringRef name) -> Value { return program.findArgument(name); };

    llvm::StringMap<Value> unfolded = inlineUnfold(module, b);
    SmallVector<Value> gradients, squares;
    for (Trained t : trained) {
      b.setLoc(t.parameter.getLoc());
      Value whole = unfolded.lookup(t.parameter.getSymName());
      gradients.push_back(whole ? whole : GetOp::create(b, t.parameter.getType(), t.gradient.getSymName()).getResult());
      squares.push_back(SquareNormOp::create(b, gradients.back()));
    }
    b.setLoc(module.getLoc());
    Value parts = ConcatOp::create(b, squares, 0);
    Value total = ReduceSumOp::create(b, parts, b.getDenseI64ArrayAttr({0}));
    Value norm = SqrtOp::create(b, total);
    Value coefficient = ClipCoefficientOp::create(b, norm, argument("clip"));
    SmallVector<std::pair<StringRef, Value>> written;
    for (auto [i, t] : llvm::enumerate(llvm::to_vector(trained))) {
      b.setLoc(t.parameter.getLoc());
      Type type = t.parameter.getType();
      Value decay = SliceOp::create(b, argument("weight_decay"), 0, i, 1);
      Value p = GetOp::create(b, type, t.parameter.getSymName());
      Value m = GetOp::create(b, type, t.moment1.getSymName()), v = GetOp::create(b, type, t.moment2.getSymName());
      auto step = AdamWOp::create(b, p, gradients[i], m, v, norm, coefficient, argument("lr"), argument("beta1"),
                                  argument("beta2"), argument("eps"), decay, argument("bias_correction1"),
                                  argument("bias_correction2"));
      written.push_back({t.parameter.getSymName(), step.getNewParameter()});
      written.push_back({t.moment1.getSymName(), step.getNewMoment1()});
      written.push_back({t.moment2.getSymName(), step.getNewMoment2()});
    }
    for (auto [state, value] : written)
      SetOp::create(b, value.getLoc(), state, value);
    b.setLoc(module.getLoc());
    ReturnOp::create(b, ValueRange{ReshapeOp::create(b, scalar, norm), parts});
  }

  /// Moves unfold_gradients to the builder's place; the gradients of the parameters that it has.
  llvm::StringMap<Value> inlineUnfold(ModuleOp module, OpBuilder &b) {
    llvm::StringMap<Value> gradients;
    auto unfold = module.lookupSymbol<ProgramOp>(unfoldGradientsName);
    if (!unfold)
      return gradients;
    IRMapping mapping;
    Block &block = unfold.getBody().front();
    for (Operation &op : block.without_terminator())
      b.clone(op, mapping);
    for (auto [i, value] : llvm::enumerate(block.getTerminator()->getOperands()))
      gradients[unfold.getResultName(i)] = mapping.lookup(value);
    unfold.erase();
    return gradients;
  }
};
} // namespace
