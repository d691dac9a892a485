#include "runtime/cpu/Pool.h"

#include "runtime/core/Error.h"

#include <algorithm>
#include <chrono>
#include <system_error>

namespace nf::rt {
namespace {

// Longer than the serial code between two kernels of a step, short enough not to eat a CPU quota.
constexpr std::chrono::microseconds spinTime{40};

void relax() { __builtin_ia32_pause(); }

/// Waits until atomic != old: by spinning first, then asleep.
template <typename T> void waitWhile(const std::atomic<T> &atomic, T old) {
  auto deadline = std::chrono::steady_clock::now() + spinTime;
  do {
    for (int i = 0; i < 64; ++i) {
      if (atomic.load(std::memory_order_acquire) != old)
        return;
      relax();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  atomic.wait(old, std::memory_order_acquire);
}

int64_t roundUp(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

} // namespace

Pool::Pool(int threads, int64_t scratchBytes)
    : scratchStride(roundUp(std::max<int64_t>(scratchBytes, 1), 4096)), scratch(scratchStride * threads),
      tickets(new Ticket[threads]) {
  workers.reserve(threads - 1);
  try {
    for (int i = 1; i < threads; ++i)
      workers.emplace_back([this, i] { workerLoop(i); });
  } catch (const std::system_error &) {
    int started = this->threads();
    stop();
    fail("cannot start {} threads, only {} could be started; ask for fewer with --threads", threads, started);
  }
}

Pool::~Pool() { stop(); }

void Pool::stop() {
  stopping = true;
  for (size_t i = 1; i <= workers.size(); ++i) {
    tickets[i].number.fetch_add(1, std::memory_order_release);
    tickets[i].number.notify_one();
  }
  for (std::thread &worker : workers)
    worker.join();
}

void Pool::workerLoop(int index) {
  std::atomic<uint32_t> &ticket = tickets[index].number;
  for (uint32_t seen = 0;;) {
    waitWhile(ticket, seen);
    seen = ticket.load(std::memory_order_acquire);
    if (stopping)
      return;
    drain(scratch.data() + index * scratchStride);
  }
}

void Pool::drain(uint8_t *mine) {
  int64_t done = 0;
  for (int64_t left = remaining.load(std::memory_order_acquire); left > 0;) {
    if (!remaining.compare_exchange_weak(left, left - 1, std::memory_order_acquire))
      continue;
    kernel(args, tasks - left, mine);
    ++done;
    left = remaining.load(std::memory_order_acquire);
  }
  if (done > 0 && unfinished.fetch_sub(done, std::memory_order_acq_rel) == done)
    unfinished.notify_one();
}

void Pool::waitForOthers() {
  for (int64_t left; (left = unfinished.load(std::memory_order_acquire)) != 0;)
    waitWhile(unfinished, left);
}

void Pool::run(nf_kernel newKernel, void *const *newArgs, int64_t newTasks) {
  if (newTasks <= 0)
    return;
  kernel = newKernel;
  args = newArgs;
  tasks = newTasks;
  unfinished.store(newTasks, std::memory_order_relaxed);
  remaining.store(newTasks, std::memory_order_release);
  int64_t helpers = std::min<int64_t>(workers.size(), newTasks - 1);
  for (int64_t i = 1; i <= helpers; ++i) {
    tickets[i].number.fetch_add(1, std::memory_order_release);
    tickets[i].number.notify_one();
  }
  drain(scratch.data());
  waitForOthers();
}

} // namespace nf::rt
