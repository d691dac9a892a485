// Elementwise operators, comparisons, reductions, normalization along an axis.
#include "frontend/onnx/OpContext.h"

#include <cmath>

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

/// The shape of a result whose operands broadcast, or nothing.
static std::optional<SmallVector<int64_t>> commonShape(OpContext &op) {
  SmallVector<int64_t> shape;
  for (size_t i = 0; i < op.inputCount(); ++i) {
    if (!op.hasInput(i))
      continue;
    auto next = broadcast(shape, op.shape(i));
    if (!next)
      return std::nullopt;
    shape = *next;
  }
  return shape;
}

static LogicalResult giveCommon(OpContext &op, Value value) {
  auto shape = commonShape(op);
  return shape ? op.give(value, *shape) : op.refuse("expected operands whose shapes broadcast");
}

//===------------------------------------------------------------------------------------------===//
// Arithmetic
//===------------------------------------------------------------------------------------------===//

template <typename Op> static LogicalResult binary(OpContext &op) {
  Value x = op.compact(0), y = op.compact(1);
  if (x && OpContext::type(x).getElementType().isInteger(1))
    return op.refuse("expected numbers, but got bools");
  return giveCommon(op, op.binary<Op>(x, y));
}

static Value minimum(OpContext &op, Value x, Value y) {
  if (!x || !y)
    return nullptr;
  if (OpContext::isFloat(x) && OpContext::isFloat(y))
    return op.unary<NegOp>(op.binary<MaxOp>(op.unary<NegOp>(x), op.unary<NegOp>(y)));
  return op.where(op.compare(ComparePredicate::Lt, x, y), x, y);
}

/// An operator of any number of operands.
template <typename Combine> static LogicalResult variadic(OpContext &op, Combine combine, bool isMean = false) {
  Value result = op.compact(0);
  for (size_t i = 1; i < op.inputCount(); ++i)
    result = combine(result, op.compact(i));
  if (isMean && result)
    result = op.div(result, op.number(static_cast<double>(op.inputCount())));
  return giveCommon(op, result);
}

static LogicalResult max(OpContext &op) {
  return variadic(op, [&](Value x, Value y) { return op.binary<MaxOp>(x, y); });
}
static LogicalResult min(OpContext &op) {
  return variadic(op, [&](Value x, Value y) { return minimum(op, x, y); });
}
static LogicalResult sum(OpContext &op) {
  return variadic(op, [&](Value x, Value y) { return op.add(x, y); });
}
static LogicalResult mean(OpContext &op) {
  return variadic(op, [&](Value x, Value y) { return op.add(x, y); }, /*isMean=*/true);
}

/// nf.pow is e^(y ln x): only powers that are numbers are written in other ops.
static LogicalResult pow(OpContext &op) {
  auto exponent = op.scalar(1);
  if (!exponent)
    return op.refuse("its exponent is no single number", "an exponent that is a constant");
  Value x = op.compact(0);
  if (x && !OpContext::isFloat(x))
    return op.refuse("expected a float to raise, but got an integer");
  if (*exponent == 1)
    return giveCommon(op, x);
  if (*exponent == 2)
    return giveCommon(op, op.mul(x, x));
  if (*exponent == 3)
    return giveCommon(op, op.mul(op.mul(x, x), x));
  if (*exponent == 4)
    return giveCommon(op, op.mul(op.mul(x, x), op.mul(x, x)));
  if (*exponent == 0.5)
    return giveCommon(op, op.unary<SqrtOp>(x));
  if (*exponent == -0.5)
    return giveCommon(op, op.unary<RsqrtOp>(x));
  if (*exponent == -1)
    return giveCommon(op, op.div(op.number(1), x));
  return op.refuse("the exponent " + llvm::Twine(std::to_string(*exponent)) + " needs a base that is not negative",
                   "the exponents 1, 2, 3, 4, 0.5, -0.5 and -1");
}

template <typename Op> static LogicalResult unary(OpContext &op) {
  Value x = op.compact(0);
  return op.give(op.unary<Op>(x), op.shape(0));
}

static LogicalResult neg(OpContext &op) {
  Value x = op.compact(0);
  if (x && !OpContext::isFloat(x))
    return op.give(op.sub(op.number(0, OpContext::type(x).getElementType()), x), op.shape(0));
  return unary<NegOp>(op);
}

static LogicalResult abs(OpContext &op) {
  Value x = op.compact(0);
  return op.give(op.binary<MaxOp>(x, op.unary<NegOp>(x)), op.shape(0));
}

static LogicalResult reciprocal(OpContext &op) { return op.give(op.div(op.number(1), op.compact(0)), op.shape(0)); }

static Value sigmoidOf(OpContext &op, Value x) {
  return op.div(op.number(1), op.add(op.number(1), op.unary<ExpOp>(op.unary<NegOp>(x))));
}

static LogicalResult sigmoid(OpContext &op) { return op.give(sigmoidOf(op, op.compact(0)), op.shape(0)); }

/// ln(1 + e^x), with the larger part outside of the logarithm.
static Value softplusOf(OpContext &op, Value x) {
  Value magnitude = op.binary<MaxOp>(x, op.unary<NegOp>(x));
  Value rest = op.unary<LogOp>(op.add(op.number(1), op.unary<ExpOp>(op.unary<NegOp>(magnitude))));
  return op.add(op.binary<MaxOp>(x, op.number(0)), rest);
}

static LogicalResult softplus(OpContext &op) { return op.give(softplusOf(op, op.compact(0)), op.shape(0)); }
static LogicalResult mish(OpContext &op) {
  Value x = op.compact(0);
  return op.give(op.mul(x, op.unary<TanhOp>(softplusOf(op, x))), op.shape(0));
}

static LogicalResult swish(OpContext &op) {
  Value x = op.compact(0);
  double alpha = op.node.number("alpha", 1);
  if (alpha == 1)
    return op.give(op.unary<SiluOp>(x), op.shape(0));
  return op.give(op.mul(x, sigmoidOf(op, op.scale(x, alpha))), op.shape(0));
}

static LogicalResult gelu(OpContext &op) {
  std::string form = op.node.text("approximate", "none");
  if (form != "none" && form != "tanh")
    return op.refuse("expected approximate to be none or tanh, but got " + form);
  Value x = op.compact(0);
  return op.give(form == "tanh" ? op.unary<GeluTanhOp>(x) : op.unary<GeluOp>(x), op.shape(0));
}

static LogicalResult leakyRelu(OpContext &op) {
  Value x = op.compact(0);
  Value low = op.scale(x, op.node.number("alpha", 0.01));
  return op.give(x ? op.where(op.compare(ComparePredicate::Ge, x, op.number(0)), x, low) : x, op.shape(0));
}

static LogicalResult hardSigmoid(OpContext &op) {
  Value line = op.add(op.scale(op.compact(0), op.node.number("alpha", 0.2)), op.number(op.node.number("beta", 0.5)));
  return op.give(minimum(op, op.binary<MaxOp>(line, op.number(0)), op.number(1)), op.shape(0));
}

static LogicalResult hardSwish(OpContext &op) {
  Value x = op.compact(0);
  Value line = op.add(op.scale(x, 1.0 / 6), op.number(0.5));
  return op.give(op.mul(x, minimum(op, op.binary<MaxOp>(line, op.number(0)), op.number(1))), op.shape(0));
}

static LogicalResult clip(OpContext &op) {
  Value x = op.compact(0);
  if (x && !OpContext::isFloat(x))
    return op.refuse("expected floats, but got integers");
  for (size_t bound : {1, 2}) {
    if (!op.hasInput(bound))
      continue;
    auto value = op.scalar(bound);
    if (!value)
      return op.refuse("its bounds are no numbers");
    x = bound == 1 ? op.binary<MaxOp>(x, op.number(*value)) : minimum(op, x, op.number(*value));
  }
  return op.give(x, op.shape(0));
}

//===------------------------------------------------------------------------------------------===//
// Conditions and types
//===------------------------------------------------------------------------------------------===//

template <ComparePredicate predicate> static LogicalResult compare(OpContext &op) {
  Value x = op.compact(0), y = op.compact(1);
  if (x && OpContext::type(x).getElementType().isInteger(1)) { // bools compare as numbers
    x = op.castTo(x, op.b.getI32Type());
    y = op.castTo(y, op.b.getI32Type());
  }
  return giveCommon(op, op.compare(predicate, x, y));
}

/// Conditions as 0 and 1.
static Value digit(OpContext &op, Value condition) {
  if (condition && !OpContext::type(condition).getElementType().isInteger(1))
    return nullptr;
  return op.castTo(condition, op.b.getI32Type());
}

static LogicalResult logicalAnd(OpContext &op) {
  return giveCommon(op, op.castTo(op.mul(digit(op, op.compact(0)), digit(op, op.compact(1))), op.b.getI1Type()));
}
static LogicalResult logicalOr(OpContext &op) {
  return giveCommon(op, op.castTo(op.add(digit(op, op.compact(0)), digit(op, op.compact(1))), op.b.getI1Type()));
}
static LogicalResult logicalXor(OpContext &op) {
  return giveCommon(op, op.compare(ComparePredicate::Ne, digit(op, op.compact(0)), digit(op, op.compact(1))));
}
static LogicalResult logicalNot(OpContext &op) {
  return op.give(op.compare(ComparePredicate::Eq, digit(op, op.compact(0)), op.number(0, op.b.getI32Type())),
                 op.shape(0));
}

static LogicalResult isNan(OpContext &op) {
  Value x = op.narrow(0);
  if (x && !OpContext::isFloat(x))
    return op.refuse("expected floats");
  return op.give(op.compare(ComparePredicate::Ne, x, x), op.shape(0));
}

static LogicalResult isInf(OpContext &op) {
  Value x = op.narrow(0);
  if (x && !OpContext::isFloat(x))
    return op.refuse("expected floats");
  bool up = op.node.integer("detect_positive", 1), down = op.node.integer("detect_negative", 1);
  Value magnitude = up && down ? op.binary<MaxOp>(x, op.unary<NegOp>(x)) : up ? x : op.unary<NegOp>(x);
  if (!up && !down)
    return op.refuse("it looks for nothing");
  return op.give(op.compare(ComparePredicate::Eq, magnitude, op.number(INFINITY)), op.shape(0));
}

static LogicalResult where(OpContext &op) {
  return giveCommon(op, op.where(op.compact(0), op.compact(1), op.compact(2)));
}

static LogicalResult castOp(OpContext &op) {
  int64_t to = op.node.integer("to", 0);
  auto element = elementOf(static_cast<int32_t>(to));
  if (element == Element::F64 && op.doublesAreFloats())
    element = Element::F32;
  Value x = op.narrow(0);
  Type from = OpContext::type(x ? x : op.number(0)).getElementType();
  if (x && element == Element::F64 && from.isF32())
    return op.giveDouble(x, op.shape(0));
  if (!element || *element == Element::F64)
    return op.refuse("values of a program cannot become " + elementName(static_cast<int32_t>(to)), "float32");
  if ((*element == Element::U8 || *element == Element::I8) && !from.isInteger(1))
    return op.refuse("integers of 8 bits wrap around", "int64");
  Type type = onnxfe::isFloat(*element)   ? Type(op.b.getF32Type())
              : *element == Element::Bool ? Type(op.b.getI1Type())
                                          : Type(op.b.getI32Type());
  return op.give(op.castTo(x, type), op.shape(0));
}

static LogicalResult castLike(OpContext &op) {
  if (!op.hasInput(1))
    return op.refuse("expected a second operand");
  Element element = op.element(1);
  if (element == Element::F64)
    return op.refuse("values of a program cannot become double", "float32");
  Type type = onnxfe::isFloat(element)   ? Type(op.b.getF32Type())
              : element == Element::Bool ? Type(op.b.getI1Type())
                                         : Type(op.b.getI32Type());
  return op.give(op.castTo(op.compact(0), type), op.shape(0));
}

//===------------------------------------------------------------------------------------------===//
// Reductions
//===------------------------------------------------------------------------------------------===//

template <typename Reduce> static LogicalResult reduction(OpContext &op, Reduce reduce) {
  SmallVector<int64_t> given;
  if (op.node.has("axes") || op.hasInput(1)) {
    auto axes = op.integers("axes", 1);
    if (!axes)
      return op.refuse("its axes are not known while the model is read");
    given = *axes;
  }
  if (given.empty() && op.node.integer("noop_with_empty_axes", 0))
    return op.pass(0, 0);
  if (given.empty())
    given = llvm::to_vector(llvm::seq<int64_t>(0, op.rank(0)));
  auto axes = normalizedAxes(given, op.rank(0));
  if (!axes)
    return op.refuse("expected axes of " + shapeText(op.shape(0)) + ", but got " + shapeText(given));
  Value y = axes->empty() ? op.value(0) : reduce(op.value(0), ArrayRef<int64_t>(*axes));
  if (!y || op.node.integer("keepdims", 1))
    return op.give(y);
  SmallVector<int64_t> shape;
  for (auto [i, extent] : llvm::enumerate(op.shape(0)))
    if (!llvm::is_contained(*axes, static_cast<int64_t>(i)))
      shape.push_back(extent);
  return op.give(op.reshape(y, shape));
}

template <typename Op> static LogicalResult plainReduction(OpContext &op) {
  return reduction(op, [&](Value x, ArrayRef<int64_t> axes) { return op.reduce<Op>(x, axes); });
}
static LogicalResult reduceMin(OpContext &op) {
  return reduction(op, [&](Value x, ArrayRef<int64_t> axes) {
    return op.unary<NegOp>(op.reduce<ReduceMaxOp>(op.unary<NegOp>(x), axes));
  });
}
static LogicalResult reduceSquares(OpContext &op) {
  return reduction(op, [&](Value x, ArrayRef<int64_t> axes) { return op.reduce<ReduceSumOp>(op.mul(x, x), axes); });
}
static LogicalResult reduceL2(OpContext &op) {
  return reduction(op, [&](Value x, ArrayRef<int64_t> axes) {
    return op.unary<SqrtOp>(op.reduce<ReduceSumOp>(op.mul(x, x), axes));
  });
}
static LogicalResult reduceL1(OpContext &op) {
  return reduction(op, [&](Value x, ArrayRef<int64_t> axes) {
    return op.reduce<ReduceSumOp>(op.binary<MaxOp>(x, op.unary<NegOp>(x)), axes);
  });
}
static LogicalResult reduceLogSumExp(OpContext &op) {
  return reduction(op, [&](Value x, ArrayRef<int64_t> axes) {
    Value most = op.reduce<ReduceMaxOp>(x, axes);
    return op.add(most, op.unary<LogOp>(op.reduce<ReduceSumOp>(op.unary<ExpOp>(op.sub(x, most)), axes)));
  });
}

static LogicalResult softmax(OpContext &op) { return op.give(op.softmax(op.value(0), op.node.integer("axis", -1))); }

static LogicalResult logSoftmax(OpContext &op) {
  auto axis = normalizedAxis(op.node.integer("axis", -1), op.rank(0));
  if (!axis)
    return op.refuse("expected an axis of " + shapeText(op.shape(0)));
  Value x = op.value(0);
  Value centred = op.sub(x, op.reduce<ReduceMaxOp>(x, {*axis}));
  return op.give(op.sub(centred, op.unary<LogOp>(op.reduce<ReduceSumOp>(op.unary<ExpOp>(centred), {*axis}))));
}

/// Sums along the last axis are products with a triangle of ones; other axes change places with it.
static LogicalResult cumSum(OpContext &op) {
  auto given = op.scalar(1);
  auto axis = given ? normalizedAxis(static_cast<int64_t>(*given), op.rank(0)) : std::nullopt;
  if (!axis)
    return op.refuse("its axis is not known while the model is read");
  Value x = op.value(0);
  if (!x)
    return failure();
  bool isInteger = !OpContext::isFloat(x);
  x = op.castTo(x, op.b.getF32Type());
  auto permutation = llvm::to_vector(llvm::seq<int64_t>(0, op.rank(0)));
  std::swap(permutation[*axis], permutation.back());
  x = op.transpose(x, permutation);
  int64_t extent = op.shape(0)[*axis];
  if (isInteger && extent > 1 << 16)
    return op.refuse("sums of so many integers are not exact in float32");
  bool reverse = op.node.integer("reverse", 0), exclusive = op.node.integer("exclusive", 0);
  Value column = IotaOp::create(op.b, RankedTensorType::get({extent}, op.b.getI32Type()));
  Value row = op.reshape(column, {extent, 1}); // summed elements are rows of the triangle
  ComparePredicate predicate = reverse ? (exclusive ? ComparePredicate::Gt : ComparePredicate::Ge)
                                       : (exclusive ? ComparePredicate::Lt : ComparePredicate::Le);
  Value triangle = op.castTo(op.compare(predicate, row, column), op.b.getF32Type());
  SmallVector<int64_t> shape(OpContext::shapeOf(x));
  Value sums = op.matmul(op.reshape(x, {*elementCount(shape) / extent, extent}), triangle);
  sums = op.transpose(op.reshape(sums, shape), permutation);
  return op.give(isInteger ? op.castTo(sums, op.b.getI32Type()) : sums);
}

void nf::onnxfe::addMathOps(OpTable &table) {
  table["Add"] = binary<AddOp>;
  table["Sub"] = binary<SubOp>;
  table["Mul"] = binary<MulOp>;
  table["Div"] = binary<DivOp>;
  table["Max"] = max;
  table["Min"] = min;
  table["Sum"] = sum;
  table["Mean"] = mean;
  table["Pow"] = pow;
  table["Neg"] = neg;
  table["Abs"] = abs;
  table["Exp"] = unary<ExpOp>;
  table["Log"] = unary<LogOp>;
  table["Tanh"] = unary<TanhOp>;
  table["Erf"] = unary<ErfOp>;
  table["Sqrt"] = unary<SqrtOp>;
  table["Relu"] = unary<ReluOp>;
  table["Reciprocal"] = reciprocal;
  table["Sigmoid"] = sigmoid;
  table["Softplus"] = softplus;
  table["Mish"] = mish;
  table["Swish"] = swish;
  table["Gelu"] = gelu;
  table["LeakyRelu"] = leakyRelu;
  table["HardSigmoid"] = hardSigmoid;
  table["HardSwish"] = hardSwish;
  table["Clip"] = clip;
  table["Equal"] = compare<ComparePredicate::Eq>;
  table["Less"] = compare<ComparePredicate::Lt>;
  table["LessOrEqual"] = compare<ComparePredicate::Le>;
  table["Greater"] = compare<ComparePredicate::Gt>;
  table["GreaterOrEqual"] = compare<ComparePredicate::Ge>;
  table["And"] = logicalAnd;
  table["Or"] = logicalOr;
  table["Xor"] = logicalXor;
  table["Not"] = logicalNot;
  table["IsNaN"] = isNan;
  table["IsInf"] = isInf;
  table["Where"] = where;
  table["Cast"] = castOp;
  table["CastLike"] = castLike;
  table["ReduceSum"] = plainReduction<ReduceSumOp>;
  table["ReduceMean"] = plainReduction<ReduceMeanOp>;
  table["ReduceMax"] = plainReduction<ReduceMaxOp>;
  table["ReduceMin"] = reduceMin;
  table["ReduceSumSquare"] = reduceSquares;
  table["ReduceL2"] = reduceL2;
  table["ReduceL1"] = reduceL1;
  table["ReduceLogSumExp"] = reduceLogSumExp;
  table["Softmax"] = softmax;
  table["LogSoftmax"] = logSoftmax;
  table["CumSum"] = cumSum;
}
