//===- RoundProducts.cpp - products of bf16 with f32 become products of bf16 -----------------===//
//
// cuBLASLt multiplies f32 with f32 or bf16 with bf16, where the CPU's kernels read f32 parameters in place.
//
// Before → after in Passes.td.
//
// 1. A module computes in bf16 where one of its products has an operand or result in bf16.
// 2. In such a module round, for each product: the f32 operand beside a bf16 one, or both of a result in bf16; the bias
// where the result is bf16
//    (the library's epilogue has a bias in D's type only); what the vocabulary's projection reads, in the loss and in a
//    linear of its own.
// 3. A value is rounded once, right behind the op that makes it. A value that was widened is not rounded but read as it
//    was before. Of a concat the parts are rounded: parameters next to each other get copies next to each other
//    (nf-merge-linears), which nobody moves.
//
// An embedding reads its rows from the f32 table, also where a product has a rounded one: the copy would save 2 B of a
// token's d_model elements once, in a step that moves hundreds of times as many, and round twice.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/gpu/Passes.h"

namespace nf {
#define GEN_PASS_DEF_ROUNDPRODUCTS
#include "passes/gpu/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }
static bool isBf16(Value value) { return tensorType(value).getElementType().isBF16(); }
static bool isF32(Value value) { return tensorType(value).getElementType().isF32(); }

static bool isProduct(Operation *op) {
  return isa<LinearOp, MatmulOp, LinearCrossEntropyOp, LinearCrossEntropyBackwardOp>(op);
}

/// Whether a product of the module has an operand or result in bf16.
static bool computesInBf16(ModuleOp module) {
  return module
      .walk([](Operation *op) {
        bool found =
            isProduct(op) && (isBf16(op->getOperand(0)) || isBf16(op->getOperand(1)) || isBf16(op->getResult(0)));
        return found ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

namespace {
/// Rounds the values of one program.
class Rounding {
public:
  /// Makes the operand bf16.
  void round(OpOperand &operand) {
    if (isF32(operand.get()))
      operand.set(roundedFormOf(operand.get()));
  }

private:
  Value roundedFormOf(Value value) {
    if (!rounded.contains(value)) {
      Value made = make(value); // may add others
      rounded[value] = made;
    }
    return rounded.lookup(value);
  }

  Value make(Value value) {
    auto widened = value.getDefiningOp<CastOp>();
    if (widened && isBf16(widened.getX()))
      return widened.getX();
    OpBuilder b(value.getContext());
    if (auto concat = value.getDefiningOp<ConcatOp>()) {
      SmallVector<Value> parts;
      for (Value part : concat.getOperands())
        parts.push_back(roundedFormOf(part));
      b.setInsertionPointAfter(concat);
      return ConcatOp::create(b, value.getLoc(), parts, concat.getAxis());
    }
    b.setInsertionPointAfterValue(value);
    return CastOp::create(b, value.getLoc(), tensorType(value).clone(b.getBF16Type()), value);
  }

  llvm::DenseMap<Value, Value> rounded;
};

struct RoundProducts : nf::impl::RoundProductsBase<RoundProducts> {
  void runOnOperation() override {
    if (!computesInBf16(getOperation()))
      return;
    for (auto program : getOperation().getOps<ProgramOp>()) {
      Rounding rounding;
      SmallVector<Operation *> products;
      for (Operation &op : program.getBody().front())
        if (isProduct(&op))
          products.push_back(&op);
      for (Operation *op : products)
        roundOperands(rounding, op);
    }
  }

  static void roundOperands(Rounding &rounding, Operation *op) {
    if (auto backward = dyn_cast<LinearCrossEntropyBackwardOp>(op))
      return roundLoss(rounding, backward);
    if (auto loss = dyn_cast<LinearCrossEntropyOp>(op))
      return roundVocabulary(rounding, loss);
    if (auto linear = dyn_cast<LinearOp>(op); linear && isF32(linear.getX()) && isF32(linear.getWeight()))
      return roundLogits(rounding, linear);
    OpOperand &lhs = op->getOpOperand(0), &rhs = op->getOpOperand(1);
    if (!isBf16(lhs.get()) && !isBf16(rhs.get()) && !isBf16(op->getResult(0)))
      return;
    rounding.round(lhs);
    rounding.round(rhs);
    if (isBf16(op->getResult(0)))
      for (OpOperand &bias : op->getOpOperands().drop_front(2))
        rounding.round(bias);
  }

  template <typename Op> static void roundVocabulary(Rounding &rounding, Op op) {
    rounding.round(op.getXMutable());
    rounding.round(op.getWeightMutable());
    for (OpOperand &bias : op.getBiasMutable())
      rounding.round(bias);
  }

  static void roundLoss(Rounding &rounding, LinearCrossEntropyBackwardOp op) {
    Value dx = op.getDx();
    Type wide = dx.getType();
    roundVocabulary(rounding, op);
    if (op.getX().getType() == wide)
      return;
    OpBuilder b(op->getContext());
    b.setInsertionPointAfter(op);
    dx.setType(op.getX().getType());
    auto widened = CastOp::create(b, op.getLoc(), wide, dx);
    dx.replaceAllUsesExcept(widened, widened);
  }

  /// Logits stay f32.
  static void roundLogits(Rounding &rounding, LinearOp op) {
    OpBuilder b(op);
    auto product = MatmulOp::create(b, op.getLoc(), op.getX(), op.getWeight(), /*transposeA=*/false,
                                    /*transposeB=*/true, op.getBias());
    rounding.round(product->getOpOperand(0));
    rounding.round(product->getOpOperand(1));
    op.getResult().replaceAllUsesWith(product->getResult(0));
    op.erase();
  }
};
} // namespace
