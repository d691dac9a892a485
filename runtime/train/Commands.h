// The commands of a compiled model, one function each. All throw Error; the result is the exit code.
#ifndef NF_RUNTIME_TRAIN_COMMANDS_H
#define NF_RUNTIME_TRAIN_COMMANDS_H

#include "runtime/abi/nf_abi.h"
#include "runtime/train/Config.h"
#include "runtime/train/Metadata.h"
#include "runtime/train/data/DataFeed.h"

#include <cstdint>
#include <optional>
#include <string>

namespace nf::rt {

/// What every command knows.
struct Invocation {
  const nf_model &model;
  const Metadata &metadata;
  std::string program; ///< argv[0]
  Config &config;      ///< with all flags applied
};

struct TrainOptions {
  std::string data, out;
  int threads = 0;            ///< 0: one a core
  int64_t evalEvery = 0;      ///< steps; 0: at the end only
  int64_t evalTokens = 65536; ///< validation tokens of an evaluation during training; 0: all
  int64_t saveEvery = 1000;   ///< steps; 0: at the end only
  int64_t keep = 2;           ///< newest checkpoints that stay; 0: all
  int64_t logEvery = 10;      ///< steps between plain lines
  std::string resume;         ///< "", "never", "auto", or a path
  double maxSeconds = 0;      ///< 0: no limit
  bool quiet = false, printConfig = false;
};
int train(const Invocation &invocation, const TrainOptions &options);

struct EvalOptions {
  std::string data, checkpoint;
  bool untrained = false; ///< initial parameters of train.seed instead of a checkpoint
  int threads = 0;
  int64_t tokens = 0; ///< validation tokens; 0: all
};
int evaluateCheckpoint(const Invocation &invocation, const EvalOptions &options);

struct GenerateOptions {
  std::string checkpoint, data, prompt;
  bool untrained = false;
  int threads = 0;
  int64_t tokens = 100;
  double temperature = 0.8; ///< 0: always the likeliest token
  uint64_t seed = 1;
};
int generate(const Invocation &invocation, const GenerateOptions &options);

/// asJson: the metadata as it is, for programs.
int info(const Invocation &invocation, bool asJson);

struct DumpOptions {
  std::string output;
};
/// Developer command dump: the initial parameters and constants as safetensors.
int dumpInitialWeights(const Invocation &invocation, const DumpOptions &options);

struct ReplayOptions {
  std::string weights, batch, output; ///< output: where to record losses, gradients and weights; "" for nowhere
  int64_t steps = 1;
  int threads = 0;
  bool time = false;    ///< print {"step", "seconds", "loss"} after each step, a JSON line
  bool profile = false; ///< print where the time of all steps but the first went
};
/// Developer command step: optimizer steps on given weights and batches.
int replaySteps(const Invocation &invocation, const ReplayOptions &options);

/// Opens a data folder for this model: vocabulary, sequence, objective. Prints the feed's notes.
DataFeed openFeed(const Metadata &metadata, const std::string &directory, const RunConfig &config);

} // namespace nf::rt

#endif
