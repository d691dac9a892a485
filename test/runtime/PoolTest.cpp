#include "runtime/cpu/Pool.h"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <thread>
#include <vector>

namespace nf::rt {
namespace {

// args[0]: a counter for each task.
void countKernel(void *const *args, int64_t task, void *) {
  static_cast<std::atomic<int> *>(args[0])[task].fetch_add(1, std::memory_order_relaxed);
}

TEST(Pool, RunsEveryTaskOnceForAnyNumberOfThreadsAndTasks) {
  for (int threads : {1, 2, 3, 8}) {
    Pool pool(threads, 64);
    for (int64_t tasks : {0, 1, 2, 3, 7, 100, 1000}) {
      std::vector<std::atomic<int>> counts(tasks + 1);
      void *args[] = {counts.data()};
      pool.run(countKernel, args, tasks);
      for (int64_t task = 0; task < tasks; ++task)
        ASSERT_EQ(counts[task], 1) << threads << " threads, task " << task << " of " << tasks;
      ASSERT_EQ(counts[tasks], 0);
    }
  }
}

// Launches of all sizes, back to back and after pauses in which the workers fall asleep: the results of a launch must
// be visible to the next one, and no launch may run a task of another.
TEST(Pool, LaunchesFollowOneAnother) {
  Pool pool(4, 64);
  struct Shared {
    std::vector<int64_t> values = std::vector<int64_t>(64);
    int64_t launch = 0;
    std::atomic<int> wrong{0};
  } shared;
  void *args[] = {&shared};
  for (shared.launch = 0; shared.launch < 20000; ++shared.launch) {
    pool.run(
        [](void *const *args, int64_t task, void *) {
          auto &shared = *static_cast<Shared *>(args[0]);
          if (shared.values[task] > shared.launch)
            ++shared.wrong;
          shared.values[task] = shared.launch + 1;
        },
        args, 2 + shared.launch % 63);
    for (int64_t task = 0; task < 2 + shared.launch % 63; ++task)
      ASSERT_EQ(shared.values[task], shared.launch + 1);
    if (shared.launch % 1000 == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(shared.wrong, 0);
}

TEST(Pool, ScratchIsPrivateAndAligned) {
  constexpr int64_t bytes = 5000;
  Pool pool(4, bytes);
  std::atomic<int> wrong{0};
  void *args[] = {&wrong};
  pool.run(
      [](void *const *args, int64_t task, void *scratch) {
        auto *mine = static_cast<uint8_t *>(scratch);
        auto &wrong = *static_cast<std::atomic<int> *>(args[0]);
        if (reinterpret_cast<uintptr_t>(scratch) % NF_ALIGNMENT != 0)
          ++wrong;
        for (int64_t i = 0; i < bytes; ++i)
          mine[i] = static_cast<uint8_t>(task);
        std::this_thread::yield();
        for (int64_t i = 0; i < bytes; ++i)
          if (mine[i] != static_cast<uint8_t>(task))
            ++wrong;
      },
      args, 200);
  EXPECT_EQ(wrong, 0);
}

TEST(Pool, OneTaskRunsOnTheCaller) {
  Pool pool(4, 64);
  std::thread::id ran;
  void *args[] = {&ran};
  for (int i = 0; i < 100; ++i) {
    pool.run([](void *const *args, int64_t,
                void *) { *static_cast<std::thread::id *>(args[0]) = std::this_thread::get_id(); },
             args, 1);
    ASSERT_EQ(ran, std::this_thread::get_id());
  }
}

TEST(Pool, SleepsWhenThereIsNothingToDo) {
  Pool pool(4, 64);
  std::vector<std::atomic<int>> counts(8);
  void *args[] = {counts.data()};
  pool.run(countKernel, args, 8);
  auto cpuSeconds = [] {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_utime.tv_usec * 1e-6 + usage.ru_stime.tv_sec +
           usage.ru_stime.tv_usec * 1e-6;
  };
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  double before = cpuSeconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(cpuSeconds() - before, 0.1);
}

} // namespace
} // namespace nf::rt
