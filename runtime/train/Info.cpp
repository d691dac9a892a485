// info: what this executable is.
#include "runtime/train/Commands.h"
#include "runtime/train/Progress.h"

#include <bit>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace nf::rt {

static std::string megabytes(int64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

int info(const Invocation &invocation, bool asJson) {
  const Metadata &m = invocation.metadata;
  const nf_model &model = invocation.model;
  if (asJson) {
    fmt::print("{}\n", model.metadata);
    return 0;
  }
  auto line = [](std::string_view what, const std::string &value) { fmt::print("{:<20}{}\n", what, value); };
  line("model",
       fmt::format("{} ({}, {} objective)", m.name, m.encoder ? "encoder" : "decoder", m.masked ? "masked" : "causal"));
  if (m.layers == 0) // an imported graph knows its ends only
    line("shape", fmt::format("imported, d_model {}, vocabulary {}, context {}", m.dModel, m.vocab, m.context));
  else
    line("shape", fmt::format("{} layers, d_model {}, {} heads, d_ffn {}, vocabulary {}, context {}", m.layers,
                              m.dModel, m.heads, m.dFfn, m.vocab, m.context));
  line("step", fmt::format("micro-batch {} x {} tokens, {}{}{}", m.microBatch, m.sequence, m.precision,
                           m.dropout ? ", dropout" : "", m.documentMask ? ", attention within documents" : ""));
  line("parameters", fmt::format("{} ({})", m.parameters, formatCount(static_cast<double>(m.parameters))));
  if (m.reductionSlots > 1)
    line("gradients",
         fmt::format("{} buffers of {} for {} reduction slots", std::bit_width(static_cast<uint64_t>(m.reductionSlots)),
                     megabytes(4 * m.parameters), m.reductionSlots));
  line("FLOP a token", fmt::format("{} (forward and backward)", formatCount(m.flopsPerToken)));
  line("memory, persistent",
       fmt::format("{} (parameters, moments, gradients, derived)", megabytes(m.memoryPersistent)));
  for (auto &[program, bytes] : m.memoryTransient.items())
    line("memory, transient", fmt::format("{} in {}", megabytes(bytes.get<int64_t>()), program));
  line("memory, peak",
       fmt::format("{}, ratio {:.3f} to the {} that are live at once when no value takes another's place",
                   megabytes(m.memoryPeak), m.memoryRatio, megabytes(m.memoryBound)));
  if (m.memoryBudget > 0)
    line("memory, budget", fmt::format("{} for states and the largest arena", megabytes(m.memoryBudget)));
  if (m.savedBytes > 0)
    line("computed again", fmt::format("{} less kept for backward, {} FLOP added a micro-batch ({:.2f} %)",
                                       megabytes(m.savedBytes), formatCount(m.addedFlops), 100 * m.addedShare));
  line("scratch", fmt::format("{} a thread", megabytes(model.scratch_bytes)));
  line("target", fmt::format("{} ({})", m.cpu, fmt::join(m.features, " ")));
  line("compiler", m.compiler);
  line("compile hash", fmt::format("{:016x}", model.compile_hash));
  line("definition", m.definitionFile);
  return 0;
}

} // namespace nf::rt
