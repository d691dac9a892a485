//===- RowSchedule.cpp - what is computed in which loop over a row's columns -----------------===//
//
// 1. Walk the body: which values differ along a row, and the first loop that can compute each.
// 2. Reductions, stores and column sums go to the loop of their value's level. A result that overwrites an operand goes
//    to the last loop, when nothing reads the operand any more.
// 3. Loop by loop, find the values that later loops need again and choose where they come from.
// 4. Lay out the scratch memory.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/rows/RowSchedule.h"

using namespace mlir;
using namespace nf;

/// Loads and operations below which computing again beats a round trip through scratch memory.
static constexpr unsigned cheapLoads = 2, cheapOps = 6;

static constexpr int64_t scratchAlignment = 64;

/// The reduction that an op is in this problem, if any.
static std::optional<RowCombiner> combinerOf(const RowProblem &problem, Operation *op) {
  if (problem.rowsAreColumns)
    return std::nullopt;
  if (isa<ReduceSumOp>(op))
    return RowCombiner::Sum;
  if (isa<ReduceMeanOp>(op))
    return RowCombiner::Mean;
  if (isa<ReduceMaxOp>(op))
    return RowCombiner::Max;
  return std::nullopt;
}

namespace {
class Scheduler {
public:
  explicit Scheduler(const RowProblem &problem) : problem(problem) {}

  RowSchedule run() {
    classify();
    placeRoots();
    for (unsigned loop = 0; loop + 1 < schedule.loops.size(); ++loop)
      chooseKept(loop);
    layOutScratch();
    return std::move(schedule);
  }

private:
  Block *body() { return problem.op.getBodyBlock(); }
  Value yielded(unsigned result) { return problem.op.getYield().getOperand(result); }

  void classify() {
    for (auto [argument, kind] : llvm::zip(body()->getArguments(), problem.inputKinds))
      if (kind == RowKind::RowCol || kind == RowKind::Col || kind == RowKind::Gather)
        schedule.columnar.insert(argument);
    for (Operation &op : body()->without_terminator()) {
      bool columnar = isa<RandomBitsOp>(op) || (isa<IotaOp>(op) && !problem.rowsAreColumns);
      unsigned level = 0;
      for (Value operand : op.getOperands()) {
        columnar |= schedule.isColumnar(operand);
        level = std::max(level, schedule.levelOf(operand));
      }
      Value result = op.getResult(0);
      if (auto combiner = combinerOf(problem, &op)) {
        reductions.push_back({*combiner, op.getOperand(0), result});
        schedule.levels[result] = level + 1;
        continue;
      }
      schedule.levels[result] = level;
      if (columnar)
        schedule.columnar.insert(result);
    }
  }

  ColumnLoop &loop(unsigned level) {
    if (schedule.loops.size() <= level)
      schedule.loops.resize(level + 1);
    return schedule.loops[level];
  }

  void placeRoots() {
    for (RowReduction &reduction : reductions)
      loop(schedule.levelOf(reduction.operand)).reductions.push_back(reduction);
    SmallVector<unsigned> last;
    for (unsigned i = 0; i < problem.outs.size(); ++i) {
      unsigned level = schedule.levelOf(yielded(i));
      if (problem.sumsRow(i))
        loop(level).reductions.push_back({RowCombiner::Sum, yielded(i), Value(), i});
      else if (problem.resultKinds[i] == RowKind::ColSum)
        loop(level).columnSums.push_back(i);
      else if (problem.resultKinds[i] == RowKind::RowCol && problem.arguments[problem.outs[i]].isRead)
        last.push_back(i), loop(level);
      else if (problem.resultKinds[i] == RowKind::RowCol)
        loop(level).stores.push_back(i);
    }
    if (!last.empty())
      schedule.loops.back().stores.append(last);
  }

  //===----------------------------------------------------------------------------------------===//
  // Values that later loops need again
  //===----------------------------------------------------------------------------------------===//

  SmallVector<Value> rootsOf(const ColumnLoop &loop) {
    SmallVector<Value> roots;
    for (const RowReduction &reduction : loop.reductions)
      roots.push_back(reduction.operand);
    for (unsigned result : loop.stores)
      roots.push_back(yielded(result));
    for (unsigned result : loop.columnSums)
      roots.push_back(yielded(result));
    return roots;
  }

  /// Columnar values that a loop computes or loads, given what is kept already; kept values end the walk.
  llvm::DenseSet<Value> conesOf(ArrayRef<Value> roots) {
    llvm::DenseSet<Value> cone;
    SmallVector<Value> worklist(roots);
    while (!worklist.empty()) {
      Value value = worklist.pop_back_val();
      if (!schedule.isColumnar(value) || !cone.insert(value).second || kept.contains(value))
        continue;
      if (Operation *op = value.getDefiningOp())
        worklist.append(op->operand_begin(), op->operand_end());
    }
    return cone;
  }

  /// Whether the value is compared with the maximum of its row. It has to be the very value then: multiplications and
  /// additions may be contracted in one loop and not in another.
  static bool isComparedWithMaximum(Value value) {
    return llvm::any_of(value.getUsers(), [](Operation *user) { return isa<ReduceMaxOp>(user); }) &&
           llvm::any_of(value.getUsers(), [](Operation *user) { return isa<CompareOp>(user); });
  }

  /// Whether computing a value again costs less than keeping it.
  bool isCheap(Value value) {
    if (isComparedWithMaximum(value))
      return false;
    unsigned loads = 0, ops = 0;
    for (Value part : conesOf({value})) {
      Operation *op = part.getDefiningOp();
      if (!op || kept.contains(part)) {
        ++loads;
        continue;
      }
      ++ops;
      if (cast<RowWiseOpInterface>(op).isCostly())
        return false;
    }
    return loads <= cheapLoads && ops <= cheapOps;
  }

  /// Values of loop `index` that an op or a root of a later loop uses and loop `index` does not compute that use.
  SmallVector<Value> crossing(unsigned index) {
    llvm::DenseSet<Value> here = conesOf(rootsOf(schedule.loops[index]));
    llvm::SetVector<Value> values;
    for (unsigned later = index + 1; later < schedule.loops.size(); ++later) {
      SmallVector<Value> roots = rootsOf(schedule.loops[later]);
      for (Value root : roots)
        if (here.contains(root))
          values.insert(root);
      llvm::DenseSet<Value> there = conesOf(roots);
      for (Operation &op : body()->without_terminator())
        if (there.contains(op.getResult(0)) && !here.contains(op.getResult(0)) && !kept.contains(op.getResult(0)))
          for (Value operand : op.getOperands())
            if (here.contains(operand))
              values.insert(operand);
    }
    return values.takeVector();
  }

  void chooseKept(unsigned index) {
    SmallVector<Value> worklist = crossing(index);
    while (!worklist.empty()) {
      Value value = worklist.pop_back_val();
      Operation *op = value.getDefiningOp();
      if (!op || kept.contains(value))
        continue;
      if (auto output = storedIn(index, value)) {
        keep(index, {value, 0, output});
      } else if (!isCheap(value)) {
        // A mask is not worth a buffer of its own: keep what it is made of.
        if (cast<RankedTensorType>(value.getType()).getElementType().isInteger(1))
          worklist.append(op->operand_begin(), op->operand_end());
        else
          keep(index, {value, 0, std::nullopt});
      }
    }
  }

  std::optional<unsigned> storedIn(unsigned index, Value value) {
    for (unsigned result : schedule.loops[index].stores)
      if (yielded(result) == value)
        return result;
    return std::nullopt;
  }

  void keep(unsigned index, KeptValue value) {
    kept.insert(value.value);
    schedule.loops[index].keeps.push_back(value);
  }

  void layOutScratch() {
    auto take = [&](Type element) {
      int64_t offset = schedule.scratchBytes;
      int64_t bytes = problem.cols * std::max(1u, element.getIntOrFloatBitWidth() / 8);
      schedule.scratchBytes += llvm::alignTo(bytes, scratchAlignment);
      return offset;
    };
    for (ColumnLoop &loop : schedule.loops) {
      for (KeptValue &value : loop.keeps)
        if (!value.output)
          value.scratchOffset = take(cast<RankedTensorType>(value.value.getType()).getElementType());
      for (unsigned result : loop.columnSums)
        schedule.sumOffsets[result] =
            take(accumulatorType(cast<RankedTensorType>(yielded(result).getType()).getElementType()));
    }
  }

  const RowProblem &problem;
  RowSchedule schedule;
  SmallVector<RowReduction> reductions;
  llvm::DenseSet<Value> kept;
};
} // namespace

RowSchedule nf::scheduleRows(const RowProblem &problem) { return Scheduler(problem).run(); }
