// Checkpoints: folders run/step-000500/ that are complete or not there.
//
//   model.safetensors      the parameters, fp32, by name
//   optimizer.safetensors  moment1.<parameter>, moment2.<parameter>
//   tokenizer.json         of the data, where it has one
//   state.json             where the run stands, its configuration, and hashes of the other files
//   run/latest             the name of the newest one, written last
#ifndef NF_RUNTIME_TRAIN_CHECKPOINT_H
#define NF_RUNTIME_TRAIN_CHECKPOINT_H

#include "runtime/core/Context.h"

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace nf::rt {

/// What, besides seed, configuration and data, decides the bits of a run.
struct Provenance {
  int64_t sequence = 0, microBatch = 0;
  std::string precision, cpu, compiler, gemm;
  std::string compileHash; ///< 16 hexadecimal digits
  std::string dataHash;
};

struct CheckpointState {
  int64_t step = 0;     ///< optimizer steps made
  int64_t position = 0; ///< training sequences (of provenance.sequence tokens) consumed
  nlohmann::json config = nlohmann::json::object();
  std::string model, definition, tokenizerHash;
  Provenance provenance;
  std::map<std::string, std::string> fileHashes; ///< filled by saving and reading
  std::string folder;                            ///< filled by saving and reading
};

/// Writes the checkpoint of `state.step` into the run folder, then the file latest, then removes older ones so that
/// `keep` remain (0: all). Throws Error and leaves earlier checkpoints as they are. Returns the folder.
std::string saveCheckpoint(const std::string &run, Context &context, const CheckpointState &state,
                           const std::string &tokenizerJson, int64_t keep);

/// The newest checkpoint folder of a run, if there is one.
std::optional<std::string> latestCheckpoint(const std::string &run);

/// Reads state.json of a checkpoint folder, or of the newest checkpoint of a run folder. Throws Error.
CheckpointState readCheckpoint(const std::string &path);

/// Loads parameters (and moments) after checking the file's hash, and that names and shapes are exactly this model's.
/// Throws Error; then the context's states are not to be used.
void loadParameters(Context &context, const CheckpointState &state);
void loadMoments(Context &context, const CheckpointState &state);

/// Reasons why a run that continues under `now` has other bits than one that had not stopped; empty when it has the
/// same.
std::vector<std::string> bitDifferences(const Provenance &before, const Provenance &now);

/// Bytes of one checkpoint.
int64_t checkpointBytes(const Context &context);

} // namespace nf::rt

#endif
