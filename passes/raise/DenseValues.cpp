#include "passes/raise/DenseValues.h"

#include <cmath>

using namespace mlir;
using namespace nf;

/// Elements of the largest tensor that is computed: 256 MiB.
static constexpr int64_t mostElements = int64_t(1) << 25;

static SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

static bool isMovement(Operation *op) { return isa<ReshapeOp, BroadcastOp, TransposeOp, SliceOp>(op); }

bool DenseValues::isComputable(Operation *op) {
  if (isMovement(op) || isa<IotaOp, ConstantOp, ConcatOp>(op))
    return true;
  return op->getNumOperands() > 0 && op->getNumResults() == 1 &&
         applyElementwise(op, SmallVector<double>(op->getNumOperands(), 1.0)).has_value();
}

std::optional<SmallVector<Value>> DenseValues::leavesOf(Value value, size_t limit) {
  SmallVector<Value> leaves, work{value};
  llvm::DenseSet<Value> seen{value};
  while (!work.empty()) {
    Value next = work.pop_back_val();
    Operation *op = next.getDefiningOp();
    if (op && isComputable(op)) {
      for (Value operand : op->getOperands())
        if (seen.insert(operand).second)
          work.push_back(operand);
    } else {
      leaves.push_back(next);
    }
    if (leaves.size() > limit)
      return std::nullopt;
  }
  return leaves;
}

/// Where element 0 of `operand` lies and how far apart its elements are, along each axis of the result of `op`.
struct Walk {
  int64_t base = 0;
  SmallVector<int64_t> strides;

  Walk(Operation *op, Value operand) {
    auto from = tensorType(operand);
    int64_t rank = tensorType(op->getResult(0)).getRank();
    SmallVector<int64_t> dense = stridesOf(from.getShape());
    if (auto transpose = dyn_cast<TransposeOp>(op)) {
      for (int64_t axis : transpose.getPermutation())
        strides.push_back(dense[axis]);
      return;
    }
    if (auto slice = dyn_cast<SliceOp>(op))
      base = static_cast<int64_t>(slice.getFrom()) * dense[slice.getAxis()];
    strides.assign(rank, 0);
    for (int64_t i = 0; i < from.getRank(); ++i)
      if (from.getDimSize(i) != 1)
        strides[rank - from.getRank() + i] = dense[i];
  }
};

/// Calls `visit` with the position of the result's element and those of the operands', for all elements.
static void forEachElement(ArrayRef<int64_t> shape, ArrayRef<Walk> walks,
                           function_ref<void(int64_t, ArrayRef<int64_t>)> visit) {
  SmallVector<int64_t> index(shape.size(), 0), positions;
  for (const Walk &walk : walks)
    positions.push_back(walk.base);
  int64_t count = ShapedType::getNumElements(shape);
  for (int64_t i = 0; i < count; ++i) {
    visit(i, positions);
    for (size_t axis = shape.size(); axis-- > 0;) {
      bool wraps = ++index[axis] == shape[axis];
      for (auto [position, walk] : llvm::zip_equal(positions, walks))
        position += wraps ? walk.strides[axis] * (1 - shape[axis]) : walk.strides[axis];
      if (!wraps)
        break;
      index[axis] = 0;
    }
  }
}

static DenseValues::Elements ofConstant(ConstantOp op) {
  DenseValues::Elements elements;
  auto type = tensorType(op.getResult());
  if (auto number = numberOf(op.getResult()))
    return DenseValues::Elements(type.getNumElements(), *number);
  auto value = cast<ElementsAttr>(op.getValue());
  if (isa<FloatType>(type.getElementType())) {
    if (auto range = value.tryGetValues<APFloat>())
      for (APFloat number : *range)
        elements.push_back(FloatAttr::get(type.getElementType(), number).getValueAsDouble());
  } else if (auto range = value.tryGetValues<APInt>()) {
    for (const APInt &number : *range)
      elements.push_back(number.getBitWidth() == 1 ? static_cast<double>(number.getZExtValue())
                                                   : static_cast<double>(number.getSExtValue()));
  }
  return elements;
}

static DenseValues::Elements ofIota(IotaOp op) {
  DenseValues::Elements elements(tensorType(op.getResult()).getNumElements());
  int64_t extent = tensorType(op.getResult()).getShape().back();
  for (auto [i, element] : llvm::enumerate(elements))
    element = static_cast<double>(static_cast<int64_t>(i) % extent);
  return elements;
}

DenseValues::Elements DenseValues::fromOperands(Operation *op) {
  if (isa<ReshapeOp>(op))
    return values[op->getOperand(0)];
  auto type = tensorType(op->getResult(0));
  Elements elements(type.getNumElements());
  if (auto concat = dyn_cast<ConcatOp>(op)) {
    int64_t outer = 1, filled = 0;
    for (int64_t extent : type.getShape().take_front(concat.getAxis()))
      outer *= extent;
    int64_t width = type.getNumElements() / outer;
    for (Value part : concat.getParts()) {
      const Elements &from = values[part];
      int64_t columns = static_cast<int64_t>(from.size()) / outer;
      for (int64_t row = 0; row < outer; ++row)
        std::copy_n(from.begin() + row * columns, columns, elements.begin() + row * width + filled);
      filled += columns;
    }
    return elements;
  }
  SmallVector<Walk> walks;
  SmallVector<const Elements *> operands;
  for (Value operand : op->getOperands()) {
    walks.emplace_back(op, operand);
    operands.push_back(&values[operand]);
  }
  SmallVector<double> numbers(operands.size());
  bool moves = isMovement(op);
  forEachElement(type.getShape(), walks, [&](int64_t i, ArrayRef<int64_t> positions) {
    for (auto [number, operand, position] : llvm::zip_equal(numbers, operands, positions))
      number = (*operand)[position];
    elements[i] = moves ? numbers[0] : applyElementwise(op, numbers).value_or(NAN);
  });
  return elements;
}

bool DenseValues::compute(Value value) {
  if (values.contains(value))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || !isComputable(op) || tensorType(value).getNumElements() > mostElements)
    return false;
  for (Value operand : op->getOperands())
    if (!compute(operand))
      return false;
  Elements elements;
  if (auto constant = dyn_cast<ConstantOp>(op))
    elements = ofConstant(constant);
  else if (auto iota = dyn_cast<IotaOp>(op))
    elements = ofIota(iota);
  else
    elements = fromOperands(op);
  if (static_cast<int64_t>(elements.size()) != tensorType(value).getNumElements())
    return false;
  values[value] = std::move(elements);
  return true;
}

const DenseValues::Elements *DenseValues::of(Value value) { return compute(value) ? &values[value] : nullptr; }
