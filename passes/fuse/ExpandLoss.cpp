//===- ExpandLoss.cpp - vocabulary projection and loss in chunks of rows ---------------------===//
//
// The logits of a micro-batch are by far its largest value, and nothing outside the loss reads them. This pass writes
// nf.linear_cross_entropy(_backward) as one small instance per chunk of rows, each in primitives:
//
// 1. Rows a chunk: as many as keep the chunk's logits within `chunk-bytes`, but not under `min-rows`.
// 2. x, targets and loss_weight are sliced by rows; every chunk computes its logits once.
// 3. Losses add up, dx is the concatenation; dW and dbias are accumulated into their gradient states chunk by chunk,
//    where that is their only use, and added up otherwise.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/fuse/Passes.h"

namespace nf {
#define GEN_PASS_DEF_EXPANDLOSS
#include "passes/fuse/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The sizes of consecutive chunks of `rows` rows, each as equal as it can be.
static SmallVector<int64_t> chunkSizes(int64_t rows, int64_t bytesPerRow, int64_t chunkBytes, int64_t minRows) {
  int64_t most = std::max({chunkBytes / bytesPerRow, minRows, int64_t(1)});
  int64_t count = llvm::divideCeil(rows, most), size = llvm::divideCeil(rows, count);
  SmallVector<int64_t> sizes;
  for (int64_t from = 0; from < rows; from += size)
    sizes.push_back(std::min(size, rows - from));
  return sizes;
}

namespace {
/// The operands of a loss op, as rows.
template <typename Op> struct Rows {
  ImplicitLocOpBuilder b;
  Op op;
  Value x, targets, lossWeight;
  int64_t rows, columns;

  Rows(Op op) : b(op.getLoc(), op), op(op) {
    auto type = tensorType(op.getX());
    columns = type.getShape().back();
    rows = type.getNumElements() / columns;
    x = reshape(op.getX(), {rows, columns});
    targets = reshape(op.getTargets(), {rows});
    lossWeight = reshape(op.getLossWeight(), {rows});
  }

  Value reshape(Value value, ArrayRef<int64_t> shape) {
    auto type = RankedTensorType::get(shape, tensorType(value).getElementType());
    return type == value.getType() ? value : ReshapeOp::create(b, type, value).getResult();
  }

  Value slice(Value value, int64_t from, int64_t size) {
    return size == rows ? value : SliceOp::create(b, value, 0, from, size).getResult();
  }

  /// The chunk's results, written in primitives.
  SmallVector<Value> expandChunk(int64_t from, int64_t size) {
    auto chunk = Op::create(b, slice(x, from, size), op.getWeight(), slice(targets, from, size),
                            slice(lossWeight, from, size), op.getScale(), op.getBias());
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(chunk);
    SmallVector<Value> results = *chunk.decompose(b);
    chunk.erase();
    return results;
  }
};

/// The gradient of the weight or the bias, made chunk by chunk.
class ParameterGradient {
public:
  explicit ParameterGradient(Value whole)
      : whole(whole), accumulate(whole.hasOneUse() ? dyn_cast<AccumulateOp>(*whole.user_begin()) : AccumulateOp()) {}

  void add(ImplicitLocOpBuilder &b, Value part) {
    if (accumulate)
      AccumulateOp::create(b, accumulate.getSymbol(), part, isFirst ? accumulate.getFlag() : Value());
    else
      sum = sum ? AddOp::create(b, sum, part).getResult() : part;
    isFirst = false;
  }

  /// Takes the place of the whole gradient.
  void finish() {
    if (accumulate)
      accumulate.erase();
    else
      whole.replaceAllUsesWith(sum);
  }

private:
  Value whole, sum;
  AccumulateOp accumulate;
  bool isFirst = true;
};

struct ExpandLoss : nf::impl::ExpandLossBase<ExpandLoss> {
  using ExpandLossBase::ExpandLossBase;

  void runOnOperation() override {
    expandAll<LinearCrossEntropyOp>();
    expandAll<LinearCrossEntropyBackwardOp>();
  }

  template <typename Op> void expandAll() {
    auto range = getOperation().getBody().front().template getOps<Op>();
    for (Op op : SmallVector<Op>(range.begin(), range.end()))
      expand(op);
  }

  template <typename Op> SmallVector<int64_t> chunks(Rows<Op> &rows) {
    auto weight = tensorType(rows.op.getWeight());
    int64_t bytes = weight.getDimSize(0) * llvm::divideCeil(weight.getElementTypeBitWidth(), 8);
    return chunkSizes(rows.rows, bytes, chunkBytes, minRows);
  }

  void expand(LinearCrossEntropyOp op) {
    Rows<LinearCrossEntropyOp> rows(op);
    Value loss;
    int64_t from = 0;
    for (int64_t size : chunks(rows)) {
      Value part = rows.expandChunk(from, size)[0];
      loss = loss ? AddOp::create(rows.b, loss, part).getResult() : part;
      from += size;
    }
    op.getLoss().replaceAllUsesWith(loss);
    op.erase();
  }

  void expand(LinearCrossEntropyBackwardOp op) {
    Rows<LinearCrossEntropyBackwardOp> rows(op);
    Value loss;
    SmallVector<Value> dx;
    SmallVector<ParameterGradient> gradients;
    for (Value result : op->getResults().drop_front(2))
      gradients.emplace_back(result);
    int64_t from = 0;
    for (int64_t size : chunks(rows)) {
      SmallVector<Value> part = rows.expandChunk(from, size);
      loss = loss ? AddOp::create(rows.b, loss, part[0]).getResult() : part[0];
      dx.push_back(part[1]);
      for (auto [gradient, value] : llvm::zip_equal(gradients, ArrayRef<Value>(part).drop_front(2)))
        gradient.add(rows.b, value);
      from += size;
    }
    Value whole = dx.size() == 1 ? dx[0] : ConcatOp::create(rows.b, dx, 0).getResult();
    op.getLoss().replaceAllUsesWith(loss);
    op.getDx().replaceAllUsesWith(rows.reshape(whole, tensorType(op.getDx()).getShape()));
    for (ParameterGradient &gradient : gradients)
      gradient.finish();
    op.erase();
  }
};
} // namespace
