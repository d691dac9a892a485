#include "frontend/Metadata.h"
#include "frontend/ModelGraph.h"
#include "frontend/Schema.h"

#include <filesystem>
#include <nlohmann/json.hpp>

using namespace nf;
using nlohmann::json;

static json jsonValue(const KeyValue &value) {
  return std::visit([](const auto &held) { return json(held); }, value);
}

/// A key as the runtime needs it: its value and origin, and for run-time keys what a flag may set it to.
static json keyJson(const Key &key, const Setting &setting) {
  json entry{{"value", jsonValue(setting.value)}, {"origin", originName(setting.origin)}};
  if (setting.origin != Origin::Default && setting.location.line != 0)
    entry["line"] = setting.location.line;
  if (key.when == When::Compile)
    return entry;
  entry["expected"] = expectedText(key);
  entry["doc"] = key.doc;
  entry["type"] = key.isInteger() ? "integer" : key.isNumber() ? "number" : key.isText() ? "text" : "boolean";
  if (!key.choices.empty())
    entry["choices"] = key.choices;
  if (key.range) {
    entry["low"] = key.range->low;
    entry["low_is_open"] = key.range->lowIsOpen;
    if (key.range->high < std::numeric_limits<double>::infinity()) {
      entry["high"] = key.range->high;
      entry["high_is_open"] = key.range->highIsOpen;
    }
  }
  return entry;
}

static json keysJson(const ModelConfig &config, When when) {
  json keys = json::object();
  for (const Key &key : schemaKeys())
    if (auto setting = config.settings.find(key.name); key.when == when && setting != config.settings.end())
      keys[std::string(key.name)] = keyJson(key, setting->second);
  return keys;
}

static json modelJson(const ModelConfig &c) {
  return {{"name", c.name},
          {"kind", c.kind},
          {"layers", c.layers},
          {"d_model", c.dModel},
          {"heads", c.heads},
          {"d_ffn", c.dFfn},
          {"vocab", c.vocab},
          {"context", c.context},
          {"sequence", c.sequence},
          {"micro_batch", c.microBatch},
          {"precision", c.precision},
          {"objective", c.objective},
          {"position_offset", 0},
          {"dropout", c.dropout > 0 || c.attentionDropout > 0},
          {"document_mask", c.documentMask},
          {"reduction_slots", c.reductionSlots}};
}

std::string nf::metadataJson(const ModelConfig &config, const CompileFacts &facts) {
  std::filesystem::path file = config.file;
  double bound = static_cast<double>(facts.boundBytes);
  json metadata{{"model", modelJson(config)},
                {"definition_file", file.is_absolute() ? file.filename().string() : config.file},
                {"definition", config.definition},
                {"compile_keys", keysJson(config, When::Compile)},
                {"run_keys", keysJson(config, When::Run)},
                {"parameters", config.graph ? facts.parameters : parameterCount(config)},
                {"flops_per_token", config.graph ? config.graph->flopsPerToken : flopsPerToken(config)},
                {"memory",
                 {{"persistent", facts.persistentBytes},
                  {"transient", facts.transientBytes},
                  {"peak", facts.peakBytes},
                  {"bound", facts.boundBytes},
                  {"budget", facts.budgetBytes},
                  {"recomputed",
                   {{"bytes_saved", facts.savedBytes},
                    {"flops_added", facts.addedFlops},
                    {"flops_share", facts.microBatchFlops ? static_cast<double>(facts.addedFlops) /
                                                                static_cast<double>(facts.microBatchFlops)
                                                          : 0.0}}},
                  {"ratio", facts.boundBytes ? static_cast<double>(facts.peakBytes) / bound : 1.0}}},
                {"target", {{"cpu", facts.cpu}, {"features", facts.features}}},
                {"compiler", facts.compiler}};
  // A file name may hold bytes that are no UTF-8.
  return metadata.dump(-1, ' ', false, json::error_handler_t::replace);
}
