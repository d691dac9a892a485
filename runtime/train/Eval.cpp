// eval: the loss of a checkpoint on validation data.
#include "runtime/core/Error.h"
#include "runtime/train/Commands.h"
#include "runtime/train/Evaluation.h"
#include "runtime/train/Machine.h"
#include "runtime/train/Weights.h"

namespace nf::rt {

int evaluateCheckpoint(const Invocation &invocation, const EvalOptions &options) {
  const Metadata &metadata = invocation.metadata;
  RunConfig config = invocation.config.resolve();
  DataFeed feed = openFeed(metadata, options.data, config);
  Machine machine(invocation.model, metadata, options.threads);
  auto state = loadWeights(machine, options.checkpoint, options.untrained, config.seed);
  if (state)
    checkTokenizer(*state, feed, options.data);
  int64_t most = options.tokens > 0 ? (options.tokens + metadata.sequence - 1) / metadata.sequence : 0;
  Evaluation result = evaluate(machine.context, metadata, feed, most);
  fmt::print("loss {:.6f} ({:.0f} tokens of {} sequences)\n", result.loss(), result.counted, result.sequences);
  fmt::print("{} {} {:.4f}\n", metadata.encoder ? "pseudo-perplexity" : "perplexity", metadata.name,
             result.perplexity());
  if (result.bytes > 0)
    fmt::print("bits per byte {:.4f}\n", result.bitsPerByte());
  return 0;
}

} // namespace nf::rt
