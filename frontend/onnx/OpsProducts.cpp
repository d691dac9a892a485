// Matrix products.
#include "frontend/onnx/OpContext.h"

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

/// nf.matmul takes ranks up to this.
static constexpr int64_t mostAxes = 4;

/// x · y as NumPy multiplies: the last two axes, and the leading ones broadcast. Vectors are given as matrices.
static Value multiply(OpContext &op, Value x, Value y) {
  if (!x || !y)
    return nullptr;
  ArrayRef<int64_t> a = OpContext::shapeOf(x), b = OpContext::shapeOf(y);
  auto batch = broadcast(a.drop_back(2), b.drop_back(2));
  if (!batch || a.back() != b[b.size() - 2]) {
    return op.fail("expected matrices that fit, but got " + shapeText(a) + " and " + shapeText(b));
  }
  SmallVector<int64_t> result(*batch);
  result.append({a[a.size() - 2], b.back()});
  if (b.size() > 2) { // equal batches, side by side where there are too many axes
    SmallVector<int64_t> left(*batch), right(*batch);
    left.append({a[a.size() - 2], a.back()});
    right.append({b[b.size() - 2], b.back()});
    x = op.broadcastTo(x, left);
    y = op.broadcastTo(y, right);
  }
  if (static_cast<int64_t>(result.size()) > mostAxes) {
    int64_t matrices = *elementCount(*batch);
    x = op.reshape(x, {matrices, a[a.size() - 2], a.back()});
    y = b.size() > 2 ? op.reshape(y, {matrices, b[b.size() - 2], b.back()}) : y;
  }
  return op.reshape(op.matmul(x, y), result);
}

static LogicalResult matMul(OpContext &op) {
  Value x = op.value(0), y = op.value(1);
  if (!x || !y)
    return failure();
  int64_t left = OpContext::rankOf(x), right = OpContext::rankOf(y);
  if (left == 0 || right == 0)
    return op.refuse("expected vectors or matrices, but got a scalar");
  if (left == 1)
    x = op.reshape(x, {1, OpContext::shapeOf(x)[0]});
  if (right == 1)
    y = op.reshape(y, {OpContext::shapeOf(y)[0], 1});
  Value z = multiply(op, x, y);
  if (!z)
    return failure();
  SmallVector<int64_t> shape(OpContext::shapeOf(z));
  if (right == 1)
    shape.pop_back();
  if (left == 1)
    shape.erase(shape.end() - (right == 1 ? 1 : 2));
  return op.give(op.reshape(z, shape));
}

/// A product of two matrices with either of them transposed.
static Value productOf(OpContext &op, Value x, Value y, bool transposeX, bool transposeY) {
  if (!x || !y)
    return nullptr;
  if (!OpContext::isFloat(x) || !OpContext::isFloat(y) ||
      failed(MatmulOp::inferShape(OpContext::type(x), OpContext::type(y), transposeX, transposeY))) {
    return op.fail("expected matrices of floats that fit, but got " + shapeText(OpContext::shapeOf(x)) + " and " +
                   shapeText(OpContext::shapeOf(y)));
  }
  return MatmulOp::create(op.b, x, y, transposeX, transposeY)->getResult(0);
}

static Value gemmOf(OpContext &op) {
  Value product = productOf(op, op.value(0), op.value(1), op.node.integer("transA", 0), op.node.integer("transB", 0));
  product = product ? op.scale(product, op.node.number("alpha", 1)) : product;
  if (!op.hasInput(2) || !product)
    return product;
  return op.add(product, op.scale(op.compact(2), op.node.number("beta", 1)));
}

static LogicalResult gemm(OpContext &op) {
  Value z = gemmOf(op);
  return z ? op.give(z, SmallVector<int64_t>(OpContext::shapeOf(z))) : failure();
}

/// With an activation of its own.
static LogicalResult fusedGemm(OpContext &op) {
  std::string activation = op.node.text("activation", "");
  Value z = gemmOf(op);
  if (activation == "Relu")
    return op.give(op.unary<ReluOp>(z));
  if (activation == "Tanh")
    return op.give(op.unary<TanhOp>(z));
  return op.refuse("its activation is " + activation, "Gemm and " + activation);
}

/// The first axis behind the axes of batches, before the last axis.
static Value transposeBatches(OpContext &op, Value x) {
  if (!x || OpContext::rankOf(x) < 3)
    return op.fail("expected batches of matrices");
  auto permutation = llvm::to_vector(llvm::seq<int64_t>(1, OpContext::rankOf(x) - 1));
  permutation.append({0, OpContext::rankOf(x) - 1});
  return op.transpose(x, permutation);
}

static LogicalResult fusedMatMul(OpContext &op) {
  Value operands[] = {op.value(0), op.value(1)};
  for (auto [x, batch, matrix] :
       {std::tuple(&operands[0], "transBatchA", "transA"), std::tuple(&operands[1], "transBatchB", "transB")}) {
    *x = op.node.integer(batch, 0) ? transposeBatches(op, *x) : *x;
    *x = op.node.integer(matrix, 0) ? op.swapLast(*x) : *x;
    if (!*x || OpContext::rankOf(*x) < 2)
      return op.refuse("expected matrices");
  }
  Value z = multiply(op, operands[0], operands[1]);
  return op.give(z ? op.scale(z, op.node.number("alpha", 1)) : z);
}

//===------------------------------------------------------------------------------------------===//
// Einsum
//===------------------------------------------------------------------------------------------===//

namespace {
/// "bhtd,h->bhtd" and the extent of each letter.
struct Equation {
  SmallVector<std::string, 2> operands;
  std::string result;
  std::map<char, int64_t> extents;

  bool hasInResult(char letter) const { return result.find(letter) != std::string::npos; }
  SmallVector<int64_t> shapeOf(StringRef letters) const {
    SmallVector<int64_t> shape;
    for (char letter : letters)
      shape.push_back(extents.find(letter)->second);
    return shape;
  }
};
} // namespace

static bool hasRepeats(StringRef letters) {
  for (size_t i = 0; i < letters.size(); ++i)
    if (letters.find(letters[i], i + 1) != StringRef::npos)
      return true;
  return false;
}

static std::optional<Equation> parse(OpContext &op) {
  std::string text = op.node.text("equation", "");
  std::erase(text, ' ');
  auto [left, right] = StringRef(text).split("->");
  Equation equation;
  SmallVector<StringRef, 2> operands;
  left.split(operands, ',');
  if (operands.size() != op.inputCount() || !StringRef(text).contains("->") || StringRef(text).contains('.'))
    return std::nullopt;
  for (auto [i, letters] : llvm::enumerate(operands)) {
    if (!op.hasInput(i) || static_cast<int64_t>(letters.size()) != op.rank(i) || hasRepeats(letters))
      return std::nullopt;
    for (auto [letter, extent] : llvm::zip(letters, op.shape(i)))
      if (!equation.extents.emplace(letter, extent).second && equation.extents[letter] != extent)
        return std::nullopt;
    equation.operands.push_back(letters.str());
  }
  equation.result = right.str();
  if (hasRepeats(right) || llvm::any_of(right, [&](char c) { return !equation.extents.count(c); }))
    return std::nullopt;
  return equation;
}

/// `x` with the axes `letters` in the order of `wanted`, which are the same letters.
static Value inOrder(OpContext &op, Value x, StringRef letters, StringRef wanted) {
  SmallVector<int64_t> permutation;
  for (char letter : wanted)
    permutation.push_back(static_cast<int64_t>(letters.find(letter)));
  return op.transpose(x, permutation);
}

/// Sums over the axes that are neither in the result nor in `other`, and drops their letters.
static Value dropSummed(OpContext &op, Value x, std::string &letters, StringRef other, const Equation &equation) {
  SmallVector<int64_t> axes;
  std::string kept;
  for (auto [i, letter] : llvm::enumerate(letters)) {
    if (equation.hasInResult(letter) || other.contains(letter))
      kept += letter;
    else
      axes.push_back(static_cast<int64_t>(i));
  }
  letters = kept;
  return axes.empty() || !x ? x : op.reshape(op.reduce<ReduceSumOp>(x, axes), equation.shapeOf(kept));
}

/// Without a summed letter: an elementwise product of both operands as they lie in the result.
static Value outerProduct(OpContext &op, Value x, Value y, const Equation &equation) {
  auto aligned = [&](Value value, StringRef letters) {
    std::string order;
    SmallVector<int64_t> shape;
    for (char letter : equation.result) {
      bool has = letters.contains(letter);
      if (has)
        order += letter;
      shape.push_back(has ? equation.extents.find(letter)->second : 1);
    }
    return op.reshape(inOrder(op, value, letters, order), shape);
  };
  return op.mul(aligned(x, equation.operands[0]), aligned(y, equation.operands[1]));
}

static Value contraction(OpContext &op, Value x, Value y, const Equation &equation) {
  StringRef left = equation.operands[0], right = equation.operands[1];
  std::string batch, summed, rows, columns;
  for (char letter : left)
    (right.contains(letter) ? equation.hasInResult(letter) ? batch : summed : rows) += letter;
  for (char letter : right)
    if (!left.contains(letter))
      columns += letter;
  if (summed.empty())
    return outerProduct(op, x, y, equation);
  auto count = [&](StringRef letters) { return *elementCount(equation.shapeOf(letters)); };
  SmallVector<int64_t> a{count(batch), count(rows), count(summed)}, b{count(batch), count(summed), count(columns)};
  x = op.reshape(inOrder(op, x, left, batch + rows + summed), a);
  y = op.reshape(inOrder(op, y, right, batch + summed + columns), b);
  std::string order = batch + rows + columns;
  Value z = op.reshape(op.matmul(x, y), equation.shapeOf(order));
  return inOrder(op, z, order, equation.result);
}

static LogicalResult einsum(OpContext &op) {
  auto equation = parse(op);
  if (!equation || op.inputCount() > 2)
    return op.refuse("its equation '" + op.node.text("equation", "") +
                         "' is not one of two operands with different "
                         "letters and a result",
                     "MatMul, Mul and Transpose");
  Value x = op.value(0);
  if (op.inputCount() == 1) {
    x = dropSummed(op, x, equation->operands[0], "", *equation);
    return op.give(inOrder(op, x, equation->operands[0], equation->result));
  }
  Value y = op.value(1);
  x = dropSummed(op, x, equation->operands[0], equation->operands[1], *equation);
  y = dropSummed(op, y, equation->operands[1], equation->operands[0], *equation);
  return op.give(contraction(op, x, y, *equation));
}

void nf::onnxfe::addProductOps(OpTable &table) {
  table["MatMul"] = matMul;
  table["Gemm"] = gemm;
  table["Einsum"] = einsum;
  table["com.microsoft.FusedMatMul"] = fusedMatMul;
  table["com.microsoft.TransposeMatMul"] = fusedMatMul;
  table["com.microsoft.FusedGemm"] = fusedGemm;
}
