//===- NFAttentionOps.cpp - constraints and definition of attention --------------------------===//
#include "dialect/NF.h"

using namespace mlir;
using namespace nf;

static ShapedType shaped(Value value) { return cast<ShapedType>(value.getType()); }

/// Checks C1 to C6, which nf.attention and nf.attention_backward share.
template <typename Op> static LogicalResult verifyOperands(Op op) {
  ShapedType q = shaped(op.getQ()), k = shaped(op.getK()), v = shaped(op.getV());
  if (q.getRank() != 3 || k.getRank() != 3 || k.getShape() != v.getShape() || q.getDimSize(0) != k.getDimSize(0) ||
      q.getDimSize(2) != k.getDimSize(2))
    return op.emitOpError() << "expected q [B, Tq, columns] and k, v [B, Tk, columns], but got " << q << ", " << k
                            << ", " << v << " (C1)";
  if (op.getHeads() < 1 || q.getDimSize(2) % op.getHeads() != 0)
    return op.emitOpError() << "expected heads to divide " << q.getDimSize(2) << ", but got " << op.getHeads()
                            << " (C2)";
  SmallVector<int64_t> keys{k.getDimSize(0), k.getDimSize(1)};
  if (op.getKeyPadding() && shaped(op.getKeyPadding()).getShape() != ArrayRef<int64_t>(keys))
    return op.emitOpError() << "expected key_padding of [" << keys << "], but got " << op.getKeyPadding().getType()
                            << " (C3)";
  if (op.getSegments() && shaped(op.getSegments()).getShape() != ArrayRef<int64_t>(keys))
    return op.emitOpError() << "expected segments of [" << keys << "], but got " << op.getSegments().getType()
                            << " (C4)";
  for (Value scalar : {op.getKeyLength(), op.getQueryOffset()})
    if (scalar && shaped(scalar).getNumElements() != 1)
      return op.emitOpError() << "expected key_length and query_offset of one element, but got " << scalar.getType()
                              << " (C5)";
  double p = op.getDropout().convertToDouble();
  bool random = op.getSeed() && op.getStep() && op.getSampleOffset();
  bool none = !op.getSeed() && !op.getStep() && !op.getSampleOffset();
  if (p < 0 || p >= 1 || (p > 0 ? !random : !none))
    return op.emitOpError()
           << "expected seed, step and sample_offset exactly with a dropout above 0 and below 1, but got a "
           << "dropout of " << p << (none ? " and none" : " and some") << " of them (C6)";
  return success();
}

template <typename Op> static LogicalResult verifyResults(Op op, ArrayRef<SmallVector<int64_t>> shapes) {
  SmallVector<Type> types(op->getResultTypes());
  if (types.empty())
    types.append(op.getOuts().getTypes().begin(), op.getOuts().getTypes().end());
  bool fits = types.size() == shapes.size();
  for (auto [type, shape] : llvm::zip(types, shapes))
    fits = fits && cast<ShapedType>(type).getShape() == ArrayRef<int64_t>(shape);
  if (!fits)
    return op.emitOpError() << "expected results (or destinations) of the shapes of the op's definition, but got "
                            << types << " (C7)";
  return success();
}

LogicalResult AttentionOp::verify() {
  if (failed(verifyOperands(*this)))
    return failure();
  ShapedType q = shaped(getQ());
  SmallVector<int64_t> lse{q.getDimSize(0), static_cast<int64_t>(getHeads()), q.getDimSize(1)};
  return verifyResults(*this, {SmallVector<int64_t>(q.getShape()), lse});
}

LogicalResult AttentionBackwardOp::verify() {
  if (failed(verifyOperands(*this)))
    return failure();
  ShapedType query = shaped(getQ()), out = shaped(getOut()), dout = shaped(getDout()), lse = shaped(getLse());
  SmallVector<int64_t> rows{query.getDimSize(0), static_cast<int64_t>(getHeads()), query.getDimSize(1)};
  if (out.getShape() != query.getShape() || dout.getShape() != query.getShape() ||
      lse.getShape() != ArrayRef<int64_t>(rows))
    return emitOpError() << "expected out and dout of q's shape and lse of [" << rows << "], but got " << out << ", "
                         << dout << " and " << lse << " (C8)";
  SmallVector<int64_t> q(shaped(getQ()).getShape()), k(shaped(getK()).getShape());
  return verifyResults(*this, {q, k, k});
}

MutableOperandRange AttentionOp::getAccumulateMutable() { return MutableOperandRange(*this, 0, 0); }
MutableOperandRange AttentionBackwardOp::getAccumulateMutable() { return MutableOperandRange(*this, 0, 0); }

StringRef AttentionBackwardOp::getNotDifferentiableReason() { return "it is a gradient itself"; }

//===------------------------------------------------------------------------------------------===//
// In primitives: T × T probabilities, one head an axis
//===------------------------------------------------------------------------------------------===//

namespace {
/// The pieces that forward and backward share. Heads are axis 1: [B, heads, T, width].
struct Primitives {
  ImplicitLocOpBuilder b;
  int64_t batch, heads, queries, keys, width;
  Type element;
  double scale;

  template <typename Op>
  Primitives(Op op, OpBuilder &builder)
      : b(op.getLoc(), builder), batch(shaped(op.getQ()).getDimSize(0)), heads(op.getHeads()),
        queries(shaped(op.getQ()).getDimSize(1)), keys(shaped(op.getK()).getDimSize(1)),
        width(shaped(op.getQ()).getDimSize(2) / heads), element(shaped(op.getQ()).getElementType()),
        scale(op.getScale().convertToDouble()) {}

  Value number(double value) { return splat(b, b.getLoc(), element, value); }
  Type type(ArrayRef<int64_t> shape, Type of = {}) { return RankedTensorType::get(shape, of ? of : element); }

  /// [B, T, heads·width] → [B, heads, T, width].
  Value split(Value x) {
    int64_t length = shaped(x).getDimSize(1);
    Value y = ReshapeOp::create(b, type({batch, length, heads, width}), x);
    return TransposeOp::create(b, y, b.getDenseI64ArrayAttr({0, 2, 1, 3}));
  }

  /// The inverse of split.
  Value join(Value x) {
    int64_t length = shaped(x).getDimSize(2);
    Value y = TransposeOp::create(b, x, b.getDenseI64ArrayAttr({0, 2, 1, 3}));
    return ReshapeOp::create(b, type({batch, length, heads * width}), y);
  }

  Value matmul(Value x, Value y, bool transposeX, bool transposeY) {
    return MatmulOp::create(b, x, y, transposeX, transposeY)->getResult(0);
  }

  /// Index 0 … extent − 1 along axis 2 (queries) as [1, 1, extent, 1], or along axis 3 (keys).
  Value indices(int64_t extent, bool alongKeys) {
    Value iota = IotaOp::create(b, type({extent}, b.getI32Type()));
    if (alongKeys)
      return iota;
    return ReshapeOp::create(b, type({1, 1, extent, 1}, b.getI32Type()), iota);
  }

  Value mask(Value scores, Value visible) { return WhereOp::create(b, visible, scores, number(-1e30)); }

  /// scale · q kᵀ with everything that may not be seen at −1e30.
  template <typename Op> Value scores(Op op) {
    Value s = matmul(split(op.getQ()), split(op.getK()), false, true);
    s = MulOp::create(b, s, number(scale));
    if (op.getCausal()) {
      Value query = indices(queries, false);
      if (op.getQueryOffset())
        query = AddOp::create(b, query, op.getQueryOffset());
      s = mask(s, CompareOp::create(b, ComparePredicate::Le, indices(keys, true), query));
    }
    if (op.getKeyLength())
      s = mask(s, CompareOp::create(b, ComparePredicate::Lt, indices(keys, true), op.getKeyLength()));
    if (op.getKeyPadding()) {
      Value padding = ReshapeOp::create(b, type({batch, 1, 1, keys}, shaped(op.getKeyPadding()).getElementType()),
                                        op.getKeyPadding());
      Value zero = splat(b, b.getLoc(), shaped(op.getKeyPadding()).getElementType(), 0);
      s = mask(s, CompareOp::create(b, ComparePredicate::Ne, padding, zero));
    }
    if (op.getSegments()) {
      Value key = ReshapeOp::create(b, type({batch, 1, 1, keys}, b.getI32Type()), op.getSegments());
      Value tail = SliceOp::create(b, op.getSegments(), 1, keys - queries, queries);
      Value query = ReshapeOp::create(b, type({batch, 1, queries, 1}, b.getI32Type()), tail);
      s = mask(s, CompareOp::create(b, ComparePredicate::Eq, key, query));
    }
    return s;
  }

  /// Dropout of probabilities or of their gradient, by the same mask.
  template <typename Op> Value drop(Op op, Value x) {
    double p = op.getDropout().convertToDouble();
    if (p == 0)
      return x;
    Value bits = RandomBitsOp::create(b, type({batch, heads, queries, keys}, b.getI32Type()), op.getSeed(),
                                      op.getStep(), op.getSampleOffset(), op.getSite(), heads * queries);
    Value keep =
        CompareOp::create(b, ComparePredicate::Ge, bits, splat(b, b.getLoc(), b.getI32Type(), std::ldexp(p, 31)));
    return WhereOp::create(b, keep, MulOp::create(b, x, number(1 / (1 - p))).getResult(), number(0));
  }
};
} // namespace

FailureOr<SmallVector<Value>> AttentionOp::decompose(OpBuilder &builder) {
  if (!getOuts().empty())
    return failure();
  Primitives p(*this, builder);
  ImplicitLocOpBuilder &b = p.b;
  Value s = p.scores(*this);
  auto last = b.getDenseI64ArrayAttr({3});
  Value maximum = ReduceMaxOp::create(b, s, last);
  Value e = ExpOp::create(b, SubOp::create(b, s, maximum).getResult());
  Value sum = ReduceSumOp::create(b, e, last);
  Value lse = AddOp::create(b, maximum, LogOp::create(b, sum).getResult());
  Value probabilities = p.drop(*this, DivOp::create(b, e, sum));
  Value out = p.join(p.matmul(probabilities, p.split(getV()), false, false));
  lse = ReshapeOp::create(b, p.type({p.batch, p.heads, p.queries}), lse);
  return SmallVector<Value>{out, lse};
}

FailureOr<SmallVector<Value>> AttentionBackwardOp::decompose(OpBuilder &builder) {
  if (!getOuts().empty())
    return failure();
  Primitives p(*this, builder);
  ImplicitLocOpBuilder &b = p.b;
  Value lse = ReshapeOp::create(b, p.type({p.batch, p.heads, p.queries, 1}), getLse());
  Value probabilities = ExpOp::create(b, SubOp::create(b, p.scores(*this), lse).getResult());
  Value dout = p.split(getDout());
  Value dProbabilities = p.drop(*this, p.matmul(dout, p.split(getV()), false, true));
  Value product = MulOp::create(b, dout, p.split(getOut()));
  Value delta = ReduceSumOp::create(b, product, b.getDenseI64ArrayAttr({3}));
  Value dScores = MulOp::create(b, probabilities, SubOp::create(b, dProbabilities, delta).getResult());
  dScores = MulOp::create(b, dScores, p.number(p.scale));
  Value dq = p.matmul(dScores, p.split(getK()), false, false);
  Value dk = p.matmul(dScores, p.split(getQ()), true, false);
  Value dv = p.matmul(p.drop(*this, probabilities), dout, true, false);
  return SmallVector<Value>{p.join(dq), p.join(dk), p.join(dv)};
}

//===------------------------------------------------------------------------------------------===//
// Columns of wider buffers
//===------------------------------------------------------------------------------------------===//

bool AttentionOp::takesColumns(unsigned operand) { return operand <= getVMutable().getOperandNumber(); }
bool AttentionOp::givesColumns(unsigned index) { return index == 0; }

bool AttentionBackwardOp::takesColumns(unsigned operand) {
  return operand <= getDoutMutable().getOperandNumber() && operand != getLseMutable().getOperandNumber();
}
bool AttentionBackwardOp::givesColumns(unsigned) { return true; }
