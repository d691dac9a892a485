#include "frontend/DefinitionReader.h"
#include "frontend/Schema.h"
#include "frontend/TomlCharacters.h"

#include <algorithm>
#include <fmt/format.h>
#include <sstream>

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

using namespace nf;

namespace {

/// Walks the TOML table of a definition and collects what it knows.
class Reader {
public:
  Reader(const std::string &file, ConfigDiagnostics &diagnostics) : file(file), diagnostics(diagnostics) {}

  /// False after a syntax error, when nothing else is worth saying.
  bool readText(std::string_view text);
  void readSet(const std::string &set);
  Definition take();

private:
  SourceLocation place(const toml::source_region &region) const;
  void readEntry(std::string_view table, const toml::key &key, const toml::node &node);
  void readTable(const toml::key &key, const toml::table &table);
  void error(SourceLocation location, std::string message, std::string note);
  void unknownKey(SourceLocation location, std::string_view table, std::string_view leaf);
  void unknownTable(SourceLocation location, std::string_view table);

  const std::string &file;
  ConfigDiagnostics &diagnostics;
  Definition definition;
  toml::table root;
  bool isOverridden = false;
};

} // namespace

static std::string quoted(std::string_view text) { return fmt::format("\"{}\"", text); }

static bool isTable(std::string_view name) {
  std::vector<std::string_view> tables = schemaTables();
  return std::find(tables.begin(), tables.end(), name) != tables.end();
}

static RawValue rawValue(const toml::node &node) {
  RawValue raw;
  if (auto *integer = node.as_integer())
    raw.value = integer->get();
  else if (auto *number = node.as_floating_point())
    raw.value = number->get();
  else if (auto *boolean = node.as_boolean())
    raw.value = boolean->get();
  else if (auto *string = node.as_string())
    raw.value = string->get();
  if (raw.value)
    raw.text = node.is_string() ? quoted(valueText(*raw.value)) : valueText(*raw.value);
  else
    raw.text = node.is_table() ? "a table" : node.is_array() ? "an array" : "a date or time";
  return raw;
}

SourceLocation Reader::place(const toml::source_region &region) const {
  return {file, static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
}

void Reader::error(SourceLocation location, std::string message, std::string note) {
  diagnostics.push_back({Severity::Error, std::move(location), std::move(message), std::move(note)});
}

/// Names the key that was probably meant: the nearest of the same table, else the nearest of another one.
void Reader::unknownKey(SourceLocation location, std::string_view table, std::string_view leaf) {
  std::vector<std::string_view> here, elsewhere;
  for (const Key &key : schemaKeys())
    (key.table() == table ? here : elsewhere).push_back(key.leaf());
  std::string scope = table.empty() ? "outside the tables" : fmt::format("of [{}]", table);
  std::string note = fmt::format("valid keys {} are {}", scope, fmt::join(here, ", "));
  if (std::string_view key = nearest(leaf, here); !key.empty()) {
    note = fmt::format("the nearest valid key is '{}'", key);
  } else if (std::string_view other = nearest(leaf, elsewhere); !other.empty()) {
    for (const Key &candidate : schemaKeys())
      if (candidate.leaf() == other && candidate.table() != table)
        note = fmt::format("the nearest valid key is '{}'", candidate.name);
  }
  error(std::move(location), fmt::format("expected a key {}, but got '{}'", scope, leaf), std::move(note));
}

void Reader::unknownTable(SourceLocation location, std::string_view table) {
  std::string_view meant = nearest(table, schemaTables());
  error(std::move(location),
        fmt::format("expected one of the tables [{}], but got [{}]", fmt::join(schemaTables(), "], ["), table),
        meant.empty() ? "docs/model-definition.md lists every table and key"
                      : fmt::format("the nearest valid table is [{}]", meant));
}

/// Takes one "key = value" line of a table ("" outside every table).
void Reader::readEntry(std::string_view table, const toml::key &key, const toml::node &node) {
  std::string name = table.empty() ? std::string(key.str()) : fmt::format("{}.{}", table, key.str());
  if (!findKey(name))
    return unknownKey(place(key.source()), table, key.str());
  RawValue raw = rawValue(node);
  raw.location = place(node.source());
  definition.values.insert_or_assign(name, std::move(raw));
}

void Reader::readTable(const toml::key &key, const toml::table &table) {
  if (!isTable(key.str()))
    return unknownTable(place(key.source()), key.str());
  definition.tables.emplace(key.str(), place(key.source()));
  for (const auto &[leaf, node] : table)
    readEntry(key.str(), leaf, node);
}

bool Reader::readText(std::string_view text) {
  const char *help = "docs/model-definition.md shows a complete definition";
  if (std::optional<TomlCharacterError> wrong = findTomlCharacterError(text)) {
    error({file, wrong->line, wrong->column}, "expected TOML, but got " + wrong->reason, help);
    return false;
  }
  toml::parse_result result = toml::parse(text, file);
  if (!result) {
    const toml::parse_error &syntax = result.error();
    error(place(syntax.source()), fmt::format("expected TOML, but got a syntax error: {}", syntax.description()), help);
    return false;
  }
  root = std::move(result).table();
  definition.text = std::string(text);
  for (const auto &[key, node] : root) {
    if (const toml::table *table = node.as_table())
      readTable(key, *table);
    else if (isTable(key.str()))
      error(place(node.source()), fmt::format("expected a table [{}], but got {}", key.str(), rawValue(node).text),
            fmt::format("write the line [{}] and its keys below it", key.str()));
    else
      readEntry("", key, node);
  }
  return true;
}

/// The value of a "key=value" override: TOML where it is TOML, else the text itself, so that a shell needs no quotes.
static toml::table overrideValue(const std::string &text) {
  std::string line = "value = " + text;
  if (!findTomlCharacterError(line)) {
    toml::parse_result result = toml::parse(line);
    if (result && result.table().size() == 1)
      return std::move(result).table();
  }
  return toml::table{{"value", text}};
}

void Reader::readSet(const std::string &set) {
  SourceLocation location{"--set " + set, 0, 0};
  size_t equals = set.find('=');
  if (equals == std::string::npos) {
    error(location, fmt::format("expected key=value, but got '{}'", set), "for example: --set norm.preset=normformer");
    return;
  }
  std::string name = set.substr(0, equals);
  const Key *key = findKey(name);
  if (!key) {
    size_t dot = name.find('.');
    std::string table = dot == std::string::npos ? "" : name.substr(0, dot);
    if (table.empty() || isTable(table))
      return unknownKey(location, table, name.substr(dot + 1));
    return unknownTable(location, table);
  }
  toml::table value = overrideValue(set.substr(equals + 1));
  RawValue raw = rawValue(*value.get("value"));
  raw.origin = Origin::Set;
  raw.location = location;
  definition.values.insert_or_assign(name, std::move(raw));

  isOverridden = true;
  toml::table *table = &root;
  if (!key->table().empty()) {
    root.insert(key->table(), toml::table{});
    table = root.get_as<toml::table>(key->table());
  }
  if (table)
    table->insert_or_assign(key->leaf(), *value.get("value"));
}

Definition Reader::take() {
  if (isOverridden) {
    std::ostringstream formatted;
    formatted << toml::toml_formatter(root) << '\n';
    definition.text = formatted.str();
  }
  return std::move(definition);
}

std::optional<Definition> nf::readDefinition(std::string_view text, const std::string &file,
                                             const std::vector<std::string> &sets, ConfigDiagnostics &diagnostics) {
  Reader reader(file, diagnostics);
  if (!reader.readText(text))
    return std::nullopt;
  for (const std::string &set : sets)
    reader.readSet(set);
  return reader.take();
}
