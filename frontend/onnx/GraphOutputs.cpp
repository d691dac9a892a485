// The end of an import: refusals reported, results named, the module described.
#include "frontend/onnx/GraphImporter.h"
#include "frontend/onnx/TensorData.h"

#include "onnx.pb.h"

#include <nlohmann/json.hpp>

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

void GraphImporter::reportRefusals() {
  for (const Refusal &refusal : refusals) {
    auto diagnostic = emitError(refusal.location) << refusal.what;
    if (refusal.count > 1)
      diagnostic << " (and " << refusal.count - 1 << " more node" << (refusal.count > 2 ? "s" : "") << ")";
  }
}

/// Whether an output is as wide as a token's embedding, and narrower than the vocabulary.
static bool isHiddenState(const GraphValue &value, Value tokens) {
  return llvm::any_of(tokens.getUsers(), [&](Operation *user) {
    auto gather = dyn_cast<GatherOp>(user);
    auto table = gather ? cast<RankedTensorType>(gather.getTable().getType()) : RankedTensorType();
    return table && value.shape.back() == table.getDimSize(1) && table.getDimSize(1) < table.getDimSize(0);
  });
}

/// Whether an output is logits of every token: floats [batch, sequence, vocabulary], and not hidden states.
static bool areLogits(StringRef name, const GraphValue &value, Value tokens) {
  auto type = cast<RankedTensorType>(tokens.getType());
  return value.element == Element::F32 && value.shape.size() == 3 && value.shape[0] == type.getDimSize(0) &&
         value.shape[1] == type.getDimSize(1) && name != "last_hidden_state" && !isHiddenState(value, tokens);
}

bool GraphImporter::finish() {
  SmallVector<std::pair<std::string, GraphValueRef>> outputs;
  for (const auto &output : file.model().graph().output()) {
    GraphValueRef value = top.find(output.name());
    if (!value) {
      error(output.name()) << "expected a node that computes this output, but got none";
      return false;
    }
    if (!value->isUnknown)
      outputs.push_back({output.name(), value});
  }
  reportRefusals();
  if (!refusals.empty())
    return false;
  std::string kept;
  if (tokens)
    for (auto &[name, value] : outputs)
      if (areLogits(name, *value, tokens) && (kept.empty() || name == "logits"))
        kept = name;
  if (!options.lossOutput.empty()) {
    GraphValueRef loss = lossValue();
    if (!loss)
      return false;
    if (kept.empty()) {
      error() << "expected the logits [batch, sequence, vocabulary] beside the loss '" << options.lossOutput
              << "', but got none; export the model with both outputs";
      return false;
    }
    if (!makeLossProgram(*loss))
      return false;
  }
  for (auto &[name, value] : outputs) {
    bool isLoss = !options.lossOutput.empty() && name == options.lossOutput;
    notePort(/*isInput=*/false, name, value->shape,
             isLoss         ? "loss"
             : name == kept ? "logits"
             : kept.empty() ? "result"
                            : "left out");
  }
  if (!kept.empty()) {
    llvm::erase_if(outputs, [&](auto &output) { return output.first != kept; });
    outputs[0].first = "logits";
  }

  SmallVector<Value> results;
  SmallVector<Attribute> resultNames, names;
  SmallVector<Type> resultTypes;
  std::map<std::string, int> seen;
  auto named = [&](StringRef name) -> Attribute {
    return b.getDictionaryAttr(b.getNamedAttr("nf.name", b.getStringAttr(name)));
  };
  for (auto &[name, value] : outputs) {
    b.setLoc(NameLoc::get(b.getStringAttr(name), placeOf(&context, file.path())));
    ::onnx::NodeProto proto;
    Node node(proto, b.getLoc(), 0, {});
    OpContext op(*this, node, {});
    Value result = valueOf(*value, b, op, /*compact=*/false);
    if (!result || seen[name]++) {
      error(name) << (result ? "expected one output of this name, but got two" : op.reason);
      return false;
    }
    results.push_back(result);
    resultTypes.push_back(result.getType());
    resultNames.push_back(named(name));
  }
  for (const std::string &name : argumentNames) {
    if (seen["in:" + name]++) {
      error(name) << "expected one input of this name, but got two";
      return false;
    }
    names.push_back(named(name));
  }
  ReturnOp::create(b, results);
  program.setFunctionType(b.getFunctionType(program.getBody().getArgumentTypes(), resultTypes));
  program.setArgAttrsAttr(b.getArrayAttr(names));
  program.setResAttrsAttr(b.getArrayAttr(resultNames));
  isLanguageModel = !kept.empty();
  return true;
}

/// Multiplications and additions of a product, twice a multiplication.
static double flopsOf(Operation &op) {
  if (auto matmul = dyn_cast<MatmulOp>(op)) {
    MatmulOp::Shape shape = matmul.getProductShape();
    return 2.0 * double(shape.batch) * double(shape.m) * double(shape.n) * double(shape.k);
  }
  if (auto attention = dyn_cast<AttentionOp>(op)) {
    auto q = cast<RankedTensorType>(attention.getQ().getType()), k = cast<RankedTensorType>(attention.getK().getType());
    return (attention.getCausal() ? 2.0 : 4.0) * double(q.getNumElements()) * double(k.getDimSize(1));
  }
  return 0;
}

/// The module's own account of what was imported.
void GraphImporter::describeModel() {
  int64_t vocabulary = cast<RankedTensorType>(program.getResultTypes()[0]).getDimSize(2);
  auto type = cast<RankedTensorType>(tokens.getType());
  int64_t columns = 0;
  for (Operation *user : tokens.getUsers())
    if (auto gather = dyn_cast<GatherOp>(user))
      columns = cast<RankedTensorType>(gather.getTable().getType()).getDimSize(1);
  double flops = 0; // of a forward pass, a third of a training step
  for (Operation &op : program.getBody().front())
    flops += flopsOf(op);
  flops *= 3 / static_cast<double>(type.getNumElements());
  auto number = [&](StringRef name, int64_t value) { return b.getNamedAttr(name, b.getI64IntegerAttr(value)); };
  (*module)->setAttr(
      "nf.model",
      b.getDictionaryAttr({b.getNamedAttr("kind", b.getStringAttr(isCausal ? "decoder" : "encoder")),
                           b.getNamedAttr("flops_per_token", b.getF64FloatAttr(flops)), number("vocab", vocabulary),
                           number("d_model", columns), number("micro_batch", type.getDimSize(0)),
                           number("sequence", type.getDimSize(1))}));
}

/// What passes cannot see of a parameter, in its init rule.
void GraphImporter::describeParameters() {
  for (auto parameter : module->getOps<ParameterOp>()) {
    auto rule = nlohmann::json::parse(parameter.getInit().str(), nullptr, /*allow_exceptions=*/false);
    std::string name = rule.value("name", "");
    const ::onnx::TensorProto *tensor = file.initializer(name);
    if (picked.count(name))
      rule["role"] = "embedding";
    if (tensor && cast<RankedTensorType>(parameter.getType()).getRank() == 1) {
      auto values = decodeFloats(*tensor, file.files());
      if (!values)
        llvm::consumeError(values.takeError());
      else if (llvm::all_equal(*values))
        rule["splat"] = true;
    }
    parameter.setInit(rule.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
}

static void eraseUnusedOps(ProgramOp program) {
  SmallVector<Operation *> ops;
  for (Operation &op : program.getBody().front().without_terminator())
    ops.push_back(&op);
  for (Operation *op : llvm::reverse(ops))
    if (op->use_empty())
      op->erase();
}

void GraphImporter::notePort(bool isInput, StringRef name, ArrayRef<int64_t> shape, StringRef becomes) {
  (isInput ? inputPorts : outputPorts)
      .push_back(b.getDictionaryAttr({b.getNamedAttr("name", b.getStringAttr(name)),
                                      b.getNamedAttr("shape", b.getDenseI64ArrayAttr(shape)),
                                      b.getNamedAttr("becomes", b.getStringAttr(becomes))}));
}

void GraphImporter::describePorts() {
  (*module)->setAttr("nf.ports", b.getDictionaryAttr({b.getNamedAttr("inputs", b.getArrayAttr(inputPorts)),
                                                      b.getNamedAttr("outputs", b.getArrayAttr(outputPorts))}));
}

/// Erases what no result needs, and the parameters that then nothing reads; of a language model also the inputs that
/// its logits do not need, such as labels.
void GraphImporter::eraseUnused() {
  std::map<StringRef, bool> read;
  for (auto each : module->getOps<ProgramOp>()) {
    eraseUnusedOps(each);
    for (auto get : each.getOps<GetOp>())
      read[get.getSymbol()] = true;
  }
  for (auto parameter : llvm::make_early_inc_range(module->getOps<ParameterOp>()))
    if (!read.count(parameter.getSymName()))
      parameter.erase();
  llvm::BitVector unused(program.getNumArguments());
  for (BlockArgument argument : program.getBody().getArguments())
    if (isLanguageModel && argument != tokens && argument.use_empty())
      unused.set(argument.getArgNumber());
  (void)program.eraseArguments(unused);
}

ImportResult GraphImporter::run() {
  ImportResult result;
  const ::onnx::GraphProto &graph = file.model().graph();
  countReads(graph);
  addInitializers(graph, top);
  if (!bindInputs() || !importNodes(graph.node(), top, 0, 0) || !finish())
    return result;
  eraseUnused();
  describeParameters();
  describePorts();
  if (isLanguageModel)
    describeModel();
  SmallVector<NamedAttribute> bound;
  for (auto &[name, extent] : dims)
    bound.push_back(b.getNamedAttr(name, b.getI64IntegerAttr(extent)));
  SmallVector<NamedAttribute> about{b.getNamedAttr("file", b.getStringAttr(file.path())),
                                    b.getNamedAttr("dims", b.getDictionaryAttr(bound))};
  if (!options.lossOutput.empty())
    about.push_back(b.getNamedAttr("loss_output", b.getStringAttr(options.lossOutput)));
  if (!options.retie)
    about.push_back(b.getNamedAttr("retie", b.getBoolAttr(false)));
  (*module)->setAttr("nf.weights", b.getDictionaryAttr(about));
  result.module = std::move(module);
  result.constants = std::move(constants);
  return result;
}

bool nf::onnxfe::parseDim(StringRef text, std::map<std::string, int64_t> &dims) {
  auto [name, number] = text.rsplit('=');
  int64_t extent = 0;
  if (name.empty() || number.getAsInteger(10, extent) || extent < 1 || extent > int64_t(1) << 31)
    return false;
  dims[name.str()] = extent;
  return true;
}

std::optional<std::pair<std::string, ImportOptions>> nf::onnxfe::importOf(ModuleOp module) {
  auto about = module->getAttrOfType<DictionaryAttr>("nf.weights");
  auto file = about ? about.getAs<StringAttr>("file") : StringAttr();
  if (!file)
    return std::nullopt;
  ImportOptions options;
  if (auto dims = about.getAs<DictionaryAttr>("dims"))
    for (NamedAttribute dim : dims)
      if (auto extent = dyn_cast<IntegerAttr>(dim.getValue()))
        options.dims[dim.getName().str()] = extent.getInt();
  if (auto loss = about.getAs<StringAttr>("loss_output"))
    options.lossOutput = loss.str();
  if (auto retie = about.getAs<BoolAttr>("retie"))
    options.retie = retie.getValue();
  return std::pair(file.str(), options);
}

ImportResult nf::onnxfe::importModel(MLIRContext &context, ModelFile &file, const ImportOptions &options) {
  context.loadDialect<NFDialect>();
  return GraphImporter(context, file, options).run();
}
