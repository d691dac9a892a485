// The order of a GPU's threads as checks know it, bytes beside each other, products on checked memory, rows of matrices
// that other lanes wrote, and the drawn order of turns.
#include "runtime/emulation/Block.h"
#include "runtime/emulation/ProductMemory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

using namespace nf::rt;

namespace {
constexpr nf_emulated_site siteOf(nf_emulated_use use, int32_t shared = 1, int32_t argument = -1) {
  return {"here", 0, use, shared, argument, 1, 0, 0, 0};
}
constexpr nf_emulated_site loadShared = siteOf(NF_USE_LOAD), storeShared = siteOf(NF_USE_STORE),
                           copyShared = siteOf(NF_USE_COPY), store = siteOf(NF_USE_STORE, 0);

alignas(64) uint8_t persistent[256], transient[256], shared[256];

struct CheckedBlock : ::testing::Test {
  CheckedBlock() {
    checks.beginProgram({persistent, 256}, {transient, 256}, {nullptr, 0});
    checks.beginLaunch(buffers);
    checks.beginBlock(0, shared, 256);
  }
  std::string use(const nf_emulated_site &site, const void *address, int32_t thread, int64_t bytes = 4) {
    return checks.access(site, address, bytes, {thread, 1u << thread % 32});
  }
  bool isRace(const std::string &broken) { return broken.starts_with("a barrier orders"); }

  Checks checks;
  Checks::Buffer buffers[2] = {{persistent, 128}, {transient, 128}};
};

TEST_F(CheckedBlock, BytesBesideEachOtherAreNoRace) {
  for (int thread = 0; thread < 4; ++thread)
    EXPECT_EQ(use(store, transient + thread, thread, 1), "");
  EXPECT_TRUE(isRace(use(store, transient + 3, 4, 1)));
}

TEST_F(CheckedBlock, ABarrierOfAWarpOrdersItsMask) {
  EXPECT_EQ(use(storeShared, shared, 3), "");
  checks.time().passWarpBarrier(0, 0xFF);
  EXPECT_TRUE(isRace(use(loadShared, shared, 8)));
  EXPECT_EQ(use(loadShared, shared, 7), "");
  EXPECT_TRUE(isRace(use(storeShared, shared, 3))); // after thread 7 read it
  checks.time().passWarpBarrier(0, 0xFF);
  EXPECT_EQ(use(storeShared, shared, 3), "");
}

TEST_F(CheckedBlock, OrderGoesOnFromBarrierToBarrier) {
  EXPECT_EQ(use(storeShared, shared, 0), "");
  checks.time().passWarpBarrier(0, 0b0011);
  checks.time().passWarpBarrier(0, 0b0110);
  EXPECT_EQ(use(loadShared, shared, 2), "");
  EXPECT_TRUE(isRace(use(loadShared, shared, 3)));
}

TEST_F(CheckedBlock, ABarrierOfAWarpDoesNotOrderAnother) {
  EXPECT_EQ(use(storeShared, shared, 0), "");
  checks.time().passWarpBarrier(0, ~0u);
  checks.time().passWarpBarrier(1, ~0u);
  EXPECT_TRUE(isRace(use(loadShared, shared, 32)));
  checks.time().passBarrier();
  EXPECT_EQ(use(loadShared, shared, 32), "");
}

TEST_F(CheckedBlock, ReadersOfSeveralWarpsAreAllKnown) {
  EXPECT_EQ(use(storeShared, shared, 0), "");
  checks.time().passBarrier();
  EXPECT_EQ(use(loadShared, shared, 40), "");
  EXPECT_EQ(use(loadShared, shared, 0), "");
  std::string broken = use(storeShared, shared, 0);
  EXPECT_TRUE(isRace(broken) && broken.find("thread 40 read it too") != std::string::npos) << broken;
}

TEST_F(CheckedBlock, SharedMemoryBeginsAnewWithEachBlock) {
  EXPECT_EQ(use(storeShared, shared, 0), "");
  checks.beginBlock(1, shared, 256);
  EXPECT_TRUE(use(loadShared, shared, 0).starts_with("memory is written before it is read"));
  EXPECT_EQ(use(storeShared, shared, 5), "");
}

TEST_F(CheckedBlock, WhatALaunchWroteTheNextOneReads) {
  EXPECT_EQ(use(store, transient, 0), "");
  checks.beginLaunch(buffers);
  checks.beginBlock(0, shared, 256);
  EXPECT_EQ(use(siteOf(NF_USE_LOAD, 0), transient, 9), "");
  checks.beginProgram({persistent, 256}, {transient, 256}, {nullptr, 0});
  checks.beginLaunch(buffers);
  checks.beginBlock(0, shared, 256);
  EXPECT_TRUE(use(siteOf(NF_USE_LOAD, 0), transient, 9).starts_with("memory is written before it is read"));
  EXPECT_EQ(use(siteOf(NF_USE_LOAD, 0), persistent, 9), "");
}

TEST_F(CheckedBlock, ACopyLandsForOthersBehindABarrier) {
  EXPECT_EQ(use(copyShared, shared, 0, 16), "");
  checks.time().passBarrier();
  EXPECT_TRUE(use(loadShared, shared, 0).starts_with("an asynchronous copy has been waited for"));
  checks.land(shared, 16, 0);
  EXPECT_EQ(use(loadShared, shared, 0), "");
  EXPECT_TRUE(isRace(use(loadShared, shared, 1)));
  checks.time().passBarrier();
  EXPECT_EQ(use(loadShared, shared, 1), "");
}

TEST_F(CheckedBlock, BuffersAreTheArgumentsThatAddressesFollowFrom) {
  EXPECT_EQ(use(siteOf(NF_USE_STORE, 0, 1), transient + 124, 0), "");
  EXPECT_TRUE(use(siteOf(NF_USE_STORE, 0, 0), transient, 0).starts_with("accesses stay inside of their buffer"));
  EXPECT_TRUE(use(store, transient + 128, 0).starts_with("an address lies in a buffer of the launch"));
}

TEST_F(CheckedBlock, ProductsAreHeldToTheirBuffers) {
  nf_gpu_gemm gemm{};
  gemm.a = {4, 2, 4, 0, NF_F32, 16};
  gemm.b = {2, 3, 2, 0, NF_F32, 16};
  gemm.d = {4, 3, 4, 0, NF_F32, 16};
  gemm.batch = 1;
  gemm.epilogue = NF_EPILOGUE_BIAS;
  Checks::Buffer of[] = {{persistent, 32}, {transient, 24}, {transient + 64, 48}, {transient + 128, 16}};
  ProductMemory memory(checks, gemm, of, true);
  EXPECT_EQ(memory.brokenRule(), "B to be written before it is read, but nothing has written all of its bytes 0 to 7");
  checks.fill(transient, 24);
  EXPECT_TRUE(memory.brokenRule().starts_with("the epilogue's vector to be written before it is read"));
  checks.fill(transient + 128, 16);
  EXPECT_EQ(memory.brokenRule(), "");
  EXPECT_FALSE(checks.isWritten(transient + 64, 48));
  memory.fill();
  EXPECT_TRUE(checks.isWritten(transient + 64, 48));
  of[0].bytes = 28;
  EXPECT_EQ(memory.brokenRule(), "A inside of its buffer of 28 bytes, but got a column up to byte 32");
}

//===------------------------------------------------------------------------------------------===//
// Kernels
//===------------------------------------------------------------------------------------------===//

constexpr int64_t sharedBytes = 256;
constexpr nf_emulated_site write = {"store", 0, NF_USE_STORE, 1, -1, 4, 0, 0, sharedBytes},
                           matrix = {"matrix", 1, NF_USE_MATRIX, 1, -1, 16, 1, 0, sharedBytes},
                           transposed = {"matrix", 1, NF_USE_MATRIX, 1, -1, 16, -1, 0, sharedBytes};

void run(nf_emulated_kernel kernel, void *argument, int64_t threads, uint64_t order) {
  Checks checks;
  checks.beginProgram({nullptr, 0}, {nullptr, 0}, {nullptr, 0});
  checks.beginLaunch({});
  Block::ofThisThread().run({kernel, &argument, "kernel", threads, sharedBytes, 0, &checks, /*counts=*/nullptr, order});
}

/// Lane i writes word i; then lanes 0 to 7 point to the rows of a matrix, whose elements all lanes get.
template <bool IsOrdered, const nf_emulated_site &Load> void writeAndLoadMatrix(void *const *) {
  int32_t lane = nf_emulated_thread();
  auto *words = static_cast<int32_t *>(nf_emulated_shared());
  nf_emulated_access(&write, words + lane, 4);
  if (IsOrdered)
    nf_emulated_warp_barrier(-1);
  nf_emulated_access(&Load, words + 4 * (lane % 8), 16);
}

TEST(CheckedBlockDeathTest, RowsOfAMatrixThatOtherLanesWrote) {
  const char *race =
      "kernel: block 0, thread .*: error: expected that a barrier orders what two threads do to one byte.*"
      "the last time at store; it reads 16 bytes .*; at matrix";
  EXPECT_EXIT(run(writeAndLoadMatrix<false, matrix>, nullptr, 32, 0), ::testing::ExitedWithCode(1), race);
  EXPECT_EXIT(run(writeAndLoadMatrix<false, transposed>, nullptr, 32, 0), ::testing::ExitedWithCode(1), race);
  run(writeAndLoadMatrix<true, matrix>, nullptr, 32, 0);
  run(writeAndLoadMatrix<true, transposed>, nullptr, 32, 0);
}

/// Lane 2 points to row 2 and writes to it; lanes 8 to 11 get its elements.
TEST(CheckedBlockDeathTest, ARowOfAMatrixIsReadByTheLanesThatGetIt) {
  nf_emulated_kernel readThenWrite = [](void *const *) {
    int32_t lane = nf_emulated_thread();
    auto *words = static_cast<int32_t *>(nf_emulated_shared());
    nf_emulated_access(&write, words + lane, 4);
    nf_emulated_warp_barrier(-1);
    nf_emulated_access(&matrix, words + 4 * (lane % 8), 16);
    if (lane == 2)
      nf_emulated_access(&write, words + 8, 4);
  };
  EXPECT_EXIT(run(readThenWrite, nullptr, 32, 0), ::testing::ExitedWithCode(1),
              "thread 2: .* but thread 8 read it too");
}

std::vector<int32_t> turns(uint64_t order) {
  std::vector<int32_t> seen;
  run([](void *const *args) { static_cast<std::vector<int32_t> *>(args[0])->push_back(nf_emulated_thread()); }, &seen,
      64, order);
  return seen;
}

TEST(Turns, ASeedDrawsTheOrderOfThreads) {
  std::vector<int32_t> ascending = turns(0), drawn = turns(1), other = turns(2);
  EXPECT_TRUE(std::is_sorted(ascending.begin(), ascending.end()));
  EXPECT_NE(drawn, ascending);
  EXPECT_NE(drawn, other);
  EXPECT_EQ(turns(1), drawn);
  EXPECT_TRUE(std::is_permutation(drawn.begin(), drawn.end(), ascending.begin(), ascending.end()));
}
} // namespace
