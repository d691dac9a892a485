// Parameters: names, order, shapes, initial values, counts.
#include "frontend/ModelGraph.h"
#include "Support.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

using namespace nf;

static std::vector<std::string> namesOf(const ModelConfig &config) {
  std::vector<std::string> names;
  for (const ParameterSpec &parameter : parameterList(config))
    names.push_back(parameter.name);
  return names;
}

static ParameterSpec find(const ModelConfig &config, const std::string &name) {
  for (const ParameterSpec &parameter : parameterList(config))
    if (parameter.name == name)
      return parameter;
  ADD_FAILURE() << name;
  return {};
}

TEST(ModelGraph, NamesInCanonicalOrder) {
  ModelConfig c = configOf(tiny + "tie_embeddings = false\n",
                           {"model.layers=1", "norm.preset=normformer", "norm.residual_scale=true"});
  EXPECT_EQ(namesOf(c), (std::vector<std::string>{"embed.tokens.weight",
                                                  "embed.positions.weight",
                                                  "layers.0.attn.ln.weight",
                                                  "layers.0.attn.ln.bias",
                                                  "layers.0.attn.q.weight",
                                                  "layers.0.attn.q.bias",
                                                  "layers.0.attn.k.weight",
                                                  "layers.0.attn.k.bias",
                                                  "layers.0.attn.v.weight",
                                                  "layers.0.attn.v.bias",
                                                  "layers.0.attn.out.weight",
                                                  "layers.0.attn.out.bias",
                                                  "layers.0.attn.head_scale",
                                                  "layers.0.attn.post_ln.weight",
                                                  "layers.0.attn.post_ln.bias",
                                                  "layers.0.ffn.ln.weight",
                                                  "layers.0.ffn.ln.bias",
                                                  "layers.0.ffn.fc1.weight",
                                                  "layers.0.ffn.fc1.bias",
                                                  "layers.0.ffn.fc2.weight",
                                                  "layers.0.ffn.fc2.bias",
                                                  "layers.0.ffn.act_ln.weight",
                                                  "layers.0.ffn.act_ln.bias",
                                                  "layers.0.ffn.residual_scale",
                                                  "final_ln.weight",
                                                  "final_ln.bias",
                                                  "lm_head.weight"}));
}

TEST(ModelGraph, PostNormAndEncodersNormaliseTheEmbeddings) {
  std::vector<std::string> post = namesOf(configOf(tiny, {"model.layers=1", "norm.placement=post"}));
  EXPECT_EQ(post[2], "embed.ln.weight");
  EXPECT_EQ(post.back(), "layers.0.ffn.fc2.bias") << "the last LayerNorm is the block's";
  std::vector<std::string> encoder = namesOf(configOf(tiny, {"model.layers=1", "model.kind=encoder"}));
  EXPECT_EQ(encoder[2], "embed.ln.weight");
  EXPECT_EQ(encoder.back(), "final_ln.bias");
}

TEST(ModelGraph, BiasFalseKeepsTheLayerNorms) {
  std::vector<std::string> names = namesOf(configOf(tiny, {"model.bias=false"}));
  EXPECT_EQ(std::count(names.begin(), names.end(), "layers.0.attn.q.bias"), 0);
  EXPECT_EQ(std::count(names.begin(), names.end(), "layers.0.attn.ln.bias"), 1);
}

TEST(ModelGraph, Shapes) {
  ModelConfig c = configOf(tiny, {"norm.preset=normformer", "norm.residual_scale=true"});
  using Shape = std::vector<int64_t>;
  EXPECT_EQ(find(c, "embed.tokens.weight").shape, (Shape{32, 8}));
  EXPECT_EQ(find(c, "embed.positions.weight").shape, (Shape{16, 8}));
  EXPECT_EQ(find(c, "layers.1.ffn.fc1.weight").shape, (Shape{32, 8}));
  EXPECT_EQ(find(c, "layers.1.ffn.fc2.weight").shape, (Shape{8, 32}));
  EXPECT_EQ(find(c, "layers.1.ffn.act_ln.weight").shape, (Shape{32}));
  EXPECT_EQ(find(c, "layers.1.attn.head_scale").shape, (Shape{2}));
  EXPECT_EQ(find(c, "layers.1.ffn.residual_scale").shape, (Shape{8}));
}

/// The number in the init rule of `parameter`, whose kind must be `kind`.
static double ruleOf(const ModelConfig &config, const std::string &name, const std::string &kind, const char *field) {
  nlohmann::json rule = nlohmann::json::parse(find(config, name).init);
  EXPECT_EQ(rule["kind"], kind) << name;
  return rule[field];
}

TEST(ModelGraph, Gpt2Init) {
  ModelConfig c = configOf(tiny);
  EXPECT_EQ(ruleOf(c, "embed.tokens.weight", "normal", "std"), 0.02);
  EXPECT_EQ(ruleOf(c, "embed.positions.weight", "normal", "std"), 0.02);
  EXPECT_EQ(ruleOf(c, "layers.0.attn.q.weight", "normal", "std"), 0.02);
  EXPECT_EQ(ruleOf(c, "layers.0.ffn.fc1.weight", "normal", "std"), 0.02);
  EXPECT_DOUBLE_EQ(ruleOf(c, "layers.0.attn.out.weight", "normal", "std"), 0.01);
  EXPECT_DOUBLE_EQ(ruleOf(c, "layers.0.ffn.fc2.weight", "normal", "std"), 0.01);
  EXPECT_EQ(find(c, "layers.0.attn.q.bias").init, R"({"kind":"zeros"})");
  EXPECT_EQ(find(c, "final_ln.weight").init, R"({"kind":"ones"})");
}

TEST(ModelGraph, FairseqInit) {
  ModelConfig c = configOf(tiny, {"norm.preset=normformer", "norm.residual_scale=true"});
  EXPECT_DOUBLE_EQ(ruleOf(c, "embed.tokens.weight", "normal", "std"), 1 / std::sqrt(8.0));
  EXPECT_DOUBLE_EQ(ruleOf(c, "embed.positions.weight", "normal", "std"), 1 / std::sqrt(8.0));
  EXPECT_DOUBLE_EQ(ruleOf(c, "layers.0.attn.k.weight", "uniform", "bound"), std::sqrt(6.0 / 16) / std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(ruleOf(c, "layers.0.attn.k.bias", "uniform", "bound"), 1 / std::sqrt(8.0));
  EXPECT_DOUBLE_EQ(ruleOf(c, "layers.0.attn.out.weight", "uniform", "bound"), std::sqrt(6.0 / 16));
  EXPECT_EQ(find(c, "layers.0.attn.out.bias").init, R"({"kind":"zeros"})");
  EXPECT_DOUBLE_EQ(ruleOf(c, "layers.0.ffn.fc1.weight", "uniform", "bound"), 1 / std::sqrt(8.0));
  EXPECT_DOUBLE_EQ(ruleOf(c, "layers.0.ffn.fc2.weight", "uniform", "bound"), 1 / std::sqrt(32.0));
  EXPECT_DOUBLE_EQ(ruleOf(c, "layers.0.ffn.fc2.bias", "uniform", "bound"), 1 / std::sqrt(32.0));
  EXPECT_EQ(find(c, "layers.0.attn.head_scale").init, R"({"kind":"ones"})");
  EXPECT_EQ(find(c, "layers.0.ffn.residual_scale").init, R"({"kind":"ones"})");
}

TEST(ModelGraph, SinusoidalPositionsAreNotTrained) {
  ModelConfig c = configOf(tiny, {"model.positions=sinusoidal"});
  EXPECT_FALSE(find(c, "embed.positions.weight").trainable);
  EXPECT_EQ(find(c, "embed.positions.weight").init, R"({"kind":"sinusoidal"})");
  EXPECT_EQ(parameterCount(c), parameterCount(configOf(tiny)) - 16 * 8);
}

TEST(ModelGraph, NormFormerAddsTenWidthsAndTheHeads) {
  int64_t plain = parameterCount(configOf(tiny));
  EXPECT_EQ(parameterCount(configOf(tiny, {"norm.preset=normformer"})), plain + 2 * (10 * 8 + 2));
  EXPECT_EQ(parameterCount(configOf(tiny, {"norm.preset=normformer", "norm.residual_scale=true"})),
            plain + 2 * (11 * 8 + 2));
}

TEST(ModelGraph, FlopsOfATokenCountMultiplicationsAndAttention) {
  // 2 layers of 4*8*8 + 2*8*32 weights, and 32*8 of the vocabulary; attention 12 * 2 * 8 * 16.
  EXPECT_EQ(flopsPerToken(configOf(tiny)), 6 * (2 * 768 + 256) + 3072 / 2);
  EXPECT_EQ(flopsPerToken(configOf(tiny, {"model.kind=encoder"})), 6 * (2 * 768 + 256) + 3072);
}

/// "layers.N.attn.q.weight [d, d]" for every row of the table in docs/parameters.md.
static std::set<std::string> documentedParameters() {
  std::set<std::string> rows;
  std::istringstream text(readText("docs/parameters.md"));
  for (std::string line; std::getline(text, line);)
    if (line.rfind("| `", 0) == 0 && line.find("` | [") != std::string::npos)
      rows.insert(line.substr(3, line.find('`', 3) - 3) + " " +
                  line.substr(line.find('['), line.find(']') + 1 - line.find('[')));
  return rows;
}

TEST(ModelGraph, DocumentationNamesEveryParameterWithItsShape) {
  std::set<std::string> found;
  for (std::vector<std::string> sets : std::vector<std::vector<std::string>>{
           {"norm.preset=normformer", "norm.residual_scale=true", "model.tie_embeddings=false"},
           {"norm.placement=post"}}) {
    sets.insert(sets.end(), {"model.layers=1", "model.vocab=48"});
    ModelConfig c = configOf(tiny, sets);
    const std::map<int64_t, char> letters = {
        {c.dModel, 'd'}, {c.dFfn, 'f'}, {c.heads, 'h'}, {c.vocab, 'V'}, {c.context, 'C'}};
    ASSERT_EQ(letters.size(), 5u) << "sizes that tell each other apart";
    for (const ParameterSpec &parameter : parameterList(c)) {
      std::string name = parameter.name, shape;
      if (size_t at = name.find(".0."); at != std::string::npos)
        name.replace(at, 3, ".N.");
      for (int64_t size : parameter.shape)
        shape += (shape.empty() ? "[" : ", ") + std::string(1, letters.at(size));
      found.insert(name + " " + shape + "]");
    }
  }
  EXPECT_EQ(documentedParameters(), found);
}
