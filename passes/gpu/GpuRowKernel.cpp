//===- GpuRowKernel.cpp - the GPU kernel of a fused region -----------------------------------===//
//
// 1. A block takes its rows: as many at once as its threads hold; where columns are summed, a group of rows one after
//    another, with the sums in registers.
// 2. A row is computed level by level (RowSchedule). Where a thread holds its part of the row in registers, each value
//    is loaded or computed once; else every level goes over the row in a loop of its own.
// 3. After a level its reductions are added up over the threads of the row: by shuffles within a warp, then over warps
//    through shared memory. The order is that of the threads, so the bits are always the same.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/gpu/GpuRowKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/gpu/GpuBuilder.h"
#include "passes/gpu/ThreadEmitter.h"

using namespace mlir;
using namespace nf;

namespace {
class KernelBuilder {
public:
  KernelBuilder(OpBuilder &builder, const RowProblem &problem, const RowSchedule &schedule, const RowSpread &spread)
      : b(problem.op.getLoc(), builder), problem(problem), schedule(schedule), spread(spread) {}

  FailureOr<LLVM::LLVMFuncOp> run(StringRef name);

private:
  //===----------------------------------------------------------------------------------------===//
  // Small things
  //===----------------------------------------------------------------------------------------===//

  Value constant(int64_t value) { return arith::ConstantIntOp::create(b, b.getI64Type(), value); }
  Value constant32(int64_t value) { return arith::ConstantIntOp::create(b, b.getI32Type(), value); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value scale(Value x, int64_t by) { return by == 1 ? x : arith::MulIOp::create(b, x, constant(by)).getResult(); }
  Value divide(Value x, int64_t by) { return arith::DivUIOp::create(b, x, constant(by)); }
  Value remainder(Value x, int64_t by) { return arith::RemUIOp::create(b, x, constant(by)); }
  Value isBelow(Value x, int64_t bound) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, constant(bound));
  }
  Value both(Value x, Value y) { return !x ? y : !y ? x : arith::AndIOp::create(b, x, y).getResult(); }
  Value pick(Value condition, Value x, Value y) { return arith::SelectOp::create(b, condition, x, y); }
  Type accumulatorOf(Value value) { return accumulatorType(cast<RankedTensorType>(value.getType()).getElementType()); }
  Value identity(RowCombiner combiner, Type element) { return emitIdentity(b, combiner, element, spread.vector); }

  /// Emits `body` where `condition` holds; without a condition, always.
  void onlyIf(Value condition, llvm::function_ref<void()> body) {
    if (!condition)
      return body();
    auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    body();
  }

  using LoopBody = llvm::function_ref<SmallVector<Value>(Value, ValueRange)>;
  SmallVector<Value> forEach(Value from, Value to, ValueRange carried, LoopBody body) {
    auto loop = scf::ForOp::create(b, from, to, constant(1), carried);
    keepRolled(loop);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
    if (!carried.empty())
      scf::YieldOp::create(b, next);
    return SmallVector<Value>(loop.getResults());
  }

  bool sumsColumns() { return llvm::is_contained(problem.resultKinds, RowKind::ColSum); }

  //===----------------------------------------------------------------------------------------===//
  // Rows
  //===----------------------------------------------------------------------------------------===//

  void emitGroup(Value group);
  SmallVector<Value> emitRow(Value row, Value isReal, ValueRange columnSums);
  RowPart part(Value chunk);
  void emitLevel(ThreadRow &row, MutableArrayRef<RowPart> parts, unsigned level, SmallVector<Value> &columnSums);
  void emitLevelInLoop(ThreadRow &row, unsigned level);
  SmallVector<Value> reduceAndStore(ThreadRow &row, RowPart &part, unsigned level, ValueRange carried);
  void storeRowResults(ThreadRow &row);
  void storeColumnSums(Value group, ArrayRef<Value> sums);

  //===----------------------------------------------------------------------------------------===//
  // Reductions over threads
  //===----------------------------------------------------------------------------------------===//

  Value overLanes(RowCombiner combiner, Value number, int64_t lanes);
  SmallVector<Value> overThreads(ArrayRef<RowReduction> reductions, SmallVector<Value> numbers);
  Value sharedSlot(int64_t slot, Value place);
  void setReductions(ThreadRow &row, unsigned level, ArrayRef<Value> numbers);

  ImplicitLocOpBuilder b;
  const RowProblem &problem;
  const RowSchedule &schedule;
  const RowSpread &spread;
  std::string name;
  std::optional<ThreadEmitter> emitter;
  Value thread, place;            ///< in the block, and in the row
  Value firstColumn;              ///< of this block in its rows
  Value shared;                   ///< the numbers that warps exchange
  LLVM::GlobalOp exchange;        ///< its memory
  OpBuilder::InsertPoint outside; ///< of the kernel, in the gpu.module
};
} // namespace

FailureOr<LLVM::LLVMFuncOp> KernelBuilder::run(StringRef kernelName) {
  name = kernelName.str();
  size_t buffers = problem.arguments.size() + problem.sites.size();
  outside = b.saveInsertionPoint();
  LLVM::LLVMFuncOp function = createGpuKernel(b, b.getLoc(), name, buffers, spread.threads());
  if (spread.blocksAtOnce > 0)
    allowRegistersOf(function, spread.blocksAtOnce);
  auto wide = [&](Value number) -> Value { return arith::ExtUIOp::create(b, b.getI64Type(), number); };
  thread = wide(NVVM::ThreadIdXOp::create(b, b.getI32Type()));
  place = spread.rowsAtOnce == 1 ? thread : remainder(thread, spread.threadsPerRow);
  emitter.emplace(b, problem, schedule, spread, function.getArguments());
  emitter->begin();
  Value block = wide(NVVM::BlockIdXOp::create(b, b.getI32Type()));
  Value rowBlock = spread.columnBlocks == 1 ? block : divide(block, spread.columnBlocks);
  if (spread.columnBlocks > 1)
    firstColumn = scale(remainder(block, spread.columnBlocks), spread.columnsPerBlock());
  if (sumsColumns()) {
    emitGroup(rowBlock);
  } else {
    Value row = scale(rowBlock, spread.rowsAtOnce), isReal;
    if (spread.rowsAtOnce > 1)
      row = add(row, divide(thread, spread.threadsPerRow));
    if (problem.rows % spread.rowsAtOnce != 0) {
      isReal = isBelow(row, problem.rows);
      row = pick(isReal, row, constant(problem.rows - 1));
    }
    emitRow(row, isReal, {});
  }
  b.setLoc(function.getLoc());
  LLVM::ReturnOp::create(b, ValueRange());
  b.restoreInsertionPoint(outside);
  if (Operation *op = emitter->getUnsupported()) {
    function.erase();
    return op->emitOpError() << "expected a primitive with a vector form in a fused region";
  }
  return function;
}

//===------------------------------------------------------------------------------------------===//
// Rows
//===------------------------------------------------------------------------------------------===//

/// The rows of a group, one after another, then the sums of their columns.
void KernelBuilder::emitGroup(Value group) {
  SmallVector<Value> sums;
  for (const ColumnLoop &loop : schedule.loops)
    for (unsigned result : loop.columnSums)
      sums.append(spread.chunks, identity(RowCombiner::Sum, accumulatorOf(problem.op.getYield().getOperand(result))));
  Value from = scale(group, spread.rowsPerBlock), to = add(from, constant(spread.rowsPerBlock));
  if (spread.rowsPerBlock * problem.groups != problem.rows)
    to = arith::MinSIOp::create(b, to, constant(problem.rows));
  sums = forEach(from, to, sums, [&](Value row, ValueRange carried) { return emitRow(row, Value(), carried); });
  storeColumnSums(group, sums);
}

/// A thread's part of one row; returns its column sums, `carried` and this row's, chunk by chunk.
SmallVector<Value> KernelBuilder::emitRow(Value rowNumber, Value isReal, ValueRange carried) {
  ThreadRow row = emitter->beginRow(rowNumber, isReal);
  SmallVector<RowPart> parts;
  if (spread.isUnrolled)
    for (int64_t i = 0; i < spread.chunks; ++i)
      parts.push_back(part(constant(i)));
  SmallVector<Value> sums(carried);
  for (unsigned level = 0; level < schedule.loops.size(); ++level) {
    emitter->addNumbers(row, level);
    if (emitter->getUnsupported())
      return sums;
    if (spread.isUnrolled)
      emitLevel(row, parts, level, sums);
    else
      emitLevelInLoop(row, level);
    if (emitter->getUnsupported())
      return sums;
  }
  emitter->addNumbers(row, schedule.loops.size());
  if (!emitter->getUnsupported())
    storeRowResults(row);
  return sums;
}

/// A vector behind the end of the row reads its first columns instead.
RowPart KernelBuilder::part(Value chunk) {
  RowPart part;
  part.column = add(scale(chunk, spread.stride()), scale(place, spread.vector));
  if (firstColumn)
    part.column = add(firstColumn, part.column);
  if (spread.columnsPerBlock() * spread.columnBlocks > problem.cols) {
    part.isReal = isBelow(part.column, problem.cols);
    part.column = pick(part.isReal, part.column, constant(0));
  }
  return part;
}

/// One part in one level: stores its results; returns each reduction's `carried` combined with the part's vector.
SmallVector<Value> KernelBuilder::reduceAndStore(ThreadRow &row, RowPart &part, unsigned level, ValueRange carried) {
  const ColumnLoop &work = schedule.loops[level];
  SmallVector<Value> sums, stored;
  for (auto [reduction, sum] : llvm::zip(work.reductions, carried)) {
    Value value = emitter->get(row, part, reduction.operand);
    if (!value)
      return SmallVector<Value>(carried);
    value = emitCast(b, value, accumulatorOf(reduction.operand));
    if (part.isReal)
      value = pick(part.isReal, value, identity(reduction.combiner, accumulatorOf(reduction.operand)));
    sums.push_back(emitCombine(b, reduction.combiner, sum, value));
  }
  for (unsigned result : work.stores) {
    stored.push_back(emitter->get(row, part, problem.op.getYield().getOperand(result)));
    if (!stored.back())
      return sums;
  }
  // An operand that a result overwrites was read above.
  if (!stored.empty())
    onlyIf(both(row.isReal, part.isReal), [&] {
      Value at = emitter->placeIn(row.row, part.column);
      for (auto [result, value] : llvm::zip(work.stores, stored))
        emitter->store(value, problem.outs[result], at);
    });
  return sums;
}

void KernelBuilder::emitLevel(ThreadRow &row, MutableArrayRef<RowPart> parts, unsigned level,
                              SmallVector<Value> &columnSums) {
  const ColumnLoop &work = schedule.loops[level];
  size_t next = 0; // column sums first: they may read an operand that a result overwrites
  for (unsigned before = 0; before < level; ++before)
    next += schedule.loops[before].columnSums.size() * parts.size();
  for (unsigned result : work.columnSums)
    for (RowPart &part : parts) {
      Value yielded = problem.op.getYield().getOperand(result), value = emitter->get(row, part, yielded);
      if (!value)
        return;
      columnSums[next] = arith::AddFOp::create(b, columnSums[next], emitCast(b, value, accumulatorOf(yielded)));
      ++next;
    }
  SmallVector<Value> sums;
  for (const RowReduction &reduction : work.reductions)
    sums.push_back(identity(reduction.combiner, accumulatorOf(reduction.operand)));
  for (RowPart &part : parts) {
    sums = reduceAndStore(row, part, level, sums);
    if (emitter->getUnsupported())
      return;
  }
  setReductions(row, level, sums);
}

void KernelBuilder::emitLevelInLoop(ThreadRow &row, unsigned level) {
  const ColumnLoop &work = schedule.loops[level];
  if (!work.columnSums.empty()) {
    problem.op.emitOpError() << "expected rows of at most 16384 columns where rows are reduced and columns summed, but "
                             << "got " << problem.cols;
    return;
  }
  SmallVector<Value> sums;
  for (const RowReduction &reduction : work.reductions)
    sums.push_back(identity(reduction.combiner, accumulatorOf(reduction.operand)));
  sums = forEach(constant(0), constant(spread.chunks), sums, [&](Value chunk, ValueRange carried) {
    RowPart some = part(chunk);
    return reduceAndStore(row, some, level, carried);
  });
  setReductions(row, level, sums);
}

/// One thread of a row writes its numbers.
void KernelBuilder::storeRowResults(ThreadRow &row) {
  SmallVector<std::pair<unsigned, Value>> results;
  bool overwrites = false;
  for (unsigned i = 0; i < problem.outs.size(); ++i)
    if (problem.resultKinds[i] == RowKind::Row && !problem.sumsRow(i)) {
      results.push_back({problem.outs[i], row.numbers.lookup(problem.op.getYield().getOperand(i))});
      overwrites |= problem.arguments[problem.outs[i]].isRead;
    }
  if (results.empty())
    return;
  if (overwrites) // what the other threads of the row have read
    NVVM::Barrier0Op::create(b);
  Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, place, constant(0));
  onlyIf(both(isFirst, row.isReal), [&] {
    for (auto [argument, number] : results)
      emitter->store(vector::FromElementsOp::create(b, VectorType::get({1}, number.getType()), number), argument,
                     row.row);
  });
}

void KernelBuilder::storeColumnSums(Value group, ArrayRef<Value> sums) {
  const Value *sum = sums.begin();
  for (const ColumnLoop &loop : schedule.loops)
    for (unsigned result : loop.columnSums)
      for (int64_t i = 0; i < spread.chunks; ++i) {
        RowPart some = part(constant(i));
        onlyIf(some.isReal, [&] {
          Value at = emitter->placeIn(group, some.column), total = emitter->addOldDestination(result, *sum, at);
          unsigned out = problem.outs[result];
          emitter->store(emitCast(b, total, problem.arguments[out].type.getElementType()), out, at);
        });
        ++sum;
      }
}

//===------------------------------------------------------------------------------------------===//
// Reductions over threads
//===------------------------------------------------------------------------------------------===//

/// `number` of `lanes` neighbouring lanes combined, in all of them.
Value KernelBuilder::overLanes(RowCombiner combiner, Value number, int64_t lanes) {
  for (int64_t distance = lanes / 2; distance >= 1; distance /= 2) {
    Value other = NVVM::ShflOp::create(b, number.getType(), constant32(-1), number, constant32(distance),
                                       constant32(gpuWarp - 1), NVVM::ShflKind::bfly, UnitAttr());
    number = emitCombine(b, combiner, number, other);
  }
  return number;
}

/// The place that warp or lane `place` has in a reduction's slot.
Value KernelBuilder::sharedSlot(int64_t slot, Value place) {
  if (!shared) {
    OpBuilder::InsertionGuard guard(b);
    b.restoreInsertionPoint(outside);
    auto type = LLVM::LLVMArrayType::get(b.getF32Type(), gpuWarp);
    exchange = LLVM::GlobalOp::create(b, type, /*isConstant=*/false, LLVM::Linkage::Internal, name + ".exchange",
                                      Attribute(), /*alignment=*/16, gpuSharedMemory);
  }
  auto pointer = LLVM::LLVMPointerType::get(b.getContext(), gpuSharedMemory);
  shared = LLVM::AddressOfOp::create(b, pointer, name + ".exchange");
  return LLVM::GEPOp::create(b, pointer, b.getF32Type(), shared, ValueRange{add(constant(slot * gpuWarp), place)},
                             LLVM::GEPNoWrapFlags::inbounds);
}

/// Numbers of a thread's part of a row as numbers of the row, in all of its threads.
SmallVector<Value> KernelBuilder::overThreads(ArrayRef<RowReduction> reductions, SmallVector<Value> numbers) {
  for (auto [reduction, number] : llvm::zip(reductions, numbers))
    number = overLanes(reduction.combiner, number, std::min(gpuWarp, spread.threadsPerRow));
  if (spread.threadsPerRow <= gpuWarp)
    return numbers;
  int64_t warps = spread.threadsPerRow / gpuWarp;
  Value lane = remainder(thread, gpuWarp);
  NVVM::Barrier0Op::create(b); // the numbers of a reduction before are read
  onlyIf(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, constant(0)), [&] {
    for (auto [slot, number] : llvm::enumerate(numbers))
      LLVM::StoreOp::create(b, number, sharedSlot(slot, divide(thread, gpuWarp)), 4);
  });
  NVVM::Barrier0Op::create(b);
  for (auto [slot, reduction] : llvm::enumerate(reductions)) {
    Value from = warps == gpuWarp ? lane : remainder(lane, warps);
    Value number = LLVM::LoadOp::create(b, b.getF32Type(), sharedSlot(slot, from), 4);
    numbers[slot] = overLanes(reduction.combiner, number, warps);
  }
  auto slots = LLVM::LLVMArrayType::get(b.getF32Type(), gpuWarp * std::max<int64_t>(1, reductions.size()));
  if (cast<LLVM::LLVMArrayType>(exchange.getGlobalType()).getNumElements() < slots.getNumElements())
    exchange.setGlobalType(slots);
  return numbers;
}

void KernelBuilder::setReductions(ThreadRow &row, unsigned level, ArrayRef<Value> vectors) {
  ArrayRef<RowReduction> reductions = schedule.loops[level].reductions;
  SmallVector<Value> numbers;
  for (auto [reduction, vector] : llvm::zip(reductions, vectors))
    numbers.push_back(emitCombineLanes(b, reduction.combiner, vector));
  if (reductions.empty())
    return;
  numbers = overThreads(reductions, numbers);
  for (auto [reduction, number] : llvm::zip(reductions, numbers)) {
    if (reduction.combiner == RowCombiner::Mean) {
      auto count = b.getFloatAttr(number.getType(), problem.cols);
      number = arith::DivFOp::create(b, number, arith::ConstantOp::create(b, count));
    }
    if (reduction.result) {
      row.numbers[reduction.result] =
          emitCast(b, number, cast<RankedTensorType>(reduction.result.getType()).getElementType());
      continue;
    }
    unsigned out = problem.outs[reduction.output];
    Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, place, constant(0));
    onlyIf(both(isFirst, row.isReal), [&, output = reduction.output, number = number] {
      Value sum = vector::FromElementsOp::create(b, VectorType::get({1}, number.getType()), number);
      sum = emitter->addOldDestination(output, sum, row.row);
      emitter->store(emitCast(b, sum, problem.arguments[out].type.getElementType()), out, row.row);
    });
  }
}

FailureOr<LLVM::LLVMFuncOp> nf::emitGpuRowKernel(OpBuilder &builder, const RowProblem &problem,
                                                 const RowSchedule &schedule, const RowSpread &spread, StringRef name) {
  return KernelBuilder(builder, problem, schedule, spread).run(name);
}
