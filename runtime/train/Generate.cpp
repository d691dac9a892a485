// generate: text from a decoder, a token at a time.
#include "runtime/core/Error.h"
#include "runtime/train/Checkpoint.h"
#include "runtime/train/Commands.h"
#include "runtime/train/Machine.h"
#include "runtime/train/Sampling.h"
#include "runtime/train/Weights.h"
#include "runtime/train/data/Tokenizer.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace nf::rt {
namespace {

namespace fs = std::filesystem;

/// The tokenizer that the checkpoint was trained with; that of --data for an untrained model.
Tokenizer findTokenizer(const GenerateOptions &options, const std::optional<CheckpointState> &state) {
  std::string folder = state ? state->folder : options.data;
  if (!options.data.empty() && state && !fs::exists(fs::path(folder) / "tokenizer.json"))
    folder = options.data;
  if (folder.empty())
    throw UsageError("--untrained needs --data DIR, whose tokenizer it takes");
  std::string path = fs::path(folder) / "tokenizer.json";
  if (!fs::exists(path))
    fail("{}: there is no tokenizer; give a prepared folder with --data", path);
  Tokenizer tokenizer = Tokenizer::load(path);
  if (state && state->tokenizerHash != tokenizer.hashText())
    fail("{}: is not the tokenizer that {} was trained with", path, state->folder);
  return tokenizer;
}

/// Runs the program `logits` over a growing sequence.
class Decoder {
public:
  Decoder(Machine &machine) : machine(machine), program(machine.context.program("logits")) {
    if (!program)
      fail("this executable has no program 'logits'; compile the model again");
  }

  /// Logits of the token that follows `ids`, at most T of them.
  std::span<const float> next(std::span<const int32_t> ids) {
    const Metadata &metadata = machine.metadata;
    auto tokens = program.argument<int32_t>("tokens");
    std::ranges::fill(tokens, 0);
    std::ranges::copy(ids, tokens.begin());
    auto positions = program.argument<int32_t>("positions");
    for (size_t t = 0; t < positions.size(); ++t)
      positions[t] = static_cast<int32_t>(metadata.positionOffset + static_cast<int64_t>(t));
    program.set("index", static_cast<int32_t>(ids.size() - 1));
    program.run();
    return program.argument<float>("logits");
  }

private:
  Machine &machine;
  Program program;
};

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

} // namespace

int generate(const Invocation &invocation, const GenerateOptions &options) {
  const Metadata &metadata = invocation.metadata;
  if (metadata.encoder)
    fail("{} is an encoder, which cannot continue a text; use eval, or a model of kind decoder", metadata.name);
  Machine machine(invocation.model, metadata, options.threads);
  auto state = loadWeights(machine, options.checkpoint, options.untrained, options.seed);
  Tokenizer tokenizer = findTokenizer(options, state);
  if (tokenizer.size() > metadata.vocab)
    fail("the tokenizer has {} ids, but the model's vocabulary is {}", tokenizer.size(), metadata.vocab);

  std::vector<int32_t> ids = tokenizer.encode(options.prompt);
  if (ids.empty())
    ids.push_back(tokenizer.endOfText()); // a text begins after the end of another
  if (static_cast<int64_t>(ids.size()) > metadata.sequence)
    fail("the prompt has {} tokens, but the model was compiled for a sequence of {}; shorten it, or compile with "
         "--set train.sequence=N (at most {})",
         ids.size(), metadata.sequence, metadata.context);
  print(options.prompt);
  Decoder decoder(machine);
  std::string note;
  for (int64_t made = 0; made < options.tokens; ++made) {
    if (static_cast<int64_t>(ids.size()) > metadata.sequence) {
      note =
          fmt::format("stopped after {} tokens: the model was compiled for a sequence of {}", made, metadata.sequence);
      break;
    }
    // Ids above the tokenizer's only pad the vocabulary.
    auto logits = decoder.next(ids).first(tokenizer.size());
    int32_t id = sampleToken(logits, options.temperature, options.seed, static_cast<uint32_t>(made));
    if (id == tokenizer.endOfText()) {
      note = fmt::format("stopped after {} tokens: the model ended the text", made);
      break;
    }
    ids.push_back(id);
    print(tokenizer.bytesOf(id));
  }
  print("\n");
  if (!note.empty())
    fmt::print(stderr, "note: {}\n", note);
  return 0;
}

} // namespace nf::rt
