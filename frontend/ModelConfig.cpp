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
  const KeySet &badKeys() const { return bad; }

private:
  void resolve(const Key &key);
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
      bool isKnown = key.choices.empty()
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

static ConfigResult unreadable(const std::string &path, std::string message, std::string note) {
  return {std::nullopt, {{Severity::Error, {path, 0, 0}, std::move(message), std::move(note)}}};
}

ConfigResult nf::loadModelConfig(const std::string &path, const std::vector<std::string> &sets) {
  constexpr std::streamsize limit = 1 << 20;
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return unreadable(path, "expected a model definition, but got a folder",
                      "name a .toml file, such as one of models/");
  std::ifstream stream(path, std::ios::binary);
  if (!stream)
    return unreadable(path, fmt::format("expected a readable file, but got: {}", std::strerror(errno)),
                      "check the path; models/ holds definitions to start from");
  std::string text(limit + 1, '\0');
  stream.read(text.data(), limit + 1);
  text.resize(static_cast<size_t>(stream.gcount()));
  if (stream.bad())
    return unreadable(path, "expected a readable file, but got a read error", "");
  if (static_cast<std::streamsize>(text.size()) > limit)
    return unreadable(path, "expected a model definition of at most 1 MB, but got a larger file",
                      "name a .toml file, such as one of models/");
  return parseModelConfig(text, path, sets);
}
