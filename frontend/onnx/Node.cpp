#include "frontend/onnx/Node.h"

#include "onnx.pb.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>

using namespace nf::onnxfe;
using llvm::SmallVector;
using llvm::StringRef;
using ::onnx::AttributeProto;

Node::Node(const ::onnx::NodeProto &proto, mlir::Location location, int64_t opset, const AttributeMap &callerAttributes)
    : node(&proto), place(location), version(opset) {
  for (const AttributeProto &attribute : proto.attribute()) {
    if (attribute.ref_attr_name().empty()) {
      attributes[attribute.name()] = &attribute;
    } else if (auto found = callerAttributes.find(attribute.ref_attr_name()); found != callerAttributes.end()) {
      attributes[attribute.name()] = found->second;
    }
  }
}

StringRef Node::type() const { return node->op_type(); }

StringRef Node::domain() const {
  StringRef domain = node->domain();
  return domain == "ai.onnx" ? StringRef() : domain;
}

StringRef Node::input(size_t index) const {
  return index < inputCount() ? StringRef(node->input(static_cast<int>(index))) : StringRef();
}
size_t Node::inputCount() const { return static_cast<size_t>(node->input_size()); }
size_t Node::outputCount() const { return static_cast<size_t>(node->output_size()); }

const AttributeProto *Node::find(StringRef attribute) const {
  auto found = attributes.find(attribute);
  return found == attributes.end() ? nullptr : found->second;
}

int64_t Node::integer(StringRef attribute, int64_t otherwise) const {
  const AttributeProto *found = find(attribute);
  return found && found->has_i() ? found->i() : otherwise;
}

/// The shortest decimal that rounds to the float: what the exporter was given, such as an eps of 1e-5.
double Node::number(StringRef attribute, double otherwise) const {
  const AttributeProto *found = find(attribute);
  return found && found->has_f() ? std::strtod(fmt::format("{}", found->f()).c_str(), nullptr) : otherwise;
}

std::string Node::text(StringRef attribute, StringRef otherwise) const {
  const AttributeProto *found = find(attribute);
  return found && found->has_s() ? found->s() : otherwise.str();
}

SmallVector<int64_t> Node::integers(StringRef attribute) const {
  const AttributeProto *found = find(attribute);
  return found ? SmallVector<int64_t>(found->ints().begin(), found->ints().end()) : SmallVector<int64_t>();
}

SmallVector<double> Node::numbers(StringRef attribute) const {
  const AttributeProto *found = find(attribute);
  return found ? SmallVector<double>(found->floats().begin(), found->floats().end()) : SmallVector<double>();
}

const ::onnx::TensorProto *Node::tensor(StringRef attribute) const {
  const AttributeProto *found = find(attribute);
  return found && found->has_t() ? &found->t() : nullptr;
}

const ::onnx::GraphProto *Node::graph(StringRef attribute) const {
  const AttributeProto *found = find(attribute);
  return found && found->has_g() ? &found->g() : nullptr;
}

std::optional<int64_t> nf::onnxfe::normalizedAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return std::nullopt;
  return axis < 0 ? axis + rank : axis;
}

std::optional<SmallVector<int64_t>> nf::onnxfe::normalizedAxes(llvm::ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t axis : axes) {
    auto normalized = normalizedAxis(axis, rank);
    if (!normalized)
      return std::nullopt;
    result.push_back(*normalized);
  }
  std::sort(result.begin(), result.end());
  if (std::adjacent_find(result.begin(), result.end()) != result.end())
    return std::nullopt;
  return result;
}
