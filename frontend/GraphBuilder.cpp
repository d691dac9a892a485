#include "frontend/GraphBuilder.h"
#include "frontend/ForwardBuilder.h"
#include "frontend/ModelGraph.h"

using namespace mlir;
using namespace nf;

namespace {

/// Builds a module's symbols, in the order in which they are declared here.
class GraphBuilder {
public:
  GraphBuilder(MLIRContext &context, const ModelConfig &config);

  OwningOpRef<ModuleOp> build();

private:
  void declareParameters();
  void buildForwardBackward();
  void buildEval();
  void buildLogits();

  ProgramOp addProgram(StringRef name, ArrayRef<Port> arguments, Port result);
  SmallVector<Port> inputs(int64_t batch);
  SmallVector<Port> lossInputs();
  Type scalar(Type element) { return RankedTensorType::get({}, element); }
  Type perToken(int64_t batch, Type element) { return RankedTensorType::get({batch, c.sequence}, element); }

  const ModelConfig &c;
  OwningOpRef<ModuleOp> module;
  ImplicitLocOpBuilder b;
  Type i32, i64, f32;
};

} // namespace

GraphBuilder::GraphBuilder(MLIRContext &context, const ModelConfig &config)
    : c(config), module(ModuleOp::create(locationOf(&context, config, config.name, "name"))),
      b(module->getLoc(), module->getBodyRegion()), i32(b.getI32Type()), i64(b.getI64Type()), f32(b.getF32Type()) {}

void GraphBuilder::declareParameters() {
  for (const ParameterSpec &spec : parameterList(c)) {
    b.setLoc(locationOf(b.getContext(), c, spec.name, spec.key));
    ParameterOp::create(b, spec.name, RankedTensorType::get(spec.shape, f32), spec.init, spec.trainable);
  }
  b.setLoc(module->getLoc());
}

ProgramOp GraphBuilder::addProgram(StringRef name, ArrayRef<Port> arguments, Port result) {
  b.setInsertionPointToEnd(module->getBody());
  return createProgram(b, b.getLoc(), name, arguments, result);
}

SmallVector<Port> GraphBuilder::inputs(int64_t batch) {
  SmallVector<Port> ports{{"tokens", perToken(batch, i32)}, {"positions", perToken(batch, i32)}};
  if (c.isEncoder())
    ports.push_back({"key_padding", perToken(batch, f32)});
  return ports;
}

SmallVector<Port> GraphBuilder::lossInputs() {
  SmallVector<Port> ports = inputs(c.microBatch);
  if (c.documentMask)
    ports.push_back({"segments", perToken(c.microBatch, i32)});
  ports.push_back({"targets", perToken(c.microBatch, i32)});
  ports.push_back({"loss_weight", perToken(c.microBatch, f32)});
  return ports;
}

/// The loss on the hidden states: `scale` times the weighted sum over tokens.
static Value buildLoss(ForwardBuilder &forward, ProgramOp program, Value scale) {
  Value x = forward.finalNorm(forward.hidden());
  Value weight = forward.vocabularyWeight();
  forward.at("loss", "objective.kind");
  return LinearCrossEntropyOp::create(forward.ops(), x, weight, program.findArgument("targets"),
                                      program.findArgument("loss_weight"), scale, /*bias=*/Value());
}

void GraphBuilder::buildForwardBackward() {
  SmallVector<Port> ports = lossInputs();
  ports.push_back({"inv_count", scalar(f32)});
  if (c.dropout > 0 || c.attentionDropout > 0) {
    ports.push_back({"seed", scalar(i64)});
    ports.push_back({"step", scalar(i32)});
    ports.push_back({"sample_offset", scalar(i32)});
  }
  ProgramOp program = addProgram("forward_backward", ports, {"loss", scalar(f32)});
  ForwardBuilder forward(c, *module, program, /*isTraining=*/true);
  Value loss = buildLoss(forward, program, program.findArgument("inv_count"));
  ReturnOp::create(forward.ops(), loss);
}

void GraphBuilder::buildEval() {
  ProgramOp program = addProgram("eval", lossInputs(), {"loss_sum", scalar(f32)});
  ForwardBuilder forward(c, *module, program, /*isTraining=*/false);
  forward.at("loss", "objective.kind");
  Value one = splat(forward.ops(), forward.ops().getLoc(), f32, 1);
  Value loss = buildLoss(forward, program, one);
  ReturnOp::create(forward.ops(), loss);
}

/// Only one row of the last block's output goes on to the vocabulary projection. The text is one document.
void GraphBuilder::buildLogits() {
  SmallVector<Port> ports = inputs(/*batch=*/1);
  ports.push_back({"index", scalar(i32)});
  ProgramOp program = addProgram("logits", ports, {"logits", RankedTensorType::get({c.vocab}, f32)});
  ForwardBuilder forward(c, *module, program, /*isTraining=*/false);
  Value x = forward.hidden();
  forward.at("lm_head.position", "model.context");
  ImplicitLocOpBuilder &ops = forward.ops();
  Type element = cast<RankedTensorType>(x.getType()).getElementType();
  Value rows = ReshapeOp::create(ops, RankedTensorType::get({c.sequence, c.dModel}, element), x);
  Value index = ReshapeOp::create(ops, RankedTensorType::get({1}, i32), program.findArgument("index"));
  Value row = forward.finalNorm(GatherOp::create(ops, rows, index));
  Value weight = forward.vocabularyWeight();
  Value logits = LinearOp::create(ops, row, weight, /*bias=*/Value());
  ReturnOp::create(ops, ReshapeOp::create(ops, RankedTensorType::get({c.vocab}, f32), logits).getResult());
}

OwningOpRef<ModuleOp> GraphBuilder::build() {
  declareParameters();
  buildForwardBackward();
  buildEval();
  if (!c.isEncoder())
    buildLogits();
  if (c.reductionSlots > 1)
    (*module)->setAttr("nf.reduction_slots", b.getI64IntegerAttr(c.reductionSlots));
  return std::move(module);
}

OwningOpRef<ModuleOp> nf::buildModule(MLIRContext &context, const ModelConfig &config) {
  context.loadDialect<NFDialect>();
  OwningOpRef<ModuleOp> module = GraphBuilder(context, config).build();
  if (!module)
    return module;
  keepDefinition(*module, config.file, config.source, config.sets);
  return module;
}

/// What the importer said of the graph (nf.model).
static std::optional<GraphFacts> graphFactsOf(ModuleOp module) {
  auto model = module->getAttrOfType<DictionaryAttr>("nf.model");
  if (!model)
    return std::nullopt;
  auto number = [&](StringRef name) {
    auto attribute = model.getAs<IntegerAttr>(name);
    return attribute ? attribute.getInt() : 0;
  };
  auto kind = model.getAs<StringAttr>("kind");
  auto flops = model.getAs<FloatAttr>("flops_per_token");
  return GraphFacts{kind ? kind.str() : "decoder",
                    number("vocab"),
                    number("d_model"),
                    number("sequence"),
                    number("micro_batch"),
                    flops ? flops.getValueAsDouble() : 0};
}

std::optional<ConfigResult> nf::definitionOf(ModuleOp module) {
  auto definition = module->getAttrOfType<DictionaryAttr>("nf.definition");
  auto file = definition ? definition.getAs<StringAttr>("file") : StringAttr();
  auto text = definition ? definition.getAs<StringAttr>("text") : StringAttr();
  auto sets = definition ? definition.getAs<ArrayAttr>("sets") : ArrayAttr();
  if (!file || !text || !sets)
    return std::nullopt;
  std::vector<std::string> settings;
  for (auto set : sets.getAsRange<StringAttr>())
    settings.push_back(set.str());
  if (auto facts = graphFactsOf(module)) {
    ConfigResult result = parseTrainConfig(text.getValue(), file.str(), settings, facts);
    auto name = module->getAttrOfType<StringAttr>("nf.name");
    if (result.config && name)
      result.config->name = name.str();
    return result;
  }
  return parseModelConfig(text.getValue(), file.str(), settings);
}

void nf::keepDefinition(ModuleOp module, StringRef file, StringRef text, ArrayRef<std::string> sets) {
  Builder b(module.getContext());
  SmallVector<StringRef> settings(sets.begin(), sets.end());
  module->setAttr("nf.definition", b.getDictionaryAttr({b.getNamedAttr("file", b.getStringAttr(file)),
                                                        b.getNamedAttr("sets", b.getStrArrayAttr(settings)),
                                                        b.getNamedAttr("text", b.getStringAttr(text))}));
}
