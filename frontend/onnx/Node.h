// One node of a graph, with its attributes looked up.
#ifndef NF_FRONTEND_ONNX_NODE_H
#define NF_FRONTEND_ONNX_NODE_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

#include <map>
#include <string>

namespace onnx {
class AttributeProto;
class FunctionProto;
class GraphProto;
class NodeProto;
class TensorProto;
} // namespace onnx

namespace nf::onnxfe {

using AttributeMap = std::map<std::string, const ::onnx::AttributeProto *, std::less<>>;

class Node {
public:
  /// `callerAttributes` are what attributes of a function's body that refer to the function's stand for.
  Node(const ::onnx::NodeProto &proto, mlir::Location location, int64_t opset, const AttributeMap &callerAttributes);

  llvm::StringRef type() const;
  llvm::StringRef domain() const; ///< "" for ONNX's own
  mlir::Location location() const { return place; }
  int64_t opset() const { return version; } ///< of the node's domain
  const ::onnx::NodeProto &proto() const { return *node; }

  /// "" for an input that is left out.
  llvm::StringRef input(size_t index) const;
  size_t inputCount() const;
  size_t outputCount() const;

  bool has(llvm::StringRef attribute) const { return attributes.count(attribute.str()); }
  int64_t integer(llvm::StringRef attribute, int64_t otherwise) const;
  double number(llvm::StringRef attribute, double otherwise) const;
  std::string text(llvm::StringRef attribute, llvm::StringRef otherwise) const;
  llvm::SmallVector<int64_t> integers(llvm::StringRef attribute) const;
  llvm::SmallVector<double> numbers(llvm::StringRef attribute) const;
  const ::onnx::TensorProto *tensor(llvm::StringRef attribute) const;
  const ::onnx::GraphProto *graph(llvm::StringRef attribute) const;
  const AttributeMap &attributeMap() const { return attributes; }

private:
  const ::onnx::AttributeProto *find(llvm::StringRef attribute) const;

  const ::onnx::NodeProto *node;
  mlir::Location place;
  int64_t version;
  AttributeMap attributes;
};

/// The axis of a tensor of `rank`, counted from the end where it is negative; nothing where there is no such axis.
std::optional<int64_t> normalizedAxis(int64_t axis, int64_t rank);
/// The same of several axes, in ascending order; nothing where one is missing or named twice.
std::optional<llvm::SmallVector<int64_t>> normalizedAxes(llvm::ArrayRef<int64_t> axes, int64_t rank);

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_NODE_H
