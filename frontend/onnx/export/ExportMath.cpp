// Elementwise ops, reductions and constants.
#include "frontend/onnx/export/ExportContext.h"

#include "onnx.pb.h"

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

/// An op of one result whose operands are those of an operator of ONNX, in order.
static OpExporter sameOperands(StringRef type) {
  return [type](ExportContext &e, Operation &op) {
    SmallVector<std::string> operands;
    for (Value operand : op.getOperands())
      operands.push_back(e.of(operand));
    e.give(op.getResult(0), e.node(type, operands));
    return success();
  };
}

static LogicalResult rsqrt(ExportContext &e, Operation &op) {
  e.give(op.getResult(0), e.node("Reciprocal", {e.node("Sqrt", {e.of(op.getOperand(0))})}));
  return success();
}

static LogicalResult compare(ExportContext &e, Operation &op) {
  static constexpr const char *types[] = {"Equal", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"};
  auto predicate = cast<CompareOp>(op).getPredicate();
  std::string result = e.node(types[static_cast<int>(predicate)], {e.of(op.getOperand(0)), e.of(op.getOperand(1))});
  e.give(op.getResult(0), predicate == ComparePredicate::Ne ? e.node("Not", {result}) : result);
  return success();
}

static LogicalResult castOp(ExportContext &e, Operation &op) {
  int32_t from = dataTypeOf(tensorType(op.getOperand(0)).getElementType());
  int32_t to = dataTypeOf(tensorType(op.getResult(0)).getElementType());
  std::string x = e.of(op.getOperand(0));
  e.give(op.getResult(0), from == to ? x : e.cast(x, to));
  return success();
}

//===------------------------------------------------------------------------------------------===//
// Reductions
//===------------------------------------------------------------------------------------------===//

template <typename Op> static OpExporter reduce(StringRef type) {
  return [type](ExportContext &e, Operation &op) {
    std::string axes = e.integers(cast<Op>(op).getAxes());
    e.give(op.getResult(0), e.node(type, {e.of(op.getOperand(0)), axes}, {{"keepdims", int64_t(1)}}));
    return success();
  };
}

static LogicalResult softmax(ExportContext &e, Operation &op) {
  e.give(op.getResult(0), e.node("Softmax", {e.of(op.getOperand(0))}, {{"axis", int64_t(-1)}}));
  return success();
}

//===------------------------------------------------------------------------------------------===//
// Constants
//===------------------------------------------------------------------------------------------===//

/// The elements as doubles; nothing where they are not in the module.
static std::optional<std::vector<double>> elementsOf(ElementsAttr attribute) {
  std::vector<double> values;
  if (isa<FloatType>(attribute.getElementType())) {
    auto elements = attribute.tryGetValues<APFloat>();
    if (!elements)
      return std::nullopt;
    for (APFloat value : *elements) {
      bool isInexact = false;
      value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &isInexact);
      values.push_back(value.convertToDouble());
    }
    return values;
  }
  auto elements = attribute.tryGetValues<APInt>();
  if (!elements)
    return std::nullopt;
  for (const APInt &value : *elements)
    values.push_back(value.getBitWidth() == 1 ? static_cast<double>(value.getZExtValue())
                                              : static_cast<double>(value.getSExtValue()));
  return values;
}

static LogicalResult constant(ExportContext &e, Operation &op) {
  ElementsAttr attribute = cast<ConstantOp>(op).getValue();
  auto type = tensorType(op.getResult(0));
  if (attribute.isSplat() && type.getNumElements() > 1) {
    auto one =
        DenseElementsAttr::get(RankedTensorType::get({}, type.getElementType()), attribute.getSplatValue<Attribute>());
    double value = elementsOf(one)->front();
    e.giveMoved(op.getResult(0), e.expand(e.number(value, type.getElementType()), type.getShape()));
    return success();
  }
  auto values = elementsOf(attribute);
  if (!values)
    return op.emitError() << "expected a constant whose elements the module holds, but got " << attribute.getType();
  e.giveMoved(op.getResult(0), e.constant(tensorOf(type.getElementType(), type.getShape(), *values)));
  return success();
}

static LogicalResult iota(ExportContext &e, Operation &op) {
  auto type = tensorType(op.getResult(0));
  std::string index = e.iota(type.getShape().back(), type.getElementType());
  e.giveMoved(op.getResult(0), type.getRank() == 1 ? index : e.expand(index, type.getShape()));
  return success();
}

void nf::onnxfe::addMathExporters(ExportTable &table) {
  static constexpr std::pair<StringLiteral, StringLiteral> same[] = {
      {"nf.add", "Add"}, {"nf.sub", "Sub"},   {"nf.mul", "Mul"},    {"nf.div", "Div"}, {"nf.pow", "Pow"},
      {"nf.max", "Max"}, {"nf.neg", "Neg"},   {"nf.exp", "Exp"},    {"nf.log", "Log"}, {"nf.tanh", "Tanh"},
      {"nf.erf", "Erf"}, {"nf.sqrt", "Sqrt"}, {"nf.where", "Where"}};
  for (auto &[name, type] : same)
    table[name] = sameOperands(type);
  table["nf.rsqrt"] = rsqrt;
  table["nf.compare"] = compare;
  table["nf.cast"] = castOp;
  table["nf.reduce_sum"] = reduce<ReduceSumOp>("ReduceSum");
  table["nf.reduce_mean"] = reduce<ReduceMeanOp>("ReduceMean");
  table["nf.reduce_max"] = reduce<ReduceMaxOp>("ReduceMax");
  table["nf.softmax"] = softmax;
  table["nf.constant"] = constant;
  table["nf.iota"] = iota;
}
