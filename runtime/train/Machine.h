// What every command that runs the model needs: checked matrix products, threads, memory.
#ifndef NF_RUNTIME_TRAIN_MACHINE_H
#define NF_RUNTIME_TRAIN_MACHINE_H

#include "runtime/core/Context.h"
#include "runtime/cpu/Cores.h"
#include "runtime/cpu/Gemm.h"
#include "runtime/cpu/Pool.h"
#include "runtime/train/Metadata.h"

#include <string>

namespace nf::rt {

class Machine {
public:
  /// threads = 0: as many as the process has cores. Prints a note when the matrix products needed a fallback.
  Machine(const nf_model &model, const Metadata &metadata, int threads);

  const nf_model &model() const { return context.model(); }
  /// "2 threads (2 cores in the affinity mask), matrix products by OpenBLAS Zen"
  std::string describe() const;
  /// Runs prepare_weights where the model has it: after every change of parameters that is not an update.
  void prepareWeights();

  const Metadata &metadata;
  const GemmChoice gemm;
  const Cores cores;
  Pool pool;
  Context context;
};

/// Bytes that training needs: the segments, and scratch and packing buffers of `threads` threads.
int64_t neededMemory(const nf_model &model, int threads);

/// Throws Error naming the micro-batch that fits when training does not fit into `available` bytes.
void checkMemory(const nf_model &model, const Metadata &metadata, int threads, int64_t available,
                 const std::string &executable);

} // namespace nf::rt

#endif
