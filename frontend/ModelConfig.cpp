// Definition -> ModelConfig. 1 read the TOML and --set; 2 give every key its value, from --set, the definition, the
// preset or the default, in that order; 3 check the combinations whose keys are right on their own; 4 sort messages.
#include "frontend/ModelConfig.h"
#include "frontend/ConfigChecks.h"
#include "frontend/DefinitionReader.h"
#include "frontend/Schema.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iostream>

using namespace nf;

std::string_view nf::originName(Origin origin) {
  switch (origin) {
  case Origin::Default:
    return "default";
  case Origin::Preset:
    return "preset";
  case Origin::Definition:
    return "definition";
  case Origin::Set:
    return "--set";
  }
  return "";
}

/// The name of a model that its definition does not name: the file's, without folders and ending.
static std::string nameOfFile(const std::string &file) {
  std::string stem = std::filesystem::path(file).stem().string();
  if (file == "<stdin>" || stem.empty())
    return "model";
  std::replace_if(stem.begin(), stem.end(), [](unsigned char c) { return !isNameCharacter(c); }, '-');
  return stem;
}

namespace {

/// Gives every key of the schema its value.
class Resolver {
public:
  Resolver(const Definition &definition, ModelConfig &config, ConfigDiagnostics &diagnostics)
      : definition(definition), config(config), diagnostics(diagnostics) {}

  void resolveAll();
  void resolveTraining();
  const KeySet &badKeys() const { return bad; }

private:
  void resolve(const Key &key);
  void refuseModelTables();
  std::optional<KeyValue> factOf(const Key &key) const;
  void readPreset();
  std::optional<KeyValue> accept(const Key &key, const RawValue &raw);
  SourceLocation defaultPlace(const Key &key) const;
  void reject(const Key &key, SourceLocation location, const std::string &got, std::string note);

  const Definition &definition;
  ModelConfig &config;
  ConfigDiagnostics &diagnostics;
  std::map<std::string_view, KeyValue> preset;
  SourceLocation presetPlace;
  KeySet bad;
};

} // namespace

void Resolver::reject(const Key &key, SourceLocation location, const std::string &got, std::string note) {
  bad.insert(key.name);
  diagnostics.push_back({Severity::Error, std::move(location),
                         fmt::format("expected {} for {}, but got {}", expectedText(key), key.name, got),
                         note.empty() ? std::string(key.doc) : std::move(note)});
}

/// The value of `raw` in the key's own type, or nothing after reporting why it has none.
std::optional<KeyValue> Resolver::accept(const Key &key, const RawValue &raw) {
  if (raw.value) {
    const KeyValue &value = *raw.value;
    auto *integer = std::get_if<int64_t>(&value);
    auto *number = std::get_if<double>(&value);
    auto *string = std::get_if<std::string>(&value);
    if (key.isInteger() && integer && key.range->contains(static_cast<double>(*integer)))
      return value;
    if (key.isNumber() && integer && key.range->contains(static_cast<double>(*integer)))
      return static_cast<double>(*integer);
    if (key.isNumber() && number && key.range->contains(*number))
      return value;
    if (key.word && string && *string == key.word->text)
      return key.word->compute(config);
    if (std::holds_alternative<bool ModelConfig::*>(key.field) && std::holds_alternative<bool>(value))
      return value;
    if (key.isText() && string) {
      bool isKnown = key.form ? key.form->accepts(*string)
                     : key.choices.empty()
                         ? !string->empty() && std::all_of(string->begin(), string->end(), isNameCharacter)
                         : std::find(key.choices.begin(), key.choices.end(), *string) != key.choices.end();
      if (isKnown)
        return value;
      std::string_view meant = nearest(*string, key.choices);
      reject(key, raw.location, raw.text, meant.empty() ? "" : fmt::format("the nearest valid value is \"{}\"", meant));
      return std::nullopt;
    }
  }
  reject(key, raw.location, raw.text, "");
  return std::nullopt;
}

SourceLocation Resolver::defaultPlace(const Key &key) const {
  auto table = definition.tables.find(key.table());
  return table == definition.tables.end() ? SourceLocation{config.file, 1, 1} : table->second;
}

void Resolver::readPreset() {
  auto found = definition.values.find("norm.preset");
  if (found == definition.values.end() || !found->second.value)
    return;
  if (auto *name = std::get_if<std::string>(&*found->second.value)) {
    for (auto &[key, value] : presetValues(*name))
      preset.emplace(key, value);
    presetPlace = found->second.location;
  }
}

void Resolver::resolve(const Key &key) {
  Setting setting{{}, Origin::Default, defaultPlace(key)};
  if (auto found = definition.values.find(key.name); found != definition.values.end()) {
    std::optional<KeyValue> value = accept(key, found->second);
    if (!value)
      return;
    setting = {std::move(*value), found->second.origin, found->second.location};
  } else if (auto chosen = preset.find(key.name); chosen != preset.end()) {
    setting = {*accept(key, {chosen->second, valueText(chosen->second), Origin::Preset, presetPlace}), Origin::Preset,
               presetPlace};
  } else if (auto fact = factOf(key)) {
    setting.value = *fact;
  } else if (auto *derived = std::get_if<Derived>(&key.fallback)) {
    setting.value = derived->compute(config);
  } else if (auto *value = std::get_if<KeyValue>(&key.fallback)) {
    setting.value = *value;
  } else {
    return reject(key, setting.location, "none", "");
  }
  std::visit(
      [&](auto member) {
        using T = std::remove_reference_t<decltype(config.*member)>;
        config.*member = std::get<T>(setting.value);
      },
      key.field);
  config.settings.insert_or_assign(std::string(key.name), std::move(setting));
}

void Resolver::resolveAll() {
  readPreset();
  for (const Key &key : schemaKeys())
    resolve(key);
}

/// What the graph says of a key that nobody sets.
std::optional<KeyValue> Resolver::factOf(const Key &key) const {
  if (config.graph && key.name == "train.micro_batch")
    return config.graph->microBatch;
  if (config.graph && key.name == "train.sequence")
    return config.graph->sequence;
  return std::nullopt;
}

static bool isOfTraining(std::string_view table) { return table == "train" || table == "objective"; }

/// The graph is the model: tables and --set of [model] and [norm] change nothing.
void Resolver::refuseModelTables() {
  auto refuse = [&](const SourceLocation &place, std::string_view what) {
    diagnostics.push_back({Severity::Error, place,
                           fmt::format("expected [train] and [objective] only, but got {}", what),
                           "an imported graph is its own model; change it where it is exported"});
  };
  for (auto &[table, place] : definition.tables)
    if (!isOfTraining(table))
      refuse(place, "[" + table + "]");
  for (auto &[name, raw] : definition.values)
    if (raw.origin == Origin::Set && !isOfTraining(findKey(name)->table()))
      refuse(raw.location, name);
}

void Resolver::resolveTraining() {
  refuseModelTables();
  for (const Key &key : schemaKeys()) {
    if (isOfTraining(key.table()))
      resolve(key);
    else
      bad.insert(key.name); // no rule can read it
  }
}

/// Errors before warnings, and each in the order of the file; --set comes last. Total, so that any sort is stable.
static void sortByPlace(ConfigDiagnostics &diagnostics) {
  auto rank = [](const ConfigDiagnostic &d) {
    return std::make_tuple(d.severity, d.location.line == 0, d.location.line, d.location.column,
                           std::cref(d.location.file), std::cref(d.message));
  };
  std::sort(diagnostics.begin(), diagnostics.end(),
            [&](const ConfigDiagnostic &a, const ConfigDiagnostic &b) { return rank(a) < rank(b); });
}

ConfigResult nf::parseModelConfig(std::string_view text, const std::string &file,
                                  const std::vector<std::string> &sets) {
  ConfigResult result;
  ModelConfig config;
  config.file = file;
  config.name = nameOfFile(file);
  config.source = text;
  config.sets = sets;
  std::optional<Definition> definition = readDefinition(text, file, sets, result.diagnostics);
  if (!definition)
    return result;
  config.definition = definition->text;
  Resolver resolver(*definition, config, result.diagnostics);
  resolver.resolveAll();
  checkCombinations(config, resolver.badKeys(), result.diagnostics);
  sortByPlace(result.diagnostics);
  if (!hasError(result.diagnostics))
    result.config = std::move(config);
  return result;
}

/// A graph has the extents that it was exported or bound with.
static void checkAgainstGraph(const ModelConfig &config, ConfigDiagnostics &diagnostics) {
  auto check = [&](std::string_view key, int64_t wanted, int64_t have, std::string_view symbol) {
    if (wanted != have)
      diagnostics.push_back({Severity::Error, config.locationOf(key),
                             fmt::format("expected {} = {}, which the graph has, but got {}", key, have, wanted),
                             fmt::format("remove the key, or export with a symbolic {}", symbol)});
  };
  check("train.micro_batch", config.microBatch, config.graph->microBatch, "batch");
  check("train.sequence", config.sequence, config.graph->sequence, "sequence");
  if (config.documentMask)
    diagnostics.push_back({Severity::Error, config.locationOf("objective.document_mask"),
                           "expected document_mask = false for an imported graph, but got true",
                           "the graph's own mask stays as it is"});
}

ConfigResult nf::parseTrainConfig(std::string_view text, const std::string &file, const std::vector<std::string> &sets,
                                  const std::optional<GraphFacts> &facts) {
  ConfigResult result;
  ModelConfig config;
  config.file = file;
  config.source = text;
  config.sets = sets;
  config.graph = facts;
  if (facts) {
    config.kind = facts->kind;
    config.vocab = facts->vocab;
    config.dModel = facts->dModel;
    config.context = facts->sequence;
  }
  std::optional<Definition> definition = readDefinition(text, file, sets, result.diagnostics);
  if (!definition)
    return result;
  config.definition = definition->text;
  Resolver resolver(*definition, config, result.diagnostics);
  resolver.resolveTraining();
  if (facts && !hasError(result.diagnostics)) {
    KeySet bad = resolver.badKeys();
    bad.erase("model.kind");
    bad.erase("model.vocab");
    checkCombinations(config, bad, result.diagnostics);
    checkAgainstGraph(config, result.diagnostics);
  }
  sortByPlace(result.diagnostics);
  if (!hasError(result.diagnostics))
    result.config = std::move(config);
  return result;
}

std::optional<std::string> nf::readDefinitionFile(const std::string &path, ConfigDiagnostics &diagnostics) {
  constexpr std::streamsize limit = 1 << 20;
  auto unreadable = [&](std::string message, std::string note) {
    diagnostics.push_back({Severity::Error, {path, 0, 0}, std::move(message), std::move(note)});
    return std::nullopt;
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return unreadable("expected a model definition, but got a folder", "name a .toml file, such as one of models/");
  std::ifstream stream(path, std::ios::binary);
  if (!stream)
    return unreadable(fmt::format("expected a readable file, but got: {}", std::strerror(errno)),
                      "check the path; models/ holds definitions to start from");
  std::string text(limit + 1, '\0');
  stream.read(text.data(), limit + 1);
  text.resize(static_cast<size_t>(stream.gcount()));
  if (stream.bad())
    return unreadable("expected a readable file, but got a read error", "");
  if (static_cast<std::streamsize>(text.size()) > limit)
    return unreadable("expected a model definition of at most 1 MB, but got a larger file",
                      "name a .toml file, such as one of models/");
  return text;
}

ConfigResult nf::loadModelConfig(const std::string &path, const std::vector<std::string> &sets) {
  ConfigResult result;
  std::optional<std::string> text = readDefinitionFile(path, result.diagnostics);
  return text ? parseModelConfig(*text, path, sets) : result;
}
