//===- RaiseLinear.cpp - matrix products with weights into nf.linear ----------------------------===//
//
// 1. A weight of a file that is stored [in, out] and that every program multiplies from the right is declared [out,
// in]:
//    its file is read transposed ("transposed" in its init rule), and no transpose is left.
// 2. A product of a value and a weight of rank 2 is a linear; other weights stored [in, out] are transposed.
// 3. An addition of a vector of weights to a linear that nothing else reads is its bias.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/FileRule.h"
#include "passes/raise/Passes.h"
#include "passes/raise/Values.h"

namespace nf {
#define GEN_PASS_DEF_RAISELINEAR
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

//===------------------------------------------------------------------------------------------===//
// Weights stored [in, out]
//===------------------------------------------------------------------------------------------===//

/// Whether `use` is the right side of a product that does not transpose it.
static bool isRightSide(OpOperand &use) {
  auto matmul = dyn_cast<MatmulOp>(use.getOwner());
  return matmul && use.getOperandNumber() == 1 && !matmul.getTransposeB() && matmul.getLhs() != use.get();
}

/// The init rule with "transposed" set, for a weight that a file holds; "" for other rules.
static std::string transposedRule(ParameterOp parameter) {
  auto rule = fileRule(parameter);
  if (!rule || rule->getBoolean("transposed").value_or(false))
    return "";
  (*rule)["transposed"] = true;
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(std::move(*rule));
  return text;
}

/// Declares `parameter` [out, in], if every read of it wants that.
static void storeTransposed(ParameterOp parameter, ArrayRef<GetOp> reads) {
  auto type = cast<RankedTensorType>(parameter.getType());
  std::string rule = type.getRank() == 2 ? transposedRule(parameter) : "";
  if (rule.empty() || reads.empty())
    return;
  for (GetOp read : reads)
    if (!llvm::all_of(read->getUses(), isRightSide))
      return;
  auto transposed = RankedTensorType::get({type.getDimSize(1), type.getDimSize(0)}, type.getElementType());
  parameter.setType(transposed);
  parameter.setInit(rule);
  for (GetOp read : reads) {
    read.getResult().setType(transposed);
    for (Operation *user : read->getUsers())
      cast<MatmulOp>(user).setTransposeB(true);
  }
}

static void storeTransposed(ModuleOp module) {
  llvm::StringMap<SmallVector<GetOp>> reads;
  module.walk([&](GetOp get) { reads[get.getSymbol()].push_back(get); });
  for (auto parameter : module.getOps<ParameterOp>())
    storeTransposed(parameter, reads[parameter.getSymName()]);
}

//===------------------------------------------------------------------------------------------===//
// Products and biases
//===------------------------------------------------------------------------------------------===//

/// matmul(x, W) of a weight W.
static void raiseProduct(MatmulOp op) {
  Value x = op.getLhs(), weight = op.getRhs();
  if (op.getTransposeA() || tensorType(weight).getRank() != 2 || !isWeightOnly(weight) || isWeightOnly(x) ||
      tensorType(x).getElementType() != tensorType(op->getResult(0)).getElementType())
    return;
  OpBuilder builder(op);
  if (!op.getTransposeB())
    weight = TransposeOp::create(builder, op.getLoc(), weight, builder.getDenseI64ArrayAttr({1, 0}));
  op->getResult(0).replaceAllUsesWith(LinearOp::create(builder, op.getLoc(), x, weight, op.getBias()));
}

/// Whether `value` is a vector of weights of the last extent of `like`, and of its element type.
static bool isBias(Value value, RankedTensorType like) {
  auto type = tensorType(value);
  int64_t columns = like.getShape().back();
  return type.getRank() >= 1 && type.getNumElements() == columns && type.getShape().back() == columns &&
         type.getElementType() == like.getElementType() && isWeightOnly(value);
}

/// linear(x, W) + b.
static void raiseBias(AddOp op) {
  for (unsigned side : {0u, 1u}) {
    auto linear = op->getOperand(side).getDefiningOp<LinearOp>();
    Value bias = op->getOperand(1 - side);
    if (!linear || linear.getBias() || !linear->hasOneUse() || linear.getType() != op.getType() ||
        !isBias(bias, linear.getType()))
      continue;
    OpBuilder builder(op);
    bias = asVector(builder, op.getLoc(), bias, linear.getType().getShape().back());
    Location location = fusedLocation({linear, op});
    Value biased = LinearOp::create(builder, location, linear.getX(), linear.getWeight(), bias);
    op.getResult().replaceAllUsesWith(biased);
    return;
  }
}

template <typename Op> static void forEach(ProgramOp program, function_ref<void(Op)> visit) {
  auto ops = program.getBody().front().getOps<Op>();
  for (Op op : SmallVector<Op>(ops.begin(), ops.end()))
    visit(op);
}

namespace {
struct RaiseLinear : nf::impl::RaiseLinearBase<RaiseLinear> {
  void runOnOperation() override {
    storeTransposed(getOperation());
    for (auto program : getOperation().getOps<ProgramOp>()) {
      forEach<MatmulOp>(program, raiseProduct);
      eraseDeadOps(program);
      forEach<AddOp>(program, raiseBias);
      eraseDeadOps(program);
    }
  }
};
} // namespace
