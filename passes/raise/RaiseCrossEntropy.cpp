//===- RaiseCrossEntropy.cpp - a loss written out into nf.linear_cross_entropy --------------------===//
//
// From each sum (or mean) of one number a token:
//
// 1. Its summand is a product of factors: numbers, values of one element, values of one number a token, and one
//    ± (log Σ e^logits − logits[target]), recognised by its values (RowFormula) in any spelling (log_softmax, maximum
//    subtracted or not, the target picked by a comparison).
// 2. The logits are a linear of x that nothing else reads, or rows of it (logits[:, :-1]): then x gives way to
//    its rows.
// 3. Factors a token are the loss weight, all others the scale; so are those that the sum is multiplied with or divided
//    by afterwards.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/Passes.h"
#include "passes/raise/RowFormula.h"

#include <cmath>

namespace nf {
#define GEN_PASS_DEF_RAISECROSSENTROPY
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static int64_t elementsOf(Value value) { return tensorType(value).getNumElements(); }

/// log Σ e^row − row[target].
static double crossEntropy(const Row &row, int64_t target) {
  double most = *std::max_element(row.begin(), row.end()), sum = 0;
  for (double value : row)
    sum += std::exp(value - most);
  return most + std::log(sum) - row[target];
}

namespace {
class LossMatcher {
public:
  explicit LossMatcher(Operation *sum) : sum(sum), tokens(elementsOf(sum->getOperand(0))) {}

  bool match() {
    if (tokens < 2 || elementsOf(sum->getResult(0)) != 1)
      return false;
    ops.push_back(sum);
    if (!matchFactors(sum->getOperand(0)) || !targets || !matchLinear())
      return false;
    if (isa<ReduceMeanOp>(sum))
      number /= static_cast<double>(tokens);
    followFactors();
    return true;
  }

  void rewrite() {
    OpBuilder builder(end);
    ImplicitLocOpBuilder b(fusedLocation(ops), builder);
    Value x = rowsOfInput(b);
    ArrayRef<int64_t> shape = tensorType(x).getShape().drop_back();
    auto loss = LinearCrossEntropyOp::create(b, x, linear.getWeight(), withShape(b, targets, shape),
                                             lossWeight(b, shape), scale(b), linear.getBias());
    Value result = loss.getLoss();
    if (result.getType() != end->getResult(0).getType())
      result = ReshapeOp::create(b, end->getResult(0).getType(), result);
    end->getResult(0).replaceAllUsesWith(result);
  }

private:
  /// Splits a product of one number a token into its factors.
  bool matchFactors(Value value) {
    if (auto constant = numberOf(value)) {
      number *= *constant;
      return true;
    }
    if (elementsOf(value) == 1) {
      scalars.push_back({value, /*divides=*/false});
      return true;
    }
    if (!targets && matchTokenLoss(value))
      return true;
    Operation *op = value.getDefiningOp();
    bool splits = isa_and_nonnull<MulOp, NegOp, ReshapeOp>(op) ||
                  (isa_and_nonnull<DivOp>(op) && elementsOf(op->getOperand(1)) == 1);
    if (!splits || !value.hasOneUse())
      return addTokenWeight(value);
    ops.push_back(op);
    if (isa<NegOp>(op))
      number = -number;
    if (isa<DivOp>(op) && !matchDivisor(op->getOperand(1)))
      return false;
    return matchFactors(op->getOperand(0)) && (!isa<MulOp>(op) || matchFactors(op->getOperand(1)));
  }

  bool matchDivisor(Value value) {
    auto constant = numberOf(value);
    if (constant)
      number /= *constant;
    else if (elementsOf(value) == 1)
      scalars.push_back({value, /*divides=*/true});
    else
      return false;
    return true;
  }

  bool addTokenWeight(Value value) {
    weights.push_back(value);
    return elementsOf(value) == tokens && isa<FloatType>(tensorType(value).getElementType());
  }

  /// ± (log Σ e^logits − logits[target]).
  bool matchTokenLoss(Value value) {
    if (elementsOf(value) != tokens || !isa_and_nonnull<AddOp, SubOp, NegOp, ReduceSumOp>(value.getDefiningOp()))
      return false;
    for (Value x : RowFormula::candidates(value, [](Operation *op) { return isa<LogOp>(op); }, /*reduced=*/true)) {
      auto formula = RowFormula::of(value, x, /*perRow=*/true);
      if (!formula || formula->rowNumbers().size() != 1 || !formula->vectors().empty() || !formula->isClosed())
        continue;
      Value leaf = formula->rowNumbers()[0];
      if (!tensorType(leaf).getElementType().isInteger(32))
        continue;
      int sign = isMovedLinear(x) ? signOf(*formula, leaf) : 0; // logits less their maximum have the same loss
      if (sign == 0)
        continue;
      number *= sign;
      logits = x;
      targets = leaf;
      llvm::append_range(ops, formula->ops());
      return true;
    }
    return false;
  }

  /// 1 or −1 for the loss of a token and its negative, 0 for anything else.
  static int signOf(const RowFormula &formula, Value target) {
    Samples samples;
    int sign = 0;
    for (double scale : {0.5, 5.0, 30.0}) {
      Row row = samples.row(formula.columns(), scale);
      for (int64_t index : {int64_t(0), formula.columns() / 2, formula.columns() - 1}) {
        Leaves leaves;
        leaves[target] = {static_cast<double>(index)};
        Row expected{crossEntropy(row, index)}, actual = formula.evaluate(row, leaves);
        int found = agree(expected, actual) ? 1 : agree({-expected[0]}, actual) ? -1 : 0;
        if (found == 0 || (sign != 0 && found != sign))
          return 0;
        sign = found;
      }
    }
    return sign;
  }

  /// Whether `op` moves whole rows: the last axis stays as it is.
  static bool movesRows(Operation *op) {
    if (auto slice = dyn_cast_or_null<SliceOp>(op))
      return static_cast<int64_t>(slice.getAxis()) + 1 < tensorType(slice.getX()).getRank();
    auto reshape = dyn_cast_or_null<ReshapeOp>(op);
    return reshape && tensorType(reshape.getY()).getRank() > 0 && tensorType(reshape.getX()).getRank() > 0 &&
           tensorType(reshape.getX()).getShape().back() == tensorType(reshape.getY()).getShape().back();
  }

  static bool isMovedLinear(Value value) {
    while (movesRows(value.getDefiningOp()))
      value = value.getDefiningOp()->getOperand(0);
    return value.getDefiningOp<LinearOp>() != nullptr;
  }

  /// The projection behind the logits, which only the loss reads.
  bool matchLinear() {
    auto onlyLossReads = [&](Value value) {
      return llvm::all_of(value.getUsers(), [&](Operation *user) { return llvm::is_contained(ops, user); });
    };
    Value value = logits;
    while (onlyLossReads(value)) {
      Operation *op = value.getDefiningOp();
      ops.push_back(op);
      if ((linear = dyn_cast<LinearOp>(op)))
        return true;
      movement.push_back(op);
      value = op->getOperand(0);
    }
    return false;
  }

  /// The linear's input, or those of its rows that the logits are of.
  Value rowsOfInput(ImplicitLocOpBuilder &b) {
    Value x = linear.getX();
    if (llvm::none_of(movement, [](Operation *op) { return isa<SliceOp>(op); }))
      return x;
    for (Operation *op : llvm::reverse(movement)) {
      if (auto slice = dyn_cast<SliceOp>(op)) {
        x = SliceOp::create(b, x, slice.getAxis(), slice.getFrom(),
                            tensorType(op->getResult(0)).getDimSize(slice.getAxis()));
        continue;
      }
      SmallVector<int64_t> shape(tensorType(op->getResult(0)).getShape());
      shape.back() = tensorType(x).getShape().back();
      x = ReshapeOp::create(b, tensorType(x).clone(shape), x);
    }
    return x;
  }

  /// Takes in what the sum is multiplied with or divided by.
  void followFactors() {
    end = sum;
    while (end->hasOneUse()) {
      Operation *user = *end->user_begin();
      Value value = end->getResult(0);
      if (isa<NegOp>(user)) {
        number = -number;
      } else if (isa<MulOp, DivOp>(user) && elementsOf(user->getResult(0)) == 1) {
        unsigned side = user->getOperand(0) == value ? 1 : 0;
        Value other = user->getOperand(side);
        bool divides = isa<DivOp>(user);
        if (other == value || (divides && side == 0))
          return;
        auto constant = numberOf(other);
        if (constant)
          number = divides ? number / *constant : number * *constant;
        else
          scalars.push_back({other, divides});
      } else if (!isa<ReshapeOp>(user)) {
        return;
      }
      ops.push_back(user);
      end = user;
    }
  }

  static Value withShape(ImplicitLocOpBuilder &b, Value value, ArrayRef<int64_t> shape) {
    auto type = tensorType(value).clone(shape);
    while (value.getType() != type) {
      auto reshape = value.getDefiningOp<ReshapeOp>();
      if (!reshape)
        return ReshapeOp::create(b, type, value);
      value = reshape.getX();
    }
    return value;
  }

  Value lossWeight(ImplicitLocOpBuilder &b, ArrayRef<int64_t> shape) {
    Value weight;
    for (Value factor : weights) {
      factor = withShape(b, factor, shape);
      weight = weight ? MulOp::create(b, weight, factor).getResult() : factor;
    }
    if (weight)
      return weight;
    auto type = RankedTensorType::get(shape, elementType());
    return ConstantOp::create(b, type, DenseElementsAttr::get(type, b.getFloatAttr(elementType(), 1)));
  }

  Type elementType() { return tensorType(linear.getX()).getElementType(); }

  Value scale(ImplicitLocOpBuilder &b) {
    Value scale;
    for (auto [factor, divides] : scalars) {
      if (divides)
        scale = DivOp::create(b, scale ? scale : splat(b, b.getLoc(), elementType(), 1), factor);
      else
        scale = scale ? MulOp::create(b, scale, factor).getResult() : factor;
    }
    if (!scale)
      return splat(b, b.getLoc(), elementType(), number);
    return number == 1 ? scale : MulOp::create(b, scale, splat(b, b.getLoc(), elementType(), number)).getResult();
  }

  Operation *sum, *end = nullptr;
  int64_t tokens;
  SmallVector<Operation *> ops;      // the sum first
  SmallVector<Operation *> movement; // from the logits back to the linear
  double number = 1;
  SmallVector<std::pair<Value, bool>> scalars; // whether each divides
  SmallVector<Value> weights;
  Value logits, targets;
  LinearOp linear;
};

struct RaiseCrossEntropy : nf::impl::RaiseCrossEntropyBase<RaiseCrossEntropy> {
  void runOnOperation() override {
    forEachRoot(getOperation(), [](Operation *op) {
      if (!isa<ReduceSumOp, ReduceMeanOp>(op))
        return;
      LossMatcher matcher(op);
      if (matcher.match())
        matcher.rewrite();
    });
  }
};
} // namespace
