// Products, layers, and the loss.
#include "frontend/onnx/export/ExportContext.h"

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

//===------------------------------------------------------------------------------------------===//
// Products
//===------------------------------------------------------------------------------------------===//

std::string nf::onnxfe::exportProduct(ExportContext &e, Value x, Value weight, Value bias) {
  std::string y = e.node("MatMul", {e.of(x), e.swapLast(e.of(weight), 2)});
  return bias ? e.add(y, e.of(bias)) : y;
}

static LogicalResult linear(ExportContext &e, Operation &op) {
  auto linear = cast<LinearOp>(op);
  e.give(linear.getResult(), exportProduct(e, linear.getX(), linear.getWeight(), linear.getBias()));
  return success();
}

static LogicalResult matmul(ExportContext &e, Operation &op) {
  auto matmul = cast<MatmulOp>(op);
  auto side = [&](Value x, bool isTransposed) {
    return isTransposed ? e.swapLast(e.of(x), tensorType(x).getRank()) : e.of(x);
  };
  std::string y =
      e.node("MatMul", {side(matmul.getLhs(), matmul.getTransposeA()), side(matmul.getRhs(), matmul.getTransposeB())});
  e.give(op.getResult(0), matmul.getBias() ? e.add(y, e.of(matmul.getBias())) : y);
  return success();
}

//===------------------------------------------------------------------------------------------===//
// Normalization and scales
//===------------------------------------------------------------------------------------------===//

/// LayerNormalization's outputs: y, and with `hasMoments` mean and reciprocal deviation.
static std::vector<std::string> normalized(ExportContext &e, Value x, std::vector<std::string> operands, APFloat eps,
                                           bool hasMoments) {
  operands.insert(operands.begin(), e.of(x));
  return e.nodes("LayerNormalization", operands,
                 {{"axis", int64_t(-1)}, {"epsilon", static_cast<float>(eps.convertToDouble())}}, hasMoments ? 3 : 1);
}

static LogicalResult layerNorm(ExportContext &e, Operation &op) {
  auto norm = cast<LayerNormOp>(op);
  bool hasMoments = !norm.getMean().use_empty() || !norm.getRstd().use_empty();
  auto outputs = normalized(e, norm.getX(), {e.of(norm.getWeight()), e.of(norm.getBias())}, norm.getEps(), hasMoments);
  e.give(norm.getY(), outputs[0]);
  if (hasMoments) {
    e.give(norm.getMean(), outputs[1]);
    e.give(norm.getRstd(), outputs[2]);
  }
  return success();
}

static LogicalResult normalize(ExportContext &e, Operation &op) {
  auto norm = cast<NormalizeOp>(op);
  std::string ones = e.expand(e.number(1, tensorType(norm.getX()).getElementType()), shapeOf(norm.getX()).take_back());
  bool hasMoments = !norm.getRstd().use_empty();
  auto outputs = normalized(e, norm.getX(), {ones}, norm.getEps(), hasMoments);
  e.give(norm.getY(), outputs[0]);
  if (hasMoments)
    e.give(norm.getRstd(), outputs[2]);
  return success();
}

/// `x` times factors, each of which is that of a group of neighbours along `axis`.
static std::string scaleGroups(ExportContext &e, Value x, Value factors, int64_t axis) {
  ArrayRef<int64_t> shape = shapeOf(x);
  int64_t groups = shapeOf(factors)[0], width = shape[axis] / groups;
  SmallVector<int64_t> apart(shape.take_front(axis)), column{groups, 1};
  apart.append({groups, width});
  llvm::append_range(apart, shape.drop_front(axis + 1));
  column.append(shape.size() - axis - 1, 1);
  std::string scaled = e.mul(e.reshape(e.of(x), apart), e.reshape(e.of(factors), column));
  return e.reshape(scaled, shape);
}

static LogicalResult headScale(ExportContext &e, Operation &op) {
  Value x = op.getOperand(0);
  e.give(op.getResult(0), scaleGroups(e, x, op.getOperand(1), tensorType(x).getRank() - 1));
  return success();
}

static LogicalResult residualScale(ExportContext &e, Operation &op) {
  e.give(op.getResult(0), e.mul(e.of(op.getOperand(0)), e.of(op.getOperand(1))));
  return success();
}

static LogicalResult foldScale(ExportContext &e, Operation &op) {
  auto fold = cast<FoldScaleOp>(op);
  e.give(fold.getResult(), scaleGroups(e, fold.getWeight(), fold.getScale(), static_cast<int64_t>(fold.getAxis())));
  return success();
}

static LogicalResult foldShift(ExportContext &e, Operation &op) {
  auto fold = cast<FoldShiftOp>(op);
  std::string y = e.node("MatMul", {e.of(fold.getWeight()), e.of(fold.getShift())});
  e.give(fold.getResult(), fold.getBias() ? e.add(y, e.of(fold.getBias())) : y);
  return success();
}

//===------------------------------------------------------------------------------------------===//
// Activations
//===------------------------------------------------------------------------------------------===//

static LogicalResult gelu(ExportContext &e, Operation &op) {
  std::string approximation = isa<GeluTanhOp>(op) ? "tanh" : "none";
  e.give(op.getResult(0), e.node("Gelu", {e.of(op.getOperand(0))}, {{"approximate", approximation}}));
  return success();
}

static LogicalResult relu(ExportContext &e, Operation &op) {
  std::string y = e.node("Relu", {e.of(op.getOperand(0))});
  e.give(op.getResult(0), isa<Relu2Op>(op) ? e.mul(y, y) : y);
  return success();
}

static LogicalResult silu(ExportContext &e, Operation &op) {
  std::string x = e.of(op.getOperand(0));
  e.give(op.getResult(0), e.mul(x, e.node("Sigmoid", {x})));
  return success();
}

//===------------------------------------------------------------------------------------------===//
// The loss
//===------------------------------------------------------------------------------------------===//

static LogicalResult crossEntropy(ExportContext &e, Operation &op) {
  auto loss = cast<LinearCrossEntropyOp>(op);
  int64_t rows = tensorType(loss.getTargets()).getNumElements(), vocabulary = shapeOf(loss.getWeight())[0];
  std::string logits = e.reshape(exportProduct(e, loss.getX(), loss.getWeight(), loss.getBias()), {rows, vocabulary});
  std::string log = e.node("LogSoftmax", {logits}, {{"axis", int64_t(-1)}});
  std::string chosen =
      e.node("GatherElements", {log, e.reshape(e.of(loss.getTargets()), {rows, 1})}, {{"axis", int64_t(1)}});
  std::string weighted = e.mul(e.node("Neg", {chosen}), e.reshape(e.of(loss.getLossWeight()), {rows, 1}));
  std::string sum = e.node("ReduceSum", {weighted, e.integers({0, 1})}, {{"keepdims", int64_t(0)}});
  ArrayRef<int64_t> shape = shapeOf(loss.getLoss());
  e.give(loss.getLoss(), e.reshape(e.mul(sum, e.of(loss.getScale())), shape));
  return success();
}

void nf::onnxfe::addLayerExporters(ExportTable &table) {
  table["nf.linear"] = linear;
  table["nf.matmul"] = matmul;
  table["nf.layer_norm"] = layerNorm;
  table["nf.normalize"] = normalize;
  table["nf.head_scale"] = headScale;
  table["nf.residual_scale"] = residualScale;
  table["nf.fold_scale"] = foldScale;
  table["nf.fold_shift"] = foldShift;
  table["nf.gelu"] = gelu;
  table["nf.gelu_tanh"] = gelu;
  table["nf.relu"] = relu;
  table["nf.relu2"] = relu;
  table["nf.silu"] = silu;
  table["nf.linear_cross_entropy"] = crossEntropy;
}
