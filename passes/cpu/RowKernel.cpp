//===- RowKernel.cpp - the kernel of a fused region ------------------------------------------===//
//
// Two ways to split the work, chosen by shapes and body alone:
//   rows    a task is a run of rows (where a region is one long row without reductions: a run of its columns). Each row
//           is a sequence of loops over its columns, by RowSchedule. Column sums live in scratch memory; then a task is
//           a group of rows and writes that group's sums.
//   columns column sums without row reductions: a task is a block of columns of one group, which it walks down row by
//           row with the sums in registers.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/cpu/RowKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/cpu/RowEmitter.h"

using namespace mlir;
using namespace nf;

/// Elements of a task: enough to hide what starting it costs, few enough to share the work evenly.
static constexpr int64_t taskElements = 8192;
static constexpr int64_t mostRowTasks = 512;
/// Columns of a task that splits rows; a multiple of every step.
static constexpr int64_t taskColumns = 16384;
/// Vectors that a loop computes in one step: sums need several chains, large bodies fill the registers sooner.
static constexpr int64_t mostVectors = 4, vectorsOfLargeBody = 2;
static constexpr size_t largeBody = 16;

namespace {
class KernelBuilder {
public:
  KernelBuilder(OpBuilder &builder, const RowProblem &problem, int64_t lanes)
      : b(problem.op.getLoc(), builder), problem(problem), schedule(scheduleRows(problem)), lanes(lanes) {}

  FailureOr<RowKernel> run(StringRef name);

private:
  //===----------------------------------------------------------------------------------------===//
  // Small things
  //===----------------------------------------------------------------------------------------===//

  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value scale(Value x, int64_t by) { return by == 1 ? x : arith::MulIOp::create(b, x, index(by)).getResult(); }
  Value least(Value x, int64_t bound) { return arith::MinSIOp::create(b, x, index(bound)); }
  Value divide(Value x, int64_t by) { return arith::DivUIOp::create(b, x, index(by)); }
  Value remainder(Value x, int64_t by) { return arith::RemUIOp::create(b, x, index(by)); }

  using LoopBody = llvm::function_ref<SmallVector<Value>(Value, ValueRange)>;
  SmallVector<Value> forEach(Value from, Value to, int64_t step, ValueRange carried, LoopBody body) {
    auto loop = scf::ForOp::create(b, from, to, index(step), carried);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
    if (!carried.empty())
      scf::YieldOp::create(b, next);
    return SmallVector<Value>(loop.getResults());
  }

  bool hasColumnSum() { return llvm::is_contained(problem.resultKinds, RowKind::ColSum); }
  bool hasRowResult() { return llvm::is_contained(problem.resultKinds, RowKind::Row); }
  bool hasReduction() {
    return llvm::any_of(schedule.loops, [](const ColumnLoop &loop) { return !loop.reductions.empty(); });
  }
  bool splitsColumns() { return hasColumnSum() && !hasRowResult() && !hasReduction(); }

  /// Vectors a step; the whole step is a multiple of four columns for random bits.
  int64_t vectorsPerStep() {
    size_t ops = 0;
    bool draws = false;
    for (Operation &op : problem.op.getBodyBlock()->without_terminator()) {
      ++ops;
      draws |= isa<RandomBitsOp>(op);
    }
    int64_t vectors = ops > largeBody && !draws ? vectorsOfLargeBody : mostVectors;
    return std::clamp<int64_t>(problem.cols / lanes, 1, vectors);
  }

  /// The columns from `from` on in runs of static place: full vectors, then halves of them down to one column.
  SmallVector<ColumnRun> staticRuns(int64_t from, int64_t to) {
    SmallVector<ColumnRun> runs;
    for (int64_t width = lanes; width >= 1; width /= 2)
      if (int64_t count = (to - from) / width) {
        runs.push_back({index(from), from % 4, count, width});
        from += count * width;
      }
    return runs;
  }

  //===----------------------------------------------------------------------------------------===//
  // Tasks of rows
  //===----------------------------------------------------------------------------------------===//

  void emitRowTasks();
  void emitRow(Value row, Value firstColumn, Value endColumn);
  void emitColumns(RowValues &values, unsigned loop, Value firstColumn, Value endColumn);
  void emitTail(RowValues &values, unsigned loop, int64_t from, SmallVector<Value> sums);
  void addToSums(unsigned loop, Value column, ArrayRef<SmallVector<Value>> terms, int64_t width);
  void setReductions(RowValues &values, unsigned loop, ArrayRef<Value> numbers);
  void storeRowResults(RowValues &values);
  void clearSums();
  void storeSums(Value group);
  void forEachVector(llvm::function_ref<void(Value, int64_t)> body);

  //===----------------------------------------------------------------------------------------===//
  // Tasks of columns
  //===----------------------------------------------------------------------------------------===//

  void emitColumnTasks();
  void emitColumnBlock(Value group, ArrayRef<ColumnRun> runs);

  ImplicitLocOpBuilder b;
  const RowProblem &problem;
  RowSchedule schedule;
  int64_t lanes;
  std::optional<RowEmitter> emitter;
  Value task;
  int64_t tasks = 1;
};
} // namespace

FailureOr<RowKernel> KernelBuilder::run(StringRef name) {
  SmallVector<Type> types;
  for (const RowArgument &argument : problem.arguments)
    types.push_back(argument.type);
  types.append(problem.sites.size(), MemRefType::get({1}, b.getI32Type()));
  size_t buffers = types.size();
  types.push_back(b.getIndexType());
  types.push_back(MemRefType::get({ShapedType::kDynamic}, b.getI8Type()));
  auto function = func::FuncOp::create(b, name, b.getFunctionType(types, {}));
  function.setPrivate();
  for (size_t i = 0; i < buffers; ++i)
    function.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  task = entry->getArgument(buffers);
  if (splitsColumns()) {
    schedule.sumOffsets.clear();
    schedule.scratchBytes = 0;
  }
  emitter.emplace(b, problem, schedule, entry->getArguments().take_front(buffers), entry->getArgument(buffers + 1));
  emitter->begin();
  if (splitsColumns())
    emitColumnTasks();
  else
    emitRowTasks();
  b.setLoc(function.getLoc());
  func::ReturnOp::create(b);
  function->setAttr(scratchBytesAttribute, b.getI64IntegerAttr(schedule.scratchBytes));
  if (Operation *op = emitter->getUnsupported()) {
    function.erase();
    return op->emitOpError() << "expected a primitive with a vector form in a fused region";
  }
  return RowKernel{function, tasks};
}

//===------------------------------------------------------------------------------------------===//
// Tasks of rows
//===------------------------------------------------------------------------------------------===//

void KernelBuilder::emitRowTasks() {
  bool splitsRow = schedule.loops.size() <= 1 && !hasReduction() && !hasRowResult() && !hasColumnSum() &&
                   problem.cols > 2 * taskColumns;
  int64_t blocks = splitsRow ? llvm::divideCeil(problem.cols, taskColumns) : 1;
  int64_t rows = std::max(llvm::divideCeil(taskElements, problem.cols), llvm::divideCeil(problem.rows, mostRowTasks));
  if (splitsRow)
    rows = 1;
  if (hasColumnSum())
    rows = llvm::divideCeil(problem.rows, problem.groups);
  rows = std::min(rows, problem.rows);
  tasks = (hasColumnSum() ? problem.groups : llvm::divideCeil(problem.rows, rows)) * blocks;

  Value group = splitsRow ? divide(task, blocks) : task, first, end;
  if (splitsRow) {
    first = scale(remainder(task, blocks), taskColumns);
    end = least(add(first, index(taskColumns)), problem.cols);
  }
  clearSums();
  Value row = scale(group, rows);
  if (rows == 1 && tasks == problem.rows * blocks) {
    emitRow(row, first, end);
  } else {
    Value last = add(row, index(rows));
    if (rows * tasks != problem.rows * blocks)
      last = least(last, problem.rows);
    forEach(row, last, 1, {}, [&](Value row, ValueRange) {
      emitRow(row, first, end);
      return SmallVector<Value>();
    });
  }
  storeSums(group);
}

/// A row, or its columns from `firstColumn` to `endColumn` where those are given.
void KernelBuilder::emitRow(Value row, Value firstColumn, Value endColumn) {
  RowValues values = emitter->beginRow(row);
  for (unsigned loop = 0; loop < schedule.loops.size() && !emitter->getUnsupported(); ++loop) {
    emitter->addNumbers(values, loop);
    if (!emitter->getUnsupported())
      emitColumns(values, loop, firstColumn, endColumn);
  }
  emitter->addNumbers(values, schedule.loops.size());
  if (!emitter->getUnsupported())
    storeRowResults(values);
}

/// One loop over a row's columns: whole steps, then runs of static place.
void KernelBuilder::emitColumns(RowValues &values, unsigned loop, Value firstColumn, Value endColumn) {
  const ColumnLoop &work = schedule.loops[loop];
  int64_t vectors = vectorsPerStep(), step = vectors * lanes, even = problem.cols / step * step;
  size_t reductions = work.reductions.size();
  SmallVector<Value> sums;
  if (even > 0) {
    for (const RowReduction &reduction : work.reductions) {
      Type element = accumulatorType(cast<RankedTensorType>(reduction.operand.getType()).getElementType());
      for (int64_t v = 0; v < vectors; ++v)
        sums.push_back(emitIdentity(b, reduction.combiner, element, lanes));
    }
    Value from = firstColumn ? firstColumn : index(0), to = endColumn ? least(endColumn, even) : index(even);
    sums = forEach(from, to, step, sums, [&](Value column, ValueRange carried) {
      auto terms = emitter->emitRun(values, loop, {column, 0, vectors, lanes});
      SmallVector<Value> next;
      if (emitter->getUnsupported())
        return SmallVector<Value>(carried);
      for (size_t r = 0; r < reductions; ++r)
        for (int64_t v = 0; v < vectors; ++v)
          next.push_back(emitCombine(b, work.reductions[r].combiner, carried[r * vectors + v], terms[r][v]));
      addToSums(loop, column, ArrayRef(terms).drop_front(reductions), lanes);
      return next;
    });
    SmallVector<Value> folded;
    for (size_t r = 0; r < reductions; ++r) {
      SmallVector<Value> parts(ArrayRef(sums).slice(r * vectors, vectors));
      for (int64_t have = vectors; have > 1; have = llvm::divideCeil(have, 2))
        for (int64_t i = 0; i < have / 2; ++i)
          parts[i] = emitCombine(b, work.reductions[r].combiner, parts[i], parts[llvm::divideCeil(have, 2) + i]);
      folded.push_back(parts[0]);
    }
    sums = folded;
  }
  if (emitter->getUnsupported())
    return;
  if (!endColumn || even == problem.cols)
    return emitTail(values, loop, even, sums);
  Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, endColumn, index(problem.cols));
  auto branch = scf::IfOp::create(b, isLast, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  emitTail(values, loop, even, sums);
}

/// The columns after the whole steps; then the lanes of each reduction become one number.
void KernelBuilder::emitTail(RowValues &values, unsigned loop, int64_t from, SmallVector<Value> sums) {
  const ColumnLoop &work = schedule.loops[loop];
  size_t reductions = work.reductions.size();
  SmallVector<Value> numbers(reductions);
  auto addNumber = [&](size_t r, Value vector) {
    Value number = emitCombineLanes(b, work.reductions[r].combiner, vector);
    numbers[r] = numbers[r] ? emitCombine(b, work.reductions[r].combiner, numbers[r], number) : number;
  };
  SmallVector<ColumnRun> runs = staticRuns(from, problem.cols);
  bool hasFullVectors = !runs.empty() && runs.front().lanes == lanes;
  if (!hasFullVectors)
    for (size_t r = 0; r < sums.size(); ++r)
      addNumber(r, sums[r]);
  for (const ColumnRun &run : runs) {
    auto terms = emitter->emitRun(values, loop, run);
    if (emitter->getUnsupported())
      return;
    addToSums(loop, run.column, ArrayRef(terms).drop_front(reductions), run.lanes);
    for (size_t r = 0; r < reductions; ++r) {
      Value sum = run.lanes == lanes && !sums.empty() ? sums[r] : Value();
      for (Value term : terms[r])
        sum = sum ? emitCombine(b, work.reductions[r].combiner, sum, term) : term;
      addNumber(r, sum);
    }
  }
  setReductions(values, loop, numbers);
}

void KernelBuilder::setReductions(RowValues &values, unsigned loop, ArrayRef<Value> numbers) {
  for (auto [reduction, number] : llvm::zip(schedule.loops[loop].reductions, numbers)) {
    Value result = number;
    if (reduction.combiner == RowCombiner::Mean) {
      auto count = b.getFloatAttr(number.getType(), problem.cols);
      result = arith::DivFOp::create(b, number, arith::ConstantOp::create(b, count));
    }
    if (reduction.result) {
      Type element = cast<RankedTensorType>(reduction.result.getType()).getElementType();
      values.numbers[reduction.result] = emitCast(b, result, element);
      continue;
    }
    Value out = emitter->out(reduction.output);
    result = emitter->addOldDestination(reduction.output, result, out, values.row);
    result = emitCast(b, result, cast<MemRefType>(out.getType()).getElementType());
    memref::StoreOp::create(b, result, out, values.row);
  }
}

void KernelBuilder::storeRowResults(RowValues &values) {
  YieldOp yield = problem.op.getYield();
  for (unsigned i = 0; i < problem.outs.size(); ++i)
    if (problem.resultKinds[i] == RowKind::Row && !problem.sumsRow(i))
      memref::StoreOp::create(b, values.numbers.lookup(yield.getOperand(i)), emitter->out(i), values.row);
}

//===------------------------------------------------------------------------------------------===//
// Column sums of a group of rows
//===------------------------------------------------------------------------------------------===//

/// Every vector of a row's columns, in a loop and a tail of static place.
void KernelBuilder::forEachVector(llvm::function_ref<void(Value, int64_t)> body) {
  int64_t even = problem.cols / lanes * lanes;
  if (even > 0)
    forEach(index(0), index(even), lanes, {}, [&](Value column, ValueRange) {
      body(column, lanes);
      return SmallVector<Value>();
    });
  for (const ColumnRun &run : staticRuns(even, problem.cols))
    body(run.column, run.lanes);
}

void KernelBuilder::clearSums() {
  for (auto [result, kind] : llvm::enumerate(problem.resultKinds))
    if (Value memref = emitter->sumScratch(result))
      forEachVector([&](Value column, int64_t width) {
        Type element = cast<MemRefType>(memref.getType()).getElementType();
        emitStore(b, emitIdentity(b, RowCombiner::Sum, element, width), memref, column);
      });
}

/// Adds a run's terms, one list of vectors a column sum, to the sums in scratch memory.
void KernelBuilder::addToSums(unsigned loop, Value column, ArrayRef<SmallVector<Value>> terms, int64_t width) {
  for (auto [result, vectors] : llvm::zip(schedule.loops[loop].columnSums, terms)) {
    Value memref = emitter->sumScratch(result);
    for (auto [v, term] : llvm::enumerate(vectors)) {
      Value place = v == 0 ? column : add(column, index(v * width));
      Value sum = emitLoad(b, memref, place, width);
      emitStore(b, arith::AddFOp::create(b, sum, term), memref, place);
    }
  }
}

void KernelBuilder::storeSums(Value group) {
  for (auto [result, kind] : llvm::enumerate(problem.resultKinds))
    if (Value memref = emitter->sumScratch(result))
      forEachVector([&, result = result](Value column, int64_t width) {
        Value out = emitter->out(result);
        Value sum = emitter->addOldDestination(result, emitLoad(b, memref, column, width), out, {group, column});
        emitStore(b, emitCast(b, sum, cast<MemRefType>(out.getType()).getElementType()), out, {group, column});
      });
}

//===------------------------------------------------------------------------------------------===//
// Tasks of columns
//===------------------------------------------------------------------------------------------===//

void KernelBuilder::emitColumnTasks() {
  // Half of the registers hold sums. A block is at least a cache line wide, and narrow enough for eight of them.
  int64_t registers = (lanes >= 16 ? 16 : 8) / schedule.loops[0].columnSums.size();
  int64_t line = std::max<int64_t>(1, 16 / lanes);
  int64_t vectors = std::clamp<int64_t>(std::min(registers, problem.cols / (8 * lanes)), line, mostVectors);
  int64_t width = vectors * lanes, full = problem.cols / width, blocks = llvm::divideCeil(problem.cols, width);
  tasks = problem.groups * blocks;
  Value group = problem.groups == 1 ? index(0) : divide(task, blocks);
  Value block = problem.groups == 1 ? task : remainder(task, blocks);
  auto emitFull = [&] { emitColumnBlock(group, ColumnRun{scale(block, width), 0, vectors, lanes}); };
  auto emitRest = [&] { emitColumnBlock(group, staticRuns(full * width, problem.cols)); };
  if (full == blocks)
    return emitFull();
  if (full == 0)
    return emitRest();
  Value isFull = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, block, index(full));
  auto branch = scf::IfOp::create(b, isFull, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  emitFull();
  b.setInsertionPointToStart(branch.elseBlock());
  emitRest();
}

/// The columns `runs` of a group of rows, from its first row to its last.
void KernelBuilder::emitColumnBlock(Value group, ArrayRef<ColumnRun> runs) {
  ArrayRef<unsigned> results = schedule.loops[0].columnSums;
  SmallVector<Value> sums;
  for (unsigned result : results)
    for (const ColumnRun &run : runs)
      for (int64_t v = 0; v < run.count; ++v) {
        Value yielded = problem.op.getYield().getOperand(result);
        Type element = accumulatorType(cast<RankedTensorType>(yielded.getType()).getElementType());
        sums.push_back(emitIdentity(b, RowCombiner::Sum, element, run.lanes));
      }
  int64_t rows = llvm::divideCeil(problem.rows, problem.groups);
  Value first = scale(group, rows), last = add(first, index(rows));
  if (rows * problem.groups != problem.rows)
    last = least(last, problem.rows);
  sums = forEach(first, last, 1, sums, [&](Value row, ValueRange carried) {
    RowValues values = emitter->beginRow(row);
    emitter->addNumbers(values, 0);
    SmallVector<SmallVector<Value>> terms(results.size());
    for (const ColumnRun &run : runs) {
      if (emitter->getUnsupported())
        return SmallVector<Value>(carried);
      for (auto [all, some] : llvm::zip(terms, emitter->emitRun(values, 0, run)))
        all.append(some);
    }
    SmallVector<Value> next;
    if (emitter->getUnsupported())
      return SmallVector<Value>(carried);
    for (SmallVector<Value> &term : terms)
      for (Value vector : term)
        next.push_back(arith::AddFOp::create(b, carried[next.size()], vector));
    return next;
  });
  auto sum = sums.begin();
  for (unsigned result : results) {
    Value out = emitter->out(result);
    for (const ColumnRun &run : runs)
      for (int64_t v = 0; v < run.count; ++v) {
        SmallVector<Value> place = {group, v == 0 ? run.column : add(run.column, index(v * run.lanes))};
        Value total = emitter->addOldDestination(result, *sum++, out, place);
        emitStore(b, emitCast(b, total, cast<MemRefType>(out.getType()).getElementType()), out, place);
      }
  }
}

FailureOr<RowKernel> nf::emitRowKernel(OpBuilder &builder, const RowProblem &problem, StringRef name, int64_t lanes) {
  return KernelBuilder(builder, problem, lanes).run(name);
}
