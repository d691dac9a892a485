#include "frontend/ModelGraph.h"

#include <bit>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace nf;
using nlohmann::json;

static std::string ones() { return json{{"kind", "ones"}}.dump(); }
static std::string zeros() { return json{{"kind", "zeros"}}.dump(); }
static std::string normal(double std) { return json{{"kind", "normal"}, {"std", std}}.dump(); }
static std::string uniform(double bound) { return json{{"kind", "uniform"}, {"bound", bound}}.dump(); }

namespace {

/// The linears of a block, as far as their initial values differ.
enum class Linear { Qkv, AttentionOut, Fc1, Fc2 };

/// Initial values by the definition's init.
class InitRules {
public:
  explicit InitRules(const ModelConfig &config) : c(config), isFairseq(config.init == "fairseq") {}

  std::string embedding() const { return normal(isFairseq ? 1 / std::sqrt(c.dModel) : 0.02); }
  std::string weight(Linear linear) const;
  std::string bias(Linear linear) const;

private:
  /// Bound of PyTorch's nn.Linear for weight and bias.
  double torchBound(Linear linear) const { return 1 / std::sqrt(linear == Linear::Fc2 ? c.dFfn : c.dModel); }

  const ModelConfig &c;
  bool isFairseq;
};

/// Lists parameters in canonical order.
class Lister {
public:
  explicit Lister(const ModelConfig &config) : c(config), rules(config) {}

  std::vector<ParameterSpec> list();

private:
  void embeddings();
  void attention(const std::string &path);
  void feedForward(const std::string &path);
  void layerNorm(const std::string &path, int64_t width, std::string_view key);
  void linear(const std::string &path, int64_t out, int64_t in, Linear linear, std::string_view key);
  void add(std::string name, std::vector<int64_t> shape, std::string init, std::string_view key, bool trainable = true);

  const ModelConfig &c;
  InitRules rules;
  std::vector<ParameterSpec> parameters;
};

} // namespace

std::string InitRules::weight(Linear linear) const {
  if (!isFairseq) {
    bool isResidual = linear == Linear::AttentionOut || linear == Linear::Fc2;
    return normal(isResidual ? 0.02 / std::sqrt(2.0 * c.layers) : 0.02);
  }
  // Xavier: gain * sqrt(6 / (in + out)), with gain 1/sqrt(2) for q, k and v.
  if (linear == Linear::Qkv)
    return uniform(std::sqrt(1.5 / c.dModel));
  if (linear == Linear::AttentionOut)
    return uniform(std::sqrt(3.0 / c.dModel));
  return uniform(torchBound(linear));
}

std::string InitRules::bias(Linear linear) const {
  return isFairseq && linear != Linear::AttentionOut ? uniform(torchBound(linear)) : zeros();
}

void Lister::add(std::string name, std::vector<int64_t> shape, std::string init, std::string_view key, bool trainable) {
  parameters.push_back({std::move(name), std::move(shape), std::move(init), trainable, key});
}

void Lister::layerNorm(const std::string &path, int64_t width, std::string_view key) {
  add(path + ".weight", {width}, ones(), key);
  add(path + ".bias", {width}, zeros(), key);
}

void Lister::linear(const std::string &path, int64_t out, int64_t in, Linear linear, std::string_view key) {
  add(path + ".weight", {out, in}, rules.weight(linear), key);
  if (c.bias)
    add(path + ".bias", {out}, rules.bias(linear), key);
}

void Lister::embeddings() {
  add("embed.tokens.weight", {c.vocab, c.dModel}, rules.embedding(), "model.vocab");
  bool isLearned = c.positions == "learned";
  add("embed.positions.weight", {c.context, c.dModel},
      isLearned ? rules.embedding() : json{{"kind", "sinusoidal"}}.dump(), "model.positions", isLearned);
  if (c.isEncoder() || c.isPostNorm())
    layerNorm("embed.ln", c.dModel, "norm.placement");
}

void Lister::attention(const std::string &path) {
  layerNorm(path + ".ln", c.dModel, "norm.placement");
  for (const char *name : {".q", ".k", ".v"})
    linear(path + name, c.dModel, c.dModel, Linear::Qkv, "model.d_model");
  linear(path + ".out", c.dModel, c.dModel, Linear::AttentionOut, "model.d_model");
  if (c.hasHeadScale())
    add(path + ".head_scale", {c.heads}, ones(), "norm.head_scale");
  if (c.attentionLayernorm)
    layerNorm(path + ".post_ln", c.dModel, "norm.attention_layernorm");
}

void Lister::feedForward(const std::string &path) {
  layerNorm(path + ".ln", c.dModel, "norm.placement");
  linear(path + ".fc1", c.dFfn, c.dModel, Linear::Fc1, "model.d_ffn");
  linear(path + ".fc2", c.dModel, c.dFfn, Linear::Fc2, "model.d_ffn");
  if (c.ffnLayernorm)
    layerNorm(path + ".act_ln", c.dFfn, "norm.ffn_layernorm");
  if (c.residualScale)
    add(path + ".residual_scale", {c.dModel}, ones(), "norm.residual_scale");
}

std::vector<ParameterSpec> Lister::list() {
  embeddings();
  for (int64_t layer = 0; layer < c.layers; ++layer) {
    std::string path = fmt::format("layers.{}", layer);
    attention(path + ".attn");
    feedForward(path + ".ffn");
  }
  if (!c.isPostNorm())
    layerNorm("final_ln", c.dModel, "norm.placement");
  if (!c.tieEmbeddings)
    add("lm_head.weight", {c.vocab, c.dModel}, rules.embedding(), "model.tie_embeddings");
  return std::move(parameters);
}

std::vector<ParameterSpec> nf::parameterList(const ModelConfig &config) { return Lister(config).list(); }

int64_t nf::parameterCount(const ModelConfig &config) {
  int64_t count = 0;
  for (const ParameterSpec &parameter : parameterList(config)) {
    int64_t elements = parameter.trainable ? 1 : 0;
    for (int64_t size : parameter.shape)
      elements *= size;
    count += elements;
  }
  return count;
}

int64_t nf::gradientBuffers(const ModelConfig &config) {
  return std::bit_width(static_cast<uint64_t>(config.reductionSlots));
}

double nf::flopsPerToken(const ModelConfig &c) {
  double d = static_cast<double>(c.dModel);
  double layers = static_cast<double>(c.layers);
  double weights = layers * (4 * d * d + 2 * d * static_cast<double>(c.dFfn)) + static_cast<double>(c.vocab) * d;
  double attention = 12 * layers * d * static_cast<double>(c.sequence) * (c.isEncoder() ? 1 : 0.5);
  return 6 * weights + attention;
}
