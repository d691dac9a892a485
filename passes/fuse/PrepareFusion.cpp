//===- PrepareFusion.cpp - everything but kernels becomes rows of primitives -----------------===//
//
// 1. Composite ops that have no kernel of their own are written in primitives (linear becomes matmul with a bias).
// 2. nf.accumulate of a value that no kernel can add in place becomes get, where, add, set.
// 3. Reductions over other axes than the last, or all before it, are transposed and reshaped into one of these.
// 4. Operands that repeat along some of the axes before the last, and not along others, are broadcast explicitly
//    (planning makes that a copy).
// 5. Comparisons and casts to a wider type are cloned for each reader: conditions live in rows, never in memory, and
//    bf16 values are widened where they are read.
// 6. What cheap row-wise ops make of states alone, reading at most one of full size, is computed again for each reader:
//    states are in memory anyway, and a copy would be written and read beside them (gradients that update unfolds).
//
//===------------------------------------------------------------------------------------------===//
#include "passes/fuse/Passes.h"
#include "passes/fuse/RowSpace.h"

#include "mlir/IR/IRMapping.h"

namespace nf {
#define GEN_PASS_DEF_PREPAREFUSION
#include "passes/fuse/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

//===------------------------------------------------------------------------------------------===//
// Composite ops
//===------------------------------------------------------------------------------------------===//

/// Writes the op in primitives, and what it is written in, until only primitives and kernels are left.
static void decomposeFully(Operation *op) {
  auto composite = dyn_cast<DecomposableOpInterface>(op);
  if (!composite || isa<KernelOpInterface>(op))
    return;
  OpBuilder builder(op);
  Operation *before = op->getPrevNode();
  Block *block = op->getBlock();
  auto values = composite.decompose(builder);
  if (failed(values))
    return;
  op->replaceAllUsesWith(*values);
  Operation *first = before ? before->getNextNode() : &block->front();
  SmallVector<Operation *> created;
  for (Operation *it = first; it != op; it = it->getNextNode())
    created.push_back(it);
  op->erase();
  for (Operation *part : created)
    decomposeFully(part);
}

//===------------------------------------------------------------------------------------------===//
// nf.accumulate
//===------------------------------------------------------------------------------------------===//

/// Whether a kernel writes `value` and can add to its destination instead.
static bool isAddedByKernel(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>()) {
    if (!value.hasOneUse())
      return false;
    value = reshape.getX();
  }
  if (!value.hasOneUse())
    return false;
  Operation *op = value.getDefiningOp();
  if (auto kernel = dyn_cast_or_null<KernelOpInterface>(op))
    return kernel.canAccumulate(cast<OpResult>(value).getResultNumber());
  auto rowWise = dyn_cast_or_null<RowWiseOpInterface>(op);
  return rowWise && rowWise.getRowRole() == RowRole::ColumnReduction;
}

static void expandAccumulate(AccumulateOp op) {
  if (isAddedByKernel(op.getValue()))
    return;
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value old = GetOp::create(b, op.getValue().getType(), op.getSymbol());
  Value sum = AddOp::create(b, old, op.getValue());
  if (op.getFlag()) {
    Value starts = CompareOp::create(b, ComparePredicate::Eq, op.getFlag(), splat(b, b.getLoc(), b.getI32Type(), 0));
    sum = WhereOp::create(b, starts, op.getValue(), sum);
  }
  SetOp::create(b, op.getSymbol(), sum);
  op.erase();
}

//===------------------------------------------------------------------------------------------===//
// Reductions
//===------------------------------------------------------------------------------------------===//

/// Whether `axes` are the first (from the left) or the last ones of `rank`.
static bool isPrefix(ArrayRef<int64_t> axes) {
  return llvm::all_of(llvm::enumerate(axes), [](auto it) { return it.value() == static_cast<int64_t>(it.index()); });
}
static bool isSuffix(ArrayRef<int64_t> axes, int64_t rank) {
  int64_t first = rank - static_cast<int64_t>(axes.size());
  return llvm::all_of(llvm::enumerate(axes),
                      [&](auto it) { return it.value() == first + static_cast<int64_t>(it.index()); });
}

template <typename Op> static void normalizeReduction(Op op) {
  auto rowWise = cast<RowWiseOpInterface>(op.getOperation());
  if (rowWise.getRowRole() != RowRole::None)
    return;
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto type = tensorType(op.getX());
  int64_t rank = type.getRank();
  ArrayRef<int64_t> axes = op.getAxes();
  int64_t reduced = 1;
  for (int64_t axis : axes)
    reduced *= type.getDimSize(axis);
  int64_t kept = type.getNumElements() / reduced;
  Value x = op.getX();
  bool columns = std::is_same_v<Op, ReduceSumOp> && isPrefix(axes) && !isSuffix(axes, rank);
  if (!columns && !isSuffix(axes, rank)) {
    SmallVector<int64_t> permutation;
    for (int64_t axis = 0; axis < rank; ++axis)
      if (!llvm::is_contained(axes, axis))
        permutation.push_back(axis);
    llvm::append_range(permutation, axes);
    x = TransposeOp::create(b, x, b.getDenseI64ArrayAttr(permutation));
  }
  SmallVector<int64_t> shape = columns ? SmallVector<int64_t>{reduced, kept} : SmallVector<int64_t>{kept, reduced};
  x = ReshapeOp::create(b, RankedTensorType::get(shape, type.getElementType()), x);
  Value sum = Op::create(b, x, b.getDenseI64ArrayAttr({columns ? 0 : 1}));
  op.getY().replaceAllUsesWith(ReshapeOp::create(b, op.getY().getType(), sum).getResult());
  op.erase();
}

//===------------------------------------------------------------------------------------------===//
// Broadcasts
//===------------------------------------------------------------------------------------------===//

/// `value` repeated to `shape`. Conditions go as numbers: they have no form in memory.
static Value broadcastTo(ImplicitLocOpBuilder &b, Value value, ArrayRef<int64_t> shape) {
  auto type = tensorType(value);
  if (!type.getElementType().isInteger(1))
    return BroadcastOp::create(b, RankedTensorType::get(shape, type.getElementType()), value);
  Value number = CastOp::create(b, RankedTensorType::get(type.getShape(), b.getI32Type()), value);
  number = BroadcastOp::create(b, RankedTensorType::get(shape, b.getI32Type()), number);
  return CompareOp::create(b, ComparePredicate::Ne, number, splat(b, b.getLoc(), b.getI32Type(), 0));
}

static void broadcastMixedOperands(RowWiseOpInterface op) {
  auto space = RowSpace::of(op);
  if (!space || isa<BroadcastOp>(op.getOperation()))
    return;
  ImplicitLocOpBuilder b(op->getLoc(), op);
  for (OpOperand &operand : op->getOpOperands())
    if (!space->kindOf(op, operand.getOperandNumber()))
      operand.set(broadcastTo(b, operand.get(), space->shape));
}

//===------------------------------------------------------------------------------------------===//
// Conditions and widened values
//===------------------------------------------------------------------------------------------===//

/// Gives every reader an op of its own, so that its result need not be stored.
static void cloneForEachReader(Operation *op) {
  while (!op->use_empty() && !op->hasOneUse()) {
    OpOperand &use = *op->use_begin();
    OpBuilder builder(op);
    use.set(builder.clone(*op)->getResult(0));
  }
}

//===------------------------------------------------------------------------------------------===//
// Values of states
//===------------------------------------------------------------------------------------------===//

/// Whether the value is a state as it lies in memory.
static bool isState(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (isa<GetOp>(op))
      return true;
    if (!isa<ReshapeOp, SliceOp>(op))
      return false;
    value = op->getOperand(0);
  }
  return false;
}

namespace {
/// The ops that make a value of states: found backwards until states, and values of fewer elements, are reached.
struct OpsOnStates {
  llvm::SetVector<Operation *> ops; // readers before what they read
  unsigned states = 0;              // of full size
  bool areCheap = true;

  explicit OpsOnStates(Operation *op) { add(op); }

private:
  void add(Operation *op) {
    auto rowWise = dyn_cast<RowWiseOpInterface>(op);
    areCheap &=
        rowWise && rowWise.getRowRole() == RowRole::Elementwise && !rowWise.isCostly() && op->getNumOperands() > 0;
    if (!areCheap)
      return;
    ops.insert(op);
    int64_t size = tensorType(op->getResult(0)).getNumElements();
    for (Value operand : op->getOperands()) {
      if (tensorType(operand).getNumElements() < size)
        continue;
      if (isState(operand))
        ++states;
      else if (Operation *maker = operand.getDefiningOp())
        add(maker);
      else
        areCheap = false;
    }
  }
};
} // namespace

static void computeForEachReader(Operation *op) {
  if (op->getNumResults() != 1 || op->hasOneUse() || op->use_empty())
    return;
  OpsOnStates made(op);
  SmallVector<Operation *> readers(llvm::SetVector<Operation *>(op->user_begin(), op->user_end()).takeVector());
  llvm::sort(readers, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); }); // uses have no order of theirs
  bool staysInRows = llvm::all_of(readers, [](Operation *reader) { return isa<RowWiseOpInterface>(reader); });
  // The gradient of a maximum asks which element it was: of the very value, and last bits may differ in another region.
  bool hasMaximum = llvm::any_of(readers, [](Operation *reader) { return isa<ReduceMaxOp>(reader); });
  if (!made.areCheap || made.states != 1 || !staysInRows || hasMaximum)
    return;
  for (Operation *reader : llvm::drop_begin(readers)) {
    OpBuilder builder(reader);
    IRMapping mapping;
    for (Operation *part : llvm::reverse(made.ops))
      builder.clone(*part, mapping);
    reader->replaceUsesOfWith(op->getResult(0), mapping.lookup(op->getResult(0)));
  }
}

namespace {
struct PrepareFusion : nf::impl::PrepareFusionBase<PrepareFusion> {
  void runOnOperation() override {
    eachOp([](Operation *op) { decomposeFully(op); });
    eachOp([](Operation *op) {
      if (auto accumulate = dyn_cast<AccumulateOp>(op))
        expandAccumulate(accumulate);
    });
    eachOp([](Operation *op) {
      if (auto reduce = dyn_cast<ReduceSumOp>(op))
        normalizeReduction(reduce);
      else if (auto reduce = dyn_cast<ReduceMeanOp>(op))
        normalizeReduction(reduce);
      else if (auto reduce = dyn_cast<ReduceMaxOp>(op))
        normalizeReduction(reduce);
    });
    eachOp([](Operation *op) {
      if (auto rowWise = dyn_cast<RowWiseOpInterface>(op))
        broadcastMixedOperands(rowWise);
    });
    eachOp([](Operation *op) {
      if (auto rowWise = dyn_cast<RowWiseOpInterface>(op); rowWise && rowWise.isNeverStored())
        cloneForEachReader(op);
    });
    eachOp([](Operation *op) { computeForEachReader(op); });
  }

  void eachOp(function_ref<void(Operation *)> visit) {
    SmallVector<Operation *> ops;
    for (Operation &op : getOperation().getBody().front())
      ops.push_back(&op);
    for (Operation *op : ops)
      visit(op);
  }
};
} // namespace
