//===- ThreadEmitter.cpp - what one thread computes of a row ----------------------------------===//
#include "passes/gpu/ThreadEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nf;

static Value constant(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIntOp::create(b, b.getI64Type(), value);
}

static Value toIndex(ImplicitLocOpBuilder &b, Value number) {
  return arith::IndexCastOp::create(b, b.getIndexType(), number);
}

static int64_t bytesInMemory(Type element) { return std::max(1u, element.getIntOrFloatBitWidth() / 8); }

//===------------------------------------------------------------------------------------------===//
// Memory
//===------------------------------------------------------------------------------------------===//

/// What an element is in memory: a mask's is a byte.
static Type storedType(ImplicitLocOpBuilder &b, Type element) { return element.isInteger(1) ? b.getI8Type() : element; }

Value ThreadEmitter::address(unsigned argument, Value index) {
  Value base = arguments[argument];
  Type element = argument < problem.arguments.size() ? problem.arguments[argument].type.getElementType()
                                                     : Type(b.getI32Type()); // a dropout site
  return LLVM::GEPOp::create(b, base.getType(), storedType(b, element), base, ValueRange{index},
                             LLVM::GEPNoWrapFlags::inbounds);
}

Value ThreadEmitter::load(unsigned argument, Value index, int64_t width) {
  Type element = problem.arguments[argument].type.getElementType(), stored = storedType(b, element);
  unsigned alignment = std::min<int64_t>(16, width * bytesInMemory(element));
  Value loaded = LLVM::LoadOp::create(b, VectorType::get({width}, stored), address(argument, index), alignment);
  if (!element.isInteger(1))
    return loaded;
  auto zero = DenseElementsAttr::get(cast<ShapedType>(loaded.getType()), b.getI8IntegerAttr(0).getValue());
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, loaded, arith::ConstantOp::create(b, zero));
}

/// Elements that are the thread's own where `isOwn` holds (null: always); else it may get any. Of a buffer that the
/// kernel writes, others' elements are not read: their thread may write them at the same time.
Value ThreadEmitter::loadOwn(Value isOwn, unsigned argument, Value index, int64_t width) {
  if (!isOwn || !llvm::is_contained(problem.outs, argument))
    return load(argument, index, width);
  auto type = VectorType::get({width}, problem.arguments[argument].type.getElementType());
  auto branch = scf::IfOp::create(b, type, isOwn, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, load(argument, index, width));
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, arith::ConstantOp::create(b, b.getZeroAttr(type)).getResult());
  return branch.getResult(0);
}

void ThreadEmitter::store(Value vector, unsigned argument, Value index) {
  auto type = cast<VectorType>(vector.getType());
  Type element = type.getElementType();
  if (element.isInteger(1))
    vector = arith::ExtUIOp::create(b, type.clone(b.getI8Type()), vector);
  unsigned alignment = std::min<int64_t>(16, type.getNumElements() * bytesInMemory(element));
  LLVM::StoreOp::create(b, vector, address(argument, index), alignment);
}

Value ThreadEmitter::placeIn(Value row, Value column) {
  Value start = arith::MulIOp::create(b, row, constant(b, problem.cols));
  return arith::AddIOp::create(b, start, column);
}

static Value onlyElement(ImplicitLocOpBuilder &b, Value vector) {
  return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0});
}

Value ThreadEmitter::addOldDestination(unsigned index, Value sum, Value place) {
  if (!problem.accumulates(index))
    return sum;
  Value old = load(problem.outs[index], place, cast<VectorType>(sum.getType()).getNumElements());
  Value added = arith::AddFOp::create(b, sum, emitCast(b, old, getElementTypeOrSelf(sum.getType())));
  return mustAdd ? arith::SelectOp::create(b, mustAdd, added, sum).getResult() : added;
}

//===------------------------------------------------------------------------------------------===//
// Numbers
//===------------------------------------------------------------------------------------------===//

void ThreadEmitter::begin() {
  FusedOp op = problem.op;
  Value zero = constant(b, 0);
  for (auto [i, kind] : llvm::enumerate(problem.inputKinds))
    if (kind == RowKind::Scalar)
      scalars[op.getBodyBlock()->getArgument(i)] = onlyElement(b, load(problem.inputs[i], zero, 1));
  for (int32_t site : problem.sites)
    sites[site] = LLVM::LoadOp::create(b, b.getI32Type(), address(problem.argumentOfSite(site), zero), 4);
  if (problem.accumulate) {
    Value flag = onlyElement(b, load(*problem.accumulate, zero, 1));
    Value none = arith::ConstantIntOp::create(b, b.getI32Type(), 0);
    mustAdd = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, flag, none);
  }
}

ThreadRow ThreadEmitter::beginRow(Value row, Value isReal) {
  ThreadRow result{row, isReal, scalars};
  FusedOp op = problem.op;
  for (auto [i, kind] : llvm::enumerate(problem.inputKinds))
    if (kind == RowKind::Row)
      result.numbers[op.getBodyBlock()->getArgument(i)] = onlyElement(b, loadOwn(isReal, problem.inputs[i], row, 1));
  return result;
}

void ThreadEmitter::addNumbers(ThreadRow &row, unsigned level) {
  for (Operation &op : problem.op.getBodyBlock()->without_terminator()) {
    Value result = op.getResult(0);
    if (schedule.isColumnar(result) || schedule.levelOf(result) != level || row.numbers.contains(result))
      continue;
    SmallVector<Value> operands;
    for (Value operand : op.getOperands())
      operands.push_back(row.numbers.lookup(operand));
    b.setLoc(op.getLoc());
    Value number;
    if (isa<IotaOp>(op)) // of one column
      number = arith::ConstantOp::create(b, b.getZeroAttr(cast<RankedTensorType>(result.getType()).getElementType()));
    else if (isa<ReduceSumOp, ReduceMeanOp, ReduceMaxOp>(op))
      number = operands[0];
    else
      number = emitElementwise(b, &op, operands);
    if (!number) {
      unsupported = &op;
      return;
    }
    row.numbers[result] = number;
  }
}

//===------------------------------------------------------------------------------------------===//
// Vectors
//===------------------------------------------------------------------------------------------===//

Value ThreadEmitter::get(const ThreadRow &row, RowPart &part, Value value) {
  if (Value have = part.values.lookup(value))
    return have;
  Value made = make(row, part, value);
  part.values[value] = made;
  return made;
}

Value ThreadEmitter::make(const ThreadRow &row, RowPart &part, Value value) {
  if (!schedule.isColumnar(value)) {
    auto type = VectorType::get({spread.vector}, cast<RankedTensorType>(value.getType()).getElementType());
    Value number = row.numbers.lookup(value);
    return number ? vector::BroadcastOp::create(b, type, number).getResult() : number;
  }
  if (auto argument = dyn_cast<BlockArgument>(value))
    return loadInput(row, part, argument);
  return compute(row, part, value.getDefiningOp());
}

Value ThreadEmitter::loadInput(const ThreadRow &row, RowPart &part, BlockArgument argument) {
  unsigned index = argument.getArgNumber();
  switch (problem.inputKinds[index]) {
  case RowKind::RowCol: {
    Value isOwn = row.isReal && part.isReal ? arith::AndIOp::create(b, row.isReal, part.isReal).getResult()
                  : row.isReal              ? row.isReal
                                            : part.isReal;
    return loadOwn(isOwn, problem.inputs[index], placeIn(row.row, part.column), spread.vector);
  }
  case RowKind::Gather: {
    FusedOp op = problem.op;
    Value source = op.getBodyBlock()->getArgument(op.getGatherIndex()[index]);
    Value number = row.numbers.lookup(source);
    if (!number)
      number = onlyElement(b, get(row, part, source));
    Value from = arith::ExtSIOp::create(b, b.getI64Type(), number);
    return load(problem.inputs[index], placeIn(from, part.column), spread.vector);
  }
  default:
    return load(problem.inputs[index], part.column, spread.vector);
  }
}

Value ThreadEmitter::compute(const ThreadRow &row, RowPart &part, Operation *op) {
  if (auto random = dyn_cast<RandomBitsOp>(op))
    return drawBits(row, part, random);
  if (isa<IotaOp>(op))
    return numberColumns(part, op->getResult(0));
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(get(row, part, operand));
    if (!operands.back())
      return nullptr;
  }
  if (isa<ReduceSumOp, ReduceMeanOp, ReduceMaxOp>(op)) // along one column
    return operands[0];
  b.setLoc(op->getLoc());
  Value result = emitElementwise(b, op, operands);
  if (!result)
    unsupported = op;
  return result;
}

/// A draw gives the four columns of a multiple of four: a thread with fewer columns takes its own out of it.
Value ThreadEmitter::drawBits(const ThreadRow &row, RowPart &part, RandomBitsOp op) {
  auto number = [&](Value value) { return row.numbers.lookup(value); };
  b.setLoc(op.getLoc());
  RandomSource source = {number(op.getSeed()), sites.lookup(op.getSite()), number(op.getStep()),
                         number(op.getSampleOffset()), static_cast<int64_t>(op.getRowsPerSample())};
  int64_t width = std::max<int64_t>(4, spread.vector);
  Value bits = emitRandomBits(b, source, toIndex(b, row.row), toIndex(b, part.column), 0, width);
  if (width == spread.vector)
    return bits;
  Value phase = arith::AndIOp::create(b, part.column, constant(b, 3));
  SmallVector<Value> own;
  for (int64_t i = 0; i < spread.vector; ++i) {
    Value place = toIndex(b, arith::AddIOp::create(b, phase, constant(b, i)));
    own.push_back(vector::ExtractOp::create(b, bits, place));
  }
  return vector::FromElementsOp::create(b, VectorType::get({spread.vector}, b.getI32Type()), own);
}

Value ThreadEmitter::numberColumns(RowPart &part, Value iota) {
  auto type = VectorType::get({spread.vector}, b.getI32Type());
  auto lanes = llvm::to_vector(llvm::seq<int32_t>(0, spread.vector));
  Value lane = arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef<int32_t>(lanes)));
  Value first = arith::TruncIOp::create(b, b.getI32Type(), part.column);
  Value numbers = arith::AddIOp::create(b, vector::BroadcastOp::create(b, type, first), lane);
  return emitCast(b, numbers, cast<RankedTensorType>(iota.getType()).getElementType());
}
