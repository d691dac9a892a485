//===- Simplify.cpp - takes away what hides a formula ------------------------------------------===//
//
// Rewrites that change no value (but for the rounding of products with constants), greedily:
//
// 1. Arithmetic that does nothing: · 1, / 1, + 0, − 0, a broadcast or a slice of everything. Factors that follow one
//    another are one.
// 2. Chains of reshapes and transposes are one reshape where their elements end in the order in which they began, and
//    the fewest ops otherwise. Slices, and products with a number, move in front of a chain or behind it so that chains
//    meet.
// 3. Transposes of rows, and reshapes of them in front of a linear, move behind what works on each row by itself.
// 4. Matrix products: a transposed operand is a flag; an inner extent of 1 is a broadcast product.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/Layout.h"
#include "passes/raise/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace nf {
#define GEN_PASS_DEF_SIMPLIFY
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static Value reshapeTo(PatternRewriter &rewriter, Location location, Value value, ArrayRef<int64_t> shape) {
  auto type = tensorType(value).clone(shape);
  return type == value.getType() ? value : ReshapeOp::create(rewriter, location, type, value).getResult();
}

//===------------------------------------------------------------------------------------------===//
// Arithmetic that does nothing
//===------------------------------------------------------------------------------------------===//

/// The operand that `op` gives back unchanged, or null.
static Value unchangedOperand(Operation *op) {
  Type type = op->getResult(0).getType();
  if (isa<BroadcastOp, TransposeOp, SliceOp>(op)) {
    bool moves = isa<TransposeOp>(op) && !Layout::of(op->getResult(0), op->getOperand(0)).keepsOrder();
    return op->getOperand(0).getType() == type && !moves ? op->getOperand(0) : Value();
  }
  if (!isa<MulOp, DivOp, AddOp, SubOp>(op))
    return {};
  double neutral = isa<MulOp, DivOp>(op) ? 1 : 0;
  for (unsigned side : {1u, 0u}) {
    Value other = op->getOperand(1 - side);
    bool commutes = isa<MulOp, AddOp>(op) || side == 1;
    if (commutes && other.getType() == type && numberOf(op->getOperand(side)) == neutral)
      return other;
  }
  return {};
}

namespace {
struct RemoveNeutral : RewritePattern {
  explicit RemoveNeutral(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1 || op->getNumOperands() == 0)
      return failure();
    Value operand = unchangedOperand(op);
    if (!operand)
      return rewriter.notifyMatchFailure(op, "changes its operand");
    rewriter.replaceOp(op, operand);
    return success();
  }
};
} // namespace

namespace {
/// Products with numbers, one after another, are one product, or none.
struct JoinFactors : RewritePattern {
  explicit JoinFactors(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa<MulOp, DivOp, NegOp>(op))
      return failure();
    Value root = op->getResult(0);
    Factored factored = factorOf(root);
    auto isFactorOfRoot = [&](Value operand) { return operand.getType() == root.getType() && !numberOf(operand); };
    bool isChain = llvm::any_of(op->getOperands(), [&](Value operand) {
      return isFactorOfRoot(operand) && operand != factored.base && operand.hasOneUse();
    });
    if (factored.base == root || !isChain || tensorType(root).getRank() == 0 ||
        !isa<FloatType>(tensorType(root).getElementType()))
      return rewriter.notifyMatchFailure(op, "no chain of products with numbers");
    if (factored.factor == 1) {
      rewriter.replaceOp(op, factored.base);
      return success();
    }
    Value factor = splat(rewriter, op->getLoc(), tensorType(root).getElementType(), factored.factor);
    rewriter.replaceOpWithNewOp<MulOp>(op, root.getType(), factored.base, factor);
    return success();
  }
};
} // namespace

//===------------------------------------------------------------------------------------------===//
// Chains of movement
//===------------------------------------------------------------------------------------------===//

namespace {
/// A chain as reshape → transpose → reshape of as few axes as possible.
struct ShortestChain {
  SmallVector<int64_t> split, permutation;

  /// Joins atoms that are neighbours in both orders.
  explicit ShortestChain(const Layout &layout) {
    SmallVector<SmallVector<int>> runs;
    for (int atom : layout.atoms()) {
      auto source = layout.atomsOfSource();
      bool follows = !runs.empty() && llvm::find(source, runs.back().back()) + 1 == llvm::find(source, atom);
      if (!follows)
        runs.emplace_back();
      runs.back().push_back(atom);
    }
    SmallVector<unsigned> bySource(llvm::to_vector(llvm::seq<unsigned>(0, runs.size())));
    llvm::sort(bySource, [&](unsigned a, unsigned b) {
      auto source = layout.atomsOfSource();
      return llvm::find(source, runs[a][0]) < llvm::find(source, runs[b][0]);
    });
    permutation.resize(runs.size());
    for (auto [position, run] : llvm::enumerate(bySource)) {
      int64_t extent = 1;
      for (int atom : runs[run])
        extent *= layout.extentOf(atom);
      split.push_back(extent);
      permutation[run] = static_cast<int64_t>(position);
    }
  }
};

/// The transpose of the layout's source that the whole chain is, or nothing.
static std::optional<SmallVector<int64_t>> asPermutation(const Layout &layout, int64_t rank) {
  if (tensorType(layout.source()).getRank() != rank)
    return std::nullopt;
  SmallVector<int64_t> permutation;
  for (int64_t axis = 0; axis < rank; ++axis)
    for (int64_t from = 0; from < rank; ++from)
      if (!llvm::is_contained(permutation, from) && layout.axis(axis) == layout.sourceAxis(from)) {
        permutation.push_back(from);
        break;
      }
  if (static_cast<int64_t>(permutation.size()) != rank)
    return std::nullopt;
  return permutation;
}

/// Reshapes and transposes: the fewest that end in the same order.
struct ShortenChain : RewritePattern {
  explicit ShortenChain(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa<ReshapeOp, TransposeOp>(op))
      return failure();
    Value root = op->getResult(0);
    Layout layout = Layout::of(root);
    Value source = layout.source();
    ArrayRef<int64_t> shape = tensorType(root).getShape();
    if (layout.transposes() > 0 && layout.keepsOrder()) {
      rewriter.replaceOp(op, reshapeTo(rewriter, op->getLoc(), source, shape));
      return success();
    }
    if (layout.transposes() < 2 && layout.length() < 4)
      return rewriter.notifyMatchFailure(op, "no shorter chain");
    if (auto permutation = asPermutation(layout, static_cast<int64_t>(shape.size()))) {
      rewriter.replaceOpWithNewOp<TransposeOp>(op, source, rewriter.getDenseI64ArrayAttr(*permutation));
      return success();
    }
    ShortestChain chain(layout);
    SmallVector<int64_t> moved;
    for (int64_t axis : chain.permutation)
      moved.push_back(chain.split[axis]);
    unsigned length =
        1 + (ArrayRef<int64_t>(chain.split) != tensorType(source).getShape()) + (ArrayRef<int64_t>(moved) != shape);
    if (layout.transposes() < 2 && length >= layout.length())
      return rewriter.notifyMatchFailure(op, "no shorter chain");
    Value value = reshapeTo(rewriter, op->getLoc(), source, chain.split);
    value = TransposeOp::create(rewriter, op->getLoc(), value, rewriter.getDenseI64ArrayAttr(chain.permutation));
    rewriter.replaceOp(op, reshapeTo(rewriter, op->getLoc(), value, shape));
    return success();
  }
};

/// movement(x · c) → movement(x) · c, for a number c.
struct SinkFactor : RewritePattern {
  explicit SinkFactor(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa<ReshapeOp, TransposeOp>(op) || tensorType(op->getResult(0)).getRank() == 0)
      return failure();
    Operation *product = op->getOperand(0).getDefiningOp();
    if (!isa_and_nonnull<MulOp, DivOp>(product) || !product->hasOneUse())
      return rewriter.notifyMatchFailure(op, "no product");
    unsigned side = isa<MulOp>(product) && numberOf(product->getOperand(0)) ? 0 : 1;
    Value number = product->getOperand(side), x = product->getOperand(1 - side);
    if (!numberOf(number) || x.getType() != product->getResult(0).getType())
      return rewriter.notifyMatchFailure(op, "no product with a number");
    Operation *moved = rewriter.clone(*op);
    moved->setOperand(0, x);
    auto type = RankedTensorType::get({1}, tensorType(x).getElementType());
    if (number.getType() != type && tensorType(number).getNumElements() != 1)
      number = splat(rewriter, product->getLoc(), type.getElementType(), *numberOf(number));
    else
      number = reshapeTo(rewriter, product->getLoc(), number, {1});
    SmallVector<Value, 2> operands(2);
    operands[side] = number;
    operands[1 - side] = moved->getResult(0);
    OperationState state(product->getLoc(), product->getName(), operands, op->getResultTypes(), product->getAttrs());
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }
};

/// slice(transpose(x)) → transpose(slice(x)).
struct SliceBeforeTranspose : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SliceOp op, PatternRewriter &rewriter) const override {
    auto transpose = op.getX().getDefiningOp<TransposeOp>();
    if (!transpose)
      return rewriter.notifyMatchFailure(op, "no transpose");
    int64_t axis = transpose.getPermutation()[op.getAxis()];
    Value part = SliceOp::create(rewriter, op.getLoc(), transpose.getX(), axis, op.getFrom(), op.getSize());
    rewriter.replaceOpWithNewOp<TransposeOp>(op, part, transpose.getPermutationAttr());
    return success();
  }
};

/// slice(reshape(x)) → reshape(slice(x)), where the axis is the outer part of one axis of x.
struct SliceBeforeReshape : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SliceOp op, PatternRewriter &rewriter) const override {
    auto reshape = op.getX().getDefiningOp<ReshapeOp>();
    if (!reshape)
      return rewriter.notifyMatchFailure(op, "no reshape");
    auto from = tensorType(reshape.getX()).getShape(), to = tensorType(reshape.getY()).getShape();
    // The extents left of the axis, and of it, tell which axis of x it is a part of.
    int64_t before = 1;
    for (int64_t extent : to.take_front(op.getAxis()))
      before *= extent;
    int64_t count = to[op.getAxis()], left = 1;
    for (auto [axis, extent] : llvm::enumerate(from)) {
      if (left == before && extent > 1 && extent % count == 0) {
        int64_t inner = extent / count;
        Value part =
            SliceOp::create(rewriter, op.getLoc(), reshape.getX(), axis, op.getFrom() * inner, op.getSize() * inner);
        rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), part);
        return success();
      }
      left *= extent;
    }
    return rewriter.notifyMatchFailure(op, "the axis is no outer part of one axis");
  }
};
} // namespace

//===------------------------------------------------------------------------------------------===//
// Movement of rows
//===------------------------------------------------------------------------------------------===//

/// The op that permutes the rows of `value`, leaving the columns where they are, or null.
static TransposeOp rowTranspose(Value value) {
  auto transpose = value.getDefiningOp<TransposeOp>();
  int64_t last = tensorType(value).getRank() - 1;
  return transpose && transpose.getPermutation()[last] == last ? transpose : TransposeOp();
}

/// Whether `value` is the same for every row.
static bool isSameForRows(Value value) {
  auto type = tensorType(value);
  return type.getNumElements() == 1 || type.getNumElements() == type.getShape().back();
}

/// Whether `op` works on the rows of operand 0 by themselves; operands after it are weights.
static bool isRowLayer(Operation *op) {
  return isa<LinearOp, LayerNormOp, NormalizeOp, HeadScaleOp, ResidualScaleOp, GeluOp, GeluTanhOp, ReluOp, Relu2Op,
             SiluOp, CastOp, NegOp, ExpOp, LogOp, TanhOp, ErfOp, SqrtOp, RsqrtOp>(op);
}

namespace {
/// layer(transpose(x)) → transpose(layer(x)), and the same of sums and products of equally transposed values, so that
/// time-first models lose their transposes where attention puts the batch first again.
struct SinkRowTranspose : RewritePattern {
  explicit SinkRowTranspose(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    SmallVector<Value> operands(op->getOperands());
    TransposeOp transpose;
    if (isRowLayer(op)) {
      if ((transpose = rowTranspose(operands[0])))
        operands[0] = transpose.getX();
    } else if (isa<AddOp, SubOp, MulOp, DivOp, MaxOp>(op) &&
               llvm::none_of(operands, [](Value v) { return numberOf(v).has_value(); })) {
      transpose = withoutTransposes(op, operands); // numbers move the other way
    }
    bool onlyFirst = llvm::all_of(llvm::drop_begin(op->getResults()), [](Value v) { return v.use_empty(); });
    if (!transpose || !onlyFirst)
      return rewriter.notifyMatchFailure(op, "rows are not transposed alike");
    Operation *moved = rewriter.clone(*op);
    moved->setOperands(operands);
    for (Value result : moved->getResults()) {
      SmallVector<int64_t> shape(tensorType(result).getShape()), before(shape);
      for (auto [i, axis] : llvm::enumerate(transpose.getPermutation()))
        before[axis] = shape[i];
      result.setType(tensorType(result).clone(before));
    }
    Value y = TransposeOp::create(rewriter, transpose.getLoc(), moved->getResult(0), transpose.getPermutationAttr());
    rewriter.replaceAllUsesWith(op->getResult(0), y);
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// Takes one and the same transpose off the operands that have rows.
  static TransposeOp withoutTransposes(Operation *op, SmallVectorImpl<Value> &operands) {
    TransposeOp found;
    for (Value &operand : operands) {
      if (tensorType(operand).getRank() == 0 || isSameForRows(operand))
        continue;
      TransposeOp transpose = operand.getType() == op->getResult(0).getType() ? rowTranspose(operand) : TransposeOp();
      if (!transpose || (found && found.getPermutation() != transpose.getPermutation()))
        return {};
      found = transpose;
      operand = transpose.getX();
    }
    return found;
  }
};

/// linear(reshape(x)) → reshape(linear(x)): only the columns matter.
struct LinearBeforeReshape : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearOp op, PatternRewriter &rewriter) const override {
    auto reshape = op.getX().getDefiningOp<ReshapeOp>();
    if (!reshape || tensorType(reshape.getX()).getRank() < 2 ||
        tensorType(reshape.getX()).getShape().back() != tensorType(reshape.getY()).getShape().back())
      return rewriter.notifyMatchFailure(op, "no reshape of the rows");
    Value y = LinearOp::create(rewriter, op.getLoc(), reshape.getX(), op.getWeight(), op.getBias());
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), y);
    return success();
  }
};
} // namespace

//===------------------------------------------------------------------------------------------===//
// Matrix products
//===------------------------------------------------------------------------------------------===//

/// The operand of a transpose of the last two axes only, or null.
static Value withoutTranspose(Value value) {
  auto transpose = value.getDefiningOp<TransposeOp>();
  if (!transpose)
    return {};
  SmallVector<int64_t> swapped(llvm::to_vector(llvm::seq<int64_t>(0, tensorType(value).getRank())));
  std::swap(swapped.back(), swapped[swapped.size() - 2]);
  return transpose.getPermutation() == ArrayRef<int64_t>(swapped) ? transpose.getX() : Value();
}

namespace {
/// matmul(a, transpose(b)) → matmul(a, b) with the flag.
struct TransposeIntoFlag : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    Value a = withoutTranspose(op.getLhs()), b = withoutTranspose(op.getRhs());
    if (a && tensorType(op.getRhs()).getRank() != tensorType(a).getRank())
      a = {};
    if (!a && !b)
      return rewriter.notifyMatchFailure(op, "no operand is a transpose of the last two axes");
    rewriter.modifyOpInPlace(op, [&] {
      if (a) {
        op.getLhsMutable().assign(a);
        op.setTransposeA(!op.getTransposeA());
      }
      if (b) {
        op.getRhsMutable().assign(b);
        op.setTransposeB(!op.getTransposeB());
      }
    });
    return success();
  }
};

/// A product over an inner extent of 1 is elementwise: [.., m, 1] · [.., 1, n].
struct OuterProduct : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    auto lhs = tensorType(op.getLhs()), rhs = tensorType(op.getRhs());
    if (op.getProductShape().k != 1 || op.getBias() || rhs.getRank() != lhs.getRank() ||
        lhs.getElementType() != rhs.getElementType())
      return rewriter.notifyMatchFailure(op, "no plain product over an inner extent of 1");
    auto resultType = tensorType(op->getResult(0));
    SmallVector<int64_t> left(resultType.getShape()), right(resultType.getShape());
    left.back() = 1;
    right[right.size() - 2] = 1;
    Value a = reshapeTo(rewriter, op.getLoc(), op.getLhs(), left);
    Value b = reshapeTo(rewriter, op.getLoc(), op.getRhs(), right);
    rewriter.replaceOpWithNewOp<MulOp>(op, resultType, a, b);
    return success();
  }
};

struct Simplify : nf::impl::SimplifyBase<Simplify> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<RemoveNeutral, JoinFactors, ShortenChain, SinkFactor, SliceBeforeTranspose, SliceBeforeReshape,
                 SinkRowTranspose, LinearBeforeReshape, TransposeIntoFlag, OuterProduct>(&getContext());
    // Each rewrite is right by itself: an end before the last of them only leaves the program longer.
    GreedyRewriteConfig config;
    config.setMaxNumRewrites(1000 +
                             100 * static_cast<int64_t>(getOperation().getBody().front().getOperations().size()));
    (void)applyPatternsGreedily(getOperation(), std::move(patterns), config);
  }
};
} // namespace
