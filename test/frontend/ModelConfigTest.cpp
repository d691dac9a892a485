// Where values come from: defaults, presets, the definition, --set.
#include "Support.h"
#include "frontend/Schema.h"

#include <cmath>

using namespace nf;

static Origin originOf(const ModelConfig &config, const char *key) { return config.settings.find(key)->second.origin; }

TEST(ModelConfig, Defaults) {
  ModelConfig c = configOf(tiny);
  EXPECT_EQ(c.name, "m");
  EXPECT_EQ(c.kind, "decoder");
  EXPECT_EQ(c.dFfn, 32);
  EXPECT_EQ(c.sequence, 16);
  EXPECT_EQ(c.globalBatch, c.microBatch);
  EXPECT_EQ(c.objective, "causal");
  EXPECT_EQ(c.maskId, 31);
  EXPECT_EQ(c.embeddingScale, 1);
  EXPECT_EQ(c.init, "gpt2");
  EXPECT_TRUE(c.tieEmbeddings);
  EXPECT_FALSE(c.attentionLayernorm || c.ffnLayernorm || c.hasHeadScale() || c.residualScale);
  EXPECT_EQ(configOf(tiny + "kind = \"encoder\"\n").objective, "masked");
}

TEST(ModelConfig, EveryKeyHasASetting) {
  ModelConfig c = configOf(tiny);
  EXPECT_EQ(c.settings.size(), schemaKeys().size());
}

TEST(ModelConfig, OriginsAndLocations) {
  ModelConfig c = configOf(tiny + "[norm]\npreset = \"normformer\"\n", {"train.lr=1e-3"});
  EXPECT_EQ(originOf(c, "model.layers"), Origin::Definition);
  EXPECT_EQ(c.locationOf("model.layers").str(), "m.toml:2:10");
  EXPECT_EQ(originOf(c, "norm.head_scale"), Origin::Preset);
  EXPECT_EQ(c.locationOf("norm.head_scale").str(), "m.toml:8:10");
  EXPECT_EQ(originOf(c, "train.lr"), Origin::Set);
  EXPECT_EQ(c.locationOf("train.lr").str(), "--set train.lr=1e-3");
  EXPECT_EQ(originOf(c, "model.bias"), Origin::Default);
  EXPECT_EQ(c.locationOf("model.bias").str(), "m.toml:1:2") << "the table that would hold it";
  EXPECT_EQ(c.locationOf("train.steps").str(), "m.toml:1:1") << "no [train] to point at";
}

TEST(ModelConfig, PresetSetsThePaperAndItsInit) {
  ModelConfig c = configOf(tiny, {"norm.preset=normformer"});
  EXPECT_TRUE(c.attentionLayernorm);
  EXPECT_TRUE(c.ffnLayernorm);
  EXPECT_EQ(c.headScale, "pre_proj");
  EXPECT_FALSE(c.residualScale);
  EXPECT_EQ(c.init, "fairseq");
  EXPECT_DOUBLE_EQ(c.embeddingScale, std::sqrt(8.0));
}

TEST(ModelConfig, PresetIsOverridable) {
  std::string text = tiny + "embedding_scale = 2\n[norm]\npreset = \"normformer\"\nffn_layernorm = false\n";
  ModelConfig c = configOf(text, {"norm.head_scale=post_proj"});
  EXPECT_TRUE(c.attentionLayernorm);
  EXPECT_FALSE(c.ffnLayernorm);
  EXPECT_EQ(c.headScale, "post_proj");
  EXPECT_EQ(c.embeddingScale, 2);
  EXPECT_FALSE(configOf(text, {"norm.preset=none", "model.init=fairseq"}).attentionLayernorm);
}

TEST(ModelConfig, PresetScaleFollowsAnOverriddenWidth) {
  EXPECT_DOUBLE_EQ(configOf(tiny, {"norm.preset=normformer", "model.d_model=64"}).embeddingScale, 8);
}

TEST(ModelConfig, OverridesAreTomlOrBareText) {
  ModelConfig c = configOf(tiny, {"train.lr=1e-3", "model.kind=\"encoder\"", "model.bias=false", "train.steps=5",
                                  "model.activation=silu", "train.clip=1", "name=other", "train.steps=6"});
  EXPECT_EQ(c.lr, 1e-3);
  EXPECT_EQ(c.kind, "encoder");
  EXPECT_FALSE(c.bias);
  EXPECT_EQ(c.activation, "silu");
  EXPECT_EQ(c.clip, 1.0);
  EXPECT_EQ(c.name, "other");
  EXPECT_EQ(c.steps, 6) << "the last one wins";
}

TEST(ModelConfig, TheLaterOfStepsAndTokensCounts) {
  EXPECT_EQ(configOf(tiny + "[train]\ntokens = 5000\n").tokens, 5000);
  ModelConfig c = configOf(tiny + "[train]\ntokens = 5000\n", {"train.steps=7"});
  EXPECT_EQ(c.steps, 7);
  EXPECT_EQ(c.tokens, 0);
  EXPECT_EQ(configOf(tiny + "[train]\nsteps = 7\n", {"train.tokens=5000"}).tokens, 5000);
}

TEST(ModelConfig, DefinitionKeepsTheTextOrShowsTheOverrides) {
  std::string text = "# a comment\n" + tiny;
  EXPECT_EQ(configOf(text).definition, text);
  std::string changed = configOf(text, {"norm.preset=normformer", "model.layers=3", "name=x"}).definition;
  ModelConfig again = configOf(changed);
  EXPECT_EQ(again.layers, 3);
  EXPECT_EQ(again.preset, "normformer");
  EXPECT_EQ(again.name, "x");
  EXPECT_EQ(again.dModel, 8);
}

TEST(ModelConfig, NameOfTheFile) {
  EXPECT_EQ(parseModelConfig(tiny, "models/gpt2-124m.toml", {}).config->name, "gpt2-124m");
  EXPECT_EQ(parseModelConfig(tiny, "a b.toml", {}).config->name, "a-b");
  EXPECT_EQ(parseModelConfig(tiny, "<stdin>", {}).config->name, "model");
  EXPECT_EQ(parseModelConfig("name = \"n\"\n" + tiny, "x.toml", {}).config->name, "n");
}

TEST(ModelConfig, PrintConfigShowsValueOriginAndWhen) {
  std::string text = printConfig(configOf(tiny, {"train.lr=1e-3"}));
  EXPECT_NE(text.find("model.layers              2         definition  compile\n"), std::string::npos) << text;
  EXPECT_NE(text.find("train.lr                  0.001     --set       run\n"), std::string::npos) << text;
  EXPECT_NE(text.find("train.eps                 1e-8      default     run\n"), std::string::npos) << text;
}
