#include "frontend/onnx/Attend.h"

#include <cmath>

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

Value nf::onnxfe::splitHeads(OpContext &op, Value x, int64_t heads) {
  if (!x)
    return x;
  ArrayRef<int64_t> shape = OpContext::shapeOf(x);
  return op.transpose(op.reshape(x, {shape[0], shape[1], heads, shape[2] / heads}), {0, 2, 1, 3});
}

Value nf::onnxfe::joinHeads(OpContext &op, Value x) {
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

/// Which keys each query sees, [queries, keys], by their distance; null where it sees all.
static Value seenByDistance(OpContext &op, const Heads &a, int64_t queries, int64_t keys) {
  Type i32 = op.b.getI32Type();
  Value seen;
  auto require = [&](ComparePredicate predicate, int64_t by) {
    Value next = op.byDistance(predicate, queries, keys, by);
    seen = seen ? op.castTo(op.mul(op.castTo(seen, i32), op.castTo(next, i32)), op.b.getI1Type()) : next;
  };
  if (a.isCausal)
    require(ComparePredicate::Le, a.offset);
  if (a.left >= 0)
    require(ComparePredicate::Ge, a.offset - a.left);
  if (a.right >= 0 && !a.isCausal)
    require(ComparePredicate::Le, a.offset + a.right);
  return seen;
}

/// The weights of all keys beside that of one more, whose score is `sink`.
static Value softmaxWithSink(OpContext &op, Value scores, Value sink) {
  SmallVector<int64_t> shape(OpContext::shapeOf(scores));
  int64_t keys = shape[3];
  shape[3] = 1;
  Value column = op.broadcastTo(op.reshape(sink, {1, OpContext::type(sink).getNumElements(), 1, 1}), shape);
  return op.slice(op.softmax(op.concat({scores, column}, 3), -1), 3, 0, keys);
}

static Attended writtenOut(OpContext &op, const Heads &a) {
  Value q = splitHeads(op, a.q, a.heads), k = splitHeads(op, a.k, a.heads), v = splitHeads(op, a.v, a.heads);
  Attended result;
  Value scores = op.matmul(q, op.swapLast(k));
  result.scores = scores = scores ? op.scale(scores, a.scale) : scores;
  if (a.softcap != 0)
    scores = op.scale(op.unary<TanhOp>(op.scale(scores, 1 / a.softcap)), a.softcap);
  result.capped = scores;
  if (!scores)
    return {};
  auto hide = [&](Value seen) { scores = op.where(seen, scores, op.number(-INFINITY)); };
  if (Value seen = seenByDistance(op, a, OpContext::shapeOf(q)[2], OpContext::shapeOf(k)[2]))
    hide(seen);
  for (Value mask : a.masks) {
    if (scores && OpContext::isFloat(mask))
      scores = op.add(scores, mask);
    else if (scores)
      hide(mask);
    if (scores && OpContext::shapeOf(scores) != OpContext::shapeOf(result.scores))
      scores = op.fail("expected a mask that broadcasts to " + shapeText(OpContext::shapeOf(result.scores)) +
                       ", but got " + shapeText(OpContext::shapeOf(mask)));
  }
  result.masked = scores;
  if (!scores)
    return {};
  result.weights = a.sink ? softmaxWithSink(op, scores, a.sink) : op.softmax(scores, -1);
  result.out = joinHeads(op, op.matmul(result.weights, v));
  return result;
}

static bool fits(const Heads &a) {
  ArrayRef<int64_t> q = OpContext::shapeOf(a.q), k = OpContext::shapeOf(a.k), v = OpContext::shapeOf(a.v);
  return q.size() == 3 && k.size() == 3 && v.size() == 3 && a.heads > 0 && a.keyHeads > 0 && q[2] % a.heads == 0 &&
         a.heads % a.keyHeads == 0 && k[2] == q[2] / a.heads * a.keyHeads && v[2] % a.keyHeads == 0 && k[0] == q[0] &&
         v[0] == k[0] && v[1] == k[1] && OpContext::isFloat(a.q) && OpContext::isFloat(a.k) && OpContext::isFloat(a.v);
}

Attended nf::onnxfe::attend(OpContext &op, Heads a) {
  if (!a.q || !a.k || !a.v || llvm::is_contained(a.masks, Value()))
    return {};
  ArrayRef<int64_t> q = OpContext::shapeOf(a.q);
  if (!fits(a)) {
    op.fail("expected queries and keys of one width a head, and a value for every key, but got " + shapeText(q) + ", " +
            shapeText(OpContext::shapeOf(a.k)) + " and " + shapeText(OpContext::shapeOf(a.v)) + " with " +
            Twine(a.heads) + " heads of queries and " + Twine(a.keyHeads) + " of keys");
    return {};
  }
  if (a.scale == 0)
    a.scale = 1 / std::sqrt(static_cast<double>(q[2] / a.heads));
  if (a.isCausal)
    op.noteCausal();
  a.k = repeatHeads(op, a.k, a.keyHeads, a.heads);
  a.v = repeatHeads(op, a.v, a.keyHeads, a.heads);
  bool isPlain = a.masks.empty() && a.softcap == 0 && a.offset == 0 && a.left < 0 && a.right < 0 && !a.sink &&
                 !a.scoresRead && a.k.getType() == a.v.getType();
  if (!isPlain)
    return writtenOut(op, a);
  auto type = OpContext::type(a.q);
  auto lse = RankedTensorType::get({type.getDimSize(0), a.heads, type.getDimSize(1)}, op.b.getF32Type());
  Value none;
  auto attention = AttentionOp::create(op.b, TypeRange{type, lse}, a.q, a.k, a.v, none, none, none, none, none, none,
                                       none, ValueRange(), op.b.getI64IntegerAttr(a.heads),
                                       op.b.getF64FloatAttr(a.scale), a.isCausal ? op.b.getUnitAttr() : UnitAttr(),
                                       op.b.getF64FloatAttr(0), op.b.getI32IntegerAttr(0));
  return {attention->getResult(0), nullptr, nullptr, nullptr, nullptr};
}
