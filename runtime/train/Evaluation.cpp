#include "runtime/train/Evaluation.h"

#include "runtime/core/Error.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nf::rt {

double Evaluation::perplexity() const { return std::exp(loss()); }

double Evaluation::bitsPerByte() const { return lossSum / std::numbers::ln2 / static_cast<double>(bytes); }

Evaluation evaluate(Context &context, const Metadata &metadata, const DataFeed &feed, int64_t most) {
  Program program = context.program("eval");
  if (!program)
    fail("this executable has no program 'eval'; compile the model again");
  if (feed.validationCount() == 0)
    fail("the data has no validation part; prepare it with --validation 5%");
  BatchArguments batch(program, metadata);
  Evaluation result;
  result.sequences = most > 0 ? std::min(most, feed.validationCount()) : feed.validationCount();
  for (int64_t first = 0; first < result.sequences; first += batch.rows()) {
    for (int64_t b = 0; b < batch.rows(); ++b) {
      if (first + b < result.sequences) {
        result.counted += feed.validation(evaluationSeed, first + b, batch.row(b));
        result.bytes += feed.validationBytes(evaluationSeed, first + b);
      } else {
        batch.pad(b);
      }
    }
    program.run();
    auto loss = program.argument<float>("loss_sum");
    result.lossSum += loss.empty() ? 0.0 : loss[0];
  }
  if (result.counted == 0)
    fail("no position of the validation data counts; there is too little of it");
  return result;
}

} // namespace nf::rt
