//===- Traffic.h - bytes that a planned program's row kernels move ----------------------------===//
#ifndef NF_PASSES_PLAN_TRAFFIC_H
#define NF_PASSES_PLAN_TRAFFIC_H

#include "dialect/NF.h"

#include <string>
#include <vector>

namespace nf {

/// A tensor that is read, written or saved.
struct TrafficTerm {
  std::string name; ///< the parts of the model that made it, or the parameter: "layers.1.attn.q,k,v"
  int64_t bytes = 0, elements = 0;
  bool isOfBackward = false; ///< made there: a gradient, or computed again
};

/// One fused region or copy: each operand is read once and each result written once, gathered rows as many as there
/// are rows; a result that is added to its destination also reads it.
struct RegionTraffic {
  mlir::Operation *op;
  std::string parts; ///< of the model, as in TrafficTerm
  bool isBackward = false;
  std::vector<TrafficTerm> reads, writes;

  int64_t bytes() const;
};

struct ProgramTraffic {
  std::vector<RegionTraffic> regions; ///< in program order
  std::vector<TrafficTerm> saved;     ///< written before the first gradient is, read after it
};

/// Counts what the operands and results of `program`, in buffer form, say: nothing about how kernels are written.
/// Matrix products, attention and scatter_add are left out as readers and writers; what they make is saved like others.
ProgramTraffic countTraffic(ProgramOp program);

/// What a count is given in: activations of the model.
struct TrafficUnit {
  int64_t tokens, width;
  std::string element; ///< "bf16"
  int64_t elementBytes;

  int64_t bytes() const { return tokens * width * elementBytes; }
};

/// The program's traffic as tables: one inner layer term by term, forward and backward, what it saves for backward, and
/// the sums of all layers and of the rest. Ends with a line break.
std::string trafficText(ProgramOp program, const TrafficUnit &unit);

} // namespace nf

#endif // NF_PASSES_PLAN_TRAFFIC_H
