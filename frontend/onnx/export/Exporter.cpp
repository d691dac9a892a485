// The walk over a program, from its results back to what they need.
#include "frontend/onnx/export/Exporter.h"
#include "frontend/onnx/ModelFile.h"
#include "frontend/onnx/export/ExportContext.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSwitch.h"

#include "onnx.pb.h"

#include <nlohmann/json.hpp>

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

static constexpr int64_t opset = 23, irVersion = 11;

ExportedGraph::ExportedGraph() = default;
ExportedGraph::ExportedGraph(ExportedGraph &&) = default;
ExportedGraph::~ExportedGraph() = default;

const ExportTable &nf::onnxfe::exportTable() {
  static const ExportTable table = [] {
    ExportTable all;
    addMathExporters(all);
    addMovementExporters(all);
    addLayerExporters(all);
    addAttentionExporter(all);
    return all;
  }();
  return table;
}

namespace {

/// What a graph computes: a program's values by the names of the graph's outputs. With a `loss` its logits are the
/// output, which the program itself never has.
struct Source {
  ProgramOp program;
  SmallVector<std::pair<std::string, Value>> outputs;
  LinearCrossEntropyOp loss;
};

class GraphExporter {
public:
  GraphExporter(ModuleOp module, ExportedGraph &result)
      : module(module), result(result), graph(*result.model->mutable_graph()), e(graph) {}

  bool run(StringRef program) {
    auto found = sourceOf(program);
    if (!found)
      return false;
    source = *found;
    collectNeeded();
    if (!canBeExported())
      return false;
    graph.set_name(graphName());
    nameOutputs();
    addInputs();
    addParameters();
    if (!addNodes())
      return false;
    addOutputs();
    return true;
  }

private:
  std::optional<Source> sourceOf(StringRef program);
  void collectNeeded();
  bool canBeExported();
  void nameOutputs();
  void addInputs();
  void addParameters();
  bool addNodes();
  void addOutputs();
  std::string graphName();

  ModuleOp module;
  ExportedGraph &result;
  ::onnx::GraphProto &graph;
  ExportContext e;
  Source source;
  llvm::SmallPtrSet<Operation *, 32> needed;
};

} // namespace

//===------------------------------------------------------------------------------------------===//
// What is exported
//===------------------------------------------------------------------------------------------===//

/// The loss that a program ends with.
static LinearCrossEntropyOp lossOf(ProgramOp program) {
  Operation *end = program.getBody().front().getTerminator();
  return end->getNumOperands() ? stripReshapes(end->getOperand(0)).getDefiningOp<LinearCrossEntropyOp>()
                               : LinearCrossEntropyOp();
}

static std::string programNames(ModuleOp module) {
  std::string names;
  for (auto program : module.getOps<ProgramOp>())
    names += (names.empty() ? "" : ", ") + program.getSymName().str();
  return names.empty() ? "none" : names;
}

std::optional<Source> GraphExporter::sourceOf(StringRef name) {
  auto program = module.lookupSymbol<ProgramOp>(name.empty() ? "forward" : name);
  if (!program && name.empty())
    if (auto eval = module.lookupSymbol<ProgramOp>("eval"))
      if (LinearCrossEntropyOp loss = lossOf(eval))
        return Source{eval, {}, loss};
  if (!program) {
    auto diagnostic = module.emitError() << "expected a program @" << (name.empty() ? "forward" : name);
    if (name.empty())
      diagnostic << ", or @eval with the vocabulary's projection and loss, as they are up to stage fold";
    diagnostic << ", but got " << programNames(module) << (name.empty() ? "; give --program NAME" : "");
    return std::nullopt;
  }
  Source chosen;
  chosen.program = program;
  for (auto [i, value] : llvm::enumerate(program.getBody().front().getTerminator()->getOperands()))
    chosen.outputs.push_back({program.getResultName(i).str(), value});
  return chosen;
}

void GraphExporter::collectNeeded() {
  SmallVector<Value> waiting;
  for (auto &[name, value] : source.outputs)
    waiting.push_back(value);
  if (source.loss)
    waiting.append({source.loss.getX(), source.loss.getWeight()});
  if (source.loss && source.loss.getBias())
    waiting.push_back(source.loss.getBias());
  while (!waiting.empty())
    if (Operation *op = waiting.pop_back_val().getDefiningOp(); op && needed.insert(op).second)
      llvm::append_range(waiting, op->getOperands());
}

/// Every op that has no exporter, once a kind, with the number of its uses.
bool GraphExporter::canBeExported() {
  llvm::MapVector<StringRef, SmallVector<Operation *>> missing;
  bool isSound = true;
  for (Operation &op : source.program.getBody().front()) {
    if (!needed.contains(&op))
      continue;
    auto get = dyn_cast<GetOp>(op);
    if (get && tensorType(op.getResult(0)).getElementType().isF64()) {
      op.emitError() << "expected a parameter of f32, but got " << op.getResult(0).getType();
      isSound = false;
    } else if (get && !module.lookupSymbol<ParameterOp>(get.getSymbol())) {
      op.emitError() << "expected a parameter, but got the state " << get.getSymbol()
                     << "; export a module from before stage hoist";
      isSound = false;
    } else if (!get && !exportTable().contains(op.getName().getStringRef())) {
      missing[op.getName().getStringRef()].push_back(&op);
    }
  }
  for (auto &[name, ops] : missing) {
    auto diagnostic = ops.front()->emitError() << name << " has no form in ONNX";
    if (ops.size() > 1)
      diagnostic << " (and " << ops.size() - 1 << " more)";
    diagnostic << "; expected a forward program, as stages import, raise and fold have it";
  }
  return isSound && missing.empty();
}

//===------------------------------------------------------------------------------------------===//
// The graph
//===------------------------------------------------------------------------------------------===//

std::string GraphExporter::graphName() {
  auto name = module->getAttrOfType<StringAttr>("nf.name");
  return name ? name.str() : source.loss ? "forward" : source.program.getSymName().str();
}

static void describe(::onnx::ValueInfoProto &info, const std::string &name, RankedTensorType type, int32_t element) {
  info.set_name(name);
  auto &tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(element);
  auto &shape = *tensor.mutable_shape();
  for (int64_t extent : type.getShape())
    shape.add_dim()->set_dim_value(extent);
}

/// Outputs have their names before anything else can take them.
void GraphExporter::nameOutputs() {
  llvm::SmallPtrSet<Value, 4> seen;
  for (auto &[name, value] : source.outputs) {
    e.uniqueName(name);
    if (value.getDefiningOp() && !value.getDefiningOp<GetOp>() && seen.insert(value).second)
      e.prefer(value, name);
  }
  if (source.loss)
    e.uniqueName("logits");
}

static StringRef commonName(StringRef name) {
  return llvm::StringSwitch<StringRef>(name)
      .Case("tokens", "input_ids")
      .Case("positions", "position_ids")
      .Case("key_padding", "attention_mask")
      .Default(name);
}

void GraphExporter::addInputs() {
  for (BlockArgument argument : source.program.getBody().getArguments()) {
    bool isNeeded =
        !source.loss || llvm::any_of(argument.getUsers(), [&](Operation *op) { return needed.contains(op); });
    if (!isNeeded)
      continue;
    StringRef own = source.program.getArgumentName(argument.getArgNumber()), common = commonName(own);
    bool isRenamed = common != own && !source.program.findArgument(common);
    std::string name = e.uniqueName(isRenamed ? common : own);
    int32_t element = dataTypeOf(tensorType(argument).getElementType());
    describe(*graph.add_input(), name, tensorType(argument), isRenamed ? int32_t(::onnx::TensorProto::INT64) : element);
    e.begin(own);
    e.giveMoved(argument, isRenamed ? e.cast(name, element) : name);
  }
}

/// ONNX has no word for initializers that are not trained, so that the importer is told.
void GraphExporter::addParameters() {
  llvm::DenseMap<StringRef, std::string> initializers;
  auto frozen = nlohmann::json::array();
  for (auto get : source.program.getOps<GetOp>()) {
    if (!needed.contains(get))
      continue;
    std::string &name = initializers[get.getSymbol()];
    if (name.empty()) {
      auto parameter = module.lookupSymbol<ParameterOp>(get.getSymbol());
      auto type = cast<RankedTensorType>(parameter.getType());
      name = e.uniqueName(get.getSymbol());
      ::onnx::TensorProto &tensor = *graph.add_initializer();
      tensor.set_name(name);
      tensor.set_data_type(::onnx::TensorProto::FLOAT);
      tensor.mutable_dims()->Assign(type.getShape().begin(), type.getShape().end());
      result.parameters.push_back(parameter);
      if (!parameter.getTrainable())
        frozen.push_back(name);
    }
    e.giveMoved(get.getResult(), name);
  }
  if (frozen.empty())
    return;
  auto &note = *result.model->add_metadata_props();
  note.set_key(frozenKey.str());
  note.set_value(frozen.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

bool GraphExporter::addNodes() {
  bool isSound = true;
  for (Operation &op : source.program.getBody().front()) {
    if (!needed.contains(&op) || isa<GetOp>(op))
      continue;
    e.begin(op);
    isSound &= succeeded(exportTable().lookup(op.getName().getStringRef())(e, op));
  }
  return isSound;
}

void GraphExporter::addOutputs() {
  if (source.loss) {
    e.begin(*source.loss);
    LinearCrossEntropyOp loss = source.loss;
    SmallVector<int64_t> shape(shapeOf(loss.getTargets()));
    shape.push_back(shapeOf(loss.getWeight())[0]);
    exportProduct(e, loss.getX(), loss.getWeight(), loss.getBias());
    e.renameLast("logits");
    describe(*graph.add_output(), "logits", tensorType(loss.getX()).clone(shape), ::onnx::TensorProto::FLOAT);
  }
  for (auto &[name, value] : source.outputs) {
    if (e.of(value) != name) {
      e.node("Identity", {e.of(value)});
      e.renameLast(name);
    }
    describe(*graph.add_output(), name, tensorType(value), dataTypeOf(tensorType(value).getElementType()));
  }
}

ExportedGraph nf::onnxfe::exportGraph(ModuleOp module, StringRef program) {
  ExportedGraph result;
  result.model = std::make_unique<::onnx::ModelProto>();
  result.model->set_ir_version(irVersion);
  result.model->set_producer_name("NormForge");
  auto &version = *result.model->add_opset_import();
  version.set_domain("");
  version.set_version(opset);
  if (!GraphExporter(module, result).run(program))
    result.model.reset();
  return result;
}
