// What the exporter of one nf op works with: the names of its operands, and nodes that are appended to the graph.
#ifndef NF_FRONTEND_ONNX_EXPORT_EXPORTCONTEXT_H
#define NF_FRONTEND_ONNX_EXPORT_EXPORTCONTEXT_H

#include "dialect/NF.h"
#include "llvm/ADT/StringMap.h"

#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace onnx {
class GraphProto;
class TensorProto;
} // namespace onnx

namespace nf::onnxfe {

/// An attribute of a node.
struct NodeAttribute {
  llvm::StringRef name;
  std::variant<int64_t, float, std::string> value;
};

class ExportContext {
public:
  using Names = llvm::ArrayRef<std::string>;
  using Attributes = llvm::ArrayRef<NodeAttribute>;

  explicit ExportContext(::onnx::GraphProto &graph) : graph(graph) {}

  /// Nodes that follow are called after this op: by its part of the model, or else by what it is.
  void begin(mlir::Operation &op);
  void begin(llvm::StringRef name) { base = name.str(); }

  // Values.
  std::string of(mlir::Value value) const;
  /// `value` is the graph's value `name`, which is rounded where the type is bf16.
  void give(mlir::Value value, std::string name);
  /// The same where the elements are those of operands, which are rounded already.
  void giveMoved(mlir::Value value, std::string name);
  /// `value` has to be called `name`, which is an output of the graph.
  void prefer(mlir::Value value, std::string name) { preferred[value] = std::move(name); }
  /// The result of the last node becomes the graph's value `name`.
  void renameLast(const std::string &name);
  /// A name that nothing has, made from `base`.
  std::string uniqueName(llvm::StringRef base);

  // Nodes. Each gives the name of its first result.
  std::string node(llvm::StringRef type, Names inputs, Attributes attributes = {}) {
    return nodes(type, inputs, attributes, 1).front();
  }
  std::vector<std::string> nodes(llvm::StringRef type, Names inputs, Attributes attributes, size_t results);
  std::string reshape(const std::string &x, llvm::ArrayRef<int64_t> shape);
  std::string expand(const std::string &x, llvm::ArrayRef<int64_t> shape);
  std::string transpose(const std::string &x, llvm::ArrayRef<int64_t> permutation);
  std::string cast(const std::string &x, int32_t element);
  /// A matrix [..., m, n] as [..., n, m].
  std::string swapLast(const std::string &x, int64_t rank);
  std::string add(const std::string &x, const std::string &y) { return node("Add", {x, y}); }
  std::string mul(const std::string &x, const std::string &y) { return node("Mul", {x, y}); }

  // Constants, one node for each different one.
  std::string integers(llvm::ArrayRef<int64_t> values);
  std::string number(double value, mlir::Type element);
  /// 0, 1, …, extent - 1.
  std::string iota(int64_t extent, mlir::Type element);
  std::string constant(const ::onnx::TensorProto &tensor);

private:
  ::onnx::GraphProto &graph;
  std::string base = "value";
  llvm::DenseMap<mlir::Value, std::string> names;
  llvm::DenseMap<mlir::Value, std::string> preferred;
  llvm::StringMap<int64_t> taken;
  std::map<std::string, std::string> constants; ///< by their bytes
};

/// The TensorProto.DataType that holds elements of a type of nf's: bf16 in float.
int32_t dataTypeOf(mlir::Type element);
/// A tensor of `values`, which become elements of this type.
::onnx::TensorProto tensorOf(mlir::Type element, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<double> values);

inline mlir::RankedTensorType tensorType(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType());
}
inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) { return tensorType(value).getShape(); }

/// Appends the nodes of one op and gives its results, or reports why it cannot.
using OpExporter = std::function<llvm::LogicalResult(ExportContext &, mlir::Operation &)>;
using ExportTable = llvm::StringMap<OpExporter>;

/// The exporter of every op that has one, by the op's name ("nf.add").
const ExportTable &exportTable();

/// x · weightᵀ + bias; a null bias is none.
std::string exportProduct(ExportContext &e, mlir::Value x, mlir::Value weight, mlir::Value bias);

void addMathExporters(ExportTable &table);
void addMovementExporters(ExportTable &table);
void addLayerExporters(ExportTable &table);
void addAttentionExporter(ExportTable &table);

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_EXPORT_EXPORTCONTEXT_H
