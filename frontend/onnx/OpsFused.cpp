// Operators that name a layer: normalizations, attention, activations with a bias.
#include "frontend/onnx/OpContext.h"

#include <cmath>

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

//===------------------------------------------------------------------------------------------===//
// Normalizations
//===------------------------------------------------------------------------------------------===//

/// The operand as a row of columns, or a null value after a refusal.
static Value vectorOf(OpContext &op, size_t index, int64_t columns) {
  if (elementCount(op.shape(index)) != columns) {
    return op.fail("expected " + Twine(columns) + " factors, but got shape " + shapeText(op.shape(index)));
  }
  return op.reshape(op.value(index), {columns});
}

/// The mean and reciprocal deviation of rows, where they are read: computed beside the LayerNorm, whose own are not
/// differentiated. Normalized axes stay, with extent 1.
static LogicalResult giveStatistics(OpContext &op, Value x, double epsilon, int64_t axis) {
  if (!op.isUsed(1) && !op.isUsed(2))
    return success();
  SmallVector<int64_t> shape(op.shape(0));
  std::fill(shape.begin() + axis, shape.end(), 1);
  Value mean = op.reduceLast<ReduceMeanOp>(x), centred = op.sub(x, mean);
  if (op.isUsed(1) && failed(op.giveAt(1, op.reshape(mean, shape))))
    return failure();
  if (!op.isUsed(2))
    return success();
  Value variance = op.reduceLast<ReduceMeanOp>(op.mul(centred, centred));
  return op.giveAt(2, op.reshape(op.unary<RsqrtOp>(op.add(variance, op.number(epsilon))), shape));
}

static LogicalResult layerNormalization(OpContext &op) {
  auto axis = normalizedAxis(op.node.integer("axis", -1), op.rank(0));
  if (!axis)
    return op.refuse("expected an axis of " + shapeText(op.shape(0)));
  SmallVector<int64_t> rows(op.shape(0).take_front(*axis));
  int64_t columns = *elementCount(op.shape(0).drop_front(*axis));
  rows.push_back(columns);
  Value x = op.reshape(op.value(0), rows);
  Value weight = op.hasInput(1) ? vectorOf(op, 1, columns) : Value();
  Value bias = op.hasInput(2) ? vectorOf(op, 2, columns) : Value();
  if ((op.hasInput(1) && !weight) || (op.hasInput(2) && !bias))
    return failure();
  double epsilon = op.node.number("epsilon", 1e-5);
  if (failed(op.give(op.reshape(op.layerNorm(x, weight, bias, epsilon), op.shape(0)))))
    return failure();
  return giveStatistics(op, x, epsilon, *axis);
}

/// x / √(mean x² + ε) · weight.
static Value rootMeanSquare(OpContext &op, Value x, Value weight, double epsilon) {
  Value square = op.reduceLast<ReduceMeanOp>(op.mul(x, x));
  Value scaled = op.mul(x, op.unary<RsqrtOp>(op.add(square, op.number(epsilon))));
  return weight ? op.mul(scaled, weight) : scaled;
}

static LogicalResult rmsNormalization(OpContext &op) {
  auto axis = normalizedAxis(op.node.integer("axis", -1), op.rank(0));
  if (!axis || *axis != op.rank(0) - 1)
    return op.refuse("it normalizes over several axes", "the last axis");
  if (op.isUsed(1))
    return op.refuse("its deviation is read", "the normalized output alone");
  return op.give(
      rootMeanSquare(op, op.value(0), op.hasInput(1) ? op.value(1) : Value(), op.node.number("epsilon", 1e-5)));
}

/// The sum of a residual, the LayerNorm of it, and the sum itself as the last output. A bias is that of the linear
/// which made the first operand: added there, both are one op.
static LogicalResult skipLayerNormalization(OpContext &op, bool isSimple) {
  Value update = op.value(0);
  size_t bias = isSimple ? 3 : 4;
  if (op.hasInput(bias))
    update = op.add(update, op.value(bias));
  Value sum = op.add(update, op.value(1));
  if (op.isUsed(1) || op.isUsed(2))
    return op.refuse("its mean or deviation is read", "the normalized output alone");
  double epsilon = op.node.number("epsilon", 1e-12);
  Value y = isSimple ? rootMeanSquare(op, sum, op.value(2), epsilon)
                     : op.layerNorm(sum, op.value(2), op.hasInput(3) ? op.value(3) : Value(), epsilon);
  if (failed(op.give(y)))
    return failure();
  return op.isUsed(3) ? op.giveAt(3, sum) : success();
}

static LogicalResult skipNorm(OpContext &op) { return skipLayerNormalization(op, false); }
static LogicalResult skipSimpleNorm(OpContext &op) { return skipLayerNormalization(op, true); }

//===------------------------------------------------------------------------------------------===//
// Activations
//===------------------------------------------------------------------------------------------===//

static Value withBias(OpContext &op) { return op.hasInput(1) ? op.add(op.value(0), op.value(1)) : op.value(0); }

static LogicalResult biasGelu(OpContext &op) { return op.give(op.unary<GeluOp>(withBias(op))); }
static LogicalResult fastGelu(OpContext &op) { return op.give(op.unary<GeluTanhOp>(withBias(op))); }
static LogicalResult quickGelu(OpContext &op) {
  Value x = op.value(0);
  Value gate = op.unary<ExpOp>(op.scale(x, -op.node.number("alpha", 1.702)));
  return op.give(op.div(x, op.add(op.number(1), gate)));
}

//===------------------------------------------------------------------------------------------===//
// Attention
//===------------------------------------------------------------------------------------------===//

namespace {
/// Queries, keys and values as [batch, tokens, heads · width], and what is done with them.
struct Heads {
  Value q, k, v;
  int64_t heads = 0, keyHeads = 0;
  double scale = 0; ///< 0: 1 / √width
  bool isCausal = false;
  Value mask; ///< added to the scores [batch, heads, queries, keys], or bools of what is seen; or null
};
} // namespace

/// [batch, heads, tokens, width] of [batch, tokens, heads · width].
static Value split(OpContext &op, Value x, int64_t heads) {
  if (!x)
    return x;
  ArrayRef<int64_t> shape = OpContext::shapeOf(x);
  return op.transpose(op.reshape(x, {shape[0], shape[1], heads, shape[2] / heads}), {0, 2, 1, 3});
}

static Value join(OpContext &op, Value x) {
  if (!x)
    return x;
  SmallVector<int64_t> shape(OpContext::shapeOf(x));
  return op.reshape(op.transpose(x, {0, 2, 1, 3}), {shape[0], shape[2], shape[1] * shape[3]});
}

/// Keys or values of few heads, each repeated for its group of query heads.
static Value repeatHeads(OpContext &op, Value x, int64_t have, int64_t want) {
  if (!x || have == want)
    return x;
  ArrayRef<int64_t> shape = OpContext::shapeOf(x);
  int64_t batch = shape[0], tokens = shape[1], width = shape[2] / have;
  Value grouped = op.reshape(x, {batch, tokens, have, 1, width});
  return op.reshape(op.broadcastTo(grouped, {batch, tokens, have, want / have, width}), {batch, tokens, want * width});
}

/// softmax(scale · q kᵀ + mask) v, written out.
static Value attendWithMask(OpContext &op, const Heads &a) {
  Value q = split(op, a.q, a.heads), k = split(op, a.k, a.heads), v = split(op, a.v, a.heads);
  Value scores = op.matmul(q, op.swapLast(k));
  scores = scores ? op.scale(scores, a.scale) : scores;
  if (!scores)
    return nullptr;
  int64_t queries = OpContext::shapeOf(scores)[2], keys = OpContext::shapeOf(scores)[3];
  auto hide = [&](Value seen) { return op.where(seen, scores, op.number(-INFINITY)); };
  if (a.isCausal) {
    Type i32 = op.b.getI32Type();
    Value j = IotaOp::create(op.b, RankedTensorType::get({keys}, i32));
    Value i = op.reshape(IotaOp::create(op.b, RankedTensorType::get({queries}, i32)), {queries, 1});
    scores = hide(op.compare(ComparePredicate::Le, j, i));
  }
  scores = OpContext::isFloat(a.mask) ? op.add(scores, a.mask) : hide(a.mask);
  return join(op, op.matmul(op.softmax(scores, -1), v));
}

static Value attend(OpContext &op, Heads a) {
  if (!a.q || !a.k || !a.v)
    return nullptr;
  ArrayRef<int64_t> q = OpContext::shapeOf(a.q), k = OpContext::shapeOf(a.k);
  bool fits = a.heads > 0 && a.keyHeads > 0 && q[2] % a.heads == 0 && a.heads % a.keyHeads == 0 &&
              k[2] == q[2] / a.heads * a.keyHeads && OpContext::shapeOf(a.v) == k && k[0] == q[0] &&
              OpContext::isFloat(a.q) && OpContext::isFloat(a.k) && OpContext::isFloat(a.v);
  if (!fits) {
    return op.fail("expected queries, keys and values of one width a head, but got " + shapeText(q) + ", " +
                       shapeText(k) + " and " + shapeText(OpContext::shapeOf(a.v)) + " with " + Twine(a.heads) +
                       " heads",
                   "values as wide as keys");
  }
  if (a.scale == 0)
    a.scale = 1 / std::sqrt(static_cast<double>(q[2] / a.heads));
  a.k = repeatHeads(op, a.k, a.keyHeads, a.heads);
  a.v = repeatHeads(op, a.v, a.keyHeads, a.heads);
  if (a.mask)
    return attendWithMask(op, a);
  auto type = OpContext::type(a.q);
  auto lse = RankedTensorType::get({type.getDimSize(0), a.heads, type.getDimSize(1)}, op.b.getF32Type());
  Value none;
  auto attention = AttentionOp::create(op.b, TypeRange{type, lse}, a.q, a.k, a.v, none, none, none, none, none, none,
                                       none, ValueRange(), op.b.getI64IntegerAttr(a.heads),
                                       op.b.getF64FloatAttr(a.scale), a.isCausal ? op.b.getUnitAttr() : UnitAttr(),
                                       op.b.getF64FloatAttr(0), op.b.getI32IntegerAttr(0));
  if (a.isCausal)
    op.noteCausal();
  return attention->getResult(0);
}

/// ONNX's operator: operands [batch, tokens, heads · width] or [batch, heads, tokens, width].
static LogicalResult attention(OpContext &op) {
  if (op.hasInput(4) || op.hasInput(5) || op.isUsed(1) || op.isUsed(2) || op.isUsed(3))
    return op.refuse("it has a cache, or its scores are read", "export with use_cache=False");
  if (op.node.number("softcap", 0) != 0)
    return op.refuse("it caps its scores", "softcap=0");
  bool isSplit = op.rank(0) == 4;
  for (size_t i : {0, 1, 2})
    if (!op.hasInput(i) || op.rank(i) != (isSplit ? 4 : 3))
      return op.refuse("expected queries, keys and values of rank 3 or 4");
  Heads a;
  a.heads = isSplit ? op.shape(0)[1] : op.node.integer("q_num_heads", 0);
  a.keyHeads = isSplit ? op.shape(1)[1] : op.node.integer("kv_num_heads", 0);
  auto operand = [&](size_t index) { return isSplit ? join(op, op.value(index)) : op.value(index); };
  a.q = operand(0);
  a.k = operand(1);
  a.v = operand(2);
  a.scale = op.node.number("scale", 0);
  a.isCausal = op.node.integer("is_causal", 0);
  if (op.hasInput(3) && !(a.mask = op.compact(3)))
    return failure();
  Value y = attend(op, a);
  return op.give(y && isSplit ? split(op, y, a.heads) : y);
}

/// Whether com.microsoft's mask of padding, operand `index`, is known to hide none of `keys`: of rank 1 it holds how
/// many of them each sample has, of higher rank what is seen.
static bool hidesNothing(OpContext &op, size_t index, int64_t keys) {
  const HostTensor *mask = op.constant(index);
  bool isLength = op.rank(index) == 1;
  if (!mask || (isLength && mask->size() != op.shape(0)[0]))
    return false;
  for (int64_t i = 0; i < mask->size(); ++i)
    if (mask->number(i) < (isLength ? static_cast<double>(keys) : 1))
      return false;
  return true;
}

/// com.microsoft's operator on separate operands, with the biases of their projections in one.
static LogicalResult multiHeadAttention(OpContext &op) {
  for (size_t i : {0, 1, 2})
    if (!op.hasInput(i) || op.rank(i) != 3)
      return op.refuse("expected separate queries, keys and values of rank 3");
  bool hidesKeys = op.hasInput(4) && !hidesNothing(op, 4, op.shape(1)[1]);
  if (hidesKeys || op.hasInput(6) || op.hasInput(7))
    return op.refuse("it hides padding or has a cache", "a model exported without a fusion of attention");
  if (op.isUsed(1) || op.isUsed(2))
    return op.refuse("its cache is read", "export with use_cache=False");
  Heads a;
  a.heads = a.keyHeads = op.node.integer("num_heads", 0);
  Value operands[3] = {op.value(0), op.value(1), op.value(2)};
  if (op.hasInput(3)) {
    Value bias = op.value(3);
    int64_t from = 0;
    for (Value &x : operands) {
      int64_t width = x ? OpContext::shapeOf(x)[2] : 0;
      x = op.add(x, op.slice(bias, 0, from, width));
      from += width;
    }
  }
  a.q = operands[0];
  a.k = operands[1];
  a.v = operands[2];
  a.scale = op.node.number("scale", 0);
  a.isCausal = op.node.integer("unidirectional", 0);
  if (op.hasInput(5) && !(a.mask = op.compact(5)))
    return failure();
  return op.give(attend(op, a));
}

/// com.microsoft's operator with its packed projection.
static LogicalResult packedAttention(OpContext &op) {
  if (!op.hasInput(0) || op.rank(0) != 3)
    return op.refuse("expected an operand of rank 3");
  bool hidesKeys = op.hasInput(3) && !hidesNothing(op, 3, op.shape(0)[1]);
  if (hidesKeys || op.hasInput(4) || op.isUsed(1) || op.node.has("qkv_hidden_sizes"))
    return op.refuse("it hides padding, or has a cache or unequal sizes",
                     "a model exported without a fusion of attention");
  Value packed = op.matmul(op.value(0), op.value(1));
  if (op.hasInput(2))
    packed = op.add(packed, op.value(2));
  if (!packed || OpContext::rankOf(packed) != 3 || OpContext::shapeOf(packed)[2] % 3 != 0)
    return op.refuse("expected a projection to queries, keys and values");
  int64_t width = OpContext::shapeOf(packed)[2] / 3;
  Heads a;
  a.heads = a.keyHeads = op.node.integer("num_heads", 0);
  a.q = op.slice(packed, 2, 0, width);
  a.k = op.slice(packed, 2, width, width);
  a.v = op.slice(packed, 2, 2 * width, width);
  a.scale = op.node.number("scale", 0);
  a.isCausal = op.node.integer("unidirectional", 0);
  if (op.hasInput(5) && !(a.mask = op.compact(5)))
    return failure();
  return op.give(attend(op, a));
}

void nf::onnxfe::addFusedOps(OpTable &table) {
  table["LayerNormalization"] = layerNormalization;
  table["RMSNormalization"] = rmsNormalization;
  table["SimplifiedLayerNormalization"] = rmsNormalization;
  table["com.microsoft.SimplifiedLayerNormalization"] = rmsNormalization;
  table["com.microsoft.SkipLayerNormalization"] = skipNorm;
  table["com.microsoft.SkipSimplifiedLayerNormalization"] = skipSimpleNorm;
  table["com.microsoft.Gelu"] = biasGelu;
  table["com.microsoft.BiasGelu"] = biasGelu;
  table["com.microsoft.FastGelu"] = fastGelu;
  table["com.microsoft.QuickGelu"] = quickGelu;
  table["Attention"] = attention;
  table["com.microsoft.MultiHeadAttention"] = multiHeadAttention;
  table["com.microsoft.Attention"] = packedAttention;
}
