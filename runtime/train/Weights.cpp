#include "runtime/train/Weights.h"

#include "runtime/core/Error.h"
#include "runtime/core/Initialize.h"

namespace nf::rt {

std::optional<CheckpointState> loadWeights(Machine &machine, const std::string &checkpoint, bool untrained,
                                           uint64_t seed) {
  if (checkpoint.empty() == !untrained)
    throw UsageError("expected either --checkpoint RUN or --untrained");
  std::optional<CheckpointState> state;
  if (untrained) {
    initializeStates(machine.context, seed);
  } else {
    state = readCheckpoint(checkpoint);
    initializeConstants(machine.context);
    loadParameters(machine.context, *state);
  }
  machine.prepareWeights();
  return state;
}

void checkTokenizer(const CheckpointState &state, const DataFeed &feed, const std::string &data) {
  auto name = [](const std::string &hash) { return hash.empty() ? "none" : hash; };
  if (state.tokenizerHash != feed.tokenizerHash())
    fail("{}: was prepared with another tokenizer ({}) than the checkpoint {} ({}); prepare the text with --tokenizer "
         "{}/tokenizer.json",
         data, name(feed.tokenizerHash()), state.folder, name(state.tokenizerHash), state.folder);
}

} // namespace nf::rt
