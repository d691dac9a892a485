// Sectors and banks of requests with known answers.
#include "runtime/emulation/Counts.h"

#include <gtest/gtest.h>

#include <functional>

using namespace nf::rt;

namespace {
constexpr nf_emulated_site global = {"", 0, NF_USE_LOAD, 0, 0, 4, 0, 0, 0},
                           shared = {"", 0, NF_USE_LOAD, 1, -1, 4, 0, 0, 0};

/// One request of a warp whose lanes ask for `bytes` bytes at `place(lane)`.
Counts::Place request(const nf_emulated_site &site, int32_t bytes, const std::function<int64_t(int64_t)> &place) {
  Counts counts;
  for (int32_t lane = 0; lane < 32; ++lane)
    counts.note(&site, lane, reinterpret_cast<const void *>(4096 + place(lane)), bytes);
  counts.close("kernel");
  EXPECT_EQ(counts.all().at(&site).requests, 1);
  return counts.all().at(&site);
}

void expectSectors(int32_t bytes, const std::function<int64_t(int64_t)> &place, int64_t sectors, int64_t ideal) {
  Counts::Place counted = request(global, bytes, place);
  EXPECT_EQ(counted.sectors, sectors);
  EXPECT_EQ(counted.ideal, ideal);
}

TEST(Counts, Sectors) {
  expectSectors(4, [](int64_t lane) { return 4 * lane; }, 4, 4);
  expectSectors(16, [](int64_t lane) { return 16 * lane; }, 16, 16);
  expectSectors(4, [](int64_t) { return 8; }, 1, 1);                    // one number for all
  expectSectors(4, [](int64_t lane) { return 4 + 4 * lane; }, 5, 4);    // from the middle of a sector on
  expectSectors(4, [](int64_t lane) { return 128 * lane; }, 32, 4);     // a column
  expectSectors(2, [](int64_t lane) { return 4 * (31 - lane); }, 4, 2); // every other bf16, backwards
}

void expectWays(int32_t bytes, const std::function<int64_t(int64_t)> &place, int64_t passes, int64_t ways) {
  Counts::Place counted = request(shared, bytes, place);
  EXPECT_EQ(counted.passes, passes);
  EXPECT_EQ(counted.ways, ways);
}

TEST(Counts, Banks) {
  expectWays(4, [](int64_t lane) { return 4 * lane; }, 1, 1);
  expectWays(4, [](int64_t) { return 4; }, 1, 1);
  expectWays(2, [](int64_t lane) { return 2 * lane; }, 1, 1); // two lanes share a word
  expectWays(4, [](int64_t lane) { return 128 * lane; }, 1, 32);
  expectWays(4, [](int64_t lane) { return 132 * lane; }, 1, 1); // the column of a padded tile
  expectWays(4, [](int64_t lane) { return 8 * lane; }, 1, 2);
  expectWays(8, [](int64_t lane) { return 8 * lane; }, 2, 2);
  expectWays(16, [](int64_t lane) { return 16 * lane; }, 4, 4);
  expectWays(16, [](int64_t lane) { return 128 * lane; }, 4, 32);       // eight rows of 64 bf16
  expectWays(16, [](int64_t lane) { return (128 + 16) * lane; }, 4, 4); // … with 16 bytes more
}

TEST(Counts, RequestsAreByWarpTurnAndPlace) {
  Counts counts;
  for (int32_t thread = 0; thread < 64; ++thread)
    for (int64_t turn = 0; turn < 3; ++turn)
      counts.note(&global, thread, reinterpret_cast<const void *>(4096 + 4 * thread + 1024 * turn), 4);
  counts.note(&shared, 5, reinterpret_cast<const void *>(4096), 4);
  counts.noteProduct();
  counts.close("kernel");
  EXPECT_EQ(counts.all().at(&global).requests, 6);
  EXPECT_EQ(counts.all().at(&global).sectors, 24);
  EXPECT_EQ(counts.all().at(&shared).requests, 1);
  EXPECT_EQ(counts.allProducts().at("kernel"), 1);
}
} // namespace
