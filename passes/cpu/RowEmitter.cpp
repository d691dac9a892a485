//===- RowEmitter.cpp - the values of one row ------------------------------------------------===//
#include "passes/cpu/RowEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nf;

static Value constantIndex(ImplicitLocOpBuilder &b, int64_t value) { return arith::ConstantIndexOp::create(b, value); }

static Value addConstant(ImplicitLocOpBuilder &b, Value index, int64_t value) {
  return value == 0 ? index : arith::AddIOp::create(b, index, constantIndex(b, value)).getResult();
}

//===------------------------------------------------------------------------------------------===//
// Once a task, once a row
//===------------------------------------------------------------------------------------------===//

Value RowEmitter::view(int64_t offset, Type element) {
  return memref::ViewOp::create(b, MemRefType::get({problem.cols}, element), scratch, constantIndex(b, offset),
                                ValueRange{});
}

void RowEmitter::begin() {
  FusedOp op = problem.op;
  Value zero = constantIndex(b, 0);
  for (auto [i, kind] : llvm::enumerate(problem.inputKinds))
    if (kind == RowKind::Scalar)
      scalars[op.getBodyBlock()->getArgument(i)] = memref::LoadOp::create(b, arguments[problem.inputs[i]], zero);
  for (int32_t site : problem.sites)
    sites[site] = memref::LoadOp::create(b, arguments[problem.argumentOfSite(site)], zero);
  if (problem.accumulate) {
    Value flag = memref::LoadOp::create(b, arguments[*problem.accumulate], zero);
    Value none = arith::ConstantIntOp::create(b, b.getI32Type(), 0);
    mustAdd = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, flag, none);
  }
  for (auto [index, loop] : llvm::enumerate(schedule.loops)) {
    for (const KeptValue &value : loop.keeps) {
      Type element = cast<RankedTensorType>(value.value.getType()).getElementType();
      kept[value.value] = {index, value.output ? out(*value.output) : view(value.scratchOffset, element)};
    }
    for (unsigned result : loop.columnSums) {
      Value yielded = op.getYield().getOperand(result);
      Type element = accumulatorType(cast<RankedTensorType>(yielded.getType()).getElementType());
      if (schedule.sumOffsets.contains(result))
        sums[result] = view(schedule.sumOffsets.lookup(result), element);
    }
  }
}

RowValues RowEmitter::beginRow(Value row) {
  RowValues values{row, scalars};
  FusedOp op = problem.op;
  for (auto [i, kind] : llvm::enumerate(problem.inputKinds))
    if (kind == RowKind::Row)
      values.numbers[op.getBodyBlock()->getArgument(i)] = memref::LoadOp::create(b, arguments[problem.inputs[i]], row);
  return values;
}

void RowEmitter::addNumbers(RowValues &values, unsigned level) {
  for (Operation &op : problem.op.getBodyBlock()->without_terminator()) {
    Value result = op.getResult(0);
    if (schedule.isColumnar(result) || schedule.levelOf(result) != level || values.numbers.contains(result))
      continue;
    SmallVector<Value> operands;
    for (Value operand : op.getOperands())
      operands.push_back(values.numbers.lookup(operand));
    b.setLoc(op.getLoc());
    Value number;
    if (isa<IotaOp>(op) || isa<ReduceSumOp, ReduceMeanOp, ReduceMaxOp>(op))
      number =
          operands.empty()
              ? arith::ConstantOp::create(b, b.getZeroAttr(cast<RankedTensorType>(result.getType()).getElementType()))
                    .getResult()
              : operands[0];
    else
      number = emitElementwise(b, &op, operands);
    if (!number) {
      unsupported = &op;
      return;
    }
    values.numbers[result] = number;
  }
}

Value RowEmitter::addOldDestination(unsigned index, Value sum, Value memref, ValueRange place) {
  if (!problem.accumulates(index))
    return sum;
  auto vector = dyn_cast<VectorType>(sum.getType());
  Value old = vector ? emitLoad(b, memref, place, vector.getNumElements())
                     : memref::LoadOp::create(b, memref, place).getResult();
  old = emitCast(b, old, getElementTypeOrSelf(sum.getType()));
  Value added = arith::AddFOp::create(b, sum, old);
  return mustAdd ? arith::SelectOp::create(b, mustAdd, added, sum).getResult() : added;
}

//===------------------------------------------------------------------------------------------===//
// A run of columns
//===------------------------------------------------------------------------------------------===//

namespace nf {
/// The body's values on one run. Vectors are emitted one after another, so that few registers are live; random bits
/// are drawn for the whole run, since a draw gives four columns.
class RunEmitter {
public:
  RunEmitter(RowEmitter &row, const RowValues &values, unsigned loop, const ColumnRun &run)
      : row(row), b(row.b), values(values), loop(loop), run(run) {}

  void startVector(int64_t index) {
    vector = index;
    column = addConstant(b, run.column, index * run.lanes);
    cache.clear();
  }

  Value getColumn() const { return column; }

  /// vector<lanes> of a value of the body; null where an op has no vector form.
  Value get(Value value) {
    if (Value have = cache.lookup(value))
      return have;
    Value made = make(value);
    cache[value] = made;
    return made;
  }

private:
  Type vectorType(Value value) {
    return VectorType::get({run.lanes}, cast<RankedTensorType>(value.getType()).getElementType());
  }

  Value make(Value value) {
    if (!row.schedule.isColumnar(value)) {
      Value number = values.numbers.lookup(value);
      return number ? vector::BroadcastOp::create(b, vectorType(value), number).getResult() : number;
    }
    if (auto argument = dyn_cast<BlockArgument>(value))
      return load(argument);
    auto place = row.kept.find(value);
    if (place != row.kept.end() && place->second.first < loop)
      return loadKept(place->second.second);
    return compute(value.getDefiningOp());
  }

  Value load(BlockArgument argument) {
    unsigned index = argument.getArgNumber();
    Value memref = row.arguments[row.problem.inputs[index]];
    switch (row.problem.inputKinds[index]) {
    case RowKind::RowCol:
      return emitLoad(b, memref, {values.row, column}, run.lanes);
    case RowKind::Gather:
      return emitLoad(b, memref, {gatheredRow(index), column}, run.lanes);
    default:
      return emitLoad(b, memref, column, run.lanes);
    }
  }

  /// The row of the table that a gathered operand reads: the number of another operand.
  Value gatheredRow(unsigned index) {
    FusedOp op = row.problem.op;
    Value argument = op.getBodyBlock()->getArgument(op.getGatherIndex()[index]);
    Value number = values.numbers.lookup(argument);
    if (!number)
      number = vector::ExtractOp::create(b, get(argument), ArrayRef<int64_t>{0});
    return arith::IndexCastOp::create(b, b.getIndexType(), number);
  }

  Value loadKept(Value memref) {
    bool inScratch = cast<MemRefType>(memref.getType()).getRank() == 1;
    return inScratch ? emitLoad(b, memref, column, run.lanes) : emitLoad(b, memref, {values.row, column}, run.lanes);
  }

  Value compute(Operation *op) {
    if (auto random = dyn_cast<RandomBitsOp>(op))
      return drawBits(random);
    if (isa<IotaOp>(op))
      return numberColumns(op->getResult(0));
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      operands.push_back(get(operand));
      if (!operands.back())
        return nullptr;
    }
    if (isa<ReduceSumOp, ReduceMeanOp, ReduceMaxOp>(op))
      return operands[0];
    b.setLoc(op->getLoc());
    Value result = emitElementwise(b, op, operands);
    if (!result)
      row.unsupported = op;
    return result;
  }

  Value drawBits(RandomBitsOp op) {
    Value &bits = drawn[op];
    if (!bits) {
      auto number = [&](Value value) { return values.numbers.lookup(value); };
      b.setLoc(op.getLoc());
      RandomSource source = {number(op.getSeed()), row.sites.lookup(op.getSite()), number(op.getStep()),
                             number(op.getSampleOffset()), static_cast<int64_t>(op.getRowsPerSample())};
      bits = emitRandomBits(b, source, values.row, run.column, run.phase, run.count * run.lanes);
    }
    if (run.count == 1)
      return bits;
    return vector::ExtractStridedSliceOp::create(b, bits, ArrayRef<int64_t>{vector * run.lanes},
                                                 ArrayRef<int64_t>{run.lanes}, ArrayRef<int64_t>{1});
  }

  Value numberColumns(Value iota) {
    auto type = VectorType::get({run.lanes}, b.getI32Type());
    auto lanes = llvm::to_vector(llvm::seq<int32_t>(0, run.lanes));
    Value lane = arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef<int32_t>(lanes)));
    Value first = arith::IndexCastOp::create(b, b.getI32Type(), column);
    Value numbers = arith::AddIOp::create(b, vector::BroadcastOp::create(b, type, first), lane);
    return emitCast(b, numbers, cast<RankedTensorType>(iota.getType()).getElementType());
  }

  RowEmitter &row;
  ImplicitLocOpBuilder &b;
  const RowValues &values;
  unsigned loop;
  const ColumnRun &run;
  int64_t vector = 0;
  Value column;
  llvm::DenseMap<Value, Value> cache;
  llvm::DenseMap<Operation *, Value> drawn;
};
} // namespace nf

SmallVector<SmallVector<Value>> RowEmitter::emitRun(const RowValues &values, unsigned loop, const ColumnRun &run) {
  const ColumnLoop &work = schedule.loops[loop];
  YieldOp yield = problem.op.getYield();
  SmallVector<SmallVector<Value>> terms(work.reductions.size() + work.columnSums.size());
  RunEmitter emitter(*this, values, loop, run);
  for (int64_t v = 0; v < run.count && !unsupported; ++v) {
    emitter.startVector(v);
    SmallVector<Value> stored, saved;
    for (auto [i, reduction] : llvm::enumerate(work.reductions))
      terms[i].push_back(emitter.get(reduction.operand));
    for (auto [i, result] : llvm::enumerate(work.columnSums))
      terms[work.reductions.size() + i].push_back(emitter.get(yield.getOperand(result)));
    for (unsigned result : work.stores)
      stored.push_back(emitter.get(yield.getOperand(result)));
    for (const KeptValue &value : work.keeps)
      saved.push_back(emitter.get(value.value));
    if (unsupported)
      break;
    // An operand that a result overwrites was read above.
    for (SmallVector<Value> &term : terms)
      term.back() = emitCast(b, term.back(), accumulatorType(getElementTypeOrSelf(term.back().getType())));
    for (auto [result, value] : llvm::zip(work.stores, stored))
      emitStore(b, value, out(result), {values.row, emitter.getColumn()});
    for (auto [keep, value] : llvm::zip(work.keeps, saved))
      if (!keep.output)
        emitStore(b, value, kept.lookup(keep.value).second, emitter.getColumn());
  }
  return terms;
}
