// What the builder of one ONNX operator works with: its operands as nf values or constants, and primitives that check
// before they build. A builder function either gives every result or refuses.
#ifndef NF_FRONTEND_ONNX_OPCONTEXT_H
#define NF_FRONTEND_ONNX_OPCONTEXT_H

#include "dialect/NF.h"
#include "frontend/onnx/GraphValue.h"

namespace nf::onnxfe {

class GraphImporter;

/// Building with a null value, or with operands that do not fit, gives a null value and keeps the first reason; giving
/// one as a result refuses the node with that reason.
class OpContext {
public:
  OpContext(GraphImporter &importer, const Node &node, llvm::ArrayRef<GraphValueRef> inputs);

  const Node &node;
  mlir::ImplicitLocOpBuilder &b;

  // Operands.
  size_t inputCount() const { return inputs.size(); }
  bool hasInput(size_t index) const { return index < inputs.size() && inputs[index]; }
  Element element(size_t index) const { return inputs[index]->element; }
  llvm::ArrayRef<int64_t> shape(size_t index) const { return inputs[index]->shape; }
  int64_t rank(size_t index) const { return static_cast<int64_t>(inputs[index]->shape.size()); }
  /// Operand `index` in its shape.
  mlir::Value value(size_t index);
  /// Operand `index`, where it is a constant in a shape that may only broadcast to its own.
  mlir::Value compact(size_t index);
  /// The same, also where the graph has cast a float32 to double, which changes no value.
  mlir::Value narrow(size_t index);
  /// The elements of an operand that does not depend on parameters or arguments, or null.
  const HostTensor *constant(size_t index) const;
  /// The same of any operand that the file determines, initializers too: what is built of it is no parameter.
  const HostTensor *fixed(size_t index) const;
  /// The only element of an operand that does not depend on parameters or arguments.
  std::optional<double> scalar(size_t index) const;
  /// The integers of an attribute or, where it is missing, of such an operand.
  std::optional<llvm::SmallVector<int64_t>> integers(llvm::StringRef attribute, size_t index) const;

  // Results.
  llvm::LogicalResult give(mlir::Value value) { return giveAt(0, value); }
  llvm::LogicalResult giveAt(size_t output, mlir::Value value);
  /// The same with a shape that `value` only has to broadcast to.
  llvm::LogicalResult give(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  /// Result 0 is `value`, of float32, as a double: only `narrow` reads it.
  llvm::LogicalResult giveDouble(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  /// The result is known: operators after it may be evaluated.
  llvm::LogicalResult giveKnown(HostTensor tensor, size_t output = 0);
  /// Result 0 is the sequence of these values.
  llvm::LogicalResult giveSequence(llvm::ArrayRef<mlir::Value> values);
  /// Result 0 is tensor `index` of operand 0, a sequence; negative counts from its end.
  llvm::LogicalResult passPart(int64_t index);
  /// Result `output` is operand `input`.
  llvm::LogicalResult pass(size_t output, size_t input);
  /// Whether anything reads the output.
  bool isUsed(size_t output) const;
  /// The operand is a table of embeddings: copies of it are tied to it.
  void noteTable(size_t index = 0);
  /// The operand is a table whose rows indices pick, although they are known.
  void notePicked(size_t index = 0);
  /// Whether double is float32 here: see ModelFile::isHalf.
  bool doublesAreFloats() const;
  /// The model hides later tokens: it is a decoder.
  void noteCausal();
  /// Says why the node is not supported; `instead` is the nearest supported way, or empty.
  llvm::LogicalResult refuse(const llvm::Twine &why, const llvm::Twine &instead = "");

  /// The same of a value that cannot be built: a null value. The first reason of a node is kept.
  mlir::Value fail(const llvm::Twine &why, const llvm::Twine &instead = "");

  // Primitives.
  mlir::Value number(double value, mlir::Type element = {});
  /// In its shape, or with `compact` in one that broadcasts to it.
  mlir::Value constantTensor(HostTensor tensor, bool compact = false);
  template <typename Op> mlir::Value unary(mlir::Value x) { return x && isFloat(x) ? Op::create(b, x) : bad(x); }
  template <typename Op> mlir::Value binary(mlir::Value x, mlir::Value y) {
    return fit(x, y) ? mlir::Value(Op::create(b, x, y)) : mlir::Value();
  }
  mlir::Value add(mlir::Value x, mlir::Value y) { return binary<AddOp>(x, y); }
  mlir::Value sub(mlir::Value x, mlir::Value y) { return binary<SubOp>(x, y); }
  mlir::Value mul(mlir::Value x, mlir::Value y) { return binary<MulOp>(x, y); }
  mlir::Value div(mlir::Value x, mlir::Value y) { return binary<DivOp>(x, y); }
  mlir::Value scale(mlir::Value x, double factor) { return factor == 1 ? x : mul(x, number(factor)); }
  mlir::Value compare(ComparePredicate predicate, mlir::Value x, mlir::Value y);
  mlir::Value where(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value castTo(mlir::Value x, mlir::Type element);
  mlir::Value reshape(mlir::Value x, llvm::ArrayRef<int64_t> shape);
  mlir::Value broadcastTo(mlir::Value x, llvm::ArrayRef<int64_t> shape);
  mlir::Value transpose(mlir::Value x, llvm::ArrayRef<int64_t> permutation);
  mlir::Value swapLast(mlir::Value x);
  mlir::Value slice(mlir::Value x, int64_t axis, int64_t from, int64_t size);
  mlir::Value concat(llvm::ArrayRef<mlir::Value> parts, int64_t axis);
  mlir::Value gather(mlir::Value table, mlir::Value indices);
  mlir::Value matmul(mlir::Value x, mlir::Value y);
  template <typename Op> mlir::Value reduce(mlir::Value x, llvm::ArrayRef<int64_t> axes) {
    return checkReduction(x, axes) ? mlir::Value(Op::create(b, x, b.getDenseI64ArrayAttr(axes))) : mlir::Value();
  }
  template <typename Op> mlir::Value reduceLast(mlir::Value x) { return x ? reduce<Op>(x, {rankOf(x) - 1}) : x; }
  mlir::Value softmax(mlir::Value x, int64_t axis);
  /// LayerNorm over the last axis; a null weight is ones, a null bias zeros.
  mlir::Value layerNorm(mlir::Value x, mlir::Value weight, mlir::Value bias, double eps);

  /// 1 / √(mean x² + ε) over the last axis.
  mlir::Value inverseRoot(mlir::Value x, double eps);

  /// x / √(mean x² + ε) · weight over the last axis; a null weight is ones.
  mlir::Value rootMeanSquare(mlir::Value x, mlir::Value weight, double eps);

  /// [rows, columns]: whether column j is `predicate` i + offset, in row i.
  mlir::Value byDistance(ComparePredicate predicate, int64_t rows, int64_t columns, int64_t offset);

  static llvm::ArrayRef<int64_t> shapeOf(mlir::Value x) { return type(x).getShape(); }
  static int64_t rankOf(mlir::Value x) { return type(x).getRank(); }
  static mlir::RankedTensorType type(mlir::Value x) { return mlir::cast<mlir::RankedTensorType>(x.getType()); }
  static bool isFloat(mlir::Value x) { return mlir::isa<mlir::FloatType>(type(x).getElementType()); }

  std::string reason, nearest; ///< of a refusal

private:
  mlir::Value bad(mlir::Value x);
  bool fit(mlir::Value x, mlir::Value y);
  bool checkReduction(mlir::Value x, llvm::ArrayRef<int64_t> axes);

  GraphImporter &importer;
  llvm::ArrayRef<GraphValueRef> inputs;
  friend class GraphImporter;
  llvm::SmallVector<GraphValueRef> results;
};

using OpBuilderFunction = llvm::LogicalResult (*)(OpContext &);

/// The builder of an operator, or null. `domain` is "" for ONNX's own.
OpBuilderFunction findBuilder(llvm::StringRef domain, llvm::StringRef type);

/// The nearest supported way to write an operator that has no builder.
std::string insteadOf(llvm::StringRef domain, llvm::StringRef type);

using OpTable = llvm::StringMap<OpBuilderFunction>;
void addMathOps(OpTable &table);
void addMovementOps(OpTable &table);
void addProductOps(OpTable &table);
void addFusedOps(OpTable &table);
void addAttentionOps(OpTable &table);
void addRotaryOps(OpTable &table);
void addLossOps(OpTable &table);

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_OPCONTEXT_H
