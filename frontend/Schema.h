// The keys of a model definition, as one table. The parser, the documentation's tables, --print-config and the
// metadata in the executable all read it.
#ifndef NF_FRONTEND_SCHEMA_H
#define NF_FRONTEND_SCHEMA_H

#include "frontend/ModelConfig.h"

#include <span>

namespace nf {

/// Whether a change needs nf-compile again, or only another flag of the executable.
enum class When { Compile, Run };

/// The numbers that a key accepts.
struct Range {
  double low, high;
  bool lowIsOpen = false, highIsOpen = false;
  bool contains(double value) const;
};

/// The member of ModelConfig that holds a key's value; its type is the key's type.
using Field =
    std::variant<int64_t ModelConfig::*, double ModelConfig::*, bool ModelConfig::*, std::string ModelConfig::*>;

/// A value that follows from keys earlier in the table, and how the documentation writes it.
struct Derived {
  std::string_view text;
  KeyValue (*compute)(const ModelConfig &);
};

/// What a text says that is neither a name nor one of a few words.
struct TextForm {
  std::string_view expected; ///< "a size such as 8 GiB"
  bool (*accepts)(std::string_view);
};

/// A key that must be given.
struct Required {};

struct Key {
  std::string_view name; ///< with its table: "model.d_model"
  Field field;
  When when;
  std::variant<Required, KeyValue, Derived> fallback; ///< its value when nobody sets it
  std::string_view doc;
  std::optional<Range> range = {};            ///< of numbers
  std::vector<std::string_view> choices = {}; ///< of strings; empty: any text
  std::optional<Derived> word = {};           ///< a string that a number's key accepts too: "sqrt(d_model)"
  std::optional<TextForm> form = {};          ///< of strings without choices; without it they are names

  std::string_view table() const; ///< "model"; "" for a key outside every table
  std::string_view leaf() const;  ///< "d_model"
  bool isText() const { return std::holds_alternative<std::string ModelConfig::*>(field); }
  bool isInteger() const { return std::holds_alternative<int64_t ModelConfig::*>(field); }
  bool isNumber() const { return std::holds_alternative<double ModelConfig::*>(field); }
};

/// All keys, in the order of the documentation. A key's Derived values use only keys before it.
std::span<const Key> schemaKeys();

/// The key of that full name, or null.
const Key *findKey(std::string_view name);

/// The names of the tables: model, norm, train, objective.
std::vector<std::string_view> schemaTables();

/// What a preset sets, by key name; empty for "none". A value may be the word of a key.
std::vector<std::pair<std::string_view, KeyValue>> presetValues(std::string_view preset);

/// What the key accepts, for messages: "an integer from 1 to 65536", "one of pre, post".
std::string expectedText(const Key &key);

/// A value as messages and listings write it: 12, 0.0003, 1e-8, true, gelu.
std::string valueText(const KeyValue &value);

/// The Markdown table of one table's keys, as it stands in docs/model-definition.md.
std::string documentationTable(std::string_view table);

/// Every key with its value, origin, and whether changing it needs a compile: one line a key, in aligned columns.
std::string printConfig(const ModelConfig &config);

} // namespace nf

#endif // NF_FRONTEND_SCHEMA_H
