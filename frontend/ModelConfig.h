// A model definition after parsing, checking and defaults: what the graph builder and the executable's metadata read.
// The keys, their types, ranges and defaults are the table in Schema.cpp; docs/model-definition.md explains them.
#ifndef NF_FRONTEND_MODELCONFIG_H
#define NF_FRONTEND_MODELCONFIG_H

#include "frontend/ConfigDiagnostic.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace nf {

/// The value of a key.
using KeyValue = std::variant<int64_t, double, bool, std::string>;

/// Who chose a value.
enum class Origin { Default, Preset, Definition, Set };

/// "default", "preset", "definition" or "--set".
std::string_view originName(Origin origin);

/// The value of a key, who chose it, and where: for a default, the table's header (or the file's first line).
struct Setting {
  KeyValue value;
  Origin origin = Origin::Default;
  SourceLocation location;
};

/// What an imported graph says in place of the tables [model] and [norm].
struct GraphFacts {
  std::string kind; ///< decoder (later tokens are hidden) | encoder
  int64_t vocab = 0, dModel = 0, sequence = 0, microBatch = 0;
  double flopsPerToken = 0; ///< of a training step
};

/// One member per key of the schema table. Sizes are in elements, sequences or tokens; rates are fractions.
struct ModelConfig {
  std::string name;
  std::string file;              ///< as given by the user; "<stdin>" when read from there
  std::string source;            ///< TOML text as it was read
  std::vector<std::string> sets; ///< overrides of it, "key=value"
  std::string definition;        ///< TOML text, with --set applied

  // [model]
  std::string kind; ///< decoder | encoder
  int64_t layers = 0, dModel = 0, heads = 0, dFfn = 0, vocab = 0, context = 0;
  std::string activation; ///< gelu | gelu_tanh | relu | relu2 | silu
  std::string positions;  ///< learned | sinusoidal
  bool tieEmbeddings = false, bias = false;
  double embeddingScale = 0, dropout = 0, attentionDropout = 0;
  std::string init; ///< gpt2 | fairseq

  // [norm]
  std::string preset;    ///< none | normformer
  std::string placement; ///< pre | post
  bool attentionLayernorm = false, ffnLayernorm = false, residualScale = false;
  std::string headScale; ///< none | pre_proj | post_proj
  double normEps = 0;

  // [train], compile time
  int64_t microBatch = 0, sequence = 0, reductionSlots = 0;
  std::string precision; ///< fp32 | bf16
  std::string memory;    ///< most that states and the largest arena may take: a size, or none
  std::string optimizer; ///< adamw

  // [train], defaults of run-time flags
  int64_t globalBatch = 0, steps = 0, tokens = 0, seed = 0;
  double lr = 0, beta1 = 0, beta2 = 0, eps = 0, weightDecay = 0, clip = 0;
  std::string decay;    ///< matrices | all
  std::string schedule; ///< constant | linear | cosine | wsd | inverse_sqrt | ramp
  double warmup = 0, minLrRatio = 0, wsdDecay = 0, ramp = 0;

  // [objective]
  std::string objective; ///< causal | masked
  bool documentMask = false;
  double maskRate = 0, maskToken = 0, randomToken = 0;
  int64_t maskId = 0;

  std::map<std::string, Setting, std::less<>> settings; ///< every key, by its name such as "model.d_model"
  std::optional<GraphFacts> graph; ///< of an imported model; [model] and [norm] then have no settings

  bool isEncoder() const { return kind == "encoder"; }
  bool isPostNorm() const { return placement == "post"; }
  bool hasHeadScale() const { return headScale != "none"; }
  int64_t headDim() const { return dModel / heads; }
  const SourceLocation &locationOf(std::string_view key) const { return settings.find(key)->second.location; }
};

/// A config, or nothing if `diagnostics` has an error. Diagnostics are complete (all errors of the definition, in
/// the order of the file, then those of --set) and hold warnings also on success.
struct ConfigResult {
  std::optional<ModelConfig> config;
  ConfigDiagnostics diagnostics;
};

/// Parses the definition `text`; `file` is how messages call it. `sets` are "key=value" overrides, the last one wins.
ConfigResult parseModelConfig(std::string_view text, const std::string &file, const std::vector<std::string> &sets);

/// Parses the recipe for an imported graph: a definition of the tables [train] and [objective] only. Without `facts`,
/// which are known once the graph is imported, keys are checked but not what must hold between them.
ConfigResult parseTrainConfig(std::string_view text, const std::string &file, const std::vector<std::string> &sets,
                              const std::optional<GraphFacts> &facts);

/// The text of a definition, or nothing and an error.
std::optional<std::string> readDefinitionFile(const std::string &path, ConfigDiagnostics &diagnostics);

/// Reads and parses the file at `path`.
ConfigResult loadModelConfig(const std::string &path, const std::vector<std::string> &sets);

} // namespace nf

#endif // NF_FRONTEND_MODELCONFIG_H
