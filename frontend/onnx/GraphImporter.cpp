#include "frontend/onnx/GraphImporter.h"
#include "frontend/onnx/ConstantBuilder.h"
#include "frontend/onnx/TensorData.h"

#include "onnx.pb.h"

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

/// How deep calls and branches may nest, and how many producers in a row are evaluated on demand.
static constexpr int deepestCall = 32, longestDemand = 64;

GraphValueRef Scope::find(StringRef name) const {
  for (const Scope *scope = this; scope; scope = scope->parent)
    if (auto found = scope->values.find(name); found != scope->values.end())
      return found->second;
  return nullptr;
}

GraphImporter::GraphImporter(MLIRContext &context, ModelFile &file, const ImportOptions &options)
    : context(context), file(file), options(options), module(ModuleOp::create(placeOf(&context, file.path()))),
      b(module->getLoc(), OpBuilder::atBlockEnd(module->getBody())) {}

//===------------------------------------------------------------------------------------------===//
// Initializers
//===------------------------------------------------------------------------------------------===//

/// Names that state dictionaries give: "h.0.ln.weight". Exporters call constants otherwise.
static bool isParameterName(StringRef name) {
  return name.contains('.') && !name.starts_with("val_") && !name.contains("::") && !name.starts_with("/");
}

GraphValueRef GraphImporter::initializerValue(const ::onnx::TensorProto &tensor) {
  auto value = std::make_shared<GraphValue>();
  value->element = *elementOf(tensor.data_type());
  value->shape.assign(tensor.dims().begin(), tensor.dims().end());
  int64_t count = *elementCount(value->shape);
  bool isWeight = value->element == Element::F32 && !value->shape.empty() && value->shape.size() <= 4 && count > 0 &&
                  (count > 1 || isParameterName(tensor.name()));
  if (isWeight) {
    value->weight = &tensor;
    // Tables of two values by a diagonal are masks, whoever stores them.
    if (value->shape.size() >= 2 && count <= HostTensor::limit && value->shape.back() == value->shape.end()[-2]) {
      if (const HostTensor *elements = known(*value); elements && isCausalMask(*elements))
        value->weight = nullptr;
      else
        value->host.reset();
    }
    return value;
  }
  auto decoded = decodeTensor(tensor, file.files());
  if (!decoded) {
    error(tensor.name()) << llvm::toString(decoded.takeError());
    return nullptr;
  }
  value->host = std::move(*decoded);
  return value;
}

void GraphImporter::addInitializers(const ::onnx::GraphProto &graph, Scope &scope) {
  for (const ::onnx::TensorProto &tensor : graph.initializer())
    if (isRead(tensor.name()))
      if (GraphValueRef value = initializerValue(tensor))
        scope.values[tensor.name()] = std::move(value);
}

/// The names that anything reads, in the graph and in graphs inside it.
void GraphImporter::countReads(const ::onnx::GraphProto &graph) {
  SmallVector<const ::onnx::GraphProto *> waiting{&graph};
  while (!waiting.empty()) {
    const ::onnx::GraphProto *next = waiting.pop_back_val();
    for (const auto &node : next->node()) {
      for (const auto &name : node.input())
        ++reads[name];
      for (const auto &attribute : node.attribute())
        if (attribute.has_g())
          waiting.push_back(&attribute.g());
    }
    for (const auto &output : next->output())
      ++reads[output.name()];
  }
}

//===------------------------------------------------------------------------------------------===//
// Nodes
//===------------------------------------------------------------------------------------------===//

static GraphValueRef knownValue(HostTensor tensor) {
  auto value = std::make_shared<GraphValue>();
  value->element = tensor.element;
  value->shape = tensor.shape;
  value->host = std::move(tensor);
  return value;
}

void GraphImporter::refuse(const Node &node, StringRef why, StringRef instead) {
  std::string what = (node.domain().empty() ? "" : node.domain().str() + ".") + node.type().str() +
                     " is not supported: " + why.str() + (instead.empty() ? "" : "; instead: " + instead.str());
  for (Refusal &refusal : refusals)
    if (refusal.what == what) {
      ++refusal.count;
      return;
    }
  refusals.push_back({node.location(), std::move(what)});
}

SmallVector<GraphValueRef> GraphImporter::unknownResults(const Node &node) {
  SmallVector<GraphValueRef> results;
  for (size_t i = 0; i < node.outputCount(); ++i) {
    results.push_back(std::make_shared<GraphValue>());
    results.back()->isUnknown = true;
  }
  return results;
}

/// The outputs, evaluated; with `onDemand` from initializers too.
std::optional<SmallVector<GraphValueRef>> GraphImporter::evaluateNow(const Node &node, ArrayRef<GraphValueRef> inputs,
                                                                     bool onDemand) {
  SmallVector<const HostTensor *> operands;
  HostTensor shapeOnly(Element::Bool, {0});
  bool isShape = (node.type() == "Shape" || node.type() == "Size") && node.domain().empty();
  for (const GraphValueRef &input : inputs) {
    if (isShape && input) { // needs no elements
      shapeOnly.shape = input->shape;
      operands.push_back(&shapeOnly);
      continue;
    }
    const HostTensor *tensor = !input                ? nullptr
                               : onDemand            ? known(*input)
                               : input->isConstant() ? &*input->host
                                                     : nullptr;
    if (input && !tensor)
      return std::nullopt;
    operands.push_back(tensor);
  }
  if (operands.empty() || !operands[0])
    return std::nullopt;
  auto outputs = evaluate(node, operands, budget);
  if (!outputs)
    return std::nullopt;
  SmallVector<GraphValueRef> results;
  for (HostTensor &output : *outputs) {
    results.push_back(knownValue(std::move(output)));
  }
  return results;
}

/// Whether the node computes from initializers and constants alone, in so few steps that it can be evaluated.
static bool followsFromFile(ArrayRef<GraphValueRef> inputs, int64_t &depth) {
  for (const GraphValueRef &input : inputs) {
    if (input && !input->canBeKnown())
      return false;
    depth = std::max(depth, input ? input->depth + 1 : 0);
  }
  return depth < longestDemand;
}

/// The value of a Constant, in whichever attribute it is.
std::optional<SmallVector<GraphValueRef>> GraphImporter::importConstant(const Node &node) {
  auto give = [](HostTensor tensor) { return SmallVector<GraphValueRef>{knownValue(std::move(tensor))}; };
  if (const ::onnx::TensorProto *tensor = node.tensor("value")) {
    auto decoded = decodeTensor(*tensor, file.files());
    if (decoded)
      return give(std::move(*decoded));
    refuse(node, llvm::toString(decoded.takeError()), "");
    return std::nullopt;
  }
  if (node.has("value_int"))
    return give(HostTensor::vector({node.integer("value_int", 0)}).reshaped({}));
  if (node.has("value_ints"))
    return give(HostTensor::vector(node.integers("value_ints")));
  if (node.has("value_float"))
    return give(HostTensor::scalar(Element::F32, node.number("value_float", 0)));
  if (node.has("value_floats")) {
    SmallVector<double> numbers = node.numbers("value_floats");
    HostTensor tensor(Element::F32, {static_cast<int64_t>(numbers.size())});
    tensor.floats.assign(numbers.begin(), numbers.end());
    return give(std::move(tensor));
  }
  refuse(node, "its value is neither a tensor nor numbers", "");
  return std::nullopt;
}

std::optional<SmallVector<GraphValueRef>> GraphImporter::importOperator(const Node &node,
                                                                        ArrayRef<GraphValueRef> inputs) {
  if (node.type() == "Constant" && node.domain().empty())
    return importConstant(node);
  if (auto known = evaluateNow(node, inputs, /*onDemand=*/false))
    return known;
  b.setLoc(node.location());
  OpContext op(*this, node, inputs);
  int64_t depth = 0;
  bool onDemand = followsFromFile(inputs, depth) && !inputs.empty();
  OpBuilderFunction build = findBuilder(node.domain(), node.type());
  if (build && succeeded(build(op))) {
    bool isComplete = true;
    for (auto [i, result] : llvm::enumerate(op.results)) {
      isComplete &= result || !op.isUsed(i);
      if (!result || !onDemand || llvm::is_contained(inputs, result))
        continue;
      result->producer = node;
      result->operands.assign(inputs.begin(), inputs.end());
      result->output = i;
      result->depth = depth;
    }
    if (isComplete)
      return op.results;
    op.reason.clear();
    op.fail("one of its outputs is not computed here");
  }
  if (onDemand)
    if (auto known = evaluateNow(node, inputs, /*onDemand=*/true))
      return known;
  if (build)
    refuse(node, op.reason.empty() ? "its operands are not those of any supported form" : op.reason, op.nearest);
  else
    refuse(node, "it has no form in training programs", insteadOf(node.domain(), node.type()));
  return std::nullopt;
}

bool GraphImporter::define(Scope &scope, StringRef name, GraphValueRef value, Location location) {
  if (name.empty())
    return true;
  if (!scope.values.emplace(name.str(), std::move(value)).second) {
    emitError(location) << "expected one value called '" << name << "', but got two";
    return false;
  }
  return true;
}

bool GraphImporter::importNode(const ::onnx::NodeProto &proto, Scope &scope, Location location, int64_t index,
                               int depth) {
  static const AttributeMap none;
  Node node(proto, location, file.opset(proto.domain()), scope.attributes ? *scope.attributes : none);
  SmallVector<GraphValueRef> inputs;
  bool isUnknown = false;
  for (const std::string &name : proto.input()) {
    GraphValueRef input = name.empty() ? nullptr : scope.find(name);
    if (!name.empty() && !input) {
      emitError(location) << "expected the value '" << name
                          << "' to come from an input, an initializer or a node before this one, but got none; nodes "
                             "must be in topological order, without cycles";
      return false;
    }
    isUnknown |= input && input->isUnknown;
    inputs.push_back(std::move(input));
  }
  std::optional<SmallVector<GraphValueRef>> results;
  if (isUnknown) {
    results = unknownResults(node);
  } else if (node.domain().empty() && node.type() == "If") {
    return importIf(node, inputs, scope, index, depth);
  } else {
    for (const auto &function : file.model().functions())
      if (function.name() == proto.op_type() && function.domain() == proto.domain())
        return importCall(function, node, inputs, scope, index, depth);
    results = importOperator(node, inputs);
    if (!results)
      results = unknownResults(node);
  }
  for (int i = 0; i < proto.output_size(); ++i) {
    GraphValueRef result = static_cast<size_t>(i) < results->size() ? (*results)[i] : nullptr;
    if (result && !define(scope, proto.output(i), result, location))
      return false;
  }
  return true;
}

template <typename Nodes>
bool GraphImporter::importNodes(const Nodes &nodes, Scope &scope, int64_t outerIndex, int depth) {
  int64_t index = outerIndex;
  for (const ::onnx::NodeProto &proto : nodes) {
    std::string name = proto.name().empty() && proto.output_size() ? proto.output(0) : proto.name();
    Location location =
        NameLoc::get(StringAttr::get(&context, scope.prefix + name), placeOf(&context, file.path(), index));
    if (!importNode(proto, scope, location, index, depth))
      return false;
    index += depth == 0;
  }
  return true;
}

bool GraphImporter::importCall(const ::onnx::FunctionProto &function, const Node &node, ArrayRef<GraphValueRef> inputs,
                               Scope &scope, int64_t index, int depth) {
  if (depth >= deepestCall) {
    emitError(node.location()) << "expected calls that nest at most " << deepestCall << " deep, but got more; function "
                               << function.name() << " may call itself";
    return false;
  }
  if (function.input_size() < static_cast<int>(inputs.size())) {
    emitError(node.location()) << "expected at most " << function.input_size() << " inputs of function "
                               << function.name() << ", but got " << inputs.size();
    return false;
  }
  Scope body;
  body.attributes = &node.attributeMap();
  body.prefix = scope.prefix + (node.proto().name().empty() ? function.name() : node.proto().name()) + "/";
  for (int i = 0; i < function.input_size(); ++i)
    if (static_cast<size_t>(i) < inputs.size() && inputs[i])
      body.values[function.input(i)] = inputs[i];
  for (const auto &inner : function.node())
    for (const auto &name : inner.input())
      ++reads[name];
  for (const auto &name : function.output())
    ++reads[name];
  if (!importNodes(function.node(), body, index, depth + 1))
    return false;
  for (int i = 0; i < node.proto().output_size() && i < function.output_size(); ++i) {
    GraphValueRef result = body.find(function.output(i));
    if (!result) {
      emitError(node.location()) << "expected function " << function.name() << " to compute its output '"
                                 << function.output(i) << "', but it does not";
      return false;
    }
    if (!define(scope, node.proto().output(i), result, node.location()))
      return false;
  }
  return true;
}

/// A branch that is known now takes the place of the node.
bool GraphImporter::importIf(const Node &node, ArrayRef<GraphValueRef> inputs, Scope &scope, int64_t index, int depth) {
  const HostTensor *condition = inputs.size() == 1 && inputs[0] ? known(*inputs[0]) : nullptr;
  const ::onnx::GraphProto *branch = condition && condition->size() == 1
                                         ? node.graph(condition->number(0) != 0 ? "then_branch" : "else_branch")
                                         : nullptr;
  if (!branch || depth >= deepestCall) {
    refuse(node, branch ? "branches nest too deep" : "its condition depends on the input, but a program has one path",
           "a model without branches on data");
    for (const std::string &name : node.proto().output()) {
      auto unknown = std::make_shared<GraphValue>();
      unknown->isUnknown = true;
      if (!define(scope, name, unknown, node.location()))
        return false;
    }
    return true;
  }
  Scope body;
  body.parent = &scope;
  body.attributes = scope.attributes;
  body.prefix = scope.prefix + node.proto().name() + "/";
  addInitializers(*branch, body);
  if (!importNodes(branch->node(), body, index, depth + 1))
    return false;
  for (int i = 0; i < node.proto().output_size() && i < branch->output_size(); ++i) {
    GraphValueRef result = body.find(branch->output(i).name());
    if (!result) {
      emitError(node.location()) << "expected a branch to compute '" << branch->output(i).name()
                                 << "', but it does not";
      return false;
    }
    if (!define(scope, node.proto().output(i), result, node.location()))
      return false;
  }
  return true;
}
