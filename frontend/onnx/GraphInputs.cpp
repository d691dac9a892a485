// The inputs of a graph: shapes bound, the inputs that a training program has no use for made constants.
#include "frontend/onnx/ConstantBuilder.h"
#include "frontend/onnx/GraphImporter.h"

#include "onnx.pb.h"

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

/// What an input is to a language model, by its name and type.
enum class Role { Tokens, Labels, Mask, Positions, TokenTypes, Other };

static bool isInteger(Element element) { return element == Element::I64 || element == Element::I32; }

static Role roleOf(StringRef name, Element element, size_t rank) {
  auto isOneOf = [&](std::initializer_list<StringRef> names) { return llvm::is_contained(names, name); };
  if (rank == 2 && isInteger(element) &&
      isOneOf({"input_ids", "tokens", "token_ids", "ids", "idx", "input", "inputs", "x", "text", "src_tokens",
               "input.1", "tokens.1", "arg0", "arg0_1", "l_tokens_", "l_input_ids_"}))
    return Role::Tokens;
  if (rank == 2 && isInteger(element) && isOneOf({"labels", "targets", "label", "target", "lm_labels", "y"}))
    return Role::Labels;
  if (isOneOf({"attention_mask", "input_mask", "mask"}))
    return Role::Mask;
  if (isInteger(element) && isOneOf({"position_ids", "positions"}))
    return Role::Positions;
  if (isInteger(element) && isOneOf({"token_type_ids", "segment_ids"}))
    return Role::TokenTypes;
  return Role::Other;
}

/// What an input of a graph of ids becomes, as nf.ports says it.
static StringRef becomes(Role role) {
  switch (role) {
  case Role::Tokens:
    return "tokens";
  case Role::Labels:
    return "labels";
  case Role::Mask:
    return "ones";
  case Role::Positions:
    return "positions";
  case Role::TokenTypes:
    return "zeros";
  case Role::Other:
    return "argument";
  }
  return "argument";
}

InFlightDiagnostic GraphImporter::error(StringRef name) {
  Location place = placeOf(&context, file.path());
  return emitError(name.empty() ? place : NameLoc::get(StringAttr::get(&context, name), place));
}

/// The extent of one axis. `isPerToken`: axis 0 is the batch, axis 1 the sequence.
std::optional<int64_t> GraphImporter::bindDim(const ::onnx::ValueInfoProto &input, int axis, bool isPerToken) {
  const auto &dim = input.type().tensor_type().shape().dim(axis);
  if (dim.has_dim_value()) {
    if (dim.dim_value() > 0)
      return dim.dim_value();
    error(input.name()) << "expected extents over 0, but got " << dim.dim_value() << " at axis " << axis;
    return std::nullopt;
  }
  std::string symbol = dim.has_dim_param() && !dim.dim_param().empty()
                           ? dim.dim_param()
                           : (Twine(input.name()) + "." + Twine(axis)).str();
  int64_t extent = 0;
  if (auto given = options.dims.find(symbol); given != options.dims.end())
    extent = given->second;
  else if (auto bound = dims.find(symbol); bound != dims.end())
    extent = bound->second;
  else if (isPerToken && axis <= 1)
    extent = axis == 0 ? options.microBatch : options.sequence;
  if (extent <= 0) {
    error(input.name()) << "expected an extent for the symbolic dimension '" << symbol << "' (axis " << axis
                        << "), but got none; give --dim " << symbol << "=N";
    return std::nullopt;
  }
  dims[symbol] = extent;
  return extent;
}

std::optional<SmallVector<int64_t>> GraphImporter::bindShape(const ::onnx::ValueInfoProto &input, Element element) {
  if (!input.type().tensor_type().has_shape()) {
    error(input.name())
        << "expected a shape, but got an input of unknown rank; export with fixed or symbolic dimensions";
    return std::nullopt;
  }
  SmallVector<int64_t> shape;
  int rank = input.type().tensor_type().shape().dim_size();
  bool isPerToken = roleOf(input.name(), element, rank) != Role::Other;
  bool isBound = true;
  for (int axis = 0; axis < rank; ++axis) {
    auto extent = bindDim(input, axis, isPerToken);
    isBound &= extent.has_value();
    shape.push_back(extent.value_or(1));
  }
  if (!isBound)
    return std::nullopt;
  auto count = elementCount(shape);
  if (!count || *count > int64_t(1) << 38) {
    error(input.name()) << "expected at most 2^38 elements, but got shape " << shapeText(shape);
    return std::nullopt;
  }
  return shape;
}

/// Every token is real, the first one has position 0, and there is one type of tokens.
GraphValueRef GraphImporter::knownInput(StringRef name, Element element, ArrayRef<int64_t> shape) {
  Role role = roleOf(name, element, shape.size());
  if (role == Role::Tokens || role == Role::Labels || role == Role::Other || shape.empty())
    return nullptr;
  auto tensor = makeTensor(element, shape);
  if (!tensor)
    return nullptr;
  for (int64_t i = 0; i < tensor->size(); ++i) {
    double value = role == Role::Mask ? 1 : role == Role::Positions ? static_cast<double>(i % shape.back()) : 0;
    if (tensor->isFloat())
      tensor->floats[i] = value;
    else
      tensor->integers[i] = static_cast<int64_t>(value);
  }
  auto value = std::make_shared<GraphValue>();
  value->element = element;
  value->shape.assign(shape.begin(), shape.end());
  value->host = std::move(*tensor);
  return value;
}

bool GraphImporter::bindInputs() {
  struct Argument {
    const ::onnx::ValueInfoProto *input;
    Element element;
    SmallVector<int64_t> shape;
  };
  SmallVector<Argument> inputs;
  bool isSound = true, hasTokens = false;
  for (const auto &input : file.model().graph().input()) {
    if (file.initializer(input.name()))
      continue; // has a value of its own
    auto element = elementOf(input.type().tensor_type().elem_type());
    if (!input.type().has_tensor_type() || !element || *element == Element::F64) {
      error(input.name()) << "expected an input of floats, integers or bools, but got "
                          << (input.type().has_tensor_type() ? elementName(input.type().tensor_type().elem_type())
                                                             : std::string("no tensor"));
      isSound = false;
      continue;
    }
    auto shape = bindShape(input, *element);
    isSound &= shape.has_value();
    if (!shape)
      continue;
    hasTokens |= roleOf(input.name(), *element, shape->size()) == Role::Tokens;
    inputs.push_back({&input, *element, *shape});
  }
  if (!isSound || !checkDims())
    return false;

  SmallVector<Argument> arguments;
  for (Argument &input : inputs) {
    GraphValueRef known = hasTokens ? knownInput(input.input->name(), input.element, input.shape) : nullptr;
    Role role = hasTokens ? roleOf(input.input->name(), input.element, input.shape.size()) : Role::Other;
    bool isArgument = !known && role != Role::Tokens && role != Role::Labels;
    notePort(/*isInput=*/true, input.input->name(), input.shape, isArgument ? "argument" : becomes(role));
    if (!known)
      arguments.push_back(input);
    else if (!define(top, input.input->name(), known, placeOf(&context, file.path())))
      return false;
  }
  SmallVector<Type> types;
  SmallVector<Attribute> names;
  for (const Argument &argument : arguments) {
    auto count = elementCount(argument.shape);
    if (*count == 0) {
      error(argument.input->name()) << "expected at least one element, but got shape " << shapeText(argument.shape);
      return false;
    }
    types.push_back(RankedTensorType::get(argument.shape, elementType(b, argument.element)));
  }
  program = ProgramOp::create(b, "forward", b.getFunctionType(types, {}), ArrayAttr(), ArrayAttr());
  Block &block = program.getBody().emplaceBlock();
  for (auto [argument, type] : llvm::zip(arguments, types)) {
    const std::string &name = argument.input->name();
    Value value = block.addArgument(type, NameLoc::get(b.getStringAttr(name), placeOf(&context, file.path())));
    auto entry = std::make_shared<GraphValue>();
    entry->element = argument.element;
    entry->shape = argument.shape;
    entry->value = value;
    Role role = roleOf(name, argument.element, argument.shape.size());
    bool isTokens = !tokens && role == Role::Tokens;
    argumentNames.push_back(isTokens ? "tokens" : name);
    if (isTokens)
      tokens = value;
    if (!labels && role == Role::Labels) {
      labels = value;
      labelsName = name;
    }
    if (!define(top, name, entry, value.getLoc()))
      return false;
  }
  b.setInsertionPointToEnd(&block);
  return true;
}
