#include "frontend/onnx/export/ExportContext.h"

#include "onnx.pb.h"

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

int32_t nf::onnxfe::dataTypeOf(Type element) {
  if (element.isF64())
    return ::onnx::TensorProto::DOUBLE;
  if (isa<FloatType>(element))
    return ::onnx::TensorProto::FLOAT;
  if (element.isInteger(1))
    return ::onnx::TensorProto::BOOL;
  return element.isInteger(64) ? ::onnx::TensorProto::INT64 : ::onnx::TensorProto::INT32;
}

template <typename T> static void appendAs(std::string &bytes, ArrayRef<double> values) {
  for (double value : values) {
    T element = static_cast<T>(value);
    bytes.append(reinterpret_cast<const char *>(&element), sizeof(element));
  }
}

::onnx::TensorProto nf::onnxfe::tensorOf(Type element, ArrayRef<int64_t> shape, ArrayRef<double> values) {
  ::onnx::TensorProto tensor;
  tensor.set_data_type(dataTypeOf(element));
  tensor.mutable_dims()->Assign(shape.begin(), shape.end());
  std::string &bytes = *tensor.mutable_raw_data();
  switch (tensor.data_type()) {
  case ::onnx::TensorProto::DOUBLE:
    appendAs<double>(bytes, values);
    break;
  case ::onnx::TensorProto::FLOAT:
    appendAs<float>(bytes, values);
    break;
  case ::onnx::TensorProto::BOOL:
    appendAs<bool>(bytes, values);
    break;
  case ::onnx::TensorProto::INT64:
    appendAs<int64_t>(bytes, values);
    break;
  default:
    appendAs<int32_t>(bytes, values);
  }
  return tensor;
}

//===------------------------------------------------------------------------------------------===//
// Values
//===------------------------------------------------------------------------------------------===//

void ExportContext::begin(Operation &op) {
  base = op.getName().stripDialect().str();
  op.getLoc()->walk([&](Location part) {
    auto name = dyn_cast<NameLoc>(part);
    if (!name)
      return WalkResult::advance();
    base = name.getName().str();
    return WalkResult::interrupt();
  });
}

std::string ExportContext::of(Value value) const { return names.lookup(value); }

void ExportContext::give(Value value, std::string name) {
  if (tensorType(value).getElementType().isBF16())
    name = cast(cast(name, ::onnx::TensorProto::BFLOAT16), ::onnx::TensorProto::FLOAT);
  giveMoved(value, std::move(name));
}

void ExportContext::renameLast(const std::string &name) {
  graph.mutable_node(graph.node_size() - 1)->set_output(0, name);
}

void ExportContext::giveMoved(Value value, std::string name) {
  auto wanted = preferred.find(value);
  if (wanted != preferred.end()) {
    int count = graph.node_size();
    bool isLast = count && graph.node(count - 1).output_size() == 1 && graph.node(count - 1).output(0) == name;
    bool isShared = llvm::any_of(constants, [&](auto &constant) { return constant.second == name; });
    if (!isLast || isShared)
      node("Identity", {name});
    renameLast(name = wanted->second);
  }
  names[value] = std::move(name);
}

std::string ExportContext::uniqueName(StringRef name) {
  std::string result = name.str();
  while (!taken.try_emplace(result, 0).second)
    result = name.str() + "_" + std::to_string(++taken[name]);
  return result;
}

//===------------------------------------------------------------------------------------------===//
// Nodes
//===------------------------------------------------------------------------------------------===//

static void setAttribute(::onnx::AttributeProto &attribute, const NodeAttribute &given) {
  attribute.set_name(given.name.str());
  if (auto *integer = std::get_if<int64_t>(&given.value)) {
    attribute.set_type(::onnx::AttributeProto::INT);
    attribute.set_i(*integer);
  } else if (auto *number = std::get_if<float>(&given.value)) {
    attribute.set_type(::onnx::AttributeProto::FLOAT);
    attribute.set_f(*number);
  } else {
    attribute.set_type(::onnx::AttributeProto::STRING);
    attribute.set_s(std::get<std::string>(given.value));
  }
}

std::vector<std::string> ExportContext::nodes(StringRef type, Names inputs, Attributes attributes, size_t results) {
  ::onnx::NodeProto &node = *graph.add_node();
  node.set_op_type(type.str());
  std::string name = uniqueName((base + "/" + type).str());
  node.set_name(name);
  for (const std::string &input : inputs)
    node.add_input(input);
  for (const NodeAttribute &attribute : attributes)
    setAttribute(*node.add_attribute(), attribute);
  std::vector<std::string> outputs;
  for (size_t i = 0; i < results; ++i) {
    outputs.push_back(i == 0 ? name : uniqueName(name + ":" + std::to_string(i)));
    node.add_output(outputs.back());
  }
  return outputs;
}

std::string ExportContext::reshape(const std::string &x, ArrayRef<int64_t> shape) {
  return node("Reshape", {x, integers(shape)});
}

std::string ExportContext::expand(const std::string &x, ArrayRef<int64_t> shape) {
  return node("Expand", {x, integers(shape)});
}

std::string ExportContext::transpose(const std::string &x, ArrayRef<int64_t> permutation) {
  std::string result = node("Transpose", {x});
  ::onnx::AttributeProto &axes = *graph.mutable_node(graph.node_size() - 1)->add_attribute();
  axes.set_name("perm");
  axes.set_type(::onnx::AttributeProto::INTS);
  axes.mutable_ints()->Assign(permutation.begin(), permutation.end());
  return result;
}

std::string ExportContext::cast(const std::string &x, int32_t element) {
  return node("Cast", {x}, {{"to", int64_t(element)}});
}

std::string ExportContext::swapLast(const std::string &x, int64_t rank) {
  SmallVector<int64_t> permutation(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
  std::swap(permutation[rank - 1], permutation[rank - 2]);
  return transpose(x, permutation);
}

//===------------------------------------------------------------------------------------------===//
// Constants
//===------------------------------------------------------------------------------------------===//

std::string ExportContext::constant(const ::onnx::TensorProto &tensor) {
  std::string &name = constants[tensor.SerializeAsString()];
  if (!name.empty())
    return name;
  name = node("Constant", {});
  ::onnx::AttributeProto &value = *graph.mutable_node(graph.node_size() - 1)->add_attribute();
  value.set_name("value");
  value.set_type(::onnx::AttributeProto::TENSOR);
  *value.mutable_t() = tensor;
  return name;
}

std::string ExportContext::integers(ArrayRef<int64_t> values) {
  ::onnx::TensorProto tensor;
  tensor.set_data_type(::onnx::TensorProto::INT64);
  tensor.add_dims(static_cast<int64_t>(values.size()));
  tensor.set_raw_data(values.data(), values.size() * sizeof(int64_t));
  return constant(tensor);
}

std::string ExportContext::number(double value, Type element) { return constant(tensorOf(element, {}, {value})); }

std::string ExportContext::iota(int64_t extent, Type element) {
  std::vector<double> values(extent);
  for (int64_t i = 0; i < extent; ++i)
    values[i] = static_cast<double>(i);
  return constant(tensorOf(element, {extent}, values));
}
