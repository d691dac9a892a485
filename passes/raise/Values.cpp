#include "passes/raise/Values.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

#include <charconv>
#include <cmath>

using namespace mlir;
using namespace nf;

RankedTensorType nf::tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

//===------------------------------------------------------------------------------------------===//
// Numbers
//===------------------------------------------------------------------------------------------===//

static bool compare(ComparePredicate predicate, double x, double y) {
  switch (predicate) {
  case ComparePredicate::Eq:
    return x == y;
  case ComparePredicate::Ne:
    return x != y;
  case ComparePredicate::Lt:
    return x < y;
  case ComparePredicate::Le:
    return x <= y;
  case ComparePredicate::Gt:
    return x > y;
  case ComparePredicate::Ge:
    return x >= y;
  }
  return false;
}

/// A cast that changes no value that the operand can have.
static bool isExactCast(CastOp op) {
  Type from = tensorType(op.getX()).getElementType(), to = tensorType(op.getY()).getElementType();
  return from == to || from.isInteger(1) || (from.isInteger(32) && !to.isInteger(1));
}

static double maximum(double x, double y) {
  return std::isnan(x) || std::isnan(y) ? std::numeric_limits<double>::quiet_NaN() : std::max(x, y);
}

std::optional<double> nf::applyElementwise(Operation *op, ArrayRef<double> x) {
  using Result = std::optional<double>;
  return TypeSwitch<Operation *, Result>(op)
      .Case([&](NegOp) { return -x[0]; })
      .Case([&](ExpOp) { return std::exp(x[0]); })
      .Case([&](LogOp) { return std::log(x[0]); })
      .Case([&](TanhOp) { return std::tanh(x[0]); })
      .Case([&](ErfOp) { return std::erf(x[0]); })
      .Case([&](SqrtOp) { return std::sqrt(x[0]); })
      .Case([&](RsqrtOp) { return 1 / std::sqrt(x[0]); })
      .Case([&](AddOp) { return x[0] + x[1]; })
      .Case([&](SubOp) { return x[0] - x[1]; })
      .Case([&](MulOp) { return x[0] * x[1]; })
      .Case([&](DivOp) { return x[0] / x[1]; })
      .Case([&](PowOp) { return std::pow(x[0], x[1]); })
      .Case([&](MaxOp) { return maximum(x[0], x[1]); })
      .Case([&](CompareOp c) { return compare(c.getPredicate(), x[0], x[1]) ? 1.0 : 0.0; })
      .Case([&](WhereOp) { return x[0] != 0 ? x[1] : x[2]; })
      .Case([&](ReluOp) { return maximum(x[0], 0); })
      .Case([&](SiluOp) { return x[0] / (1 + std::exp(-x[0])); })
      .Case([&](CastOp c) { return isExactCast(c) ? Result(x[0]) : std::nullopt; })
      .Default([](Operation *) { return std::nullopt; });
}

static double toDouble(Attribute element) {
  if (auto number = dyn_cast<FloatAttr>(element))
    return number.getValueAsDouble();
  auto integer = cast<IntegerAttr>(element);
  return integer.getType().isInteger(1) ? static_cast<double>(integer.getValue().getZExtValue())
                                        : static_cast<double>(integer.getValue().getSExtValue());
}

static std::optional<double> numberOf(Value value, int depth) {
  Operation *op = value.getDefiningOp();
  if (!op || depth > 8)
    return std::nullopt;
  if (auto constant = dyn_cast<ConstantOp>(op)) {
    auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
    if (!dense || !dense.isSplat())
      return std::nullopt;
    return toDouble(dense.getSplatValue<Attribute>());
  }
  if (isa<ReshapeOp, BroadcastOp, TransposeOp, SliceOp>(op))
    return numberOf(op->getOperand(0), depth + 1);
  if (op->getNumOperands() == 0 || op->getNumResults() != 1)
    return std::nullopt;
  SmallVector<double> operands;
  for (Value operand : op->getOperands()) {
    auto number = numberOf(operand, depth + 1);
    if (!number)
      return std::nullopt;
    operands.push_back(*number);
  }
  return applyElementwise(op, operands);
}

std::optional<double> nf::numberOf(Value value) { return ::numberOf(value, 0); }

Factored nf::factorOf(Value value) {
  Factored result{value, 1};
  while (Operation *op = result.base.getDefiningOp()) {
    if (isa<NegOp>(op)) {
      result = {op->getOperand(0), -result.factor};
      continue;
    }
    if (!isa<MulOp, DivOp>(op))
      break;
    Value x = op->getOperand(0), y = op->getOperand(1);
    if (isa<MulOp>(op) && numberOf(x))
      std::swap(x, y);
    auto number = numberOf(y);
    if (!number || x.getType() != result.base.getType())
      break;
    result = {x, isa<MulOp>(op) ? result.factor * *number : result.factor / *number};
  }
  return result;
}

double nf::shortestNumber(double value, Type element) {
  if (!element.isF32())
    return value;
  char text[64];
  auto end = std::to_chars(text, text + sizeof(text), static_cast<float>(value)).ptr;
  double shortest = value;
  std::from_chars(text, end, shortest);
  return shortest;
}

//===------------------------------------------------------------------------------------------===//
// Where values come from
//===------------------------------------------------------------------------------------------===//

/// Whether `value` depends on parameters and constants alone; `reads` is set where it reads one that is no number.
static bool isConstantOrWeight(Value value, bool &reads, int depth) {
  Operation *op = value.getDefiningOp();
  if (!op || depth > 12)
    return false;
  if (isa<GetOp>(op)) {
    reads = true;
    return true;
  }
  if (isa<ConstantOp>(op)) {
    reads |= !numberOf(value);
    return true;
  }
  return isPure(op) &&
         llvm::all_of(op->getOperands(), [&](Value operand) { return isConstantOrWeight(operand, reads, depth + 1); });
}

bool nf::isWeightOnly(Value value) {
  bool reads = false;
  return isConstantOrWeight(value, reads, 0) && reads;
}

GetOp nf::parameterOf(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getX();
  return value.getDefiningOp<GetOp>();
}

GetOp nf::sourceParameterOf(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (isa<ReshapeOp, CastOp, TransposeOp>(op))
      value = op->getOperand(0);
    else if (isa<AddOp, SubOp, MulOp, DivOp>(op) && numberOf(op->getOperand(1)))
      value = op->getOperand(0);
    else if (isa<AddOp, SubOp, MulOp>(op) && numberOf(op->getOperand(0)))
      value = op->getOperand(1);
    else
      return dyn_cast<GetOp>(op);
  }
  return {};
}

Value nf::columnVectorOf(Operation *op) {
  auto type = tensorType(op->getResult(0));
  for (unsigned side : {1u, 0u}) {
    Value vector = op->getOperand(side), other = op->getOperand(1 - side);
    ArrayRef<int64_t> shape = tensorType(vector).getShape();
    bool fits = !shape.empty() && other.getType() == type && shape.back() == type.getShape().back() &&
                tensorType(vector).getNumElements() == shape.back();
    if (fits && isWeightOnly(vector) && !isWeightOnly(other))
      return vector;
  }
  return {};
}

Value nf::asVector(OpBuilder &builder, Location location, Value value, int64_t extent) {
  auto type = RankedTensorType::get({extent}, tensorType(value).getElementType());
  while (value.getType() != type) {
    auto reshape = value.getDefiningOp<ReshapeOp>();
    if (!reshape)
      return ReshapeOp::create(builder, location, type, value);
    value = reshape.getX();
  }
  return value;
}

bool nf::dependsOn(Value value, Value source) {
  llvm::SmallSetVector<Value, 32> seen;
  seen.insert(value);
  for (size_t i = 0; i < seen.size(); ++i) {
    if (seen[i] == source)
      return true;
    Operation *op = seen[i].getDefiningOp();
    if (op && (!source.getDefiningOp() || source.getDefiningOp()->isBeforeInBlock(op)))
      seen.insert(op->operand_begin(), op->operand_end());
  }
  return false;
}

//===------------------------------------------------------------------------------------------===//
// Programs
//===------------------------------------------------------------------------------------------===//

void nf::eraseDeadOps(ProgramOp program) {
  IRRewriter rewriter(program.getContext());
  (void)runRegionDCE(rewriter, program->getRegions());
}

void nf::forEachRoot(ProgramOp program, function_ref<void(Operation *)> raise) {
  eraseDeadOps(program);
  SmallVector<Operation *> ops;
  for (Operation &op : program.getBody().front().without_terminator())
    ops.push_back(&op);
  for (Operation *op : llvm::reverse(ops))
    if (!op->use_empty())
      raise(op);
  eraseDeadOps(program);
}

Location nf::fusedLocation(ArrayRef<Operation *> ops) {
  SmallVector<Location> locations;
  for (Operation *op : ops)
    if (!llvm::is_contained(locations, op->getLoc()))
      locations.push_back(op->getLoc());
  return FusedLoc::get(ops.front()->getContext(), locations);
}
