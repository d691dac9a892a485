// Operators of attention: ONNX's own, and those that ONNX Runtime's optimizer makes.
#include "frontend/onnx/Attend.h"
#include "frontend/onnx/Rotary.h"

#include <cmath>

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

static constexpr StringLiteral withoutCache = "export with use_cache=False";
static constexpr StringLiteral withoutFusion = "a model exported without a fusion of attention";

/// Whether operand `index` is there and holds anything: exporters also write a cache of no tokens.
static bool holdsAny(OpContext &op, size_t index) { return op.hasInput(index) && elementCount(op.shape(index)) != 0; }

/// Result `output` is `x` [batch, tokens, heads · width] as a cache keeps it, [batch, heads, tokens, width].
static LogicalResult givePresent(OpContext &op, size_t output, Value x, int64_t heads) {
  return op.isUsed(output) ? op.giveAt(output, splitHeads(op, x, heads)) : success();
}

//===------------------------------------------------------------------------------------------===//
// Masks
//===------------------------------------------------------------------------------------------===//

/// Whether operand `index`, how many keys each sample has (of rank 1) or which of them are seen (of higher rank), is
/// known to hide none of `keys`. `less`: the numbers are by so much smaller than the counts.
static bool hidesNothing(OpContext &op, size_t index, int64_t batch, int64_t keys, int64_t less = 0) {
  const HostTensor *mask = op.constant(index);
  bool isLength = op.rank(index) == 1;
  if (!mask || (isLength && mask->size() != batch))
    return false;
  for (int64_t i = 0; i < mask->size(); ++i)
    if (mask->number(i) < (isLength ? static_cast<double>(keys - less) : 1))
      return false;
  return true;
}

/// Which keys are seen, bools [batch, 1, 1 or queries, keys], by operand `index` of integers: the lengths [batch], or
/// what is seen, [batch, keys] or [batch, queries, keys]. Null after a failure.
static Value seenKeys(OpContext &op, size_t index, int64_t batch, int64_t queries, int64_t keys) {
  ArrayRef<int64_t> shape = op.shape(index);
  bool areLengths = shape == ArrayRef<int64_t>{batch}, areKeys = shape == ArrayRef<int64_t>{batch, keys};
  if (!areLengths && !areKeys && shape != ArrayRef<int64_t>{batch, queries, keys})
    return op.fail("its mask of padding has the shape " + shapeText(shape),
                   "a mask [batch, keys] of what is seen, or the lengths [batch]");
  if (onnxfe::isFloat(op.element(index)))
    return op.fail("expected a mask of integers");
  SmallVector<int64_t> aligned{batch, 1, areLengths || areKeys ? 1 : queries, keys};
  if (const HostTensor *known = op.constant(index)) { // with a number for every key, passes see that it is padding
    HostTensor seen(Element::Bool, aligned);
    for (int64_t i = 0; i < seen.size(); ++i)
      seen.integers[i] = areLengths ? i % keys < known->integers[i / keys] : known->integers[i] != 0;
    return op.constantTensor(std::move(seen), /*compact=*/true);
  }
  Value mask = op.value(index);
  if (!areLengths)
    return op.castTo(op.reshape(mask, aligned), op.b.getI1Type());
  Value numbers = IotaOp::create(op.b, RankedTensorType::get({keys}, op.b.getI32Type()));
  Value seen = op.compare(ComparePredicate::Lt, op.reshape(numbers, {1, keys}), op.reshape(mask, {batch, 1}));
  return op.reshape(seen, aligned);
}

/// Adds to the scores what com.microsoft's mask of padding, operand `index`, says.
static LogicalResult addPadding(OpContext &op, size_t index, Heads &a) {
  if (!op.hasInput(index) || !a.q || !a.k)
    return success();
  int64_t batch = OpContext::shapeOf(a.q)[0], queries = OpContext::shapeOf(a.q)[1], keys = OpContext::shapeOf(a.k)[1];
  if (hidesNothing(op, index, batch, keys))
    return success();
  Value seen = seenKeys(op, index, batch, queries, keys);
  a.masks.push_back(op.where(seen, op.number(0), op.number(op.node.number("mask_filter_value", -10000))));
  return success();
}

//===------------------------------------------------------------------------------------------===//
// ONNX's operator
//===------------------------------------------------------------------------------------------===//

/// The mask, operand 3, which from opset 24 on may name fewer keys than there are: the others are hidden.
static LogicalResult addMask(OpContext &op, Heads &a) {
  if (!op.hasInput(3) || !a.k)
    return success();
  int64_t keys = OpContext::shapeOf(a.k)[1], named = op.rank(3) ? op.shape(3).back() : keys;
  Value mask = op.compact(3);
  if (named == keys || !mask) {
    a.masks.push_back(mask);
    return success();
  }
  if (named == 1)
    return op.refuse("its mask names one key of " + Twine(keys), "a mask of all keys");
  mask = op.value(3);
  SmallVector<int64_t> rest(op.shape(3));
  rest.back() = keys - named;
  if (named > keys)
    return op.refuse("its mask names " + Twine(named) + " keys of " + Twine(keys));
  Value hidden = op.broadcastTo(OpContext::isFloat(mask) ? op.number(-INFINITY) : op.number(0, op.b.getI1Type()), rest);
  a.masks.push_back(op.concat({mask, hidden}, op.rank(3) - 1));
  return success();
}

/// The number of keys that are no padding (opset 24), operand 6.
static LogicalResult addLengths(OpContext &op, Heads &a) {
  if (!op.hasInput(6) || !a.q || !a.k)
    return success();
  int64_t batch = OpContext::shapeOf(a.q)[0], queries = OpContext::shapeOf(a.q)[1], keys = OpContext::shapeOf(a.k)[1];
  if (hidesNothing(op, 6, batch, keys)) {
    a.offset = keys - queries; // the queries are the last keys'
    return success();
  }
  if (a.isCausal || a.left >= 0 || a.right >= 0)
    return op.refuse("where its queries are depends on nonpad_kv_seqlen", "a mask");
  if (op.rank(6) != 1)
    return op.refuse("expected nonpad_kv_seqlen of each of " + Twine(batch) + " samples");
  a.masks.push_back(seenKeys(op, 6, batch, queries, keys));
  return success();
}

/// Operands [batch, tokens, heads · width] or [batch, heads, tokens, width].
static LogicalResult attention(OpContext &op) {
  if (holdsAny(op, 4) || holdsAny(op, 5))
    return op.refuse("it has a cache", withoutCache);
  bool isSplit = op.hasInput(0) && op.rank(0) == 4;
  for (size_t i : {0, 1, 2})
    if (!op.hasInput(i) || op.rank(i) != (isSplit ? 4 : 3))
      return op.refuse("expected queries, keys and values of rank 3 or 4");
  if (isSplit && op.shape(1)[1] != op.shape(2)[1])
    return op.refuse("expected keys and values of as many heads");
  Heads a;
  a.heads = isSplit ? op.shape(0)[1] : op.node.integer("q_num_heads", 0);
  a.keyHeads = isSplit ? op.shape(1)[1] : op.node.integer("kv_num_heads", 0);
  auto operand = [&](size_t index) { return isSplit ? joinHeads(op, op.value(index)) : op.value(index); };
  a.q = operand(0);
  a.k = operand(1);
  a.v = operand(2);
  a.scale = op.node.number("scale", 0);
  a.softcap = op.node.number("softcap", 0);
  a.isCausal = op.node.integer("is_causal", 0);
  a.left = op.node.integer("left_window_size", -1);
  a.right = op.node.integer("right_window_size", -1);
  a.scoresRead = op.isUsed(3);
  if (failed(addMask(op, a)) || failed(addLengths(op, a)))
    return failure();
  Attended y = attend(op, a);
  if (!y.out || failed(givePresent(op, 1, a.k, a.keyHeads)) || failed(givePresent(op, 2, a.v, a.keyHeads)))
    return failure();
  if (op.isUsed(3)) {
    Value stages[] = {y.scores, y.capped, y.masked, y.weights};
    int64_t mode = op.node.integer("qk_matmul_output_mode", 0);
    if (mode < 0 || mode > 3 || failed(op.giveAt(3, stages[mode])))
      return op.refuse("expected qk_matmul_output_mode from 0 to 3, but got " + Twine(mode));
  }
  return op.give(isSplit ? splitHeads(op, y.out, a.heads) : y.out);
}

//===------------------------------------------------------------------------------------------===//
// com.microsoft's operators
//===------------------------------------------------------------------------------------------===//

/// Part `which` of `x` [batch, tokens, heads, parts, width], as [batch, tokens, heads · width].
static Value partOf(OpContext &op, Value x, int64_t which) {
  if (!x)
    return x;
  SmallVector<int64_t> shape(OpContext::shapeOf(x));
  return op.reshape(op.slice(x, 3, which, 1), {shape[0], shape[1], shape[2] * shape[4]});
}

/// Queries, keys and values of MultiHeadAttention, which come apart, as one or two tensors of rank 5, or keys and
/// values by heads.
static LogicalResult readOperands(OpContext &op, Heads &a) {
  auto rank = [&](size_t index) { return op.hasInput(index) ? op.rank(index) : 0; };
  Value q = op.value(0);
  if (rank(0) == 5 && op.shape(0)[3] == 3 && !rank(1) && !rank(2)) {
    a.q = partOf(op, q, 0);
    a.k = partOf(op, q, 1);
    a.v = partOf(op, q, 2);
  } else if (rank(0) == 3 && rank(1) == 5 && op.shape(1)[3] == 2 && !rank(2)) {
    Value packed = op.value(1);
    a.q = q;
    a.k = partOf(op, packed, 0);
    a.v = partOf(op, packed, 1);
  } else if (rank(0) == 3 && (rank(1) == 3 || rank(1) == 4) && rank(2) == rank(1)) {
    bool isSplit = rank(1) == 4;
    a.q = q;
    a.k = isSplit ? joinHeads(op, op.value(1)) : op.value(1);
    a.v = isSplit ? joinHeads(op, op.value(2)) : op.value(2);
  } else {
    return op.refuse("expected queries, keys and values of rank 3, or packed ones of rank 5");
  }
  return success(a.q && a.k && a.v);
}

/// The biases of the three projections, operand `index` one after the other.
static void addBiases(OpContext &op, size_t index, Heads &a) {
  if (!op.hasInput(index))
    return;
  Value bias = op.value(index);
  int64_t from = 0;
  for (Value *x : {&a.q, &a.k, &a.v}) {
    int64_t width = *x ? OpContext::shapeOf(*x).back() : 0;
    *x = op.add(*x, op.slice(bias, 0, from, width));
    from += width;
  }
}

/// Scores, causal and bias as com.microsoft's operators name them.
static LogicalResult readScores(OpContext &op, size_t padding, size_t bias, Heads &a) {
  a.heads = a.keyHeads = op.node.integer("num_heads", 0);
  a.scale = op.node.number("scale", 0);
  a.isCausal = op.node.integer("unidirectional", 0);
  if (op.hasInput(bias))
    a.masks.push_back(op.compact(bias));
  return addPadding(op, padding, a);
}

static LogicalResult multiHeadAttention(OpContext &op) {
  if (holdsAny(op, 6) || holdsAny(op, 7) || op.hasInput(8) || op.hasInput(9))
    return op.refuse("it has a cache", withoutCache);
  if (op.isUsed(3))
    return op.refuse("its scores are read", withoutFusion);
  Heads a;
  if (failed(readOperands(op, a)))
    return failure();
  addBiases(op, 3, a);
  if (failed(readScores(op, 4, 5, a)))
    return failure();
  Value y = attend(op, a).out;
  if (!y || failed(givePresent(op, 1, a.k, a.heads)) || failed(givePresent(op, 2, a.v, a.heads)))
    return failure();
  return op.give(y);
}

/// Keys and values in one, [2, batch, heads, tokens, width].
static LogicalResult givePacked(OpContext &op, const Heads &a) {
  if (!op.isUsed(1))
    return success();
  Value parts[] = {splitHeads(op, a.k, a.heads), splitHeads(op, a.v, a.heads)};
  for (Value &part : parts) {
    SmallVector<int64_t> shape(OpContext::shapeOf(part));
    shape.insert(shape.begin(), 1);
    part = op.reshape(part, shape);
  }
  return op.giveAt(1, op.concat(parts, 0));
}

/// The columns of queries, keys and values in a packed projection of `columns`.
static std::optional<SmallVector<int64_t>> packedWidths(OpContext &op, int64_t columns) {
  SmallVector<int64_t> widths = op.node.integers("qkv_hidden_sizes");
  if (widths.empty())
    widths.assign(3, columns / 3);
  bool fits = widths.size() == 3 && llvm::all_of(widths, [&](int64_t w) { return w > 0 && w <= columns; }) &&
              widths[0] + widths[1] + widths[2] == columns;
  return fits ? std::optional(widths) : std::nullopt;
}

/// With its packed projection.
static LogicalResult packedAttention(OpContext &op) {
  if (!op.hasInput(0) || op.rank(0) != 3)
    return op.refuse("expected an operand of rank 3");
  if (holdsAny(op, 4) || op.hasInput(6))
    return op.refuse("it has a cache", withoutCache);
  if (op.node.integer("do_rotary", 0))
    return op.refuse("it rotates inside", "RotaryEmbedding before MultiHeadAttention");
  Value packed = op.matmul(op.value(0), op.value(1));
  if (op.hasInput(2))
    packed = op.add(packed, op.value(2));
  auto widths = packed && OpContext::rankOf(packed) == 3 ? packedWidths(op, OpContext::shapeOf(packed)[2])
                                                         : std::optional<SmallVector<int64_t>>();
  if (!widths)
    return op.refuse("expected a projection to queries, keys and values");
  Heads a;
  a.q = op.slice(packed, 2, 0, (*widths)[0]);
  a.k = op.slice(packed, 2, (*widths)[0], (*widths)[1]);
  a.v = op.slice(packed, 2, (*widths)[0] + (*widths)[1], (*widths)[2]);
  if (failed(readScores(op, 3, 5, a)))
    return failure();
  Value y = attend(op, a).out;
  return !y || failed(givePacked(op, a)) ? failure() : op.give(y);
}

//===------------------------------------------------------------------------------------------===//
// GroupQueryAttention
//===------------------------------------------------------------------------------------------===//

/// Queries, keys and values, apart or packed in the first operand.
static LogicalResult readGroups(OpContext &op, Heads &a) {
  a.heads = op.node.integer("num_heads", 0);
  a.keyHeads = op.node.integer("kv_num_heads", 0);
  if (a.heads <= 0 || a.keyHeads <= 0 || !op.hasInput(0) || op.rank(0) != 3)
    return op.refuse("expected queries of rank 3 and the numbers of heads");
  Value q = op.value(0);
  if (op.hasInput(1) && op.hasInput(2)) {
    a.q = q;
    a.k = op.value(1);
    a.v = op.value(2);
    return success(a.q && a.k && a.v);
  }
  int64_t parts = a.heads + 2 * a.keyHeads, columns = op.shape(0)[2];
  if (op.hasInput(1) || op.hasInput(2) || columns % parts != 0)
    return op.refuse("expected queries, keys and values, or all of them in one");
  int64_t queries = columns / parts * a.heads, keys = columns / parts * a.keyHeads;
  a.q = op.slice(q, 2, 0, queries);
  a.k = op.slice(q, 2, queries, keys);
  a.v = op.slice(q, 2, queries + keys, keys);
  return success(a.q && a.k && a.v);
}

/// x / √(mean x² + ε) · weight of every head, where the weight, operand `index`, is there.
static Value normalizeHeads(OpContext &op, Value x, size_t index, StringRef epsilon) {
  if (!x || !op.hasInput(index))
    return x;
  double eps = op.node.number(epsilon, op.node.number("qk_norm_epsilon", 1e-6));
  return op.rootMeanSquare(x, op.value(index), eps);
}

/// [batch, tokens, heads · width], normalized and rotated by heads.
static Value prepareHeads(OpContext &op, Value x, int64_t heads, const RotaryAngles *angles, size_t weight,
                          StringRef epsilon) {
  SmallVector<int64_t> shape(OpContext::shapeOf(x));
  if (shape.size() != 3 || shape[2] % heads != 0)
    return op.fail("expected columns of " + Twine(heads) + " heads, but got shape " + shapeText(shape));
  Value split = op.reshape(x, {shape[0], shape[1], heads, shape[2] / heads});
  split = normalizeHeads(op, split, weight, epsilon);
  if (angles)
    split = rotate(op, split, *angles, /*tokenAxis=*/1, op.node.integer("rotary_interleaved", 0));
  return op.reshape(split, shape);
}

/// Why a feature of the operator has no form here, or empty.
static StringRef unsupportedOfGroups(OpContext &op) {
  auto isQuantized = [&](StringRef type) { return op.node.text(type, "NONE") != "NONE"; };
  if (holdsAny(op, 3) || holdsAny(op, 4) || op.node.integer("sliding_window_cache", 0))
    return "it has a cache";
  if (isQuantized("k_quant_type") || isQuantized("v_quant_type"))
    return "its cache is quantized";
  if (op.hasInput(16))
    return "its queries are padded";
  if (op.isUsed(3))
    return "its scores are read";
  return "";
}

static LogicalResult groupQueryAttention(OpContext &op) {
  if (StringRef why = unsupportedOfGroups(op); !why.empty())
    return op.refuse(why, "export without a cache (use_cache=False) and in float32");
  Heads a;
  if (failed(readGroups(op, a)))
    return failure();
  int64_t batch = OpContext::shapeOf(a.q)[0], tokens = OpContext::shapeOf(a.q)[1];
  if (op.hasInput(5) && (op.rank(5) != 1 || !hidesNothing(op, 5, batch, tokens, /*less=*/1)))
    return op.refuse("expected seqlens_k of " + Twine(tokens - 1) + " for each sample, without padding",
                     "an attention mask of ones");
  std::optional<RotaryAngles> angles;
  if (op.node.integer("do_rotary", 0)) {
    if (!op.hasInput(7) || !op.hasInput(8))
      return op.refuse("it rotates without tables of cosines and sines");
    angles = rotaryAngles(op, {.cos = 7, .sin = 8, .positions = 9}, batch, tokens);
  }
  a.q = prepareHeads(op, a.q, a.heads, angles ? &*angles : nullptr, 14, "q_norm_epsilon");
  a.k = prepareHeads(op, a.k, a.keyHeads, angles ? &*angles : nullptr, 15, "k_norm_epsilon");
  a.scale = op.node.number("scale", 0);
  a.softcap = op.node.number("softcap", 0);
  a.isCausal = op.node.integer("causal", 1);
  int64_t window = op.node.integer("local_window_size", -1);
  a.left = window > 0 ? window - 1 : -1; // the window counts the query's own key
  if (op.hasInput(10))
    a.masks.push_back(op.compact(10));
  if (op.hasInput(11))
    a.sink = op.value(11);
  else if (op.node.integer("smooth_softmax", 0))
    a.sink = op.number(0);
  Value y = attend(op, a).out;
  if (!y || failed(givePresent(op, 1, a.k, a.keyHeads)) || failed(givePresent(op, 2, a.v, a.keyHeads)))
    return failure();
  return op.give(y);
}

void nf::onnxfe::addAttentionOps(OpTable &table) {
  table["Attention"] = attention;
  table["com.microsoft.MultiHeadAttention"] = multiHeadAttention;
  table["com.microsoft.Attention"] = packedAttention;
  table["com.microsoft.GroupQueryAttention"] = groupQueryAttention;
}
