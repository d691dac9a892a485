//===- Interpreter.cpp - runs nf programs by the reference kernels ---------------------------===//
#include "tools/Interpreter.h"

#include "mlir/IR/AttrTypeSubElements.h"

using namespace mlir;
using namespace nf;
using nf::rt::reference::Attributes;
using nf::rt::reference::Call;
using nf::rt::reference::Element;
using nf::rt::reference::Shape;

static Element elementOf(Type type) {
  Type element = cast<ShapedType>(type).getElementType();
  if (element.isInteger(1))
    return Element::I1;
  if (element.isInteger(32))
    return Element::I32;
  return element.isInteger(64) ? Element::I64 : Element::Float;
}

static Shape shapeOf(Type type) {
  ArrayRef<int64_t> shape = cast<ShapedType>(type).getShape();
  return Shape(shape.begin(), shape.end());
}

template <typename T> rt::reference::Tensor<T> nf::zerosOf(Type type) {
  return rt::reference::Tensor<T>(shapeOf(type), elementOf(type));
}

/// The values of a constant, splats repeated.
template <typename T> static rt::reference::Tensor<T> valuesOf(ElementsAttr elements) {
  auto tensor = zerosOf<T>(elements.getType());
  if (tensor.isFloat()) {
    for (auto [i, value] : llvm::enumerate(elements.getValues<APFloat>()))
      tensor.floats[i] = static_cast<T>(value.convertToDouble());
    return tensor;
  }
  for (auto [i, value] : llvm::enumerate(elements.getValues<APInt>()))
    tensor.integers[i] = tensor.element == Element::I1 ? value.getZExtValue() : value.getSExtValue();
  return tensor;
}

static Attributes attributesOf(Operation *op) {
  Attributes attributes;
  for (NamedAttribute named : op->getAttrDictionary()) {
    std::string name = named.getName().str();
    Attribute value = named.getValue();
    if (isa<UnitAttr>(value))
      attributes.set(name, int64_t(1));
    else if (auto boolean = dyn_cast<BoolAttr>(value))
      attributes.set(name, int64_t(boolean.getValue()));
    else if (auto integer = dyn_cast<IntegerAttr>(value))
      attributes.set(name, integer.getValue().getSExtValue());
    else if (auto number = dyn_cast<FloatAttr>(value))
      attributes.set(name, number.getValueAsDouble());
    else if (auto list = dyn_cast<DenseI64ArrayAttr>(value))
      attributes.set(name, std::vector<int64_t>(list.asArrayRef().begin(), list.asArrayRef().end()));
  }
  return attributes;
}

/// The op's operands in the order of its definition, null for an absent optional one.
static SmallVector<Value> orderedOperands(Operation *op) {
  std::optional<Attribute> inherent = op->getInherentAttr("operandSegmentSizes");
  auto sizes = inherent ? dyn_cast_or_null<DenseI32ArrayAttr>(*inherent) : DenseI32ArrayAttr();
  if (!sizes)
    return SmallVector<Value>(op->getOperands());
  SmallVector<Value> operands;
  unsigned next = 0;
  for (int32_t size : sizes.asArrayRef()) {
    if (size == 0)
      operands.push_back(Value());
    for (int32_t i = 0; i < size; ++i)
      operands.push_back(op->getOperand(next++));
  }
  return operands;
}

/// Whether every row index of `op` lies inside its table, and every target inside the vocabulary.
template <typename T> static LogicalResult checkIndices(Operation *op, const Call<T> &call) {
  int64_t entries = 0, indices = 1;
  if (isa<GatherOp, EmbeddingOp>(op)) {
    entries = call.in(0).shape[0];
  } else if (isa<ScatterAddOp>(op)) {
    entries = call.results[0].shape[0];
  } else if (isa<LinearCrossEntropyOp, LinearCrossEntropyBackwardOp>(op)) {
    entries = call.in(1).shape[0];
    indices = 2;
  } else {
    return success();
  }
  for (int64_t index : call.in(indices).integers)
    if (index < 0 || index >= entries)
      return op->emitOpError() << "expected indices below " << entries << ", but got " << index;
  return success();
}

//===------------------------------------------------------------------------------------------===//
// Programs
//===------------------------------------------------------------------------------------------===//

template <typename T>
FailureOr<std::vector<rt::reference::Tensor<T>>> Interpreter<T>::run(ProgramOp program,
                                                                     const std::vector<Tensor> &arguments) {
  Block &block = program.getBody().front();
  Values values;
  for (auto [argument, tensor] : llvm::zip_equal(block.getArguments(), arguments))
    values[argument] = tensor;
  for (Operation &op : block.without_terminator())
    if (failed(evaluate(&op, values)))
      return failure();
  std::vector<Tensor> results;
  for (Value result : block.getTerminator()->getOperands())
    results.push_back(values[result]);
  return results;
}

template <typename T> rt::reference::Tensor<T> Interpreter<T>::readState(StringRef symbol, Type type) {
  auto found = states.find(symbol.str());
  return found == states.end() ? zerosOf<T>(type) : found->second;
}

template <typename T> LogicalResult Interpreter<T>::evaluate(Operation *op, Values &values) {
  if (auto get = dyn_cast<GetOp>(op)) {
    values[get.getResult()] = readState(get.getSymbol(), get.getType());
    return success();
  }
  if (auto set = dyn_cast<SetOp>(op)) {
    states[set.getSymbol().str()] = values[set.getValue()];
    return success();
  }
  if (auto accumulate = dyn_cast<AccumulateOp>(op)) {
    Tensor sum = readState(accumulate.getSymbol(), accumulate.getValue().getType());
    const Tensor &value = values[accumulate.getValue()];
    bool adds = !accumulate.getFlag() || values[accumulate.getFlag()].integers[0] != 0;
    for (int64_t i = 0; i < sum.size(); ++i)
      sum[i] = adds ? sum[i] + value[i] : value[i];
    states[accumulate.getSymbol().str()] = sum;
    return success();
  }
  if (auto fused = dyn_cast<FusedOp>(op))
    return evaluateFused(fused, values);
  std::vector<Shape> shapes;
  for (Type type : op->getResultTypes())
    shapes.push_back(shapeOf(type));
  return evaluateKernel(op, values, shapes);
}

/// `resultShapes` differ from the op's types where its values are rows of a fused region.
template <typename T>
LogicalResult Interpreter<T>::evaluateKernel(Operation *op, Values &values, const std::vector<Shape> &resultShapes) {
  auto reference = dyn_cast<ReferenceOpInterface>(op);
  auto *kernel = reference ? rt::reference::findKernel<T>(std::string_view(reference.getReferenceKernel())) : nullptr;
  if (!kernel)
    return op->emitOpError() << "has no reference kernel";

  Call<T> call;
  Tensor constant;
  for (Value operand : orderedOperands(op))
    call.operands.push_back(operand ? &values[operand] : nullptr);
  if (auto constantOp = dyn_cast<ConstantOp>(op)) {
    constant = valuesOf<T>(constantOp.getValue());
    call.operands.push_back(&constant);
  }
  call.attributes = attributesOf(op);
  if (isa<CastOp>(op) && roundsToBf16 && cast<ShapedType>(op->getResult(0).getType()).getElementType().isBF16())
    call.attributes.set("round_to_bf16", int64_t(1));
  for (auto [type, shape] : llvm::zip_equal(op->getResultTypes(), resultShapes))
    call.results.emplace_back(shape, elementOf(type));
  if (failed(checkIndices(op, call)))
    return failure();
  (*kernel)(call);
  for (auto [result, tensor] : llvm::zip_equal(op->getResults(), call.results))
    values[result] = std::move(tensor);
  return success();
}

//===------------------------------------------------------------------------------------------===//
// Fused regions
//===------------------------------------------------------------------------------------------===//

/// The rows of `table` that `index` picks.
template <typename T>
static rt::reference::Tensor<T> gatherRows(const rt::reference::Tensor<T> &table, const std::vector<int64_t> &index,
                                           int64_t cols) {
  rt::reference::Tensor<T> rows({static_cast<int64_t>(index.size()), cols}, table.element);
  for (size_t row = 0; row < index.size(); ++row)
    for (int64_t j = 0; j < cols; ++j)
      rows.at(row, j) = table.floats[index[row] * cols + j];
  return rows;
}

/// Sums of each run of ⌈rows / groups⌉ rows: [groups, cols], of the elements of `type`.
template <typename T>
static rt::reference::Tensor<T> sumColumns(const rt::reference::Tensor<T> &x, FusedOp op, Type type) {
  auto sums = zerosOf<T>(type);
  int64_t rows = op.getRows(), cols = op.getCols(), groups = op.getGroups(), height = (rows + groups - 1) / groups;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t j = 0; j < cols; ++j)
      sums.floats[row / height * cols + j] += x.at(row, j);
  return sums;
}

/// `x` of one row, which all rows share, for every row.
template <typename T> static rt::reference::Tensor<T> repeatRow(const rt::reference::Tensor<T> &x, int64_t rows) {
  Call<T> call;
  call.operands = {&x};
  call.results.emplace_back(Shape{rows, x.columns()}, x.element);
  (*rt::reference::findKernel<T>("nf.broadcast"))(call);
  return call.results[0];
}

/// Every body value is a whole tensor: [rows, cols] or [rows, 1], or one row where all rows share it.
template <typename T> LogicalResult Interpreter<T>::evaluateFused(FusedOp op, Values &values) {
  int64_t rows = op.getRows(), cols = op.getCols();
  Values body;
  for (auto [i, argument] : llvm::enumerate(op.getBodyBlock()->getArguments())) {
    Tensor x = values[op.getInputs()[i]];
    switch (op.getOperandKind(i)) {
    case RowKind::RowCol:
      x.shape = {rows, cols};
      break;
    case RowKind::Row:
      x.shape = {rows, 1};
      break;
    case RowKind::Gather:
      x = gatherRows(x, values[op.getInputs()[op.getGatherIndex()[i]]].integers, cols);
      break;
    default:
      x.shape = {1, x.size()};
    }
    body[argument] = std::move(x);
  }
  for (Operation &inner : op.getBodyBlock()->without_terminator()) {
    bool differs = isa<RandomBitsOp>(inner) ||
                   llvm::any_of(inner.getOperands(), [&](Value operand) { return body[operand].shape[0] != 1; });
    std::vector<Shape> shapes;
    for (Type type : inner.getResultTypes())
      shapes.push_back({differs ? rows : 1, shapeOf(type)[0]});
    if (failed(evaluateKernel(&inner, body, shapes)))
      return failure();
  }
  for (auto [i, yielded] : llvm::enumerate(op.getYield().getOperands())) {
    Type type = op.getResult(i).getType();
    Tensor x = body[yielded];
    if (x.shape[0] != rows)
      x = repeatRow(x, rows);
    if (op.getResultKind(i) == RowKind::ColSum)
      x = sumColumns(x, op, type);
    x.shape = shapeOf(type);
    values[op.getResult(i)] = std::move(x);
  }
  return success();
}

//===------------------------------------------------------------------------------------------===//
// Double
//===------------------------------------------------------------------------------------------===//

void nf::widenToDouble(ModuleOp module) {
  Type f64 = Float64Type::get(module.getContext());
  AttrTypeReplacer replacer;
  replacer.addReplacement([=](Float32Type) { return f64; });
  replacer.addReplacement([=](DenseElementsAttr elements) -> std::optional<std::pair<Attribute, WalkResult>> {
    if (!elements.getElementType().isF32())
      return std::nullopt;
    auto widen = [](const APFloat &value) { return APFloat(value.convertToDouble()).bitcastToAPInt(); };
    return {{elements.mapValues(f64, widen), WalkResult::skip()}};
  });
  replacer.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/true, /*replaceLocs=*/false, /*replaceTypes=*/true);
}

template class nf::Interpreter<float>;
template class nf::Interpreter<double>;
template rt::reference::Tensor<float> nf::zerosOf<float>(Type);
template rt::reference::Tensor<double> nf::zerosOf<double>(Type);
