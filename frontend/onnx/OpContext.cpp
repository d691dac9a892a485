#include "frontend/onnx/OpContext.h"
#include "frontend/onnx/ConstantBuilder.h"
#include "frontend/onnx/GraphImporter.h"

#include "onnx.pb.h"

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

/// Tensors of a program are at most this long: memory plans then stay within 64 bits.
static constexpr int64_t largestTensor = int64_t(1) << 38;

OpContext::OpContext(GraphImporter &importer, const Node &node, ArrayRef<GraphValueRef> inputs)
    : node(node), b(importer.b), importer(importer), inputs(inputs), results(node.outputCount()) {}

//===------------------------------------------------------------------------------------------===//
// Operands
//===------------------------------------------------------------------------------------------===//

Value OpContext::value(size_t index) {
  return hasInput(index) ? importer.valueOf(*inputs[index], b, *this, /*compact=*/false)
                         : fail("expected operand " + Twine(index) + ", but it is left out");
}

Value OpContext::compact(size_t index) {
  return hasInput(index) ? importer.valueOf(*inputs[index], b, *this, /*compact=*/true)
                         : fail("expected operand " + Twine(index) + ", but it is left out");
}

Value OpContext::narrow(size_t index) {
  bool isCast = hasInput(index) && inputs[index]->element == Element::F64 && inputs[index]->compact;
  return isCast ? inputs[index]->compact : compact(index);
}

const HostTensor *OpContext::constant(size_t index) const {
  return hasInput(index) && inputs[index]->isConstant() ? &*inputs[index]->host : nullptr;
}

const HostTensor *OpContext::fixed(size_t index) const {
  return hasInput(index) ? importer.known(*inputs[index]) : nullptr;
}

std::optional<double> OpContext::scalar(size_t index) const {
  const HostTensor *tensor = constant(index);
  return tensor && tensor->size() == 1 ? std::optional(tensor->number(0)) : std::nullopt;
}

std::optional<SmallVector<int64_t>> OpContext::integers(StringRef attribute, size_t index) const {
  if (node.has(attribute))
    return node.integers(attribute);
  const HostTensor *tensor = constant(index);
  if (!tensor || tensor->isFloat())
    return std::nullopt;
  return llvm::to_vector(tensor->integers);
}

//===------------------------------------------------------------------------------------------===//
// Results
//===------------------------------------------------------------------------------------------===//

static Element elementOfType(Type type) {
  if (isa<FloatType>(type))
    return Element::F32;
  return type.isInteger(1) ? Element::Bool : Element::I64;
}

static GraphValueRef valueOfProgram(Value value) {
  auto result = std::make_shared<GraphValue>();
  ArrayRef<int64_t> shape = OpContext::shapeOf(value);
  result->element = elementOfType(OpContext::type(value).getElementType());
  result->shape.assign(shape.begin(), shape.end());
  result->value = value;
  return result;
}

LogicalResult OpContext::giveAt(size_t output, Value value) {
  if (!value)
    return failure();
  if (output < results.size())
    results[output] = valueOfProgram(value);
  return success();
}

LogicalResult OpContext::giveKnown(HostTensor tensor, size_t output) {
  auto result = std::make_shared<GraphValue>();
  result->element = tensor.element;
  result->shape = tensor.shape;
  result->host = std::move(tensor);
  results[output] = std::move(result);
  return success();
}

LogicalResult OpContext::giveSequence(ArrayRef<Value> values) {
  auto result = std::make_shared<GraphValue>();
  for (Value value : values) {
    if (!value)
      return failure();
    result->parts.push_back(valueOfProgram(value));
  }
  results[0] = std::move(result);
  return success();
}

LogicalResult OpContext::passPart(int64_t index) {
  auto count = static_cast<int64_t>(inputs[0]->parts.size());
  if (index < -count || index >= count)
    return refuse("expected the index of one of " + Twine(count) + " tensors of a sequence, but got " + Twine(index));
  results[0] = inputs[0]->parts[index < 0 ? index + count : index];
  return success();
}

Value OpContext::constantTensor(HostTensor tensor, bool compact) {
  GraphValue value;
  value.element = tensor.element;
  value.shape = tensor.shape;
  value.host = std::move(tensor);
  return importer.valueOf(value, b, *this, compact);
}

LogicalResult OpContext::giveDouble(Value value, ArrayRef<int64_t> shape) {
  auto result = std::make_shared<GraphValue>();
  result->element = Element::F64;
  result->shape.assign(shape.begin(), shape.end());
  result->compact = value;
  results[0] = std::move(result);
  return success();
}

LogicalResult OpContext::give(Value value, ArrayRef<int64_t> shape) {
  if (!value)
    return failure();
  if (shapeOf(value) == shape)
    return give(value);
  auto count = elementCount(shape);
  if (!count || *count > largestTensor || *count == 0)
    return refuse("expected a tensor of 1 to 2^38 elements, but got shape " + shapeText(shape));
  if (*count == type(value).getNumElements())
    return give(reshape(value, shape));
  auto fits = broadcastShapes({shapeOf(value), shape});
  if (failed(fits) || ArrayRef<int64_t>(*fits) != shape)
    return refuse("expected a shape that broadcasts to " + shapeText(shape) + ", but got " + shapeText(shapeOf(value)));
  auto result = std::make_shared<GraphValue>();
  result->element = elementOfType(type(value).getElementType());
  result->shape.assign(shape.begin(), shape.end());
  result->compact = value;
  results[0] = std::move(result);
  return success();
}

LogicalResult OpContext::pass(size_t output, size_t input) {
  if (!hasInput(input))
    return refuse("expected operand " + Twine(input) + ", but it is left out");
  if (output < results.size())
    results[output] = inputs[input];
  return success();
}

bool OpContext::isUsed(size_t output) const {
  return output < node.outputCount() && importer.isRead(node.proto().output(static_cast<int>(output)));
}

void OpContext::noteTable(size_t index) {
  if (inputs[index]->weight && inputs[index]->shape.size() == 2)
    importer.tables.push_back(inputs[index]);
}

void OpContext::notePicked(size_t index) {
  if (inputs[index]->weight && inputs[index]->shape.size() == 2)
    importer.picked.insert(inputs[index]->weight->name());
}

bool OpContext::doublesAreFloats() const { return importer.file.isHalf(); }

void OpContext::noteCausal() { importer.isCausal = true; }

LogicalResult OpContext::refuse(const Twine &why, const Twine &instead) {
  fail(why, instead);
  return failure();
}

Value OpContext::fail(const Twine &why, const Twine &instead) {
  if (reason.empty()) {
    reason = why.str();
    nearest = instead.str();
  }
  return nullptr;
}

Value OpContext::bad(Value x) {
  return x ? fail("expected floats, but got " + shapeText(shapeOf(x)) + " of integers or bools") : nullptr;
}

//===------------------------------------------------------------------------------------------===//
// Primitives
//===------------------------------------------------------------------------------------------===//

Value OpContext::number(double value, Type element) {
  return splat(b, b.getLoc(), element ? element : Type(b.getF32Type()), value);
}

bool OpContext::fit(Value x, Value y) {
  if (!x || !y)
    return false;
  if (type(x).getElementType() != type(y).getElementType()) {
    fail("expected operands of one element type");
    return false;
  }
  auto shape = broadcastShapes({shapeOf(x), shapeOf(y)});
  if (failed(shape)) {
    fail("expected shapes that broadcast, but got " + shapeText(shapeOf(x)) + " and " + shapeText(shapeOf(y)));
    return false;
  }
  auto count = elementCount(*shape);
  if (!count || *count > largestTensor) {
    fail("expected a result of at most 2^38 elements, but got " + shapeText(*shape));
    return false;
  }
  return true;
}

Value OpContext::compare(ComparePredicate predicate, Value x, Value y) {
  return fit(x, y) ? CompareOp::create(b, predicate, x, y) : Value();
}

Value OpContext::where(Value condition, Value x, Value y) {
  if (!condition || !fit(x, y))
    return nullptr;
  if (!type(condition).getElementType().isInteger(1))
    return fail("expected a condition of bools");
  if (failed(broadcastShapes({shapeOf(condition), shapeOf(x), shapeOf(y)})))
    return fail("expected shapes that broadcast, but got " + shapeText(shapeOf(condition)) + ", " +
                shapeText(shapeOf(x)) + " and " + shapeText(shapeOf(y)));
  if (type(x).getElementType().isInteger(1)) { // conditions are chosen as numbers
    Value number = where(condition, castTo(x, b.getI32Type()), castTo(y, b.getI32Type()));
    return castTo(number, b.getI1Type());
  }
  return WhereOp::create(b, condition, x, y);
}

Value OpContext::castTo(Value x, Type element) {
  if (!x || type(x).getElementType() == element)
    return x;
  if (element.isInteger(1))
    return compare(ComparePredicate::Ne, x, number(0, type(x).getElementType()));
  return CastOp::create(b, type(x).clone(element), x);
}

Value OpContext::reshape(Value x, ArrayRef<int64_t> shape) {
  if (!x || shapeOf(x) == shape)
    return x;
  auto count = elementCount(shape);
  if (!count || *count != type(x).getNumElements())
    return fail("expected a shape of as many elements as " + shapeText(shapeOf(x)) + ", but got " + shapeText(shape));
  return ReshapeOp::create(b, type(x).clone(shape), x);
}

Value OpContext::broadcastTo(Value x, ArrayRef<int64_t> shape) {
  if (!x || shapeOf(x) == shape)
    return x;
  auto count = elementCount(shape);
  auto common = broadcastShapes({shapeOf(x), shape});
  if (!count || *count > largestTensor || *count == 0 || failed(common) || ArrayRef<int64_t>(*common) != shape)
    return fail("expected a shape that broadcasts to " + shapeText(shape) + ", but got " + shapeText(shapeOf(x)));
  return BroadcastOp::create(b, type(x).clone(shape), x);
}

Value OpContext::transpose(Value x, ArrayRef<int64_t> permutation) {
  if (!x)
    return x;
  auto axes = normalizedAxes(permutation, rankOf(x));
  if (!axes || static_cast<int64_t>(axes->size()) != rankOf(x))
    return fail("expected a permutation of " + Twine(rankOf(x)) + " axes, but got " + shapeText(permutation));
  SmallVector<int64_t> normalized;
  for (int64_t axis : permutation)
    normalized.push_back(*normalizedAxis(axis, rankOf(x)));
  if (llvm::is_sorted(normalized))
    return x;
  return TransposeOp::create(b, x, b.getDenseI64ArrayAttr(normalized));
}

Value OpContext::swapLast(Value x) {
  if (!x)
    return x;
  if (rankOf(x) < 2)
    return fail("expected a matrix, but got " + shapeText(shapeOf(x)));
  auto permutation = llvm::to_vector(llvm::seq<int64_t>(0, rankOf(x)));
  std::swap(permutation[rankOf(x) - 1], permutation[rankOf(x) - 2]);
  return transpose(x, permutation);
}

Value OpContext::slice(Value x, int64_t axis, int64_t from, int64_t size) {
  if (!x)
    return x;
  if (axis < 0 || axis >= rankOf(x) || from < 0 || size < 1 || size > shapeOf(x)[axis] ||
      from > shapeOf(x)[axis] - size)
    return fail("expected a range of at least one element inside axis " + Twine(axis) + " of " + shapeText(shapeOf(x)) +
                ", but got " + Twine(size) + " from " + Twine(from));
  if (size == shapeOf(x)[axis])
    return x;
  return SliceOp::create(b, x, axis, from, size);
}

Value OpContext::concat(ArrayRef<Value> parts, int64_t axis) {
  if (parts.empty() || llvm::is_contained(parts, Value()))
    return nullptr;
  int64_t length = 0;
  for (Value part : parts) {
    if (rankOf(part) != rankOf(parts[0]) || axis < 0 || axis >= rankOf(part) ||
        type(part).getElementType() != type(parts[0]).getElementType())
      return fail("expected parts of one rank and element type");
    for (int64_t i = 0; i < rankOf(part); ++i)
      if (i != axis && shapeOf(part)[i] != shapeOf(parts[0])[i])
        return fail("expected equal extents off axis " + Twine(axis) + ", but got " + shapeText(shapeOf(parts[0])) +
                    " and " + shapeText(shapeOf(part)));
    if (__builtin_add_overflow(length, shapeOf(part)[axis], &length) || length > largestTensor)
      return fail("expected a result of at most 2^38 elements");
  }
  if (parts.size() == 1)
    return parts[0];
  return ConcatOp::create(b, parts, axis);
}

Value OpContext::gather(Value table, Value indices) {
  if (!table || !indices)
    return nullptr;
  if (rankOf(table) != 2 || !type(indices).getElementType().isInteger(32))
    return fail("expected a table of rank 2 and integer indices");
  return GatherOp::create(b, table, indices);
}

Value OpContext::matmul(Value x, Value y) {
  if (!x || !y)
    return nullptr;
  if (!isFloat(x) || !isFloat(y))
    return bad(isFloat(x) ? y : x);
  if (failed(MatmulOp::inferShape(type(x), type(y), false, false)))
    return fail("expected matrices that fit, but got " + shapeText(shapeOf(x)) + " and " + shapeText(shapeOf(y)));
  return MatmulOp::create(b, x, y)->getResult(0);
}

bool OpContext::checkReduction(Value x, ArrayRef<int64_t> axes) {
  if (!x)
    return false;
  bool isAscending = llvm::is_sorted(axes) && std::adjacent_find(axes.begin(), axes.end()) == axes.end();
  if (!isFloat(x) || !isAscending || (!axes.empty() && (axes.front() < 0 || axes.back() >= rankOf(x)))) {
    fail("expected a reduction of floats over axes of " + shapeText(shapeOf(x)));
    return false;
  }
  return true;
}

Value OpContext::softmax(Value x, int64_t axis) {
  if (!x)
    return x;
  auto at = normalizedAxis(axis, rankOf(x));
  if (!at || !isFloat(x))
    return fail("expected floats and an axis of " + shapeText(shapeOf(x)) + ", but got axis " + Twine(axis));
  auto permutation = llvm::to_vector(llvm::seq<int64_t>(0, rankOf(x)));
  std::swap(permutation[*at], permutation.back());
  Value y = transpose(x, permutation);
  return transpose(y ? Value(SoftmaxOp::create(b, y)) : y, permutation);
}

Value OpContext::layerNorm(Value x, Value weight, Value bias, double eps) {
  if (!x)
    return x;
  int64_t columns = rankOf(x) ? shapeOf(x).back() : 0;
  auto vector = [&](Value given, double otherwise) -> Value {
    if (given)
      return reshape(given, {columns});
    auto ones = RankedTensorType::get({columns}, b.getF32Type());
    return ConstantOp::create(b, ones, DenseElementsAttr::get(ones, static_cast<float>(otherwise)));
  };
  if (!isFloat(x) || columns == 0 || !(eps > 0))
    return fail("expected floats of rank at least 1 and an epsilon over 0");
  weight = vector(weight, 1);
  bias = vector(bias, 0);
  if (!weight || !bias)
    return nullptr;
  return LayerNormOp::create(b, x, weight, bias, b.getF64FloatAttr(eps)).getY();
}

Value OpContext::inverseRoot(Value x, double eps) {
  Value square = reduceLast<ReduceMeanOp>(mul(x, x));
  return unary<RsqrtOp>(add(square, number(eps)));
}

Value OpContext::rootMeanSquare(Value x, Value weight, double eps) {
  Value scaled = mul(x, inverseRoot(x, eps));
  return weight ? mul(scaled, weight) : scaled;
}

Value OpContext::byDistance(ComparePredicate predicate, int64_t rows, int64_t columns, int64_t offset) {
  Type i32 = b.getI32Type();
  Value j = IotaOp::create(b, RankedTensorType::get({columns}, i32));
  Value i = reshape(IotaOp::create(b, RankedTensorType::get({rows}, i32)), {rows, 1});
  return compare(predicate, j, offset == 0 ? i : add(i, number(static_cast<double>(offset), i32)));
}
