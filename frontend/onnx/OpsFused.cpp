// Operators that name a layer: normalizations, embeddings, activations with a bias.
#include "frontend/onnx/OpContext.h"

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

namespace {
/// What a normalization works on: rows of the axes that are normalized together.
struct Rows {
  Value x;      ///< [.., columns]
  int64_t axis; ///< of operand 0: the first that is normalized
  double epsilon;

  int64_t columns() const { return OpContext::shapeOf(x).back(); }
};
} // namespace

/// Rows of the operand from attribute `axis` on.
static std::optional<Rows> rowsOf(OpContext &op) {
  auto axis = op.hasInput(0) ? normalizedAxis(op.node.integer("axis", -1), op.rank(0)) : std::nullopt;
  if (!axis) {
    op.fail("expected an axis of its operand");
    return std::nullopt;
  }
  SmallVector<int64_t> rows(op.shape(0).take_front(*axis));
  rows.push_back(*elementCount(op.shape(0).drop_front(*axis)));
  Value x = op.reshape(op.value(0), rows);
  return x ? std::optional(Rows{x, *axis, op.node.number("epsilon", 1e-5)}) : std::nullopt;
}

/// Result `output` is a number a row: normalized axes stay, with extent 1.
static LogicalResult giveStatistic(OpContext &op, size_t output, const Rows &rows, Value value) {
  SmallVector<int64_t> shape(op.shape(0));
  std::fill(shape.begin() + rows.axis, shape.end(), 1);
  return op.giveAt(output, op.reshape(value, shape));
}

/// The mean and reciprocal deviation of rows, where they are read: computed beside the LayerNorm, whose own are not
/// differentiated.
static LogicalResult giveStatistics(OpContext &op, const Rows &rows) {
  if (!op.isUsed(1) && !op.isUsed(2))
    return success();
  Value mean = op.reduceLast<ReduceMeanOp>(rows.x), centred = op.sub(rows.x, mean);
  if (op.isUsed(1) && failed(giveStatistic(op, 1, rows, mean)))
    return failure();
  return op.isUsed(2) ? giveStatistic(op, 2, rows, op.inverseRoot(centred, rows.epsilon)) : success();
}

/// Result `output` is 1 / √(mean x² + ε) of each row, where it is read.
static LogicalResult giveInverseRoot(OpContext &op, size_t output, const Rows &rows) {
  return op.isUsed(output) ? giveStatistic(op, output, rows, op.inverseRoot(rows.x, rows.epsilon)) : success();
}

static LogicalResult layerNormalization(OpContext &op) {
  auto rows = rowsOf(op);
  if (!rows)
    return failure();
  Value weight = op.hasInput(1) ? vectorOf(op, 1, rows->columns()) : Value();
  Value bias = op.hasInput(2) ? vectorOf(op, 2, rows->columns()) : Value();
  if ((op.hasInput(1) && !weight) || (op.hasInput(2) && !bias))
    return failure();
  if (failed(op.give(op.reshape(op.layerNorm(rows->x, weight, bias, rows->epsilon), op.shape(0)))))
    return failure();
  return giveStatistics(op, *rows);
}

static LogicalResult rmsNormalization(OpContext &op) {
  auto rows = rowsOf(op);
  Value weight = rows && op.hasInput(1) ? vectorOf(op, 1, rows->columns()) : Value();
  if (!rows || (op.hasInput(1) && !weight))
    return failure();
  if (failed(op.give(op.reshape(op.rootMeanSquare(rows->x, weight, rows->epsilon), op.shape(0)))))
    return failure();
  return giveInverseRoot(op, 1, *rows);
}

/// The sum of a residual, the norm of it, and the sum itself as the last output. A bias is that of the linear which
/// made the first operand: added there, both are one op.
static LogicalResult skipLayerNormalization(OpContext &op, bool isSimple) {
  Value update = op.value(0);
  size_t bias = isSimple ? 3 : 4;
  if (op.hasInput(bias))
    update = op.add(update, op.value(bias));
  Value sum = op.add(update, op.value(1));
  if (!sum || OpContext::shapeOf(sum) != op.shape(0))
    return op.refuse("expected a residual that broadcasts to its first operand");
  Rows rows{sum, op.rank(0) - 1, op.node.number("epsilon", 1e-12)};
  Value y = isSimple ? op.rootMeanSquare(sum, op.value(2), rows.epsilon)
                     : op.layerNorm(sum, op.value(2), op.hasInput(3) ? op.value(3) : Value(), rows.epsilon);
  if (isSimple && op.isUsed(1))
    return op.refuse("its mean is read, but it computes none", "the normalized output alone");
  if (failed(op.give(y)) || failed(isSimple ? giveInverseRoot(op, 2, rows) : giveStatistics(op, rows)))
    return failure();
  return op.isUsed(3) ? op.giveAt(3, sum) : success();
}

static LogicalResult skipNorm(OpContext &op) { return skipLayerNormalization(op, false); }
static LogicalResult skipSimpleNorm(OpContext &op) { return skipLayerNormalization(op, true); }

//===------------------------------------------------------------------------------------------===//
// Embeddings
//===------------------------------------------------------------------------------------------===//

/// Rows of table `table` by the numbers of operand `ids`, or the first `tokens` rows where there is no such operand.
static Value embed(OpContext &op, size_t table, size_t ids, int64_t tokens) {
  if (!op.hasInput(table) || op.rank(table) != 2)
    return op.fail("expected tables of embeddings of rank 2");
  if (!op.hasInput(ids)) {
    op.notePicked(table);
    return op.slice(op.value(table), 0, 0, tokens);
  }
  if (op.constant(ids))
    op.notePicked(table);
  else
    op.noteTable(table);
  return op.gather(op.value(table), op.value(ids));
}

/// How many tokens of each sample the mask shows (its second output): known, since the mask is. Without one it is
/// zeros.
static LogicalResult giveMaskIndex(OpContext &op, size_t mask, int64_t batch) {
  if (!op.isUsed(1))
    return success();
  HostTensor counts(Element::I32, {batch});
  if (op.hasInput(mask)) {
    const HostTensor *shown = op.constant(mask);
    if (!shown || shown->rank() != 2 || shown->shape[0] != batch)
      return op.refuse("its mask is no known one");
    for (int64_t i = 0; i < shown->size(); ++i)
      counts.integers[i / shown->shape[1]] += shown->number(i) != 0;
  }
  return op.giveKnown(std::move(counts), 1);
}

/// LayerNorm of the sum of the embeddings of tokens, positions and segments.
static LogicalResult embedLayerNormalization(OpContext &op) {
  if (!op.hasInput(0) || op.rank(0) != 2)
    return op.refuse("expected ids [batch, sequence]");
  int64_t tokens = op.shape(0)[1];
  Value sum = op.add(embed(op, 2, 0, tokens), embed(op, 3, 8, tokens));
  if (op.hasInput(1) && op.hasInput(4))
    sum = op.add(sum, embed(op, 4, 1, tokens));
  Value y = op.layerNorm(sum, op.value(5), op.value(6), op.node.number("epsilon", 1e-12));
  if (failed(op.give(y)) || failed(giveMaskIndex(op, 7, op.shape(0)[0])))
    return failure();
  return op.isUsed(2) ? op.giveAt(2, sum) : success();
}

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

void nf::onnxfe::addFusedOps(OpTable &table) {
  table["LayerNormalization"] = layerNormalization;
  table["RMSNormalization"] = rmsNormalization;
  table["SimplifiedLayerNormalization"] = rmsNormalization;
  table["com.microsoft.SimplifiedLayerNormalization"] = rmsNormalization;
  table["com.microsoft.SkipLayerNormalization"] = skipNorm;
  table["com.microsoft.SkipSimplifiedLayerNormalization"] = skipSimpleNorm;
  table["com.microsoft.EmbedLayerNormalization"] = embedLayerNormalization;
  table["com.microsoft.Gelu"] = biasGelu;
  table["com.microsoft.BiasGelu"] = biasGelu;
  table["com.microsoft.FastGelu"] = fastGelu;
  table["com.microsoft.QuickGelu"] = quickGelu;
}
