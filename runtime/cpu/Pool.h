// The only thread pool of the process.
#ifndef NF_RUNTIME_CPU_POOL_H
#define NF_RUNTIME_CPU_POOL_H

#include "runtime/abi/nf_abi.h"
#include "runtime/core/Memory.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace nf::rt {

/// Runs the tasks of one kernel at a time on `threads` threads, of which the caller of run() is one. Tasks are picked
/// up in order as threads become free; which thread runs which task never changes a result (nf_abi.h). Workers spin
/// for some microseconds after their last task, then sleep.
class Pool {
public:
  /// Starts threads - 1 workers, each with `scratchBytes` of private scratch. threads >= 1.
  Pool(int threads, int64_t scratchBytes);
  ~Pool();
  Pool(const Pool &) = delete;

  int threads() const { return static_cast<int>(workers.size()) + 1; }

  /// Returns when kernel(args, task, scratch) was run for 0 <= task < tasks. Allocates nothing. Not reentrant.
  void run(nf_kernel kernel, void *const *args, int64_t tasks);

private:
  // A cache line a worker, so that waking one does not disturb the others.
  struct alignas(64) Ticket {
    std::atomic<uint32_t> number{0};
  };

  void stop();
  void workerLoop(int index);
  void drain(uint8_t *scratch);
  void waitForOthers();

  nf_kernel kernel = nullptr;
  void *const *args = nullptr;
  int64_t tasks = 0;
  // Tasks not yet picked up; the fields above are only read after a task was taken from it, and only written while it
  // is 0 and `unfinished` is 0. So a worker that wakes late can join whatever runs then.
  alignas(64) std::atomic<int64_t> remaining{0};
  alignas(64) std::atomic<int64_t> unfinished{0};
  std::atomic<bool> stopping{false};

  int64_t scratchStride;
  Segment scratch;
  std::unique_ptr<Ticket[]> tickets;
  std::vector<std::thread> workers;
};

} // namespace nf::rt

#endif
