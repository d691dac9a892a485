// Definition -> IR: structure, operations in their places, locations.
#include "frontend/GraphBuilder.h"
#include "Support.h"
#include "dialect/NF.h"
#include "frontend/ModelGraph.h"
#include "mlir/IR/Verifier.h"

#include <filesystem>
#include <sstream>

using namespace mlir;
using namespace nf;

namespace {

/// A module and what tests ask of it.
class Graph {
public:
  explicit Graph(const std::vector<std::string> &sets, const std::string &text = tiny)
      : module(buildModule(context, configOf(text, sets))) {
    EXPECT_TRUE(succeeded(verify(*module)));
  }

  ProgramOp program(const char *name) { return module->lookupSymbol<ProgramOp>(name); }

  /// "layers.0.attn.q linear" for every op of a program but nf.get, one a line, with `prefix` cut off.
  std::string outline(const char *name, StringRef prefix) {
    std::string text;
    program(name).walk([&](Operation *op) {
      auto location = dyn_cast<NameLoc>(op->getLoc());
      if (!location || isa<GetOp>(op) || !location.getName().getValue().starts_with(prefix))
        return;
      StringRef path = location.getName().getValue().drop_front(prefix.size());
      text += (path + " " + op->getName().stripDialect() + "\n").str();
    });
    return text;
  }

  template <typename Op> std::vector<Op> all(const char *name) {
    std::vector<Op> ops;
    program(name).walk([&](Op op) { ops.push_back(op); });
    return ops;
  }

  std::vector<std::string> arguments(const char *name) {
    std::vector<std::string> names;
    ProgramOp found = program(name);
    for (unsigned i = 0; i < found.getNumArguments(); ++i)
      names.push_back(found.getArgumentName(i).str());
    return names;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

using Names = std::vector<std::string>;

} // namespace

TEST(GraphBuilder, PreNormBlock) {
  Graph graph({});
  EXPECT_EQ(graph.outline("forward_backward", "layers.1."),
            "attn.ln layer_norm\nattn.q linear\nattn.k linear\nattn.v linear\nattn attention\nattn.out linear\n"
            "attn.residual add\nffn.ln layer_norm\nffn.fc1 linear\nffn.activation gelu\nffn.fc2 linear\n"
            "ffn.residual add\n");
  EXPECT_EQ(graph.outline("forward_backward", "embed."), "tokens embedding\npositions embedding\npositions add\n");
}

TEST(GraphBuilder, NormFormerBlock) {
  Graph graph({"norm.preset=normformer", "norm.residual_scale=true", "model.dropout=0.1"});
  EXPECT_EQ(graph.outline("forward_backward", "layers.1."),
            "attn.ln layer_norm\nattn.q linear\nattn.k linear\nattn.v linear\nattn attention\n"
            "attn.head_scale head_scale\nattn.out linear\nattn.post_ln layer_norm\nattn.dropout dropout\n"
            "attn.residual add\nffn.ln layer_norm\nffn.fc1 linear\nffn.activation gelu\nffn.act_ln layer_norm\n"
            "ffn.fc2 linear\nffn.dropout dropout\nffn.residual_scale residual_scale\nffn.residual add\n");
  EXPECT_EQ(graph.outline("forward_backward", "embed."),
            "tokens embedding\nscale constant\nscale mul\npositions embedding\npositions add\ndropout dropout\n");
}

TEST(GraphBuilder, HeadScaleAfterTheProjection) {
  Graph graph({"norm.head_scale=post_proj", "model.init=fairseq"});
  EXPECT_NE(graph.outline("eval", "layers.0.attn").find(" attention\n.out linear\n.head_scale head_scale\n"),
            std::string::npos);
}

TEST(GraphBuilder, PostNormBlock) {
  Graph graph({"norm.placement=post"});
  EXPECT_EQ(graph.outline("forward_backward", "layers.1."),
            "attn.q linear\nattn.k linear\nattn.v linear\nattn attention\nattn.out linear\nattn.residual add\n"
            "attn.ln layer_norm\nffn.fc1 linear\nffn.activation gelu\nffn.fc2 linear\nffn.residual add\n"
            "ffn.ln layer_norm\n");
  EXPECT_EQ(graph.outline("forward_backward", "final_ln"), "");
  EXPECT_EQ(graph.outline("forward_backward", "embed.ln"), " layer_norm\n");
}

TEST(GraphBuilder, EveryActivation) {
  for (const char *name : {"gelu", "gelu_tanh", "relu", "relu2", "silu"})
    EXPECT_EQ(Graph({std::string("model.activation=") + name}).outline("eval", "layers.0.ffn.activation"),
              std::string(" ") + name + "\n");
}

TEST(GraphBuilder, ArgumentsAreThoseThatTheProgramNeeds) {
  Graph plain({});
  EXPECT_EQ(plain.arguments("forward_backward"), (Names{"tokens", "positions", "targets", "loss_weight", "inv_count"}));
  EXPECT_EQ(plain.arguments("eval"), (Names{"tokens", "positions", "targets", "loss_weight"}));
  EXPECT_EQ(plain.arguments("logits"), (Names{"tokens", "positions", "index"}));
  Graph encoder({"model.kind=encoder", "model.attention_dropout=0.1"});
  EXPECT_EQ(encoder.arguments("forward_backward"),
            (Names{"tokens", "positions", "key_padding", "targets", "loss_weight", "inv_count", "seed", "step",
                   "sample_offset"}));
  EXPECT_EQ(encoder.arguments("eval"), (Names{"tokens", "positions", "key_padding", "targets", "loss_weight"}));
  EXPECT_FALSE(encoder.program("logits"));
}

TEST(GraphBuilder, TheModuleSaysHowManySlotsThereAre) {
  Graph one({}), four({"train.reduction_slots=4"});
  EXPECT_FALSE((*one.module)->hasAttr("nf.reduction_slots"));
  EXPECT_EQ((*four.module)->getAttrOfType<IntegerAttr>("nf.reduction_slots").getInt(), 4);
}

TEST(GraphBuilder, DocumentsAreKeptApartWhereBatchesHoldSeveral) {
  for (const char *kind : {"decoder", "encoder"}) {
    Graph graph({std::string("model.kind=") + kind, "objective.document_mask=true"});
    for (const char *name : {"forward_backward", "eval"})
      for (AttentionOp attention : graph.all<AttentionOp>(name)) {
        EXPECT_TRUE(attention.getSegments());
        EXPECT_EQ(attention.getSegments(), graph.program(name).findArgument("segments"));
      }
  }
  Graph decoder({"objective.document_mask=true"});
  EXPECT_EQ(decoder.arguments("logits"), (Names{"tokens", "positions", "index"}));
  EXPECT_FALSE(Graph({}).all<AttentionOp>("eval")[0].getSegments());
}

TEST(GraphBuilder, ShapesFollowMicroBatchAndSequence) {
  Graph graph({"train.micro_batch=3", "train.sequence=5"});
  auto shape = [&](const char *name) {
    return cast<RankedTensorType>(graph.program(name).getArgument(0).getType()).getShape().vec();
  };
  EXPECT_EQ(shape("forward_backward"), (std::vector<int64_t>{3, 5}));
  EXPECT_EQ(shape("logits"), (std::vector<int64_t>{1, 5}));
}

TEST(GraphBuilder, AttentionIsCausalOnlyInDecoders) {
  Graph decoder({});
  auto attention = decoder.all<AttentionOp>("eval");
  ASSERT_EQ(attention.size(), 2u);
  EXPECT_TRUE(attention[0].getCausal());
  EXPECT_EQ(attention[0].getScale().convertToDouble(), 0.5);
  EXPECT_FALSE(attention[0].getKeyPadding());
  Graph encoder({"model.kind=encoder"});
  EXPECT_FALSE(encoder.all<AttentionOp>("eval")[0].getCausal());
  EXPECT_TRUE(encoder.all<AttentionOp>("eval")[0].getKeyPadding());
}

TEST(GraphBuilder, DropoutSitesAreDistinctAndOnlyInTraining) {
  Graph graph({"model.dropout=0.1", "model.attention_dropout=0.2"});
  std::vector<int64_t> sites;
  graph.program("forward_backward").walk([&](Operation *op) {
    if (auto attention = dyn_cast<AttentionOp>(op))
      sites.push_back(attention.getSite());
    if (auto dropout = dyn_cast<DropoutOp>(op))
      sites.push_back(dropout.getSite());
  });
  EXPECT_EQ(sites, (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(graph.all<DropoutOp>("eval").empty());
  EXPECT_EQ(graph.all<AttentionOp>("eval")[0].getDropout().convertToDouble(), 0);
}

TEST(GraphBuilder, TiedEmbeddingIsReadOnce) {
  auto reads = [](Graph &graph, StringRef name) {
    int64_t count = 0;
    for (GetOp get : graph.all<GetOp>("forward_backward"))
      count += get.getSymbol() == name;
    return count;
  };
  Graph tied({}), untied({"model.tie_embeddings=false"});
  EXPECT_EQ(reads(tied, "embed.tokens.weight"), 1);
  EXPECT_EQ(reads(untied, "embed.tokens.weight"), 1);
  EXPECT_EQ(reads(untied, "lm_head.weight"), 1);
}

TEST(GraphBuilder, ParametersAreTheListOfTheDefinition) {
  std::vector<std::string> sets{"norm.preset=normformer", "model.positions=sinusoidal"};
  Graph graph(sets);
  std::vector<ParameterSpec> specs = parameterList(configOf(tiny, sets));
  size_t i = 0;
  for (auto parameter : graph.module->getOps<ParameterOp>()) {
    ASSERT_LT(i, specs.size());
    EXPECT_EQ(parameter.getSymName(), specs[i].name);
    EXPECT_EQ(parameter.getInit(), specs[i].init);
    EXPECT_EQ(parameter.getTrainable(), specs[i].trainable);
    EXPECT_EQ(cast<RankedTensorType>(parameter.getType()).getShape().vec(), specs[i].shape);
    ++i;
  }
  EXPECT_EQ(i, specs.size());
}

TEST(GraphBuilder, LocationsNameThePathAndThePlaceInTheDefinition) {
  Graph graph({"norm.ffn_layernorm=true", "model.init=fairseq"});
  auto textOf = [](Operation *op) {
    std::string text;
    llvm::raw_string_ostream(text) << op->getLoc();
    return text;
  };
  EXPECT_EQ(textOf(graph.all<AttentionOp>("eval")[1]), "loc(\"layers.1.attn\"(\"m.toml\":4:9))");
  EXPECT_EQ(textOf(graph.all<LayerNormOp>("eval")[2]),
            "loc(\"layers.0.ffn.act_ln\"(\"--set norm.ffn_layernorm=true\":0:0))");
  graph.module->walk([&](Operation *op) { EXPECT_FALSE(isa<UnknownLoc>(op->getLoc())) << textOf(op); });
}

TEST(GraphBuilder, Bf16IsWhatProductsReadAndRowsAreFp32) {
  Graph graph({"train.precision=bf16", "norm.preset=normformer", "norm.residual_scale=true", "model.dropout=0.1"});
  auto element = [](Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); };
  const char *program = "forward_backward";
  for (LinearOp linear : graph.all<LinearOp>(program)) {
    EXPECT_TRUE(element(linear.getX()).isBF16());
    EXPECT_TRUE(element(linear.getResult()).isBF16());
    EXPECT_TRUE(element(linear.getWeight()).isF32());
  }
  for (AttentionOp attention : graph.all<AttentionOp>(program)) {
    EXPECT_TRUE(element(attention.getQ()).isBF16());
    EXPECT_TRUE(element(attention->getResult(0)).isBF16());
    EXPECT_TRUE(element(attention->getResult(1)).isF32()) << "log-sum-exp";
  }
  for (LayerNormOp norm : graph.all<LayerNormOp>(program)) {
    EXPECT_TRUE(element(norm.getX()).isF32());
    EXPECT_TRUE(isa<CastOp>(norm.getX().getDefiningOp())) << "backward keeps its operand";
  }
  for (DropoutOp dropout : graph.all<DropoutOp>(program))
    EXPECT_TRUE(element(dropout.getX()).isF32());
  EXPECT_TRUE(element(graph.all<LinearCrossEntropyOp>(program)[0].getX()).isF32());
}

TEST(GraphBuilder, Fp32HasNoCasts) {
  Graph graph({"norm.preset=normformer", "model.dropout=0.1"});
  EXPECT_TRUE(graph.all<CastOp>("forward_backward").empty());
}

TEST(GraphBuilder, EveryModelAndItsSmallTwin) {
  std::vector<std::string> twin;
  std::istringstream lines(readText("test/small-twin.txt"));
  for (std::string line; std::getline(lines, line);)
    twin.push_back(line);
  for (const auto &entry : std::filesystem::directory_iterator(std::string(NF_SOURCE_DIR) + "/models")) {
    if (entry.path().stem() == "train-defaults") // a recipe, without a model
      continue;
    for (const auto &sets : {std::vector<std::string>(), twin}) {
      MLIRContext context;
      ConfigResult result = loadModelConfig(entry.path().string(), sets);
      ASSERT_TRUE(result.config) << entry.path();
      EXPECT_TRUE(succeeded(verify(*buildModule(context, *result.config)))) << entry.path();
    }
  }
}
