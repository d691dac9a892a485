// The run-time configuration: defaults from the definition, overridden by a checkpoint and by flags.
#ifndef NF_RUNTIME_TRAIN_CONFIG_H
#define NF_RUNTIME_TRAIN_CONFIG_H

#include "runtime/train/Metadata.h"

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace nf::rt {

enum class ScheduleKind { Constant, Linear, Cosine, Wsd, InverseSqrt, Ramp };

/// The typed values of the keys train.* and objective.* (docs/executable.md lists them).
struct RunConfig {
  int64_t globalBatch = 0; ///< sequences of one optimizer step
  int64_t steps = 0;       ///< of the whole run
  int64_t tokens = 0;      ///< of the whole run; 0: `steps` counts
  double lr = 0, beta1 = 0, beta2 = 0, eps = 0, weightDecay = 0;
  bool decayAll = false; ///< weight decay on vectors too
  double clip = 0;       ///< largest gradient norm, 0: off
  ScheduleKind schedule = ScheduleKind::Constant;
  double warmup = 0; ///< steps, or a share of all steps when below 1
  double minLrRatio = 0, wsdDecay = 0;
  double ramp = 0; ///< learning rate a step
  uint64_t seed = 0;
  double maskRate = 0.15, maskToken = 0.8, randomToken = 0.1;
  int32_t maskId = -1; ///< -1: the tokenizer's
};

/// Values with their origins. Later calls override earlier ones; resolve() checks all of it.
class Config {
public:
  /// `program` is argv[0], for the lines that tell how to change a compile-time key.
  Config(const Metadata &metadata, std::string program);

  /// "train.lr=3e-4" of --set. Throws UsageError: no '=', an unknown key (with the nearest one), a compile-time key
  /// (with the nf-compile line that changes it), a value of the wrong type.
  void set(const std::string &assignment);
  /// The same from a short form such as --lr; `flag` names it in errors.
  void setKey(const std::string &key, const std::string &value, const std::string &flag);
  /// Values of the run that a checkpoint continues; flags that were set stay.
  void adoptCheckpoint(const nlohmann::json &values);

  /// Checks ranges, derives steps from train.tokens. Throws Error naming the key and its origin.
  RunConfig resolve();

  /// key -> value, as checkpoints store it. Call resolve() first.
  nlohmann::json values() const;
  /// The table of --print-config: key, value, origin, compile or run time.
  std::string describe() const;

private:
  struct Entry {
    nlohmann::json value;
    std::string origin; ///< "definition", "default", "--set" (of nf-compile), "flag", "checkpoint"
  };

  std::string nearestKey(const std::string &key) const;
  const Entry &entry(const std::string &key) const;
  std::string where(const std::string &key) const;
  double number(const std::string &key, double low, double high, bool includeLow = true) const;
  int64_t integer(const std::string &key, int64_t low, int64_t high) const;
  std::string choice(const std::string &key, std::initializer_list<const char *> allowed) const;
  void resolveSteps(RunConfig &config);

  const Metadata &metadata;
  std::string program;
  std::map<std::string, Entry> entries;
};

/// Micro-batches of each reduction slot in a step of `globalBatch` sequences. Throws Error, which begins with `where`,
/// when the slots cannot share them evenly.
int64_t microBatchesOfEachSlot(const Metadata &metadata, int64_t globalBatch, const std::string &where);

/// Edit distance, for suggestions.
size_t editDistance(const std::string &a, const std::string &b);

} // namespace nf::rt

#endif
