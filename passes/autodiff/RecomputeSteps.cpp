//===- RecomputeSteps.cpp - what backward can compute again for a memory budget --------------===//
//
// 1. A value of forward that backward reads is saved. Views of it (reshape, slice) count as the value itself.
// 2. What it takes to make a saved value: the ops on the way from other saved values, arguments and states to it.
// 3. Steps are ordered by the costliest kind of op among these, then by operations a byte, then larger values first.
// 4. Taking a step: the ops are cloned in front of the first op of backward that reads the value, later readers share
//    the clone. Composite ops on rows are written in primitives there, which take means and deviations as forward saved
//    them: rows come out with the same bits, and no sum is made twice.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/autodiff/RecomputeSteps.h"
#include "passes/autodiff/OpClass.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace nf;

static bool isView(Operation *op) { return isa_and_nonnull<ReshapeOp, SliceOp>(op); }

static Value stripViews(Value value) {
  while (isView(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

/// What states alone decide: in memory all the time, or copied from it once.
static bool isOfStates(Value value) {
  Operation *maker = value.getDefiningOp();
  return maker && (isa<GetOp, ConstantOp>(maker) || (maker->getNumOperands() > 0 && isMemoryEffectFree(maker) &&
                                                     llvm::all_of(maker->getOperands(), isOfStates)));
}

//===------------------------------------------------------------------------------------------===//
// Operations
//===------------------------------------------------------------------------------------------===//

static int64_t elementsOf(Value value) { return cast<RankedTensorType>(value.getType()).getNumElements(); }

/// Calls `visit` on the ops that `op` is written in, which exist during the call only.
static void visitParts(DecomposableOpInterface op, function_ref<void(Operation *)> visit) {
  OpBuilder builder(op);
  Operation *before = op->getPrevNode();
  (void)op.decompose(builder);
  SmallVector<Operation *> parts;
  for (Operation *part = before ? before->getNextNode() : &op->getBlock()->front(); part != op;
       part = part->getNextNode())
    parts.push_back(part);
  for (Operation *part : parts)
    visit(part);
  for (Operation *part : llvm::reverse(parts))
    part->erase();
}

/// The products over all pairs of positions: two forward, five backward; half of them where later keys are hidden.
static int64_t attentionFlops(Operation *op, int64_t products, bool causal) {
  int64_t keys = cast<RankedTensorType>(op->getOperand(1).getType()).getDimSize(1);
  return products * 2 * elementsOf(op->getOperand(0)) * keys / (causal ? 2 : 1);
}

int64_t nf::flopsOf(Operation *op) {
  if (auto matmul = dyn_cast<MatmulOp>(op)) {
    auto lhs = cast<RankedTensorType>(op->getOperand(0).getType());
    int64_t inner = lhs.getDimSize(lhs.getRank() - (matmul.getTransposeA() ? 2 : 1));
    return 2 * inner * elementsOf(op->getResult(0));
  }
  if (auto attention = dyn_cast<AttentionOp>(op))
    return attentionFlops(op, 2, attention.getCausal());
  if (auto attention = dyn_cast<AttentionBackwardOp>(op))
    return attentionFlops(op, 5, attention.getCausal());
  if (auto composite = dyn_cast<DecomposableOpInterface>(op)) {
    int64_t sum = 0;
    visitParts(composite, [&](Operation *part) { sum += flopsOf(part); });
    return sum;
  }
  if (!isa<RowWiseOpInterface>(op) || op->getNumOperands() == 0 || op->getNumResults() == 0)
    return 0;
  return std::max(elementsOf(op->getOperand(0)), elementsOf(op->getResult(0)));
}

//===------------------------------------------------------------------------------------------===//
// Saved values
//===------------------------------------------------------------------------------------------===//

namespace {
/// The values that backward reads of forward.
class SavedValues {
public:
  explicit SavedValues(Operation *loss) : loss(loss) {
    for (Operation *op = loss->getNextNode(); op; op = op->getNextNode())
      for (Value operand : op->getOperands())
        add(stripViews(operand));
  }

  bool isForward(Operation *op) const { return op->isBeforeInBlock(loss); }
  bool contains(Value value) const { return values.contains(value); }
  ArrayRef<Value> inOrder() const { return values.getArrayRef(); }

private:
  void add(Value value) {
    Operation *maker = value.getDefiningOp();
    if (maker && isForward(maker) && !isOfStates(value))
      values.insert(value);
  }

  Operation *loss;
  llvm::SetVector<Value> values;
};

/// The ops that make one value of saved ones.
class Chain {
public:
  Chain(Value value, const SavedValues &saved) : saved(saved) { add(value.getDefiningOp()); }

  bool isPossible() const { return possible; }
  RecomputeTier tier() const { return most; }
  int64_t flops(const llvm::DenseSet<Operation *> &again) const {
    int64_t sum = 0;
    for (Operation *op : ops)
      if (!again.contains(op))
        sum += flopsOf(op);
    return sum;
  }

private:
  void add(Operation *op) {
    if (isView(op))
      return addOperands(op);
    if (!ops.insert(op))
      return;
    OpClass kind = isa<AttentionOp>(op) ? OpClass::Product : classOf(op);
    possible &= kind != OpClass::None;
    if (kind == OpClass::Product)
      most = std::max(most, isa<AttentionOp>(op) ? RecomputeTier::Attention : RecomputeTier::Matmul);
    addOperands(op);
  }

  void addOperands(Operation *op) {
    for (Value operand : op->getOperands())
      if (Operation *maker = operand.getDefiningOp())
        if (!isOfStates(operand) && !saved.contains(stripViews(operand)))
          add(maker);
  }

  const SavedValues &saved;
  llvm::SetVector<Operation *> ops;
  RecomputeTier most = RecomputeTier::Rows;
  bool possible = true;
};
} // namespace

/// Whether its maximum is taken, with which gradients compare the very value.
static bool hasMaximum(Value value) {
  return llvm::any_of(usesThroughReshapes(value), [](OpOperand *use) { return isa<ReduceMaxOp>(use->getOwner()); });
}

/// The numbers of rows beside a value (means, log-sum-exp) are kept: they make it cheap to compute the value again.
static bool isLargestResult(Value value) {
  return llvm::all_of(value.getDefiningOp()->getResults(),
                      [&](Value other) { return other == value || bytesOf(other) < bytesOf(value); });
}

static bool isCheaper(const RecomputeStep &a, const RecomputeStep &b) {
  if (a.tier != b.tier)
    return a.tier < b.tier;
  double left = double(a.flops) * double(b.bytes), right = double(b.flops) * double(a.bytes);
  return left != right ? left < right : a.bytes > b.bytes;
}

std::vector<RecomputeStep> nf::recomputeSteps(Operation *loss, const llvm::DenseSet<Operation *> &again) {
  SavedValues saved(loss);
  std::vector<RecomputeStep> steps;
  SmallVector<Value> values(saved.inOrder());
  llvm::stable_sort(values, [](Value a, Value b) { return a.getDefiningOp()->isBeforeInBlock(b.getDefiningOp()); });
  int64_t largest = 0;
  for (Value value : values)
    largest = std::max(largest, bytesOf(value));
  for (Value value : values) {
    bool isWorthIt = bytesOf(value) * 64 >= largest && isLargestResult(value) && !hasMaximum(value);
    if (!isWorthIt)
      continue;
    Chain chain(value, saved);
    if (chain.isPossible())
      steps.push_back({value, chain.tier(), chain.flops(again), bytesOf(value)});
  }
  llvm::stable_sort(steps, isCheaper);
  return steps;
}

int64_t nf::savedBytes(Operation *loss) {
  SavedValues saved(loss);
  int64_t sum = 0;
  for (Value value : saved.inOrder())
    sum += bytesOf(value);
  return sum;
}

//===------------------------------------------------------------------------------------------===//
// Cloning
//===------------------------------------------------------------------------------------------===//

namespace {
class Cloner {
public:
  Cloner(Operation *loss, ArrayRef<RecomputeStep> steps) : loss(loss), saved(loss), builder(loss->getContext()) {
    for (const RecomputeStep &step : steps)
      dropped.insert(step.value);
  }

  void run() {
    SmallVector<Operation *> backward;
    for (Operation *op = loss->getNextNode(); op; op = op->getNextNode())
      backward.push_back(op);
    for (Operation *op : backward)
      for (OpOperand &operand : op->getOpOperands())
        if (dropped.contains(stripViews(operand.get()))) {
          builder.setInsertionPoint(op);
          operand.set(again(operand.get()));
        }
  }

private:
  bool isKept(Value value) const { return saved.contains(value) && !dropped.contains(value); }

  /// The value as backward has it: kept, or computed again.
  Value again(Value value) {
    if (Value known = copies.lookupOrNull(value))
      return known;
    Operation *maker = value.getDefiningOp();
    if (!maker || isOfStates(value) || isKept(value) || !saved.isForward(maker))
      return value;
    for (Value operand : maker->getOperands())
      again(operand);
    if (isView(maker) && !copies.contains(maker->getOperand(0)))
      return value;
    cloneOp(maker);
    return copies.lookup(value);
  }

  void cloneOp(Operation *maker) {
    SmallVector<Operation *> parts;
    SmallVector<Value> results = writeInPrimitives(builder.clone(*maker, copies), parts);
    for (auto [original, result] : llvm::zip_equal(maker->getResults(), results)) {
      copies.erase(original);
      if (isKept(original))
        result.replaceAllUsesWith(original);
      else
        copies.map(original, result);
    }
    for (Operation *part : parts)
      part->setAttr("nf.again", builder.getUnitAttr());
    for (Operation *part : llvm::reverse(parts))
      if (llvm::none_of(part->getResults(), [&](Value value) { return llvm::is_contained(results, value); }) &&
          isOpTriviallyDead(part))
        part->erase();
  }

  /// Puts primitives and kernels in the place of the op; returns what its results are now.
  SmallVector<Value> writeInPrimitives(Operation *op, SmallVectorImpl<Operation *> &parts) {
    auto composite = dyn_cast<DecomposableOpInterface>(op);
    Operation *before = op->getPrevNode();
    OpBuilder inner(op);
    FailureOr<SmallVector<Value>> values = failure();
    if (composite && !isa<KernelOpInterface>(op))
      values = composite.decompose(inner);
    if (failed(values)) {
      parts.push_back(op);
      return SmallVector<Value>(op->getResults());
    }
    SmallVector<Operation *> created;
    for (Operation *part = before->getNextNode(); part != op; part = part->getNextNode())
      created.push_back(part);
    op->replaceAllUsesWith(*values);
    op->erase();
    llvm::DenseMap<Value, Value> last;
    for (Operation *part : created) {
      SmallVector<Value> results(part->getResults());
      for (auto [result, value] : llvm::zip_equal(results, writeInPrimitives(part, parts)))
        last[result] = value;
    }
    for (Value &value : *values)
      if (Value now = last.lookup(value))
        value = now;
    return *values;
  }

  Operation *loss;
  SavedValues saved;
  OpBuilder builder;
  llvm::DenseSet<Value> dropped;
  IRMapping copies;
};
} // namespace

void nf::computeAgain(Operation *loss, ArrayRef<RecomputeStep> steps) {
  if (!steps.empty())
    Cloner(loss, steps).run();
}
