//===- Recompute.cpp - backward computes again what is cheaper computed than kept ------------===//
//
// What backward reads of forward is written to memory and read back. Where row-wise ops made it from values that the
// same backward region reads anyway, computing it there again moves fewer bytes, and memory holds less.
//
// 1. Split forward_backward at the op that makes the loss. A value of the first half that the second reads is saved.
// 2. Count the products (matrix products, attention) on the longest way to each op, or in backward to its first reader:
//    row-wise ops with equal counts can become one region, others cannot.
// 3. A saved value that an elementwise op made, and that one backward region alone reads, is computed there if that
//    reads fewer bytes in addition than keeping the value costs: its read, and its write where forward does not need
//    it in memory either. Sums are not made again, and nothing whose maximum is taken: last bits may differ, and the
//    gradient of a maximum asks which element it was.
// 4. Its ops are cloned in front of the region; chains of them as far as nothing else has their values.
// 5. Where memory is short: the first `steps` of RecomputeSteps, which cost operations. What all of it comes to, and
//    where steps of one kind end, is left in the module's attribute nf.recomputed.
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/autodiff/OpClass.h"
#include "passes/autodiff/Passes.h"
#include "passes/autodiff/RecomputeSteps.h"

namespace nf {
#define GEN_PASS_DEF_RECOMPUTE
#include "passes/autodiff/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// The ops that read a value, also through views of it.
static SmallVector<Operation *> readersOf(Value value) {
  return llvm::map_to_vector(usesThroughReshapes(value), [](OpOperand *use) { return use->getOwner(); });
}

namespace {
class Recomputer {
public:
  explicit Recomputer(ProgramOp program) : block(program.getBody().front()) {
    loss = block.getTerminator()->getOperand(0).getDefiningOp();
    for (Operation &op : llvm::make_early_inc_range(block.without_terminator()))
      add(&op);
    for (Operation &op : llvm::reverse(block.without_terminator()))
      if (isBackward(&op) && kinds[&op] != OpClass::Product)
        moveToReaders(&op);
  }

  void run() {
    SmallVector<Value> chosen;
    for (Operation &op : block.without_terminator())
      if (!isBackward(&op))
        for (Value result : op.getResults())
          if (std::optional<int64_t> region = cheaperIn(result)) {
            recomputed[*region].insert(result);
            chosen.push_back(result);
          }
    for (Value value : chosen)
      replaceInBackward(value);
  }

  /// Null in a program without a backward half.
  Operation *lossOp() const { return loss; }

  /// The ops of forward that backward computes again.
  llvm::DenseSet<Operation *> again() const {
    llvm::DenseSet<Operation *> ops;
    for (auto &[region, copies] : copiesOf)
      for (auto &[original, copy] : copies.getValueMap())
        if (original.getDefiningOp() && original.getDefiningOp() != copy.getDefiningOp())
          ops.insert(original.getDefiningOp());
    return ops;
  }

private:
  void add(Operation *op) {
    kinds[op] = classOf(op);
    int64_t most = 0;
    for (Value operand : op->getOperands())
      if (Operation *maker = operand.getDefiningOp())
        most = std::max(most, products.lookup(maker) + (kinds.lookup(maker) == OpClass::Product));
    products[op] = most;
  }

  /// What backward computes from forward's values alone belongs to the region that reads it, however early it could be.
  void moveToReaders(Operation *op) {
    std::optional<int64_t> least;
    for (Value result : op->getResults())
      for (Operation *reader : result.getUsers())
        least = std::min(least.value_or(products.lookup(reader)), products.lookup(reader));
    products[op] = std::max(products[op], least.value_or(0));
    if (isRowWise(op))
      firstOf[products[op]] = op;
  }

  bool isBackward(Operation *op) const { return loss && loss->isBeforeInBlock(op); }
  bool isRowWise(Operation *op) const {
    return kinds.lookup(op) == OpClass::Elements || kinds.lookup(op) == OpClass::Rows;
  }
  bool isBackwardRow(Operation *op) const { return isBackward(op) && isRowWise(op); }

  /// A tensor beside which this one does not count: numbers of rows or of columns.
  static bool isSmall(Value value, Value beside) { return bytesOf(value) * 16 <= bytesOf(beside); }

  bool isReadIn(int64_t region, Value value) const {
    return llvm::any_of(readersOf(value),
                        [&](Operation *reader) { return isBackwardRow(reader) && products.lookup(reader) == region; });
  }
  bool isSaved(Value value) const {
    return llvm::any_of(readersOf(value), [&](Operation *reader) { return isBackward(reader); });
  }

  /// Whether its maximum is taken, with which gradients compare the very value.
  static bool hasMaximum(Value value) {
    return llvm::any_of(readersOf(value), [](Operation *reader) { return isa<ReduceMaxOp>(reader); });
  }

  /// The backward region that should compute a saved value again, or none.
  std::optional<int64_t> cheaperIn(Value value) {
    Operation *maker = value.getDefiningOp();
    if (kinds.lookup(maker) != OpClass::Elements || hasMaximum(value))
      return std::nullopt;
    std::optional<int64_t> region;
    bool isWrittenAnyway = false;
    for (Operation *reader : readersOf(value)) {
      if (!isBackward(reader)) {
        isWrittenAnyway |= !isRowWise(reader) || products.lookup(reader) != products.lookup(maker);
        continue;
      }
      if (!isBackwardRow(reader) || (region && *region != products.lookup(reader)))
        return std::nullopt;
      region = products.lookup(reader);
    }
    if (!region)
      return std::nullopt;
    std::optional<int64_t> added = bytesToMake(maker, value, *region);
    int64_t kept = bytesOf(value) * (isWrittenAnyway ? 1 : 2);
    return added && *added < kept ? region : std::nullopt;
  }

  /// Bytes that a region reads in addition in order to run `maker`; none where a value is no longer there.
  std::optional<int64_t> bytesToMake(Operation *maker, Value beside, int64_t region) {
    int64_t sum = 0;
    for (Value operand : maker->getOperands()) {
      std::optional<int64_t> bytes = bytesToHave(operand, beside, region);
      if (!bytes)
        return std::nullopt;
      sum += *bytes;
    }
    return sum;
  }

  std::optional<int64_t> bytesToHave(Value value, Value beside, int64_t region) {
    Operation *maker = value.getDefiningOp();
    if (isSmall(value, beside) || isReadIn(region, value))
      return 0;
    if (!maker)
      return bytesOf(value);
    if (isa<ReshapeOp>(maker))
      return bytesToHave(maker->getOperand(0), beside, region);
    if (kinds.lookup(maker) == OpClass::Free || isSaved(value))
      return bytesOf(value);
    return kinds.lookup(maker) == OpClass::Elements ? bytesToMake(maker, beside, region) : std::nullopt;
  }

  void replaceInBackward(Value value) {
    int64_t region = products.lookup(*llvm::find_if(readersOf(value), [&](Operation *o) { return isBackward(o); }));
    OpBuilder builder(firstOf.lookup(region));
    Value copy = make(builder, value, value, region);
    value.replaceUsesWithIf(copy, [&](OpOperand &use) { return isBackwardRow(use.getOwner()); });
    for (Operation *user : llvm::make_early_inc_range(value.getUsers()))
      if (auto view = dyn_cast<ReshapeOp>(user)) {
        Value shaped = ReshapeOp::create(builder, view.getLoc(), view.getType(), copy);
        view.getY().replaceUsesWithIf(shaped, [&](OpOperand &use) { return isBackwardRow(use.getOwner()); });
      }
  }

  /// `value` for the readers of a region: itself where it is there, else what a clone of its op gives.
  Value make(OpBuilder &builder, Value value, Value beside, int64_t region) {
    Operation *maker = value.getDefiningOp();
    bool isChosen = recomputed[region].contains(value);
    if (!maker || kinds.lookup(maker) == OpClass::Free || (!isChosen && (isSmall(value, beside) || isSaved(value)))) {
      auto view = dyn_cast_or_null<ReshapeOp>(maker);
      if (!view)
        return value;
      Value source = make(builder, view.getX(), beside, region);
      return source == view.getX() ? value
                                   : ReshapeOp::create(builder, view.getLoc(), view.getType(), source).getResult();
    }
    IRMapping &copies = copiesOf[region];
    if (Value known = copies.lookupOrNull(value))
      return known;
    for (Value operand : maker->getOperands())
      if (Value copy = make(builder, operand, beside, region); copy != operand)
        copies.map(operand, copy);
    builder.clone(*maker, copies);
    return copies.lookup(value);
  }

  Block &block;
  Operation *loss;
  llvm::DenseMap<Operation *, OpClass> kinds;
  llvm::DenseMap<Operation *, int64_t> products; ///< on the longest way to an op: the number of its region
  llvm::DenseMap<int64_t, Operation *> firstOf;  ///< of a backward region
  llvm::DenseMap<int64_t, llvm::DenseSet<Value>> recomputed;
  llvm::DenseMap<int64_t, IRMapping> copiesOf;
};

int64_t flopsOfProgram(ProgramOp program) {
  int64_t sum = 0;
  for (Operation &op : llvm::make_early_inc_range(program.getBody().front().without_terminator()))
    sum += flopsOf(&op);
  return sum;
}

/// The numbers of steps at which those that are alike end.
SmallVector<int64_t> endsOf(ArrayRef<RecomputeStep> steps) {
  SmallVector<int64_t> ends;
  for (size_t i = 0; i < steps.size(); ++i)
    if (i + 1 == steps.size() || !steps[i].isLike(steps[i + 1]))
      ends.push_back(static_cast<int64_t>(i) + 1);
  return ends;
}

struct Recompute : nf::impl::RecomputeBase<Recompute> {
  using RecomputeBase::RecomputeBase;

  void runOnOperation() override {
    auto program = getOperation().lookupSymbol<ProgramOp>("forward_backward");
    if (!program || program.getNumResults() != 1)
      return;
    Recomputer recomputer(program);
    Operation *loss = recomputer.lossOp();
    if (!loss)
      return;
    int64_t bytes = savedBytes(loss), flops = flopsOfProgram(program);
    recomputer.run();
    std::vector<RecomputeStep> possible = recomputeSteps(loss, recomputer.again());
    size_t taken = std::min<size_t>(steps, possible.size());
    computeAgain(loss, ArrayRef(possible).take_front(taken));
    IRRewriter rewriter(program.getContext());
    (void)runRegionDCE(rewriter, program->getRegions());
    Builder b(&getContext());
    auto number = [&](StringRef name, int64_t value) { return b.getNamedAttr(name, b.getI64IntegerAttr(value)); };
    getOperation()->setAttr(
        "nf.recomputed", b.getDictionaryAttr({number("bytes_saved", bytes - savedBytes(loss)), number("flops", flops),
                                              number("flops_added", flopsOfProgram(program) - flops),
                                              number("steps", static_cast<int64_t>(taken)),
                                              b.getNamedAttr("ends", b.getDenseI64ArrayAttr(endsOf(possible)))}));
  }
};
} // namespace
