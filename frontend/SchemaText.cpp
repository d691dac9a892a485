// The schema as people read it: in messages, in the documentation and in listings.
#include "frontend/Schema.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

using namespace nf;

/// The shortest decimal that reads back as the same double: "0.0003", "1e-8", "1".
static std::string numberText(double value) {
  std::string text = fmt::format("{}", value);
  size_t exponent = text.find('e');
  if (exponent != std::string::npos && text.size() > exponent + 3 && text[exponent + 2] == '0')
    text.erase(exponent + 2, 1);
  return text;
}

std::string nf::valueText(const KeyValue &value) {
  if (auto *integer = std::get_if<int64_t>(&value))
    return std::to_string(*integer);
  if (auto *number = std::get_if<double>(&value))
    return numberText(*number);
  if (auto *boolean = std::get_if<bool>(&value))
    return *boolean ? "true" : "false";
  return std::get<std::string>(value);
}

static std::string boundText(const Key &key, double bound) {
  return key.isInteger() ? std::to_string(static_cast<int64_t>(bound)) : numberText(bound);
}

/// "from 1 to 65536", "of at least 0", "above 0", "from 0 to below 1".
static std::string rangeText(const Key &key) {
  const Range &range = *key.range;
  std::string low = boundText(key, range.low);
  if (std::isinf(range.high))
    return (range.lowIsOpen ? "above " : "of at least ") + low;
  std::string high = (range.highIsOpen ? "below " : "") + boundText(key, range.high);
  return (range.lowIsOpen ? "above " + low + " and up to " : "from " + low + " to ") + high;
}

std::string nf::expectedText(const Key &key) {
  if (!key.choices.empty())
    return key.choices.size() == 1 ? std::string(key.choices.front())
                                   : fmt::format("one of {}", fmt::join(key.choices, ", "));
  if (key.form)
    return std::string(key.form->expected);
  if (key.isText())
    return "a name of letters, digits, '.', '_' and '-'";
  if (key.isInteger())
    return "an integer " + rangeText(key);
  if (key.isNumber())
    return "a number " + rangeText(key) + (key.word ? fmt::format(" or \"{}\"", key.word->text) : "");
  return "true or false";
}

static std::string fallbackText(const Key &key) {
  if (std::holds_alternative<Required>(key.fallback))
    return "required";
  if (auto *derived = std::get_if<Derived>(&key.fallback))
    return std::string(derived->text);
  return valueText(std::get<KeyValue>(key.fallback));
}

static std::string_view whenText(const Key &key) { return key.when == When::Compile ? "compile" : "run"; }

std::string nf::documentationTable(std::string_view table) {
  std::string text = "| key | value | default | set at | meaning |\n|---|---|---|---|---|\n";
  for (const Key &key : schemaKeys())
    if (key.table() == table)
      text += fmt::format("| `{}` | {} | {} | {} | {} |\n", key.leaf(), expectedText(key), fallbackText(key),
                          whenText(key), key.doc);
  return text;
}

std::string nf::printConfig(const ModelConfig &config) {
  size_t nameWidth = 0, valueWidth = 0;
  for (const auto &[name, setting] : config.settings) {
    nameWidth = std::max(nameWidth, name.size());
    valueWidth = std::max(valueWidth, valueText(setting.value).size());
  }
  std::string text;
  for (const Key &key : schemaKeys()) {
    const Setting &setting = config.settings.find(key.name)->second;
    text += fmt::format("{:<{}}  {:<{}}  {:<10}  {}\n", key.name, nameWidth, valueText(setting.value), valueWidth,
                        originName(setting.origin), whenText(key));
  }
  return text;
}
