// What every command that runs the model needs: checked matrix products, threads, memory, a device.
#ifndef NF_RUNTIME_TRAIN_MACHINE_H
#define NF_RUNTIME_TRAIN_MACHINE_H

#include "runtime/core/Context.h"
#include "runtime/core/Device.h"
#include "runtime/cpu/Cores.h"
#include "runtime/cpu/Gemm.h"
#include "runtime/cpu/Pool.h"
#include "runtime/train/Metadata.h"

#include <string>

namespace nf::rt {

class Machine {
public:
  /// threads = 0: as many as the process has cores. Prints a note when the matrix products needed a fallback. Throws
  /// Error when the device that the model is for is not there, or has not the memory.
  Machine(const nf_model &model, const Metadata &metadata, int threads);

  const nf_model &model() const { return context.model(); }
  /// "2 threads (2 cores in the affinity mask), matrix products by OpenBLAS Zen"
  std::string describe() const;
  /// "memory: 812 MB needed, 16210 MB available"
  std::string describeMemory() const;
  /// What makes the matrix products; part of what decides a run's bits.
  std::string products() const { return device ? device->products() : gemm.name; }
  /// Runs prepare_weights where the model has it: after every change of parameters that is not an update.
  void prepareWeights();

  const Metadata &metadata;
  const GemmChoice gemm;
  const Cores cores;
  Pool pool;
  const std::unique_ptr<Device> device; ///< null: the host runs the model
  const int64_t availableBytes;         ///< of the memory that the model is in, before it was reserved
  Context context;
};

/// Bytes of the host's memory that training needs: the segments, and scratch and packing buffers of `threads` threads.
int64_t neededMemory(const nf_model &model, int threads);

/// Throws Error naming the micro-batch that fits when training does not fit into `available` bytes.
void checkMemory(const nf_model &model, const Metadata &metadata, int threads, int64_t available,
                 const std::string &executable);
/// The same for what a device needs and has.
void checkDeviceMemory(const nf_model &model, const Metadata &metadata, const Device &device,
                       const std::string &executable);

} // namespace nf::rt

#endif
