// A GPU that is not there, for tests: what stands behind the libcuda.so.1 and libcublasLt.so.13 of this folder.
//
// Its memory is apart from the host's: a device address is mapped without access, so that whoever reads or writes it on
// the host ends by a signal, and new memory holds NaN. What a stream is given runs when someone waits for it, in order,
// so that results read too early and host buffers reused too early are wrong. Kernels are those of the emulated GPU, by
// name; an image must have them, and says how many arguments they take. Calls that a real driver leaves undefined end
// the process with code 86.
//
// NF_FAKE_KERNELS is a shared object of the same model, compiled with --target=cuda-emulated. NF_FAKE_GPU plants what a
// test wants, as key=number with commas between: see Plan.
#ifndef NF_TEST_RUNTIME_CUDA_FAKEGPU_H
#define NF_TEST_RUNTIME_CUDA_FAKEGPU_H

#include "runtime/abi/nf_gpu.h"
#include "runtime/core/Context.h"
#include "runtime/cpu/Pool.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fake {

/// What a machine looks like and what goes wrong on it.
struct Plan {
  int64_t devices = 1, capability = 90, driver = 13000;
  int64_t memory = int64_t(4) << 30;
  int64_t takesCubins = 1, takesPtx = 1; ///< 0: the driver is too old for them
  int64_t failAlloc = 0;                 ///< the n-th allocation fails, 0: none
  int64_t refuseLaunch = 0;              ///< the n-th launch is refused
  int64_t crashLaunch = 0;               ///< the n-th kernel fails while it runs, and every call from then on
  int64_t count = 0;                     ///< 1: say how many kernels ran
  int64_t refuseGraph = 0;               ///< the n-th launch of a graph is refused
};

/// Ends the process: what the runtime did is undefined on a real GPU.
[[noreturn]] void misuse(const std::string &what);

/// Memory that only the GPU sees.
class Memory {
public:
  /// Returns 0 where the plan's memory is used up.
  uint64_t allocate(int64_t bytes, int64_t limit);
  /// Returns false where `address` was not allocated.
  bool release(uint64_t address);
  /// Where the GPU sees `bytes` bytes at a device address; null where they are not all of one allocation.
  uint8_t *seen(uint64_t address, int64_t bytes) const;
  int64_t used() const { return total; }
  size_t count() const { return blocks.size(); }

private:
  struct Block {
    int64_t bytes;
    uint8_t *alias;
  };
  std::map<uint64_t, Block> blocks;
  int64_t total = 0;
};

/// The arguments of a kernel by its name, as an image (PTX or cubin) says; -1 where it has none of that name.
int64_t argumentsOf(std::string_view image, std::string_view kernel);
/// A cubin's bytes or PTX's text, by the length that either says itself.
std::string_view imageAt(const void *start);

class Gpu {
public:
  static Gpu &get();

  Plan plan;
  Memory memory;
  int64_t kernelsRun = 0;
  int stickyError = 0; ///< CUresult that every call returns from now on

  using Work = std::function<int()>;
  /// Adds to the stream, or to the graph that is being recorded.
  void enqueue(Work work) { recorded ? recorded->push_back(std::move(work)) : stream.push_back(std::move(work)); }
  /// Where work goes instead of the stream; null: to the stream.
  std::vector<Work> *recorded = nullptr;
  /// Runs what the stream has; returns the first error.
  int drain();

  /// The emulated kernel of that name, or null.
  const nf_gpu_work *kernel(std::string_view name) const;
  /// Returns false where the plan has it crash.
  bool runKernel(const nf_gpu_work &kernel, void *const *buffers, int64_t blocks);
  nf_context *hostContext() { return &context; }

private:
  Gpu();

  std::deque<Work> stream;
  const nf_model *emulated = nullptr;
  nf_model none{};
  nf::rt::Pool pool;
  nf::rt::Context context;
};

} // namespace fake

#endif // NF_TEST_RUNTIME_CUDA_FAKEGPU_H
