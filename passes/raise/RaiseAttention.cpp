//===- RaiseAttention.cpp - products, masks and softmax into nf.attention ------------------------===//
//
// From each product P · V of probabilities and values:
//
// 1. P is a softmax, perhaps under dropout, perhaps guarded where a row sees no key. Nothing else reads it.
// 2. From softmax down to the product Q · Kᵀ: factors are the scale (of Q and K too), added tensors and conditions are
//    masks, each recognised by its elements (Mask.h). Anything else, a mask of another kind too, refuses the match.
// 3. Heads are an axis of their own ([B, heads, T, w]) in one of the products, or the part of axis 0 that comes from
//    the columns of a projection ([B · heads, T, w]).
//    Where a softmax of such a product stays, a remark says why, if asked for.
// 4. Q, K, V are joined to [B, T, heads · w] and the result is split again; nf-simplify removes what cancels.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/Dropout.h"
#include "passes/raise/Layout.h"
#include "passes/raise/Mask.h"
#include "passes/raise/Passes.h"
#include "passes/raise/Softmax.h"

#include <cmath>

namespace nf {
#define GEN_PASS_DEF_RAISEATTENTION
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// What is hidden scores at most this: its e^x is 0 beside any score of a trained model.
static constexpr double hiddenScore = -1e4;

/// Removes reshapes that nothing else reads; adds them to `ops`.
static Value withoutReshapes(Value value, SmallVectorImpl<Operation *> &ops) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>()) {
    if (!reshape->hasOneUse())
      break;
    ops.push_back(reshape);
    value = reshape.getX();
  }
  return value;
}

namespace {
class AttentionMatcher {
public:
  AttentionMatcher(MatmulOp root, MaskReader &masks) : root(root), masks(masks) {}

  bool match() {
    Value probabilities = root.getLhs();
    int64_t rank = tensorType(probabilities).getRank();
    if (rank < 3 || tensorType(root.getRhs()).getRank() != rank || root.getTransposeA() || root.getBias() ||
        !probabilities.hasOneUse())
      return false;
    ops.push_back(root);
    Value scores = matchProbabilities(probabilities);
    return scores && findProduct(scores) && findHeads() && matchScores(scores) && checkDropout();
  }

  /// Why attention stays in primitives, after a match that failed; empty where it is no attention.
  StringRef reason() const { return isAttention ? whyNot : ""; }

  void rewrite() {
    OpBuilder builder(root);
    ImplicitLocOpBuilder b(fusedLocation(ops), builder);
    Value q = join(b, query), k = join(b, transposesKey ? key : swapLast(b, key));
    Value v = join(b, root.getTransposeB() ? swapLast(b, root.getRhs()) : root.getRhs());
    auto type = tensorType(q);
    auto lseType = RankedTensorType::get({shape.batch, shape.heads, shape.queries}, b.getF32Type());
    RandomBitsOp bits = dropout ? dropout->bits : RandomBitsOp();
    auto attention = AttentionOp::create(
        b, TypeRange{type, lseType}, q, k, v, padding(b), segments(b), /*key_length=*/Value(), /*query_offset=*/Value(),
        bits ? bits.getSeed() : Value(), bits ? bits.getStep() : Value(), bits ? bits.getSampleOffset() : Value(),
        /*outs=*/ValueRange(), b.getI64IntegerAttr(shape.heads), b.getF64FloatAttr(roundScale()),
        mask.causal ? b.getUnitAttr() : UnitAttr(), b.getF64FloatAttr(dropout ? dropout->p : 0),
        bits ? bits.getSiteAttr() : b.getI32IntegerAttr(0));
    root->getResult(0).replaceAllUsesWith(split(b, attention->getResult(0)));
  }

private:
  /// The scores that `value` is the softmax of.
  Value matchProbabilities(Value value) {
    value = withoutReshapes(value, ops);
    if ((dropout = matchDropout(value))) {
      llvm::append_range(ops, dropout->ops);
      value = dropout->x;
      if (!llvm::all_of(value.getUsers(), [&](Operation *user) { return llvm::is_contained(dropout->ops, user); }))
        return {};
      value = withoutReshapes(value, ops);
    }
    auto softmax = matchSoftmax(value, HiddenRows::Any);
    if (!softmax)
      return {};
    llvm::append_range(ops, softmax->ops);
    isAttention = reachesProduct(softmax->x);
    bool readElsewhere =
        !llvm::all_of(softmax->x.getUsers(), [&](Operation *user) { return llvm::is_contained(softmax->ops, user); });
    whyNot = readElsewhere ? "something else reads its scores" : "its scores are no product of queries and keys alone";
    return readElsewhere ? Value() : softmax->x;
  }

  /// The product at the bottom of the scores: their only operand that is no mask, down to a matmul.
  bool findProduct(Value scores) {
    for (int depth = 0; depth < 24; ++depth) {
      Operation *op = scores.getDefiningOp();
      if (!op)
        return false;
      if ((product = dyn_cast<MatmulOp>(op)))
        break;
      if (!isa<ReshapeOp, MulOp, DivOp, AddOp, SubOp, WhereOp, MaxOp>(op))
        return false;
      Value next;
      for (Value operand : op->getOperands())
        if (tensorType(operand).getNumElements() == tensorType(scores).getNumElements() && reachesProduct(operand))
          next = next ? Value() : operand;
      if (!next)
        return false;
      scores = next;
    }
    if (!product || product.getTransposeA() || product.getBias() || product == root)
      return false;
    int64_t rank = tensorType(product.getLhs()).getRank();
    if (rank < 3 || tensorType(product.getRhs()).getRank() != rank)
      return false;
    Factored q = factorOf(product.getLhs()), k = factorOf(product.getRhs());
    query = q.base;
    key = k.base;
    transposesKey = product.getTransposeB();
    scale = q.factor * k.factor;
    return true;
  }

  /// Whether a product of values that are no weights lies above `value`, within a mask's distance.
  static bool reachesProduct(Value value, int depth = 0) {
    Operation *op = value.getDefiningOp();
    if (!op || depth > 24)
      return false;
    if (auto matmul = dyn_cast<MatmulOp>(op))
      return true;
    if (!isa<ReshapeOp, MulOp, DivOp, AddOp, SubOp, WhereOp, MaxOp>(op))
      return false;
    return llvm::any_of(op->getOperands(), [&](Value operand) { return reachesProduct(operand, depth + 1); });
  }

  bool findHeads() {
    auto q = tensorType(query).getShape(), scores = tensorType(product->getResult(0)).getShape();
    auto result = tensorType(root->getResult(0)).getShape();
    shape.queries = scores[scores.size() - 2];
    shape.keys = scores.back();
    width = q.back();
    // Where one of the products has an axis of heads, the other's joined axis is (batch, heads): reshapes keep order.
    if (q.size() == 4 || result.size() == 4) {
      ArrayRef<int64_t> apart = q.size() == 4 ? q : result;
      shape.batch = apart[0];
      shape.heads = apart[1];
    } else {
      auto heads = headsInAxis0();
      if (!heads)
        return false;
      shape.heads = *heads;
      shape.batch = q[0] / *heads;
    }
    int64_t products = shape.batch * shape.heads;
    whyNot = "keys or values have fewer heads than queries, or are shared by them";
    auto countOf = [](ArrayRef<int64_t> extents) { return ShapedType::getNumElements(extents.drop_back(2)); };
    return countOf(q) == products && countOf(result) == products && result.back() == width &&
           result[result.size() - 2] == shape.queries && tensorType(root.getLhs()).getShape().back() == shape.keys;
  }

  /// The part of axis 0 of q that comes from the columns of its source: its inner part, or no part of it.
  std::optional<int64_t> headsInAxis0() {
    Layout layout = Layout::of(query);
    auto source = tensorType(layout.source());
    if (source.getRank() == 0)
      return std::nullopt;
    auto columns = layout.sourceAxis(source.getRank() - 1);
    int64_t heads = 1;
    for (int atom : layout.axis(0)) {
      bool isHead = llvm::is_contained(columns, atom);
      if (!isHead && heads > 1)
        return std::nullopt;
      heads *= isHead ? layout.extentOf(atom) : 1;
    }
    return heads;
  }

  /// Everything from softmax to the product: its factors and masks.
  bool matchScores(Value value) {
    bool joinsHeads = shape.queries > shape.keys && shape.queries % shape.keys == 0;
    if (!joinsHeads)
      whyNot = "what is added to its scores or hides them is neither causal, nor padding, nor segments";
    double above = 1; // factors of what is still below
    while (value.getDefiningOp() != product) {
      Operation *op = value.getDefiningOp();
      ops.push_back(op);
      Factored factored = factorOf(value);
      Value next;
      if (factored.base != value) {
        above *= factored.factor;
        next = factored.base;
      } else if (isa<ReshapeOp>(op)) {
        next = op->getOperand(0);
      } else if (auto max = dyn_cast<MaxOp>(op)) {
        next = matchGuard(max);
      } else if (auto where = dyn_cast<WhereOp>(op)) {
        next = matchCondition(where, above);
      } else if (isa<AddOp>(op) && above == 1) {
        next = matchAdded(op);
      }
      if (!next || !next.hasOneUse())
        return false;
      value = next;
    }
    whyNot = "something else reads its product, or its scale is not positive";
    ops.push_back(product);
    scale *= above;
    return product->hasOneUse() && scale > 0;
  }

  /// max(scores, the lowest number): no score is lower.
  Value matchGuard(MaxOp max) {
    for (unsigned side : {0u, 1u}) {
      auto number = numberOf(max->getOperand(side));
      if (number && *number <= -1e30)
        return max->getOperand(1 - side);
    }
    return {};
  }

  /// where(condition, scores, hidden) or where(condition, hidden, scores).
  Value matchCondition(WhereOp where, double above) {
    for (bool shows : {true, false}) {
      Value hidden = shows ? where.getRhs() : where.getLhs(), scores = shows ? where.getLhs() : where.getRhs();
      auto number = numberOf(hidden);
      if (number && *number * above <= hiddenScore && scores.getType() == where.getType() &&
          addMask(where.getCondition(), shows ? MaskElements::Shows : MaskElements::Hides, where.getType()))
        return scores;
    }
    return {};
  }

  Value matchAdded(Operation *add) {
    Type type = add->getResult(0).getType();
    for (unsigned side : {0u, 1u}) {
      Value scores = add->getOperand(side), added = add->getOperand(1 - side);
      if (scores.getType() == type && reachesProduct(scores) && !reachesProduct(added) &&
          addMask(added, MaskElements::Added, type))
        return scores;
    }
    return {};
  }

  bool addMask(Value value, MaskElements elements, Type scores) {
    auto type = cast<RankedTensorType>(scores);
    auto found = masks.read(value, elements, type, shape);
    if (!found)
      return false;
    mask.causal |= found->causal;
    bool clashes = (mask.padding && found->padding && mask.padding != found->padding) ||
                   (mask.segments && found->segments && mask.segments != found->segments);
    if (found->padding) {
      mask.padding = found->padding;
      mask.paddingHides = found->paddingHides;
    }
    if (found->segments)
      mask.segments = found->segments;
    return !clashes;
  }

  bool checkDropout() {
    if (!dropout)
      return true;
    whyNot = "its dropout does not draw one number a score";
    auto bits = tensorType(dropout->bits.getResult());
    return bits.getNumElements() == shape.batch * shape.heads * shape.queries * shape.keys &&
           bits.getShape().back() == shape.keys &&
           dropout->bits.getRowsPerSample() == static_cast<uint64_t>(shape.heads * shape.queries);
  }

  /// 1 / √w where the constants of the model are it but for rounding.
  double roundScale() {
    double usual = 1 / std::sqrt(static_cast<double>(width));
    return std::fabs(scale / usual - 1) < 1e-6 ? usual : shortestNumber(scale, tensorType(query).getElementType());
  }

  Value reshape(ImplicitLocOpBuilder &b, Value value, ArrayRef<int64_t> to) {
    auto type = tensorType(value).clone(to);
    return type == value.getType() ? value : ReshapeOp::create(b, type, value).getResult();
  }

  Value swapLast(ImplicitLocOpBuilder &b, Value value) {
    SmallVector<int64_t> permutation(llvm::to_vector(llvm::seq<int64_t>(0, tensorType(value).getRank())));
    std::swap(permutation.back(), permutation[permutation.size() - 2]);
    return TransposeOp::create(b, value, b.getDenseI64ArrayAttr(permutation));
  }

  /// [B, heads, T, w] or [B · heads, T, w] → [B, T, heads · w].
  Value join(ImplicitLocOpBuilder &b, Value value) {
    auto type = tensorType(value).getShape();
    int64_t length = type[type.size() - 2];
    value = reshape(b, value, {shape.batch, shape.heads, length, width});
    value = TransposeOp::create(b, value, b.getDenseI64ArrayAttr({0, 2, 1, 3}));
    return reshape(b, value, {shape.batch, length, shape.heads * width});
  }

  /// The inverse of join, in the root's shape.
  Value split(ImplicitLocOpBuilder &b, Value value) {
    value = reshape(b, value, {shape.batch, shape.queries, shape.heads, width});
    value = TransposeOp::create(b, value, b.getDenseI64ArrayAttr({0, 2, 1, 3}));
    return reshape(b, value, tensorType(root->getResult(0)).getShape());
  }

  /// The padding mask as nf.attention wants it: floats [B, Tk], 0 where a key is hidden.
  Value padding(ImplicitLocOpBuilder &b) {
    if (!mask.padding)
      return {};
    Value value = withShape(b, mask.padding);
    auto type = tensorType(value);
    auto floats = type.clone(b.getF32Type());
    if (mask.paddingHides) {
      Value zero = splat(b, b.getLoc(), type.getElementType(), 0);
      Value shows = CompareOp::create(b, ComparePredicate::Eq, value, zero);
      return CastOp::create(b, floats, shows);
    }
    return type == floats ? value : CastOp::create(b, floats, value).getResult();
  }

  Value segments(ImplicitLocOpBuilder &b) { return mask.segments ? withShape(b, mask.segments) : Value(); }

  Value withShape(ImplicitLocOpBuilder &b, Value value) { return reshape(b, value, {shape.batch, shape.keys}); }

  MatmulOp root, product;
  MaskReader &masks;
  SmallVector<Operation *> ops; // the root's first
  std::optional<DropoutMatch> dropout;
  Value query, key;
  bool transposesKey = false;
  double scale = 1;
  ScoreShape shape{};
  int64_t width = 0;
  Mask mask;
  bool isAttention = false; // a softmax of a product
  StringRef whyNot;
};

struct RaiseAttention : nf::impl::RaiseAttentionBase<RaiseAttention> {
  using RaiseAttentionBase::RaiseAttentionBase;

  void runOnOperation() override {
    MaskReader masks;
    forEachRoot(getOperation(), [&](Operation *op) {
      auto matmul = dyn_cast<MatmulOp>(op);
      if (!matmul)
        return;
      AttentionMatcher matcher(matmul, masks);
      if (matcher.match())
        matcher.rewrite();
      else if (remarks && !matcher.reason().empty())
        matmul->emitRemark() << "attention stays in primitives: " << matcher.reason();
    });
  }
};
} // namespace
