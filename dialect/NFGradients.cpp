//===- NFGradients.cpp - the gradient rule of each op ----------------------------------------===//
//
// One rule an op, in primitives; the formulas stand in the .td files. `dy` is the gradient of the result. A rule
// builds only what `wanted` asks for.
//
//===------------------------------------------------------------------------------------------===//
#include "dialect/NF.h"

#include <numbers>

using namespace mlir;
using namespace nf;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

namespace {
/// Short spellings for building gradients at one location.
struct Maths {
  ImplicitLocOpBuilder b;
  Type element;

  Maths(OpBuilder &builder, Operation *op, Type element) : b(op->getLoc(), builder), element(element) {}

  Value number(double value) { return splat(b, b.getLoc(), element, value); }
  Value add(Value x, Value y) { return AddOp::create(b, x, y); }
  Value sub(Value x, Value y) { return SubOp::create(b, x, y); }
  Value mul(Value x, Value y) { return MulOp::create(b, x, y); }
  Value mul(Value x, double y) { return MulOp::create(b, x, number(y)); }
  Value div(Value x, Value y) { return DivOp::create(b, x, y); }
  Value neg(Value x) { return NegOp::create(b, x); }
  Value exp(Value x) { return ExpOp::create(b, x); }
  Value where(Value c, Value x, Value y) { return WhereOp::create(b, c, x, y); }
  Value compare(ComparePredicate p, Value x, Value y) { return CompareOp::create(b, p, x, y); }
  Value reshape(Value x, ArrayRef<int64_t> shape) {
    return ReshapeOp::create(b, RankedTensorType::get(shape, tensorType(x).getElementType()), x);
  }
  Value meanOfRow(Value x) { return ReduceMeanOp::create(b, x, b.getDenseI64ArrayAttr({tensorType(x).getRank() - 1})); }
  /// In the precision of `like`: sums over tokens are not rounded before they are complete.
  Value sumTo(Value x, Value like) {
    auto type = tensorType(like);
    if (tensorType(x).getElementType() != type.getElementType())
      x = CastOp::create(b, tensorType(x).clone(type.getElementType()), x);
    return sumToShape(b, b.getLoc(), x, type);
  }
  /// In the precision of `like`, whose gradient the product is.
  Value matmul(Value x, Value y, bool transposeX, bool transposeY, Value like) {
    auto product = MatmulOp::create(b, x, y, transposeX, transposeY);
    Value result = product->getResult(0);
    result.setType(tensorType(result).clone(tensorType(like).getElementType()));
    return result;
  }
};
} // namespace

#define NF_GRADIENT(OP)                                                                                                \
  LogicalResult OP::buildGradient(OpBuilder &builder, ArrayRef<Value> resultGradients, ArrayRef<bool> wanted,          \
                                  SmallVectorImpl<Value> &gradients)

/// A gradient rule for one float result whose gradient is `dy`; `m` spells maths in the result's element type.
#define NF_SIMPLE_GRADIENT(OP, ...)                                                                                    \
  NF_GRADIENT(OP) {                                                                                                    \
    Value dy = resultGradients[0];                                                                                     \
    if (!dy)                                                                                                           \
      return success();                                                                                                \
    Maths m(builder, *this, tensorType(dy).getElementType());                                                          \
    __VA_ARGS__;                                                                                                       \
    return success();                                                                                                  \
  }

//===------------------------------------------------------------------------------------------===//
// Primitives: elementwise
//===------------------------------------------------------------------------------------------===//

NF_SIMPLE_GRADIENT(NegOp, gradients[0] = m.neg(dy))
NF_SIMPLE_GRADIENT(ExpOp, gradients[0] = m.mul(dy, getY()))
NF_SIMPLE_GRADIENT(LogOp, gradients[0] = m.div(dy, getX()))
NF_SIMPLE_GRADIENT(TanhOp, gradients[0] = m.mul(dy, m.sub(m.number(1), m.mul(getY(), getY()))))
NF_SIMPLE_GRADIENT(ErfOp,
                   gradients[0] = m.mul(m.mul(dy, 2 * std::numbers::inv_sqrtpi), m.exp(m.neg(m.mul(getX(), getX())))))
NF_SIMPLE_GRADIENT(SqrtOp, gradients[0] = m.div(m.mul(dy, 0.5), getY()))
NF_SIMPLE_GRADIENT(RsqrtOp, gradients[0] = m.mul(m.mul(dy, -0.5), m.mul(getY(), m.mul(getY(), getY()))))

/// Sets the gradients of a binary op, each summed to its operand's shape.
static void setBinary(Maths &m, Operation *op, ArrayRef<bool> wanted, SmallVectorImpl<Value> &gradients,
                      function_ref<Value()> left, function_ref<Value()> right) {
  if (wanted[0])
    gradients[0] = m.sumTo(left(), op->getOperand(0));
  if (wanted[1])
    gradients[1] = m.sumTo(right(), op->getOperand(1));
}

NF_SIMPLE_GRADIENT(AddOp, setBinary(m, *this, wanted, gradients, [&] { return dy; }, [&] { return dy; }))
NF_SIMPLE_GRADIENT(SubOp, setBinary(m, *this, wanted, gradients, [&] { return dy; }, [&] { return m.neg(dy); }))
NF_SIMPLE_GRADIENT(
    MulOp,
    setBinary(m, *this, wanted, gradients, [&] { return m.mul(dy, getRhs()); }, [&] { return m.mul(dy, getLhs()); }))
NF_SIMPLE_GRADIENT(DivOp, setBinary(
                              m, *this, wanted, gradients, [&] { return m.div(dy, getRhs()); },
                              [&] { return m.neg(m.mul(dy, m.div(getResult(), getRhs()))); }))
NF_SIMPLE_GRADIENT(PowOp, setBinary(
                              m, *this, wanted, gradients,
                              [&] {
                                Value exponent = m.sub(getRhs(), m.number(1));
                                Value power = PowOp::create(m.b, getLhs(), exponent);
                                return m.mul(m.mul(dy, getRhs()), power);
                              },
                              [&] {
                                Value log = LogOp::create(m.b, getLhs());
                                // 0^y is 0 around y > 0, so its derivative with respect to y is 0, not 0 · −∞.
                                Value zero = m.compare(ComparePredicate::Eq, getLhs(), m.number(0));
                                return m.mul(m.mul(dy, getResult()), m.where(zero, m.number(0), log));
                              }))
NF_SIMPLE_GRADIENT(MaxOp, {
  Value isLeft = m.compare(ComparePredicate::Ge, getLhs(), getRhs());
  setBinary(
      m, *this, wanted, gradients, [&] { return m.where(isLeft, dy, m.number(0)); },
      [&] { return m.where(isLeft, m.number(0), dy); });
})
NF_SIMPLE_GRADIENT(WhereOp, {
  if (wanted[1])
    gradients[1] = m.sumTo(m.where(getCondition(), dy, m.number(0)), getLhs());
  if (wanted[2])
    gradients[2] = m.sumTo(m.where(getCondition(), m.number(0), dy), getRhs());
})
NF_SIMPLE_GRADIENT(CastOp, if (isa<FloatType>(tensorType(getX()).getElementType()))
                               gradients[0] = CastOp::create(m.b, getX().getType(), dy))

//===------------------------------------------------------------------------------------------===//
// Primitives: reductions and movement
//===------------------------------------------------------------------------------------------===//

NF_SIMPLE_GRADIENT(ReduceSumOp, gradients[0] = BroadcastOp::create(m.b, getX().getType(), dy))
NF_SIMPLE_GRADIENT(ReduceMeanOp, {
  double count = double(tensorType(getX()).getNumElements()) / tensorType(getY()).getNumElements();
  gradients[0] = BroadcastOp::create(m.b, getX().getType(), m.mul(dy, 1 / count));
})
/// Shared equally between equal maxima.
NF_SIMPLE_GRADIENT(ReduceMaxOp, {
  Value isMaximum = m.compare(ComparePredicate::Eq, getX(), getY());
  Value ones = m.where(isMaximum, m.number(1), m.number(0));
  Value count = ReduceSumOp::create(m.b, ones, getAxesAttr());
  gradients[0] = m.mul(ones, m.div(dy, count));
})
NF_SIMPLE_GRADIENT(ReshapeOp, gradients[0] = m.reshape(dy, tensorType(getX()).getShape()))
NF_SIMPLE_GRADIENT(BroadcastOp, gradients[0] = m.sumTo(dy, getX()))
NF_SIMPLE_GRADIENT(TransposeOp, {
  SmallVector<int64_t> inverse(getPermutation().size());
  for (auto [i, axis] : llvm::enumerate(getPermutation()))
    inverse[axis] = i;
  gradients[0] = TransposeOp::create(m.b, dy, m.b.getDenseI64ArrayAttr(inverse));
})
NF_SIMPLE_GRADIENT(SliceOp, {
  int64_t high = tensorType(getX()).getDimSize(getAxis()) - getFrom() - getSize();
  gradients[0] = PadOp::create(m.b, dy, getAxis(), getFrom(), high);
})
NF_SIMPLE_GRADIENT(PadOp, {
  gradients[0] = SliceOp::create(m.b, dy, getAxis(), getLow(), tensorType(getX()).getDimSize(getAxis()));
})
NF_SIMPLE_GRADIENT(ConcatOp, {
  int64_t from = 0;
  for (auto [i, part] : llvm::enumerate(getParts())) {
    int64_t size = tensorType(part).getDimSize(getAxis());
    if (wanted[i])
      gradients[i] = SliceOp::create(m.b, dy, getAxis(), from, size);
    from += size;
  }
})

static Value scatter(Maths &m, Value rows, Value indices, Value table) {
  return ScatterAddOp::create(m.b, TypeRange{table.getType()}, rows, indices, Value(), ValueRange(), false)
      ->getResult(0);
}

NF_SIMPLE_GRADIENT(GatherOp, gradients[0] = scatter(m, dy, getIndices(), getTable()))
NF_SIMPLE_GRADIENT(ScatterAddOp, gradients[0] = GatherOp::create(m.b, dy, getIndices()))

/// Matrices with all leading axes as rows, where the other operand has rank 2.
static Value flattenRows(Maths &m, Value x) {
  auto type = tensorType(x);
  int64_t columns = type.getShape().back();
  return m.reshape(x, {type.getNumElements() / columns, columns});
}

NF_SIMPLE_GRADIENT(MatmulOp, {
  if (hasOperandSum())
    return emitOpError() << "expected sums of operands to come after differentiation";
  bool ta = getTransposeA(), tb = getTransposeB();
  Value a = getLhs(), c = getRhs();
  if (wanted[0])
    gradients[0] = ta ? m.matmul(c, dy, tb, true, a) : m.matmul(dy, c, false, !tb, a);
  if (wanted[1]) {
    Value rows = a, dRows = dy;
    if (tensorType(c).getRank() == 2 && tensorType(a).getRank() > 2) {
      rows = flattenRows(m, a);
      dRows = flattenRows(m, dy);
    }
    gradients[1] = tb ? m.matmul(dRows, rows, true, ta, c) : m.matmul(rows, dRows, !ta, false, c);
  }
  if (getBias() && wanted[2])
    gradients[2] = m.sumTo(dy, getBias());
})

NF_SIMPLE_GRADIENT(SoftmaxOp, {
  Value product = m.mul(dy, getY());
  Value sum = ReduceSumOp::create(m.b, product, m.b.getDenseI64ArrayAttr({tensorType(dy).getRank() - 1}));
  gradients[0] = m.mul(getY(), m.sub(dy, sum));
})

//===------------------------------------------------------------------------------------------===//
// Layers
//===------------------------------------------------------------------------------------------===//

NF_SIMPLE_GRADIENT(EmbeddingOp, gradients[0] = scatter(m, dy, getIds(), getWeight()))

NF_SIMPLE_GRADIENT(LinearOp, {
  if (wanted[0])
    gradients[0] = m.matmul(dy, getWeight(), false, false, getX());
  if (wanted[1])
    gradients[1] = m.matmul(flattenRows(m, dy), flattenRows(m, getX()), true, false, getWeight());
  if (getBias() && wanted[2])
    gradients[2] = m.sumTo(dy, getBias());
})

/// rstd · (g − mean(g) − x̂ · mean(g · x̂)), the gradient through (x − mean) · rstd.
static Value normalizeGradient(Maths &m, Value g, Value normalized, Value rstd) {
  Value centred = m.sub(g, m.meanOfRow(g));
  Value along = m.mul(normalized, m.meanOfRow(m.mul(g, normalized)));
  return m.mul(m.sub(centred, along), rstd);
}

NF_GRADIENT(LayerNormOp) {
  Value dy = resultGradients[0];
  if (resultGradients[1] || resultGradients[2])
    return emitOpError() << "expected its mean and rstd to be used by gradients only";
  if (!dy)
    return success();
  Maths m(builder, *this, tensorType(dy).getElementType());
  Value normalized = m.mul(m.sub(getX(), getMean()), getRstd());
  if (wanted[1])
    gradients[1] = m.sumTo(m.mul(dy, normalized), getWeight());
  if (wanted[2])
    gradients[2] = m.sumTo(dy, getBias());
  if (wanted[0])
    gradients[0] = normalizeGradient(m, m.mul(dy, getWeight()), normalized, getRstd());
  return success();
}

/// Whether an elementwise op makes `x` of one tensor as large, rounding aside, as activations do: their gradients read
/// that tensor, so that backward can have x again for nothing, while a sum or a product would have to be saved for it.
static bool isFunctionOfOneTensor(Value x) {
  while (auto cast = x.getDefiningOp<CastOp>())
    x = cast.getX();
  Operation *maker = x.getDefiningOp();
  if (!maker || maker->getNumOperands() != 1 || maker->getNumResults() != 1 || isa<ReshapeOp, TransposeOp>(maker))
    return false;
  return tensorType(maker->getOperand(0)).getShape() == tensorType(x).getShape();
}

/// Rows normalized once more of x where that costs no reading, else those of forward.
NF_GRADIENT(NormalizeOp) {
  Value dy = resultGradients[0];
  if (resultGradients[1])
    return emitOpError() << "expected its rstd to be used by gradients only";
  if (!dy)
    return success();
  Maths m(builder, *this, tensorType(dy).getElementType());
  Value normalized =
      isFunctionOfOneTensor(getX()) ? m.mul(m.sub(getX(), m.meanOfRow(getX())), getRstd()) : Value(getY());
  gradients[0] = normalizeGradient(m, dy, normalized, getRstd());
  return success();
}

NF_SIMPLE_GRADIENT(HeadScaleOp, {
  if (wanted[0])
    gradients[0] = HeadScaleOp::create(m.b, dy, getGamma());
  if (wanted[1]) {
    auto gamma = tensorType(getGamma());
    auto columnType = RankedTensorType::get({tensorType(getX()).getShape().back()}, gamma.getElementType());
    Value perColumn = sumToShape(m.b, m.b.getLoc(), m.mul(dy, getX()), columnType);
    gradients[1] = sumGroups(m.b, perColumn, gamma.getDimSize(0));
  }
})

NF_SIMPLE_GRADIENT(ResidualScaleOp, {
  if (wanted[0])
    gradients[0] = m.mul(dy, getScale());
  if (wanted[1])
    gradients[1] = m.sumTo(m.mul(dy, getX()), getScale());
})

/// Φ(x) + x φ(x).
NF_SIMPLE_GRADIENT(GeluOp, {
  Value x = getX();
  Value erf = ErfOp::create(m.b, m.mul(x, std::numbers::sqrt2 / 2));
  Value cdf = m.mul(m.add(erf, m.number(1)), 0.5);
  Value pdf = m.mul(m.exp(m.mul(m.mul(x, x), -0.5)), std::numbers::inv_sqrtpi / std::numbers::sqrt2);
  gradients[0] = m.mul(dy, m.add(cdf, m.mul(x, pdf)));
})

/// (1 + t)/2 + x (1 − t²)/2 · u' with t = tanh u, u' = √(2/π)(1 + 3 · 0.044715 x²).
NF_SIMPLE_GRADIENT(GeluTanhOp, {
  Value x = getX();
  double root = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  Value square = m.mul(x, x);
  Value u = m.mul(m.mul(x, root), m.add(m.mul(square, 0.044715), m.number(1)));
  Value t = TanhOp::create(m.b, u);
  Value du = m.mul(m.add(m.mul(square, 3 * 0.044715), m.number(1)), root);
  Value slope = m.mul(m.mul(x, 0.5), m.mul(m.sub(m.number(1), m.mul(t, t)), du));
  gradients[0] = m.mul(dy, m.add(m.mul(m.add(t, m.number(1)), 0.5), slope));
})

NF_SIMPLE_GRADIENT(ReluOp, {
  Value positive = m.compare(ComparePredicate::Gt, getX(), m.number(0));
  gradients[0] = m.where(positive, dy, m.number(0));
})

NF_SIMPLE_GRADIENT(Relu2Op, {
  Value positive = MaxOp::create(m.b, getX(), m.number(0));
  gradients[0] = m.mul(dy, m.mul(positive, 2));
})

/// σ(x) (1 + x (1 − σ(x))).
NF_SIMPLE_GRADIENT(SiluOp, {
  Value x = getX();
  Value sigma = m.div(m.number(1), m.add(m.exp(m.neg(x)), m.number(1)));
  Value slope = m.add(m.mul(x, m.sub(m.number(1), sigma)), m.number(1));
  gradients[0] = m.mul(dy, m.mul(sigma, slope));
})

NF_SIMPLE_GRADIENT(DropoutOp, {
  gradients[0] = DropoutOp::create(m.b, dy, getSeed(), getStep(), getSampleOffset(), getPAttr(), getSiteAttr());
})

//===------------------------------------------------------------------------------------------===//
// Folds of weights
//===------------------------------------------------------------------------------------------===//

NF_SIMPLE_GRADIENT(FoldScaleOp, {
  if (wanted[0])
    gradients[0] = FoldScaleOp::create(m.b, dy, getScale(), getAxisAttr());
  if (wanted[1]) {
    Value perIndex = m.mul(dy, getWeight());
    if (tensorType(dy).getRank() == 2)
      perIndex = ReduceSumOp::create(m.b, perIndex, m.b.getDenseI64ArrayAttr({1 - static_cast<int64_t>(getAxis())}));
    perIndex = m.reshape(perIndex, {tensorType(dy).getDimSize(getAxis())});
    gradients[1] = sumGroups(m.b, perIndex, tensorType(getScale()).getDimSize(0));
  }
})

NF_SIMPLE_GRADIENT(FoldShiftOp, {
  auto weight = tensorType(getWeight());
  Value perRow = m.reshape(dy, {weight.getDimSize(0), 1});
  if (wanted[0])
    gradients[0] = m.mul(perRow, getShift());
  if (wanted[1]) {
    Value sums = ReduceSumOp::create(m.b, m.mul(getWeight(), perRow), m.b.getDenseI64ArrayAttr({0}));
    gradients[1] = m.reshape(sums, {weight.getDimSize(1)});
  }
  if (getBias() && wanted[2])
    gradients[2] = dy;
})

//===------------------------------------------------------------------------------------------===//
// Attention and loss
//===------------------------------------------------------------------------------------------===//

NF_GRADIENT(AttentionOp) {
  Value dout = resultGradients[0];
  if (resultGradients[1])
    return emitOpError() << "expected its log-sum-exp to be used by gradients only";
  if (!dout || !(wanted[0] || wanted[1] || wanted[2]))
    return success();
  SmallVector<Type> types{getQ().getType(), getK().getType(), getV().getType()};
  auto backward = AttentionBackwardOp::create(
      builder, getLoc(), types, getQ(), getK(), getV(), getResult()[0], getResult()[1], dout, getKeyPadding(),
      getSegments(), getKeyLength(), getQueryOffset(), getSeed(), getStep(), getSampleOffset(), ValueRange(),
      getHeadsAttr(), getScaleAttr(), getCausalAttr(), getDropoutAttr(), getSiteAttr());
  for (unsigned i = 0; i < 3; ++i)
    gradients[i] = backward->getResult(i);
  return success();
}

/// The loss ends the graph, so its gradient is the constant 1 and one projection serves both directions: the forward
/// op gives way to the one that computes both.
NF_GRADIENT(LinearCrossEntropyOp) {
  auto seed = resultGradients[0].getDefiningOp<ConstantOp>();
  auto value = seed ? dyn_cast<DenseElementsAttr>(seed.getValue()) : DenseElementsAttr();
  if (!value || !value.isSplat() || !value.getSplatValue<APFloat>().isExactlyValue(1.0))
    return emitOpError() << "expected the loss to end the graph: its gradient must be the constant 1";
  // In the loss's own place: another term of the loss may read it.
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(getOperation());
  auto both = LinearCrossEntropyBackwardOp::create(builder, getLoc(), getX(), getWeight(), getTargets(),
                                                   getLossWeight(), getScale(), getBias());
  getLoss().replaceAllUsesWith(both.getLoss());
  if (wanted[0])
    gradients[0] = both.getDx();
  if (wanted[1])
    gradients[1] = both.getDw();
  if (getBias() && wanted[5])
    gradients[5] = both.getDbias();
  return success();
}
