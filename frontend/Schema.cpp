#include "frontend/Schema.h"
#include "frontend/ByteSize.h"

#include <cmath>
#include <limits>

using namespace nf;

static constexpr double infinity = std::numeric_limits<double>::infinity();
static constexpr Range aboveZero{0, infinity, true, false}, notNegative{0, infinity, false, false};
static constexpr Range rate{0, 1, false, true}, fraction{0, 1, false, false};
/// Integers that JSON and double keep exactly.
static constexpr Range exactInteger{0, 9007199254740991.0, false, false};

static const Derived sqrtWidth{"sqrt(d_model)", [](const ModelConfig &c) -> KeyValue { return std::sqrt(c.dModel); }};

static const TextForm memorySize{"a size such as 8 GiB or 500 MB, or none",
                                 [](std::string_view text) { return text == "none" || parseByteSize(text); }};

static KeyValue text(const char *value) { return std::string(value); }
static KeyValue integer(int64_t value) { return value; }

static std::vector<Key> makeKeys() {
  using C = ModelConfig;
  constexpr When compile = When::Compile, run = When::Run;
  constexpr Required required;
  return {
      {"name", &C::name, compile, Derived{"the file's name", [](const C &c) -> KeyValue { return c.name; }},
       "what reports and checkpoints call the model"},

      {"model.kind",
       &C::kind,
       compile,
       text("decoder"),
       "decoder: each token attends to itself and earlier ones; encoder: to all",
       {},
       {"decoder", "encoder"}},
      {"model.layers", &C::layers, compile, required, "transformer blocks", Range{1, 1024}},
      {"model.d_model", &C::dModel, compile, required, "width of the residual stream", Range{1, 65536}},
      {"model.heads", &C::heads, compile, required, "attention heads; they divide `d_model`", Range{1, 1024}},
      {"model.d_ffn", &C::dFfn, compile, Derived{"4 * d_model", [](const C &c) -> KeyValue { return 4 * c.dModel; }},
       "width inside the feed-forward network", Range{1, 262144}},
      {"model.vocab", &C::vocab, compile, required, "tokens in the vocabulary (ids are stored in 16 bits)",
       Range{2, 65536}},
      {"model.context", &C::context, compile, required, "positions: the longest text that the model can see",
       Range{1, 1048576}},
      {"model.activation",
       &C::activation,
       compile,
       text("gelu"),
       "between the two linears of the feed-forward network; gelu is the exact one (erf), relu2 is relu squared",
       {},
       {"gelu", "gelu_tanh", "relu", "relu2", "silu"}},
      {"model.positions",
       &C::positions,
       compile,
       text("learned"),
       "position embeddings",
       {},
       {"learned", "sinusoidal"}},
      {"model.tie_embeddings", &C::tieEmbeddings, compile, true,
       "the output projection is the token embedding; false gives it its own `lm_head.weight`"},
      {"model.embedding_scale",
       &C::embeddingScale,
       compile,
       1.0,
       "factor of the token embeddings before positions are added",
       Range{0, 1e6, true, false},
       {},
       sqrtWidth},
      {"model.bias", &C::bias, compile, true, "biases of the linears (LayerNorms always have theirs)"},
      {"model.dropout", &C::dropout, compile, 0.0,
       "rate after the embeddings and on the output of attention and of the feed-forward network", rate},
      {"model.attention_dropout", &C::attentionDropout, compile, 0.0, "rate on the attention probabilities", rate},
      {"model.init", &C::init, compile, text("gpt2"), "initial values of the parameters", {}, {"gpt2", "fairseq"}},

      {"norm.preset",
       &C::preset,
       compile,
       text("none"),
       "normformer: the paper's three operations, and the init and embedding scale that they need",
       {},
       {"none", "normformer"}},
      {"norm.placement",
       &C::placement,
       compile,
       text("pre"),
       "pre: LayerNorm before attention and feed-forward; post: after their residual additions",
       {},
       {"pre", "post"}},
      {"norm.attention_layernorm", &C::attentionLayernorm, compile, false,
       "NormFormer: LayerNorm on the output of attention"},
      {"norm.ffn_layernorm", &C::ffnLayernorm, compile, false,
       "NormFormer: LayerNorm between the activation and the second linear"},
      {"norm.head_scale",
       &C::headScale,
       compile,
       text("none"),
       "NormFormer: a learned factor a head, before (the paper) or after (fairseq) the output projection",
       {},
       {"none", "pre_proj", "post_proj"}},
      {"norm.residual_scale", &C::residualScale, compile, false,
       "NormFormer's ResScale: a learned factor a feature on the residual of the feed-forward network"},
      {"norm.eps", &C::normEps, compile, 1e-5, "added to the variance in every LayerNorm", Range{0, 1, true, false}},

      {"train.micro_batch", &C::microBatch, compile, integer(4), "sequences in one forward and backward pass",
       Range{1, 65536}},
      {"train.sequence", &C::sequence, compile, Derived{"context", [](const C &c) -> KeyValue { return c.context; }},
       "tokens a training sequence", Range{1, 1048576}},
      {"train.precision",
       &C::precision,
       compile,
       text("fp32"),
       "bf16: activations and their gradients are bf16 in memory, and in products where the processor multiplies bf16; "
       "other arithmetic, parameters, moments, gradient sums and the loss stay fp32",
       {},
       {"fp32", "bf16"}},
      {"train.reduction_slots", &C::reductionSlots, compile, integer(1),
       "gradient sums kept apart, a power of two: results keep their bits over any number of ranks that divides it",
       Range{1, 1024}},
      {"train.memory",
       &C::memory,
       compile,
       text("none"),
       "most memory of the compiled program, states and the largest arena (`4 GiB`, `500 MB`): backward computes again "
       "what else does not fit; none: what is fastest",
       {},
       {},
       {},
       memorySize},
      {"train.optimizer", &C::optimizer, compile, text("adamw"), "the update rule", {}, {"adamw"}},

      {"train.global_batch", &C::globalBatch, run,
       Derived{"micro_batch * reduction_slots", [](const C &c) -> KeyValue { return c.microBatch * c.reductionSlots; }},
       "sequences an optimizer step; the number of micro-batches follows", Range{1, 16777216}},
      {"train.steps", &C::steps, run, integer(1000), "optimizer steps of the whole run", Range{1, 1e12}},
      {"train.tokens", &C::tokens, run, integer(0), "tokens of the whole run, in place of steps; 0: use steps",
       exactInteger},
      {"train.lr", &C::lr, run, 3e-4, "peak learning rate", notNegative},
      {"train.beta1", &C::beta1, run, 0.9, "AdamW's decay of the first moment", rate},
      {"train.beta2", &C::beta2, run, 0.95, "AdamW's decay of the second moment", rate},
      {"train.eps", &C::eps, run, 1e-8, "AdamW's eps", aboveZero},
      {"train.weight_decay", &C::weightDecay, run, 0.1, "decoupled weight decay, multiplied by the learning rate",
       notNegative},
      {"train.decay",
       &C::decay,
       run,
       text("matrices"),
       "which parameters decay: those of rank 2 and more, or all",
       {},
       {"matrices", "all"}},
      {"train.clip", &C::clip, run, 1.0, "largest norm of the whole gradient; 0: off", notNegative},
      {"train.schedule",
       &C::schedule,
       run,
       text("cosine"),
       "learning rate after warmup; ramp: `ramp` times the step number until the run stops",
       {},
       {"constant", "linear", "cosine", "wsd", "inverse_sqrt", "ramp"}},
      {"train.warmup", &C::warmup, run, 0.05, "steps of linear warmup; below 1: that fraction of all steps",
       notNegative},
      {"train.min_lr_ratio", &C::minLrRatio, run, 0.1, "last learning rate over the peak (linear, cosine, wsd)",
       fraction},
      {"train.wsd_decay", &C::wsdDecay, run, 0.2, "fraction of the steps in which wsd decays", fraction},
      {"train.ramp", &C::ramp, run, 5e-5, "learning rate gained a step by the ramp schedule", aboveZero},
      {"train.seed", &C::seed, run, integer(1), "of initial values, data order, dropout and masking", exactInteger},

      {"objective.kind",
       &C::objective,
       compile,
       Derived{"causal for a decoder, masked for an encoder",
               [](const C &c) { return text(c.isEncoder() ? "masked" : "causal"); }},
       "causal: predict the next token; masked: predict tokens that were hidden, as RoBERTa",
       {},
       {"causal", "masked"}},
      {"objective.document_mask", &C::documentMask, compile, false,
       "attention sees only tokens of its own document; off: all of the sequence"},
      {"objective.mask_rate", &C::maskRate, run, 0.15, "masked: share of the tokens to predict, drawn anew each epoch",
       Range{0, 1, true, false}},
      {"objective.mask_token", &C::maskToken, run, 0.8, "masked: share of those that become `mask_id`", fraction},
      {"objective.random_token", &C::randomToken, run, 0.1,
       "masked: share of those that become a random token; the rest stay", fraction},
      {"objective.mask_id", &C::maskId, run, Derived{"vocab - 1", [](const C &c) -> KeyValue { return c.vocab - 1; }},
       "masked: the id of the mask token", Range{0, 65535}},
  };
}

bool Range::contains(double value) const {
  // Written so that NaN is outside.
  return (lowIsOpen ? value > low : value >= low) && (highIsOpen ? value < high : value <= high) && value != infinity;
}

std::string_view Key::table() const {
  size_t dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
}

std::string_view Key::leaf() const { return name.substr(name.find('.') + 1); }

std::span<const Key> nf::schemaKeys() {
  static const std::vector<Key> keys = makeKeys();
  return keys;
}

const Key *nf::findKey(std::string_view name) {
  for (const Key &key : schemaKeys())
    if (key.name == name)
      return &key;
  return nullptr;
}

std::vector<std::string_view> nf::schemaTables() {
  std::vector<std::string_view> tables;
  for (const Key &key : schemaKeys())
    if (!key.table().empty() && (tables.empty() || tables.back() != key.table()))
      tables.push_back(key.table());
  return tables;
}

std::vector<std::pair<std::string_view, KeyValue>> nf::presetValues(std::string_view preset) {
  if (preset != "normformer")
    return {};
  return {{"model.embedding_scale", text("sqrt(d_model)")},
          {"model.init", text("fairseq")},
          {"norm.attention_layernorm", true},
          {"norm.ffn_layernorm", true},
          {"norm.head_scale", text("pre_proj")}};
}
