//===- AppendUpdate.cpp - the optimizer step as a program ------------------------------------===//
//
// 1. Every parameter with a gradient state gets two moment states.
// 2. `update` squares and sums each gradient; the root of the total is `grad_norm`, the parts are `grad_sqnorm`.
// 3. One nf.adamw a parameter, clipped by the norm, replaces parameter and moments.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/autodiff/Passes.h"

namespace nf {
#define GEN_PASS_DEF_APPENDUPDATE
#include "passes/autodiff/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

namespace {
struct Trained {
  ParameterOp parameter;
  StateOp gradient, moment1, moment2;
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
    for (auto parameter : module.getOps<ParameterOp>()) {
      auto gradient = module.lookupSymbol<StateOp>((parameter.getSymName() + ".grad").str());
      if (!gradient)
        continue;
      OpBuilder b(gradient->getContext());
      b.setInsertionPointAfter(gradient);
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
    static constexpr StringLiteral scalars[] = {
        "lr", "beta1", "beta2", "eps", "clip", "bias_correction1", "bias_correction2"};
    SmallVector<Type> types(std::size(scalars), scalar);
    types.push_back(perParameter);
    SmallVector<Attribute> names;
    auto named = [&](StringRef name) { return b.getDictionaryAttr(b.getNamedAttr("nf.name", b.getStringAttr(name))); };
    for (StringRef name : scalars)
      names.push_back(named(name));
    names.push_back(named("weight_decay"));
    auto program = ProgramOp::create(b, "update", b.getFunctionType(types, {scalar, perParameter}),
                                     b.getArrayAttr(names), b.getArrayAttr({named("grad_norm"), named("grad_sqnorm")}));
    Block *block = b.createBlock(&program.getBody());
    for (Type type : types)
      block->addArgument(type, b.getLoc());
    auto argument = [&](StringRef name) -> Value { return program.findArgument(name); };

    SmallVector<Value> gradients, squares;
    for (Trained t : trained) {
      b.setLoc(t.parameter.getLoc());
      gradients.push_back(GetOp::create(b, t.parameter.getType(), t.gradient.getSymName()));
      squares.push_back(SquareNormOp::create(b, gradients.back()));
    }
    b.setLoc(module.getLoc());
    Value parts = ConcatOp::create(b, squares, 0);
    Value total = ReduceSumOp::create(b, parts, b.getDenseI64ArrayAttr({0}));
    Value norm = SqrtOp::create(b, total);
    Value coefficient = ClipCoefficientOp::create(b, norm, argument("clip"));
    for (auto [i, t] : llvm::enumerate(llvm::to_vector(trained))) {
      b.setLoc(t.parameter.getLoc());
      Type type = t.parameter.getType();
      Value decay = SliceOp::create(b, argument("weight_decay"), 0, i, 1);
      Value p = GetOp::create(b, type, t.parameter.getSymName());
      Value m = GetOp::create(b, type, t.moment1.getSymName()), v = GetOp::create(b, type, t.moment2.getSymName());
      auto step = AdamWOp::create(b, p, gradients[i], m, v, norm, coefficient, argument("lr"), argument("beta1"),
                                  argument("beta2"), argument("eps"), decay, argument("bias_correction1"),
                                  argument("bias_correction2"));
      SetOp::create(b, t.parameter.getSymName(), step.getNewParameter());
      SetOp::create(b, t.moment1.getSymName(), step.getNewMoment1());
      SetOp::create(b, t.moment2.getSymName(), step.getNewMoment2());
    }
    b.setLoc(module.getLoc());
    ReturnOp::create(b, ValueRange{ReshapeOp::create(b, scalar, norm), parts});
  }
};
} // namespace
