// Losses, and the elements of rows that labels pick.
#include "frontend/onnx/OpContext.h"

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

/// Of each row of `rows` [..., n] the element of the index [..., 1].
static Value pickOfRows(OpContext &op, Value rows, Value index) {
  if (!rows || !index)
    return nullptr;
  Value place = IotaOp::create(op.b, RankedTensorType::get({OpContext::shapeOf(rows).back()}, op.b.getI32Type()));
  Value isPicked = op.compare(ComparePredicate::Eq, place, index);
  return op.reduceLast<ReduceSumOp>(op.where(isPicked, rows, op.number(0)));
}

/// Whichever elements of equal ones are picked, the result is known: RoBERTa's token types, all zeros, by position.
static std::optional<HostTensor> pickOfEqual(OpContext &op) {
  const HostTensor *data = op.constant(0);
  auto count = elementCount(op.shape(1));
  if (!data || data->size() == 0 || !count || *count > HostTensor::limit)
    return std::nullopt;
  for (int64_t i = 1; i < data->size(); ++i)
    if (data->number(i) != data->number(0))
      return std::nullopt;
  HostTensor result(data->element, op.shape(1));
  for (int64_t i = 0; i < *count; ++i)
    result.copy(i, *data, 0);
  return result;
}

/// One index a row: what labels pick. More are tables, which programs have no form for, except where all are equal.
static LogicalResult gatherElements(OpContext &op) {
  auto axis = normalizedAxis(op.node.integer("axis", 0), op.rank(0));
  if (!axis || !op.hasInput(1) || op.rank(1) != op.rank(0))
    return op.refuse("expected an axis of " + shapeText(op.shape(0)) + " and indices of equal rank");
  if (auto known = pickOfEqual(op))
    return op.giveKnown(std::move(*known));
  SmallVector<int64_t> rows(op.shape(0));
  rows[*axis] = 1;
  Value x = op.value(0), index = op.value(1);
  if (op.shape(1) != ArrayRef<int64_t>(rows) || !x || !OpContext::isFloat(x))
    return op.refuse("it picks other than one number a row by values of the program");
  int64_t last = op.rank(0) - 1;
  SmallVector<int64_t> swap(llvm::to_vector(llvm::seq<int64_t>(0, op.rank(0))));
  std::swap(swap[*axis], swap[last]);
  if (*axis == last)
    return op.give(pickOfRows(op, x, index));
  return op.give(op.transpose(pickOfRows(op, op.transpose(x, swap), op.transpose(index, swap)), swap));
}

//===------------------------------------------------------------------------------------------===//
// Cross entropy
//===------------------------------------------------------------------------------------------===//

/// The axes with classes last instead of second, and back.
static SmallVector<int64_t> classesLast(int64_t rank) {
  SmallVector<int64_t> permutation{0};
  for (int64_t axis = 2; axis < rank; ++axis)
    permutation.push_back(axis);
  permutation.push_back(1);
  return permutation;
}

static SmallVector<int64_t> classesSecond(int64_t rank) {
  SmallVector<int64_t> permutation{0, rank - 1};
  for (int64_t axis = 1; axis < rank - 1; ++axis)
    permutation.push_back(axis);
  return permutation;
}

/// The weight of each label, or null where all weigh 1: 0 of one that is ignored, else that of its class.
static Value labelWeights(OpContext &op, Value labels, Value safe, Value isIgnored) {
  Value weight;
  if (op.hasInput(2)) {
    Value table = op.reshape(op.value(2), {*elementCount(op.shape(2)), 1});
    weight = op.reshape(op.gather(table, safe), OpContext::shapeOf(labels));
  }
  if (!isIgnored)
    return weight;
  return op.where(isIgnored, op.number(0), weight ? weight : op.number(1));
}

static Value total(OpContext &op, Value x) {
  if (!x)
    return x;
  SmallVector<int64_t> axes(llvm::to_vector(llvm::seq<int64_t>(0, OpContext::rankOf(x))));
  return op.reshape(op.reduce<ReduceSumOp>(x, axes), {});
}

/// The mean by weights; of no label at all 0, where ONNX says NaN: a micro-batch may have none.
static Value weightedMean(OpContext &op, Value losses, Value weights) {
  if (!weights) {
    Value sum = total(op, losses);
    if (!sum)
      return sum;
    return op.reshape(op.scale(sum, 1.0 / static_cast<double>(OpContext::type(losses).getNumElements())), {});
  }
  Value count = total(op, op.broadcastTo(weights, OpContext::shapeOf(losses)));
  if (!count)
    return count;
  Value isNone = op.compare(ComparePredicate::Eq, op.reshape(count, {1}), op.number(0));
  count = op.where(isNone, op.number(1), op.reshape(count, {1}));
  return op.reshape(op.div(op.reshape(total(op, losses), {1}), count), {});
}

/// Operands: scores [batch, classes, ...] (of NegativeLogLikelihoodLoss their logarithms of probabilities), labels
/// [batch, ...], weights of classes.
static LogicalResult crossEntropy(OpContext &op, bool isOfScores) {
  if (op.rank(0) < 2 || !op.hasInput(1) || op.rank(1) != op.rank(0) - 1)
    return op.refuse("expected scores [batch, classes, ...] and labels [batch, ...]");
  Value scores = op.value(0), labels = op.value(1);
  if (!scores || !labels)
    return failure();
  int64_t rank = op.rank(0);
  Value rows = rank == 2 ? scores : op.transpose(scores, classesLast(rank));
  if (isOfScores) {
    Value centred = op.sub(rows, op.reduceLast<ReduceMaxOp>(rows));
    rows = op.sub(centred, op.unary<LogOp>(op.reduceLast<ReduceSumOp>(op.unary<ExpOp>(centred))));
  }
  Type i32 = op.b.getI32Type();
  Value safe = labels, isIgnored;
  if (op.node.has("ignore_index")) {
    Value ignored = op.number(static_cast<double>(op.node.integer("ignore_index", 0)), i32);
    isIgnored = op.compare(ComparePredicate::Eq, labels, ignored);
    safe = op.where(isIgnored, op.number(0, i32), labels);
  }
  SmallVector<int64_t> column(op.shape(1));
  column.push_back(1);
  Value losses = op.unary<NegOp>(op.reshape(pickOfRows(op, rows, op.reshape(safe, column)), op.shape(1)));
  Value weights = labelWeights(op, labels, safe, isIgnored);
  if (weights)
    losses = op.mul(losses, weights);
  if (isOfScores && op.isUsed(1) && failed(op.giveAt(1, rank == 2 ? rows : op.transpose(rows, classesSecond(rank)))))
    return failure();
  std::string reduction = op.node.text("reduction", "mean");
  return op.give(reduction == "none"  ? losses
                 : reduction == "sum" ? total(op, losses)
                                      : weightedMean(op, losses, weights));
}

static LogicalResult softmaxCrossEntropyLoss(OpContext &op) { return crossEntropy(op, true); }
static LogicalResult negativeLogLikelihoodLoss(OpContext &op) { return crossEntropy(op, false); }

void nf::onnxfe::addLossOps(OpTable &table) {
  table["GatherElements"] = gatherElements;
  table["SoftmaxCrossEntropyLoss"] = softmaxCrossEntropyLoss;
  table["NegativeLogLikelihoodLoss"] = negativeLogLikelihoodLoss;
}
