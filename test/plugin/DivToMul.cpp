//===- DivToMul.cpp - a pass outside of the tree ---------------------------------------------===//
//
// Division by a constant becomes multiplication by its reciprocal where that changes no bit: where every element is a
// power of two whose reciprocal is a normal number. A division costs several times a multiplication.
//
//   %y = nf.div %x, dense<8.0>   →   %y = nf.mul %x, dense<0.125>
//
// 1. Find nf.div whose divisor is an nf.constant of floats.
// 2. Invert each element exactly, or leave the op as it is.
// 3. Replace the op by nf.mul.
//
//===------------------------------------------------------------------------------------------===//
#include "dialect/NF.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

/// The elements' reciprocals, or nothing if one of them has no exact one.
static std::optional<DenseElementsAttr> exactReciprocal(DenseFPElementsAttr divisor) {
  SmallVector<APFloat> reciprocals;
  for (APFloat element : divisor.getValues<APFloat>()) {
    APFloat reciprocal(element.getSemantics());
    if (!element.getExactInverse(&reciprocal))
      return std::nullopt;
    reciprocals.push_back(reciprocal);
  }
  return DenseElementsAttr::get(divisor.getType(), reciprocals);
}

namespace {
struct DivByPowerOfTwo : OpRewritePattern<nf::DivOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nf::DivOp op, PatternRewriter &rewriter) const override {
    DenseFPElementsAttr divisor;
    if (!matchPattern(op.getRhs(), m_Constant(&divisor)))
      return rewriter.notifyMatchFailure(op, "expected a constant divisor");
    std::optional<DenseElementsAttr> reciprocal = exactReciprocal(divisor);
    if (!reciprocal)
      return rewriter.notifyMatchFailure(op, "expected powers of two, whose reciprocals are exact");
    Value factor = nf::ConstantOp::create(rewriter, op.getLoc(), *reciprocal);
    rewriter.replaceOpWithNewOp<nf::MulOp>(op, op.getType(), op.getLhs(), factor);
    return success();
  }
};

struct DivToMul : PassWrapper<DivToMul, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(DivToMul)

  StringRef getArgument() const override { return "div-to-mul"; }
  StringRef getDescription() const override { return "multiplies by the reciprocal where that is exact"; }

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<DivByPowerOfTwo>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "DivToMul", "1.0", [] { PassRegistration<DivToMul>(); }};
}
