#include "runtime/train/Weights.h"

#include "runtime/core/Error.h"
#include "runtime/core/Initialize.h"
#include "runtime/train/Safetensors.h"

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

namespace nf::rt {

std::string executablePath() {
  std::error_code error;
  std::string path = std::filesystem::read_symlink("/proc/self/exe", error).string();
  return error ? "model" : path;
}

std::string weightsPath() { return executablePath() + ".weights.safetensors"; }

static bool isFromFile(const nf_state &state) {
  auto rule = nlohmann::json::parse(state.init, nullptr, /*allow_exceptions=*/false);
  return rule.is_object() && rule.value("kind", "") == "file";
}

/// Reads the states of these kinds that come from a file.
static void readFileStates(Context &context, std::initializer_list<int32_t> kinds) {
  std::unique_ptr<SafetensorsFile> weights;
  for (const nf_state &state : context.states()) {
    if (std::ranges::find(kinds, state.kind) == kinds.end() || !isFromFile(state))
      continue;
    if (!weights) {
      std::string path = weightsPath();
      if (!std::filesystem::exists(path))
        fail("{}: expected the weights that this program starts from, but the file is missing; nf-compile wrote it "
             "beside the program: move both",
             path);
      weights = std::make_unique<SafetensorsFile>(path);
    }
    if (!weights->find(state.name))
      fail("{}: expected the weights that this program starts from, but the file has no tensor '{}' and is another "
           "program's; nf-compile wrote this one's beside it",
           weightsPath(), state.name);
    weights->read(state.name, "F32", std::span(state.shape, static_cast<size_t>(state.rank)),
                  context.values(state).data());
    context.send(state);
  }
}

void fillInitialStates(Context &context, uint64_t seed) {
  initializeStates(context, seed);
  readFileStates(context, {NF_STATE_PARAMETER, NF_STATE_CONSTANT});
}

void fillConstants(Context &context) {
  initializeConstants(context);
  readFileStates(context, {NF_STATE_CONSTANT});
}

std::optional<CheckpointState> loadWeights(Machine &machine, const std::string &checkpoint, bool untrained,
                                           uint64_t seed) {
  if (checkpoint.empty() == !untrained)
    throw UsageError("expected either --checkpoint RUN or --untrained");
  std::optional<CheckpointState> state;
  if (untrained) {
    fillInitialStates(machine.context, seed);
  } else {
    state = readCheckpoint(checkpoint);
    fillConstants(machine.context);
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
