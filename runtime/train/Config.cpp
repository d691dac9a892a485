#include "runtime/train/Config.h"

#include "runtime/core/Error.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/ranges.h>
#include <limits>
#include <vector>

namespace nf::rt {

using nlohmann::json;

namespace {

json defaultsOf(const Metadata &metadata) {
  // Keys that a definition need not have.
  json defaults = {{"train.tokens", 0},
                   {"train.clip", 0.0},
                   {"train.warmup", 0.0},
                   {"train.ramp", 0.0},
                   {"train.wsd_decay", 0.2},
                   {"train.min_lr_ratio", 0.0},
                   {"train.steps", 0},
                   {"train.seed", 1},
                   {"train.decay", "matrices"},
                   {"objective.mask_id", -1},
                   {"objective.mask_rate", 0.15},
                   {"objective.mask_token", 0.8},
                   {"objective.random_token", 0.1}};
  if (!metadata.masked)
    for (const char *key :
         {"objective.mask_id", "objective.mask_rate", "objective.mask_token", "objective.random_token"})
      defaults.erase(key);
  return defaults;
}

bool parseNumber(const std::string &text, double &value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

bool parseInteger(const std::string &text, int64_t &value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// Integers stay integers: a seed above 2^53 must not pass through a double.
json numberFrom(const std::string &text) {
  int64_t integer;
  double number;
  if (parseInteger(text, integer))
    return integer;
  return parseNumber(text, number) ? json(number) : json();
}

std::string show(const json &value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

} // namespace

size_t editDistance(const std::string &a, const std::string &b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row.back();
}

Config::Config(const Metadata &metadata, std::string program) : metadata(metadata), program(std::move(program)) {
  const json defaults = defaultsOf(metadata);
  for (auto &[key, value] : defaults.items())
    entries[key] = {value, "default"};
  for (auto &[key, described] : metadata.runKeys.items())
    if (described.contains("value"))
      entries[key] = {described["value"], described.value("origin", "definition")};
}

std::string Config::nearestKey(const std::string &key) const {
  std::string nearest;
  size_t best = std::numeric_limits<size_t>::max();
  auto consider = [&](const std::string &candidate) {
    // A missing "train." is the commonest slip.
    size_t distance =
        std::min(editDistance(key, candidate), editDistance(key, candidate.substr(candidate.find('.') + 1)));
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  };
  for (auto &[candidate, unused] : entries)
    consider(candidate);
  for (auto &[candidate, unused] : metadata.compileKeys.items())
    consider(candidate);
  return nearest;
}

void Config::set(const std::string &assignment) {
  size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0)
    throw UsageError(fmt::format("--set {}: expected KEY=VALUE, such as --set train.lr=3e-4", assignment));
  setKey(assignment.substr(0, equals), assignment.substr(equals + 1), "--set");
}

void Config::setKey(const std::string &key, const std::string &value, const std::string &flag) {
  auto found = entries.find(key);
  if (found == entries.end() && metadata.compileKeys.contains(key)) {
    std::string definition = metadata.definitionFile.empty() ? "model.toml" : metadata.definitionFile;
    throw UsageError(fmt::format("{} {}: this key is compiled in; change it with: nf-compile {} --set {}={} -o {}",
                                 flag, key, definition, key, value, program));
  }
  if (found == entries.end())
    throw UsageError(
        fmt::format("{} {}: unknown key; the nearest is {} (--print-config lists all)", flag, key, nearestKey(key)));
  json parsed = value;
  if (found->second.value.is_number()) {
    parsed = numberFrom(value);
    if (parsed.is_null())
      throw UsageError(fmt::format("{} {}: expected a number, but got '{}'", flag, key, value));
  }
  found->second = {parsed, "flag"};
}

void Config::adoptCheckpoint(const json &values) {
  for (auto &[key, value] : values.items())
    if (auto found = entries.find(key); found != entries.end() && found->second.origin != "flag")
      found->second = {value, "checkpoint"};
}

const Config::Entry &Config::entry(const std::string &key) const {
  auto found = entries.find(key);
  if (found == entries.end())
    fail("the executable's metadata lacks the key {}; compile the model again", key);
  return found->second;
}

std::string Config::where(const std::string &key) const {
  const Entry &found = entry(key);
  std::string origin = found.origin;
  if (origin == "definition" && metadata.runKeys.contains(key) && metadata.runKeys[key].contains("line"))
    origin = fmt::format("{}:{}", metadata.definitionFile, metadata.runKeys[key]["line"].get<int64_t>());
  return fmt::format("{} = {} ({})", key, show(found.value), origin);
}

double Config::number(const std::string &key, double low, double high, bool includeLow) const {
  const json &value = entry(key).value;
  double number = value.is_number() ? value.get<double>() : NAN;
  if (!(includeLow ? number >= low : number > low) || !(number <= high))
    fail("{}: expected a number {} {:g}{}", where(key), includeLow ? "of at least" : "above", low,
         high < std::numeric_limits<double>::max() ? fmt::format(" and at most {:g}", high) : "");
  return number;
}

int64_t Config::integer(const std::string &key, int64_t low, int64_t high) const {
  const json &value = entry(key).value;
  bool whole =
      value.is_number_integer() || (value.is_number_float() && value.get<double>() == std::floor(value.get<double>()) &&
                                    std::abs(value.get<double>()) < 0x1p53);
  int64_t number = whole ? value.get<int64_t>() : low;
  if (!whole || number < low || number > high)
    fail("{}: expected a whole number from {} to {}", where(key), low, high);
  return number;
}

std::string Config::choice(const std::string &key, std::initializer_list<const char *> allowed) const {
  const json &value = entry(key).value;
  for (const char *one : allowed)
    if (value == one)
      return one;
  fail("{}: expected one of {}", where(key), fmt::join(allowed, ", "));
}

// Both keys say how long the run is; the one that a flag gave wins, else tokens where they are used.
void Config::resolveSteps(RunConfig &config) {
  constexpr int64_t most = int64_t{1} << 31;
  config.tokens = integer("train.tokens", 0, int64_t{1} << 60);
  config.steps = integer("train.steps", 0, most);
  if (entry("train.steps").origin == "flag" && entry("train.tokens").origin != "flag") {
    config.tokens = 0;
    entries["train.tokens"].value = 0;
  }
  if (config.tokens > 0) {
    int64_t perStep = config.globalBatch * metadata.sequence;
    config.steps = std::min(most, (config.tokens + perStep - 1) / perStep);
  }
  if (config.steps < 1)
    fail("{}: expected at least 1 step; give --steps N", where("train.steps"));
}

int64_t microBatchesOfEachSlot(const Metadata &metadata, int64_t globalBatch, const std::string &where) {
  int64_t slots = metadata.reductionSlots, rows = metadata.microBatch;
  int64_t microBatches = (globalBatch + rows - 1) / rows;
  if (microBatches % slots != 0)
    fail(
        "{}: expected a multiple of the {} reduction slots as the number of micro-batches, but got {} of {} sequences; "
        "set train.global_batch={}, or compile with --set train.reduction_slots=1",
        where, slots, microBatches, rows, (microBatches / slots + 1) * slots * rows);
  return microBatches / slots;
}

RunConfig Config::resolve() {
  constexpr double any = std::numeric_limits<double>::max();
  RunConfig config;
  config.globalBatch = integer("train.global_batch", 1, 1 << 24);
  microBatchesOfEachSlot(metadata, config.globalBatch, where("train.global_batch"));
  resolveSteps(config);
  config.lr = number("train.lr", 0, any);
  config.beta1 = number("train.beta1", 0, 1);
  config.beta2 = number("train.beta2", 0, 1);
  if (config.beta1 == 1 || config.beta2 == 1)
    fail("{}: expected a number below 1", where(config.beta1 == 1 ? "train.beta1" : "train.beta2"));
  config.eps = number("train.eps", 0, any, /*includeLow=*/false);
  config.weightDecay = number("train.weight_decay", 0, any);
  config.decayAll = choice("train.decay", {"matrices", "all"}) == "all";
  config.clip = number("train.clip", 0, any);
  std::string schedule = choice("train.schedule", {"constant", "linear", "cosine", "wsd", "inverse_sqrt", "ramp"});
  config.schedule = schedule == "linear"         ? ScheduleKind::Linear
                    : schedule == "cosine"       ? ScheduleKind::Cosine
                    : schedule == "wsd"          ? ScheduleKind::Wsd
                    : schedule == "inverse_sqrt" ? ScheduleKind::InverseSqrt
                    : schedule == "ramp"         ? ScheduleKind::Ramp
                                                 : ScheduleKind::Constant;
  config.warmup = number("train.warmup", 0, any);
  config.minLrRatio = number("train.min_lr_ratio", 0, 1);
  config.wsdDecay = number("train.wsd_decay", 0, 1);
  config.ramp = number("train.ramp", 0, any);
  if (config.schedule == ScheduleKind::Ramp && config.ramp == 0)
    fail("{}: the ramp schedule needs a learning rate a step above 0", where("train.ramp"));
  config.seed = static_cast<uint64_t>(integer("train.seed", 0, std::numeric_limits<int64_t>::max()));
  if (metadata.masked) {
    config.maskRate = number("objective.mask_rate", 0, 1, /*includeLow=*/false);
    config.maskToken = number("objective.mask_token", 0, 1);
    config.randomToken = number("objective.random_token", 0, 1 - config.maskToken + 1e-12);
    config.maskId = static_cast<int32_t>(integer("objective.mask_id", -1, metadata.vocab - 1));
  }
  return config;
}

json Config::values() const {
  json all = json::object();
  for (auto &[key, found] : entries)
    all[key] = found.value;
  return all;
}

std::string Config::describe() const {
  struct Row {
    std::string key, value, origin, time;
  };
  std::vector<Row> rows;
  for (auto &[key, described] : metadata.compileKeys.items())
    rows.push_back({key, show(described.value("value", json())), described.value("origin", ""), "compile time"});
  for (auto &[key, found] : entries)
    rows.push_back({key, show(found.value), found.origin, "run time"});
  size_t keyWidth = 0, valueWidth = 0;
  for (const Row &row : rows) {
    keyWidth = std::max(keyWidth, row.key.size());
    valueWidth = std::max(valueWidth, row.value.size());
  }
  std::string table;
  for (const Row &row : rows)
    table +=
        fmt::format("{:<{}}  {:<{}}  {:<10}  {}\n", row.key, keyWidth, row.value, valueWidth, row.origin, row.time);
  return table;
}

} // namespace nf::rt
