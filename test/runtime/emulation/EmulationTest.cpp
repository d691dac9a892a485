// The rules of a GPU's threads, kept and broken by kernels written by hand.
#include "runtime/abi/nf_emulation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

namespace {
constexpr int32_t everyone = -1, wholeWarp = 31;

/// Runs a kernel of one pointer on `values`.
template <typename T>
void run(nf_emulated_kernel kernel, std::vector<T> &values, int64_t threads, int64_t sharedBytes = 0,
         int64_t block = 0) {
  void *args[] = {values.data()};
  nf_emulate_block(kernel, args, "kernel", threads, sharedBytes, block);
}

TEST(Emulation, ThreadsAndBlocksHaveTheirNumbers) {
  std::vector<int32_t> values(96, -1);
  run(
      [](void *const *args) {
        static_cast<int32_t *>(args[0])[nf_emulated_thread()] = 1000 * nf_emulated_block() + nf_emulated_thread();
      },
      values, 96, 0, 7);
  for (int32_t i = 0; i < 96; ++i)
    EXPECT_EQ(values[i], 7000 + i);
}

/// What every lane of a warp gets of lane numbers, from the shuffle `Kind` with `Offset` and operand c `Clamp`.
template <nf_shuffle Kind, int32_t Offset, int32_t Clamp> std::vector<int32_t> shuffled() {
  std::vector<int32_t> values(32);
  run(
      [](void *const *args) {
        int32_t lane = nf_emulated_thread();
        static_cast<int32_t *>(args[0])[lane] = nf_emulated_shuffle(everyone, lane, Offset, Clamp, Kind);
      },
      values, 32);
  return values;
}

TEST(Emulation, ShufflesFollowThePtxIsa) {
  auto butterfly = shuffled<NF_SHUFFLE_BFLY, 5, wholeWarp>(), up = shuffled<NF_SHUFFLE_UP, 3, 0>();
  auto down = shuffled<NF_SHUFFLE_DOWN, 3, wholeWarp>(), index = shuffled<NF_SHUFFLE_IDX, 9, wholeWarp>();
  // Segments of eight lanes: c is 31 - 7 in the mask's bits, and 31 or 0 as the clamp.
  auto downInEights = shuffled<NF_SHUFFLE_DOWN, 3, 24 << 8 | 31>(),
       indexInEights = shuffled<NF_SHUFFLE_IDX, 2, 24 << 8 | 31>();
  for (int32_t lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(butterfly[lane], lane ^ 5);
    EXPECT_EQ(up[lane], lane < 3 ? lane : lane - 3);
    EXPECT_EQ(down[lane], lane + 3 > 31 ? lane : lane + 3);
    EXPECT_EQ(index[lane], 9);
    EXPECT_EQ(downInEights[lane], lane % 8 + 3 > 7 ? lane : lane + 3);
    EXPECT_EQ(indexInEights[lane], lane / 8 * 8 + 2);
  }
}

TEST(Emulation, BallotsCountTheLanesOfTheirMask) {
  std::vector<int32_t> values(64);
  run(
      [](void *const *args) {
        int32_t thread = nf_emulated_thread(), mask = thread % 32 < 16 ? 0xFFFF : static_cast<int32_t>(0xFFFF0000);
        static_cast<int32_t *>(args[0])[thread] = nf_emulated_ballot(thread < 32 ? everyone : mask, thread % 3 == 0);
      },
      values, 64);
  EXPECT_EQ(values[0], 0x49249249);
  EXPECT_EQ(values[31], 0x49249249);
  for (int32_t lane = 0; lane < 32; ++lane) // thread 33 is lane 1
    EXPECT_EQ(values[32 + lane], lane < 16 ? 0x2492 : static_cast<int32_t>(0x92490000)) << lane;
}

TEST(Emulation, BarriersOrderSharedMemory) {
  std::vector<int32_t> values(128);
  auto reverse = [](void *const *args) {
    auto *shared = static_cast<int32_t *>(nf_emulated_shared());
    int32_t thread = nf_emulated_thread();
    shared[thread] = thread;
    nf_emulated_barrier();
    static_cast<int32_t *>(args[0])[thread] = shared[127 - thread];
  };
  run<int32_t>(reverse, values, 128, 512);
  for (int32_t i = 0; i < 128; ++i)
    EXPECT_EQ(values[i], 127 - i);
}

TEST(Emulation, SharedMemoryThatNobodyWroteIsNaN) {
  std::vector<float> values(1);
  run<float>(
      [](void *const *args) { static_cast<float *>(args[0])[0] = static_cast<float *>(nf_emulated_shared())[3]; },
      values, 1, 64);
  EXPECT_TRUE(std::isnan(values[0]));
}

TEST(Emulation, HalfAWarpShufflesByItsOwnMask) {
  std::vector<int32_t> values(32);
  run(
      [](void *const *args) {
        int32_t lane = nf_emulated_thread();
        int32_t mask = lane < 16 ? 0xFFFF : static_cast<int32_t>(0xFFFF0000);
        static_cast<int32_t *>(args[0])[lane] = nf_emulated_shuffle(mask, lane, 1, wholeWarp, NF_SHUFFLE_BFLY);
      },
      values, 32);
  for (int32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(values[lane], lane ^ 1);
}

//===------------------------------------------------------------------------------------------===//
// Rules that are broken
//===------------------------------------------------------------------------------------------===//

using EmulationDeathTest = ::testing::Test;

void expectRefused(nf_emulated_kernel kernel, int64_t threads, const char *message) {
  std::vector<int32_t> values(threads);
  EXPECT_EXIT(run(kernel, values, threads, 0, 2), ::testing::ExitedWithCode(1), message);
}

TEST(EmulationDeathTest, ABarrierThatSomeDoNotReach) {
  expectRefused(
      [](void *const *) {
        if (nf_emulated_thread() != 40)
          nf_emulated_barrier();
      },
      64, "kernel: block 2, thread 0: error: expected that every thread of the block comes to the barrier");
}

TEST(EmulationDeathTest, ABarrierForSomeAndAShuffleForOthers) {
  expectRefused(
      [](void *const *) {
        if (nf_emulated_thread() < 32)
          nf_emulated_barrier();
        else if (nf_emulated_thread() < 63)
          nf_emulated_shuffle(everyone, 0, 1, wholeWarp, NF_SHUFFLE_BFLY);
      },
      64, "thread 0: error: expected that every thread of the block comes to the barrier");
}

TEST(EmulationDeathTest, AShuffleThatALaneOfItsMaskDoesNotReach) {
  expectRefused(
      [](void *const *) {
        if (nf_emulated_thread() != 3)
          nf_emulated_shuffle(everyone, 0, 1, wholeWarp, NF_SHUFFLE_BFLY);
      },
      32, "thread 0: error: expected that every lane of its mask comes to the shuffle");
}

TEST(EmulationDeathTest, AShuffleOutsideOfItsMask) {
  expectRefused([](void *const *) { nf_emulated_shuffle(1, 0, 0, wholeWarp, NF_SHUFFLE_IDX); }, 32,
                "thread 1: error: expected that a thread that shuffles is in the shuffle's mask");
}

TEST(EmulationDeathTest, AShuffleThatReadsFromOutsideOfItsMask) {
  expectRefused(
      [](void *const *) {
        if (nf_emulated_thread() < 16)
          nf_emulated_shuffle(0xFFFF, 0, 16, wholeWarp, NF_SHUFFLE_BFLY);
      },
      32, "thread 0: error: expected that a shuffle reads from a lane of its mask");
}

TEST(EmulationDeathTest, AMaskOfLanesThatDoNotExist) {
  expectRefused([](void *const *) { nf_emulated_shuffle(everyone, 0, 1, wholeWarp, NF_SHUFFLE_BFLY); }, 16,
                "error: expected that a shuffle's mask names lanes that exist");
}

TEST(EmulationDeathTest, ABlockOfTooManyThreads) {
  expectRefused([](void *const *) {}, 1056, "error: expected that a block has 1 to 1024 threads");
}
} // namespace
