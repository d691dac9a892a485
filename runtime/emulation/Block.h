// One block of an emulated GPU kernel: its threads are fibers of the thread that runs it.
#ifndef NF_RUNTIME_EMULATION_BLOCK_H
#define NF_RUNTIME_EMULATION_BLOCK_H

#include "runtime/emulation/Checks.h"
#include "runtime/emulation/Counts.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <ucontext.h>
#include <vector>

namespace nf::rt {

/// Threads take turns: each runs until it waits for others (a barrier, a shuffle) or ends, in ascending order. A wait
/// is over when everyone that it names has come.
///
/// ucontext rather than a library of fibers: the C library has it, and a switch, mostly its system call, takes a fifth
/// of a microsecond, of which a row kernel makes ten a thread and row.
class Block {
public:
  struct Kernel {
    nf_emulated_kernel run;
    void *const *args;
    const char *name;
    int64_t threads, sharedBytes, block;
    Checks *checks = nullptr; ///< in a launch, for kernels that are checked
    Counts *counts = nullptr; ///< of requests, if anyone wants them
    uint64_t order = 0;       ///< seed of the order in which threads take turns; 0: ascending
  };

  /// One that the calling thread has for itself: it keeps its stacks from block to block.
  static Block &ofThisThread();

  /// Runs a block of `kernel` from start to end.
  void run(const Kernel &kernel);

  /// The block that runs on this thread; only inside of run().
  static Block &current();

  // For the thread of the block that runs.
  void comeTo(const nf_emulated_site *site) { threads[running].site = site; }
  void access(const nf_emulated_site *site, const void *address, int32_t bytes);
  void countProduct();
  int32_t thread() const { return running; }
  int32_t block() const { return static_cast<int32_t>(kernel.block); }
  void *shared() { return sharedMemory.data(); }
  void waitAtBarrier();
  void waitAtWarpBarrier(uint32_t mask);
  int32_t shuffle(uint32_t mask, int32_t value, int32_t offset, int32_t clamp, nf_shuffle kind);
  int32_t ballot(uint32_t mask, bool predicate);

  /// An instruction of a whole warp: `run` gets what each of its 32 lanes passed, by lane.
  struct WarpOp {
    const char *name;
    void (*run)(void *const *lanes);
  };
  /// Waits until all lanes of the warp have come to `op`, which has then been run.
  void inWarp(const WarpOp &op, void *lane);

  // cp.async: a copy lands at the wait that orders it.
  void copyAsync(void *to, const void *from, int32_t bytes, int32_t sourceBytes);
  void commitCopies();
  void waitForCopies(int32_t groups);

  /// Refuses an address that is not one of `bytes` in shared memory, aligned to them.
  void checkShared(const void *address, int32_t bytes) const;

private:
  enum class State { Ready, AtBarrier, AtShuffle, AtWarpOp, Done };
  struct Shuffle {
    uint32_t mask;
    int32_t value, offset, clamp;
    std::optional<nf_shuffle> kind; ///< nothing: a ballot of values
    bool isBarrier = false;         ///< a barrier of the lanes
  };
  struct Copy {
    void *to;
    const void *from;
    int32_t bytes, sourceBytes;
  };
  struct Thread {
    ucontext_t context;
    State state;
    const nf_emulated_site *site; ///< the last place it came to, of a checked kernel
    Shuffle shuffle;
    int32_t received;
    const WarpOp *warpOp;
    void *lane;                               ///< of warpOp
    std::vector<Copy> copies;                 ///< not committed yet
    std::deque<std::vector<Copy>> copyGroups; ///< committed and not landed, oldest first
  };
  struct alignas(16) Quad {
    uint32_t words[4];
  };

  static void runThread();
  void start();
  void orderTurns();
  void closeCounts();
  void wait(State state);
  bool releaseBarrier();
  bool releaseShuffles(int32_t warp);
  bool releaseWarpOp(int32_t warp);
  int32_t exchange(const Shuffle &shuffle);
  int32_t receive(int32_t warp, int32_t lane);
  int32_t countBallot(int32_t warp, uint32_t mask) const;
  [[noreturn]] void fail(int32_t thread, const std::string &rule) const;
  [[noreturn]] void failStuck() const;

  Kernel kernel{};
  std::vector<Thread> threads;
  std::unique_ptr<std::byte[]> stacks;
  std::vector<Quad> sharedMemory;
  std::vector<int32_t> turns; ///< the threads in the order in which they take turns
  ucontext_t scheduler;
  int32_t running = 0;
};

} // namespace nf::rt

#endif // NF_RUNTIME_EMULATION_BLOCK_H
