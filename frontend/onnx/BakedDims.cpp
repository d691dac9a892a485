// Why a dimension of a file is fixed: the constants that hold its extent, and how to export it symbolic.
//
// 1. The extents in question are those of the ids: the first axis where the asked name says batch, else the second.
// 2. Constants that hold one are named with the node that reads them: the shapes of Reshape and Expand, the bounds of
//    Slice, and tables of that many rows or columns which are added, compared, chosen from or cut: positions and masks.
#include "frontend/onnx/GraphImporter.h"
#include "frontend/onnx/TensorData.h"

#include "onnx.pb.h"

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

/// How many constants are named; more say the same.
static constexpr size_t mostNamed = 8;

namespace {
using Constants = std::map<std::string, const ::onnx::TensorProto *>;
}

static Constants constantsOf(const ::onnx::GraphProto &graph) {
  Constants constants;
  for (const auto &tensor : graph.initializer())
    constants[tensor.name()] = &tensor;
  for (const auto &node : graph.node())
    for (const auto &attribute : node.attribute())
      if (node.op_type() == "Constant" && attribute.has_t() && node.output_size() == 1)
        constants[node.output(0)] = &attribute.t();
  return constants;
}

/// What of operand `index` of a node has the extent, or "".
static std::string bakedIn(const ::onnx::NodeProto &node, int index, const ::onnx::TensorProto &tensor, int64_t extent,
                           ExternalFiles &files) {
  StringRef type = node.op_type();
  bool isShape = index == 1 && (type == "Reshape" || type == "Expand");
  bool isBound = index == 2 && type == "Slice";
  if (isShape || isBound) {
    auto decoded = decodeTensor(tensor, files);
    if (!decoded) {
      llvm::consumeError(decoded.takeError());
      return "";
    }
    if (!llvm::is_contained(decoded->integers, extent))
      return "";
    return (isShape ? "its shape " : "its end ") + shapeText(decoded->integers);
  }
  bool readsTable = llvm::is_contained({"Add", "Sub", "Mul", "Where", "And", "Slice", "Expand"}, type);
  bool isTable = tensor.dims_size() >= 2 && llvm::is_contained(tensor.dims(), extent);
  if (!readsTable || !isTable)
    return "";
  SmallVector<int64_t> shape(tensor.dims().begin(), tensor.dims().end());
  return "its operand of shape " + shapeText(shape);
}

void GraphImporter::noteBaked(InFlightDiagnostic &diagnostic, int64_t extent) {
  const ::onnx::GraphProto &graph = file.model().graph();
  Constants constants = constantsOf(graph);
  std::set<std::string> seen;
  int64_t number = 0;
  for (const auto &node : graph.node()) {
    ++number;
    for (int i = 0; i < node.input_size(); ++i) {
      auto constant = constants.find(node.input(i));
      if (constant == constants.end() || seen.count(constant->first))
        continue;
      std::string what = bakedIn(node, i, *constant->second, extent, file.files());
      if (what.empty())
        continue;
      seen.insert(constant->first);
      std::string name = node.name().empty() ? node.op_type() : node.name();
      if (seen.size() <= mostNamed)
        diagnostic.attachNote(NameLoc::get(StringAttr::get(&context, name), placeOf(&context, file.path(), number - 1)))
            << node.op_type() << " has " << extent << " baked in: " << what << ", '" << constant->first << "'";
    }
  }
  if (seen.size() > mostNamed)
    diagnostic.attachNote() << "and " << seen.size() - mostNamed << " more constants";
}

/// The argument of torch.onnx.export that makes the batch and the sequence of every input symbolic.
std::string GraphImporter::dynamicShapes() {
  std::string text;
  for (const auto &input : file.model().graph().input())
    if (!file.initializer(input.name())) {
      int rank = input.type().tensor_type().shape().dim_size();
      text += (text.empty() ? "" : ", ") + std::string(rank == 0   ? "None"
                                                       : rank == 1 ? "{0: \"batch\"}"
                                                                   : "{0: \"batch\", 1: \"sequence\"}");
    }
  return "torch.onnx.export(..., dynamo=True, dynamic_shapes=(" + text + ",))";
}

/// Every --dim names a symbol of the file.
bool GraphImporter::checkDims() {
  bool isSound = true;
  for (auto &[name, extent] : options.dims) {
    if (dims.count(name))
      continue;
    isSound = false;
    bool isBatch = StringRef(name).contains_insensitive("batch");
    std::string known, fixed;
    std::set<int64_t> baked;
    for (auto &[symbol, bound] : dims)
      known += (known.empty() ? "" : ", ") + symbol;
    for (const auto &input : file.model().graph().input()) {
      const auto &shape = input.type().tensor_type().shape();
      int axis = isBatch ? 0 : 1;
      if (file.initializer(input.name()) || shape.dim_size() <= axis || !shape.dim(axis).has_dim_value())
        continue;
      fixed += (fixed.empty() ? "" : ", ") + ("axis " + std::to_string(axis) + " of " + input.name() + " is " +
                                              std::to_string(shape.dim(axis).dim_value()));
      baked.insert(shape.dim(axis).dim_value());
    }
    auto diagnostic = error() << "expected a symbolic dimension in --dim " << name << "=" << extent
                              << ", but the file has " << (known.empty() ? "none" : known);
    if (fixed.empty())
      continue;
    diagnostic << (known.empty() ? ": " : "; ") << fixed << ", fixed when it was exported; export with "
               << dynamicShapes();
    for (int64_t value : baked)
      if (value > 1)
        noteBaked(diagnostic, value);
  }
  return isSound;
}
