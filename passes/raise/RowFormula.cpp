#include "passes/raise/RowFormula.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

using namespace mlir;
using namespace nf;

/// Ops of a cone, at most: no formula that is raised has as many.
static constexpr size_t largestCone = 48;

/// Values above a root among which an op must be that the formula needs: sums of residuals are left at once.
static constexpr size_t nearest = 16;

static int64_t lastExtent(Value value) {
  auto type = tensorType(value);
  return type.getRank() == 0 ? 1 : type.getShape().back();
}

static bool isRowReduction(Operation *op) {
  auto axes = op->getAttrOfType<DenseI64ArrayAttr>("axes");
  return isa<ReduceSumOp, ReduceMeanOp, ReduceMaxOp>(op) && axes.size() == 1 &&
         axes[0] == tensorType(op->getOperand(0)).getRank() - 1;
}

static bool isElementwise(Operation *op) {
  return op->getNumOperands() > 0 && op->getNumResults() == 1 &&
         applyElementwise(op, SmallVector<double>(op->getNumOperands(), 0.5)).has_value();
}

/// Whether `op` may stand in a formula of rows.
static bool isRowOp(Operation *op) {
  return isElementwise(op) || isRowReduction(op) || isa<ReshapeOp, BroadcastOp, SoftmaxOp, IotaOp>(op);
}

//===------------------------------------------------------------------------------------------===//
// Collecting
//===------------------------------------------------------------------------------------------===//

SmallVector<Value> RowFormula::candidates(Value root, function_ref<bool(Operation *)> needed, bool reduced) {
  SmallVector<Value> values{root}, found;
  int64_t elements = tensorType(root).getNumElements();
  bool isThere = false;
  for (size_t i = 0; i < values.size() && i < 2 * largestCone; ++i) {
    Operation *op = values[i].getDefiningOp();
    if (!op || !isRowOp(op))
      continue;
    isThere |= needed(op);
    if (!isThere && i > nearest)
      return {};
    for (Value operand : op->getOperands()) {
      if (llvm::is_contained(values, operand) || numberOf(operand))
        continue;
      values.push_back(operand);
      auto type = tensorType(operand);
      int64_t columns = lastExtent(operand);
      bool fits = columns >= 2 && (reduced ? type.getNumElements() == elements * columns
                                           : type.getNumElements() == elements && columns == lastExtent(root));
      if (fits && isa<FloatType>(type.getElementType()) && !isWeightOnly(operand))
        found.push_back(operand);
    }
  }
  return isThere ? found : SmallVector<Value>();
}

std::optional<RowFormula> RowFormula::of(Value root, Value x, bool perRow) {
  RowFormula formula;
  formula.root = root;
  formula.x = x;
  formula.perRow = perRow;
  formula.extent = lastExtent(x);
  if (root == x || formula.extent < 2)
    return std::nullopt;
  formula.rows = tensorType(x).getNumElements() / formula.extent;
  formula.dependent.insert(x);
  if (!formula.collect(root) || !formula.dependent.contains(root))
    return std::nullopt;
  std::reverse(formula.cone.begin(), formula.cone.end());
  return formula;
}

/// A vector of weights or a number a row.
bool RowFormula::collectLeaf(Value value) {
  int64_t elements = tensorType(value).getNumElements();
  if (isVector(value) && isWeightOnly(value)) {
    vectorLeaves.push_back(value);
    return true;
  }
  if (!perRow || elements != rows || lastExtent(value) != 1)
    return false;
  rowLeaves.push_back(value);
  dependent.insert(value);
  return true;
}

bool RowFormula::collect(Value value) {
  if (value == x || !seen.insert(value).second)
    return true;
  if (auto number = numberOf(value)) {
    numberValues[value] = *number;
    if (!llvm::is_contained(numberLeaves, *number))
      numberLeaves.push_back(*number);
    return true;
  }
  Operation *op = value.getDefiningOp();
  if (!op || !isRowOp(op) || (isWeightOnly(value) && !isRepeatedVector(op)))
    return collectLeaf(value);
  // A value of one number a row is a leaf unless it comes from x.
  if (perRow && tensorType(value).getNumElements() == rows && lastExtent(value) == 1 && !dependsOn(value, x))
    return collectLeaf(value);
  for (Value operand : op->getOperands())
    if (!collect(operand))
      return false;
  if (llvm::any_of(op->getOperands(), [&](Value operand) { return dependent.contains(operand); }))
    dependent.insert(value);
  cone.push_back(op);
  return cone.size() <= largestCone && fits(op);
}

/// Whether `value` holds one number a column, the same in every row.
bool RowFormula::isVector(Value value) const {
  return tensorType(value).getNumElements() == extent && lastExtent(value) == extent;
}

/// Whether `op` repeats one number a column over rows.
bool RowFormula::isRepeatedVector(Operation *op) const {
  return isa<BroadcastOp>(op) && isVector(op->getOperand(0)) && lastExtent(op->getResult(0)) == extent;
}

/// Whether each operand of `op` meets the rows of its result one to one.
bool RowFormula::fits(Operation *op) const {
  Value result = op->getResult(0);
  if (!dependent.contains(result)) // of columns and numbers alone
    return isVector(result) ? !isRowReduction(op) : isRepeatedVector(op);
  int64_t elements = tensorType(result).getNumElements(), last = lastExtent(result);
  bool isWide = elements == rows * extent && last == extent, isNarrow = elements == rows;
  if (!isWide && !isNarrow)
    return false;
  for (Value operand : op->getOperands()) {
    if (!dependent.contains(operand)) {
      if (!isWide && !numberValues.contains(operand))
        return false;
      continue;
    }
    int64_t from = tensorType(operand).getNumElements();
    bool fromWide = from == rows * extent && lastExtent(operand) == extent;
    if (isRowReduction(op)) {
      if (!fromWide)
        return false;
    } else if (isa<ReshapeOp>(op)) {
      if (fromWide != isWide || from != elements)
        return false;
    } else if (from != elements && !(isWide && from == rows && lastExtent(operand) == 1)) {
      return false;
    }
  }
  return true;
}

bool RowFormula::isClosed() const {
  llvm::DenseSet<Operation *> inside(cone.begin(), cone.end());
  for (Operation *op : cone) {
    if (op->getResult(0) == root || !dependent.contains(op->getResult(0)))
      continue;
    if (!llvm::all_of(op->getUsers(), [&](Operation *user) { return inside.contains(user); }))
      return false;
  }
  return true;
}

bool RowFormula::hasReduction() const {
  return llvm::any_of(cone, [](Operation *op) { return isRowReduction(op) || isa<SoftmaxOp>(op); });
}

std::optional<RowFormula> nf::findNorm(Value root, function_ref<bool(const RowFormula &)> matches) {
  // What every spelling needs beside reductions.
  auto isRoot = [](Operation *op) { return isa<SqrtOp, RsqrtOp, PowOp>(op); };
  for (Value x : RowFormula::candidates(root, isRoot)) {
    auto formula = RowFormula::of(root, x);
    bool isCandidate = x.getType() == root.getType() && formula && formula->hasReduction() && formula->isClosed();
    if (isCandidate && matches(*formula))
      return formula;
  }
  return std::nullopt;
}

//===------------------------------------------------------------------------------------------===//
// Evaluating
//===------------------------------------------------------------------------------------------===//

static double reduce(Operation *op, const Row &row, int64_t extent) {
  if (isa<ReduceMaxOp>(op)) {
    double most = row[0];
    for (double value : row)
      most = std::isnan(value) || value > most ? value : most;
    return most;
  }
  double sum = std::accumulate(row.begin(), row.end(), 0.0);
  if (row.size() == 1)
    sum *= static_cast<double>(extent);
  return isa<ReduceMeanOp>(op) ? sum / static_cast<double>(extent) : sum;
}

Row nf::softmaxOf(const Row &x) {
  double most = *std::max_element(x.begin(), x.end()), sum = 0;
  Row y(x);
  for (double &value : y)
    sum += value = std::exp(value - most);
  for (double &value : y)
    value /= sum;
  return y;
}

static Row mapElements(Operation *op, ArrayRef<const Row *> operands) {
  size_t size = 1;
  for (const Row *operand : operands)
    size = std::max(size, operand->size());
  Row result(size);
  SmallVector<double> numbers(operands.size());
  for (size_t i = 0; i < size; ++i) {
    for (auto [number, operand] : llvm::zip_equal(numbers, operands))
      number = (*operand)[operand->size() == 1 ? 0 : i];
    result[i] = applyElementwise(op, numbers).value_or(NAN);
  }
  return result;
}

Row RowFormula::evaluate(const Row &xRow, const Leaves &leaves) const {
  std::map<void *, Row> values; // stable addresses
  values[x.getAsOpaquePointer()] = xRow;
  for (auto &[leaf, row] : leaves)
    values[leaf.getAsOpaquePointer()] = row;
  for (auto [value, number] : numberValues)
    values[value.getAsOpaquePointer()] = {number};
  for (Operation *op : llvm::reverse(cone)) {
    SmallVector<const Row *> operands;
    for (Value operand : op->getOperands())
      operands.push_back(&values[operand.getAsOpaquePointer()]);
    Row &result = values[op->getResult(0).getAsOpaquePointer()];
    if (isRowReduction(op)) {
      result = {reduce(op, *operands[0], extent)};
    } else if (isa<ReshapeOp, BroadcastOp>(op)) {
      result = *operands[0];
    } else if (isa<SoftmaxOp>(op)) {
      result = softmaxOf(*operands[0]);
    } else if (isa<IotaOp>(op)) {
      result.resize(extent);
      std::iota(result.begin(), result.end(), 0.0);
    } else {
      result = mapElements(op, operands);
    }
  }
  return values[root.getAsOpaquePointer()];
}

bool nf::agree(const Row &expected, const Row &actual, double tolerance) {
  if (expected.size() != actual.size())
    return false;
  double magnitude = 0;
  for (double value : expected)
    if (std::isfinite(value))
      magnitude = std::max(magnitude, std::fabs(value));
  for (auto [want, got] : llvm::zip_equal(expected, actual)) {
    bool isSame = want == got || (std::isnan(want) && std::isnan(got));
    if (!isSame && !(std::fabs(want - got) <= tolerance * magnitude))
      return false;
  }
  return true;
}
