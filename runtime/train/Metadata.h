// What the compiler wrote about the model into the executable (nf_model.metadata; format in docs/executable.md).
#ifndef NF_RUNTIME_TRAIN_METADATA_H
#define NF_RUNTIME_TRAIN_METADATA_H

#include "runtime/abi/nf_abi.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace nf::rt {

struct Metadata {
  std::string name;
  bool encoder = false;
  bool masked = false; ///< objective: masked instead of causal
  int64_t layers = 0, dModel = 0, heads = 0, dFfn = 0, vocab = 0, context = 0;
  int64_t sequence = 0;       ///< T
  int64_t microBatch = 0;     ///< B, sequences
  int64_t reductionSlots = 1; ///< a power of two
  int64_t positionOffset = 0; ///< position of a sequence's first token
  std::string precision;
  bool dropout = false;
  bool documentMask = false; ///< attention keeps to documents
  std::string definitionFile, definition;
  int64_t parameters = 0;
  double flopsPerToken = 0;
  int64_t memoryPersistent = 0, memoryPeak = 0, memoryBound = 0; ///< bytes
  double memoryRatio = 0;
  int64_t memoryBudget = 0, savedBytes = 0; ///< 0: none; bytes that backward computes again
  double addedFlops = 0, addedShare = 0;    ///< by that, a micro-batch; share of its forward and backward
  nlohmann::json memoryTransient = nlohmann::json::object(); ///< program -> bytes
  std::string cpu;
  std::vector<std::string> features;
  std::string compiler;
  nlohmann::json compileKeys, runKeys; ///< key -> {"value", "origin", ...}
};

/// Throws Error when the executable's metadata does not have the form that this runtime reads.
Metadata readMetadata(const nf_model &model);

} // namespace nf::rt

#endif
