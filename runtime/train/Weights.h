// The weights that eval and generate run with, and whether data belongs to a checkpoint.
#ifndef NF_RUNTIME_TRAIN_WEIGHTS_H
#define NF_RUNTIME_TRAIN_WEIGHTS_H

#include "runtime/train/Checkpoint.h"
#include "runtime/train/Machine.h"
#include "runtime/train/data/DataFeed.h"

#include <optional>
#include <string>

namespace nf::rt {

/// Where this executable is; "model" where the system does not say.
std::string executablePath();

/// The file beside this executable that imported weights are in: `<executable>.weights.safetensors`.
std::string weightsPath();

/// Parameters and constants as a run with this seed starts: drawn, or read from weightsPath(). Throws Error where that
/// file is missing, or is not this program's.
void fillInitialStates(Context &context, uint64_t seed);

/// The constants alone: what a checkpoint does not hold.
void fillConstants(Context &context);

/// Fills parameters and constants from a checkpoint, or (untrained) as a run with this seed starts. Throws UsageError
/// unless exactly one of them is asked for. Returns the checkpoint's state.
std::optional<CheckpointState> loadWeights(Machine &machine, const std::string &checkpoint, bool untrained,
                                           uint64_t seed);

/// Throws Error when the data was prepared with another tokenizer than the checkpoint's.
void checkTokenizer(const CheckpointState &state, const DataFeed &feed, const std::string &data);

} // namespace nf::rt

#endif
