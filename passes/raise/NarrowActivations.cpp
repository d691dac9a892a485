//===- NarrowActivations.cpp - where a graph that is trained in bf16 rounds ------------------===//
//
// Before → after in Passes.td: the rounding of frontend/ForwardBuilder.cpp, for graphs that came from elsewhere.
//
// 1. Only a module with nf.precision = "bf16" is changed; the attribute goes.
// 2. Activations are f32 values that depend on a parameter and on an argument: what counts ids, masks and tables alone
//    stays exact.
// 3. Products of an activation with weights, except the vocabulary's, and attention get results in bf16, widened for
//    every reader by one cast.
// 4. What these products, attention and LayerNorm read is rounded, once for all its readers. A value that is a widened
//    one, or a part or view of it, is rounded already: products read that instead.
// 5. Products read what is narrow, everything else what is widened.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/Passes.h"
#include "passes/raise/Values.h"

#include "mlir/IR/IRMapping.h"

namespace nf {
#define GEN_PASS_DEF_NARROWACTIVATIONS
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static constexpr StringLiteral precisionAttr = "nf.precision";

namespace {
class Narrower {
public:
  Narrower(ProgramOp program, int64_t vocabulary)
      : program(program), vocabulary(vocabulary), bf16(BFloat16Type::get(program.getContext())) {}

  void run() {
    findActivations();
    SmallVector<Operation *> readers;
    for (Operation &op : program.getBody().front())
      if (isProduct(&op) || isAttention(&op) || isNorm(&op))
        readers.push_back(&op);
    for (Operation *op : readers)
      if (!isa<LayerNormOp>(op))
        narrowResult(op->getResult(0));
    for (Operation *op : readers)
      for (OpOperand &operand : operandsToRound(op)) {
        Value narrow = rounded(operand.get());
        if (!isa<LayerNormOp>(op))
          operand.set(narrow);
      }
    eraseDeadOps(program);
  }

private:
  void findActivations() {
    llvm::DenseSet<Value> ofParameters, ofArguments;
    for (BlockArgument argument : program.getBody().getArguments())
      ofArguments.insert(argument);
    for (Operation &op : program.getBody().front()) {
      auto depends = [&](const llvm::DenseSet<Value> &on) {
        return llvm::any_of(op.getOperands(), [&](Value operand) { return on.contains(operand); });
      };
      bool hasParameter = isa<GetOp>(op) || depends(ofParameters), hasArgument = depends(ofArguments);
      for (Value result : op.getResults()) {
        if (hasParameter)
          ofParameters.insert(result);
        if (hasArgument)
          ofArguments.insert(result);
        if (hasParameter && hasArgument && tensorType(result).getElementType().isF32())
          activations.insert(result);
      }
    }
  }

  /// A product of an activation with weights, but for the vocabulary's, whose logits are f32.
  bool isProduct(Operation *op) {
    Value weight;
    if (auto linear = dyn_cast<LinearOp>(op))
      weight = linear.getWeight();
    else if (auto matmul = dyn_cast<MatmulOp>(op))
      weight = matmul.getRhs();
    return weight && activations.contains(op->getOperand(0)) && !activations.contains(weight) &&
           tensorType(op->getResult(0)).getShape().back() != vocabulary;
  }

  bool isAttention(Operation *op) { return isa<AttentionOp>(op) && activations.contains(op->getOperand(0)); }
  bool isNorm(Operation *op) { return isa<LayerNormOp>(op) && activations.contains(op->getOperand(0)); }

  MutableArrayRef<OpOperand> operandsToRound(Operation *op) {
    return op->getOpOperands().take_front(isa<AttentionOp>(op) ? 3 : 1); // q, k and v, or x
  }

  void narrowResult(Value result) {
    RankedTensorType type = tensorType(result);
    result.setType(type.clone(bf16));
    OpBuilder b(program.getContext());
    b.setInsertionPointAfterValue(result);
    auto wide = CastOp::create(b, result.getLoc(), type, result);
    result.replaceAllUsesExcept(wide.getResult(), wide);
    activations.insert(wide.getResult());
  }

  /// The value in bf16 that f32 `value` is the widening of, or the same part or view of one; null where it is none.
  Value narrowFormOf(Value value) {
    Operation *op = value.getDefiningOp();
    if (auto cast = dyn_cast_or_null<CastOp>(op))
      return tensorType(cast.getX()).getElementType().isBF16() ? cast.getX() : Value();
    if (!isa_and_nonnull<ReshapeOp, SliceOp, TransposeOp>(op))
      return {};
    Value narrow = narrowFormOf(op->getOperand(0));
    if (!narrow)
      return {};
    OpBuilder b(op);
    IRMapping mapping;
    mapping.map(op->getOperand(0), narrow);
    Operation *copy = b.clone(*op, mapping);
    copy->getResult(0).setType(tensorType(value).clone(bf16));
    return copy->getResult(0);
  }

  /// `value` in bf16; all its readers read it rounded.
  Value rounded(Value value) {
    if (!tensorType(value).getElementType().isF32())
      return value;
    Value &narrow = narrowForms[value];
    if (narrow || (narrow = narrowFormOf(value)))
      return narrow;
    OpBuilder b(program.getContext());
    b.setInsertionPointAfterValue(value);
    auto round = CastOp::create(b, value.getLoc(), tensorType(value).clone(bf16), value);
    auto wide = CastOp::create(b, value.getLoc(), tensorType(value), round.getResult());
    value.replaceAllUsesExcept(wide.getResult(), round);
    return narrowForms[wide.getResult()] = round.getResult();
  }

  ProgramOp program;
  int64_t vocabulary;
  Type bf16;
  llvm::DenseSet<Value> activations;
  llvm::DenseMap<Value, Value> narrowForms; // of f32 values that are read
};

struct NarrowActivations : nf::impl::NarrowActivationsBase<NarrowActivations> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto precision = module->getAttrOfType<StringAttr>(precisionAttr);
    if (!precision || precision.getValue() != "bf16")
      return markAllAnalysesPreserved();
    module->removeAttr(precisionAttr);
    auto model = module->getAttrOfType<DictionaryAttr>("nf.model");
    auto vocabulary = model ? model.getAs<IntegerAttr>("vocab") : IntegerAttr();
    for (auto program : module.getOps<ProgramOp>())
      Narrower(program, vocabulary ? vocabulary.getInt() : 0).run();
  }
};
} // namespace
