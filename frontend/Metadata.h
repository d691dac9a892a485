// The JSON that a compiled model carries about itself (docs/executable.md).
#ifndef NF_FRONTEND_METADATA_H
#define NF_FRONTEND_METADATA_H

#include "frontend/ModelConfig.h"

namespace nf {

/// What the compiler knows beyond the definition. Sizes in bytes.
struct CompileFacts {
  int64_t persistentBytes = 0;
  std::map<std::string, int64_t> transientBytes; ///< by program
  int64_t peakBytes = 0;                         ///< of the plan
  int64_t boundBytes = 0;                        ///< the lower bound that the plan is held to
  int64_t budgetBytes = 0;                       ///< that it was compiled for; 0: none
  int64_t savedBytes = 0;                        ///< of forward's values that backward computes again
  int64_t addedFlops = 0, microBatchFlops = 0;   ///< by that; without it, forward and backward of a micro-batch
  int64_t parameters = 0;                        ///< trained elements; of an imported graph, which alone knows them
  std::string cpu;                               ///< LLVM's name
  std::vector<std::string> features;             ///< LLVM's names
  std::string compiler;                          ///< "NormForge 0.1.0 (LLVM 22.1.8)"
};

/// The metadata as one line of JSON; equal inputs give equal bytes. A definition given by an absolute path is stored
/// by its file name, so that the folder of a build leaves no trace.
std::string metadataJson(const ModelConfig &config, const CompileFacts &facts);

} // namespace nf

#endif // NF_FRONTEND_METADATA_H
