#include "runtime/core/Philox.h"
#include "runtime/train/data/Permutation.h"

#include <gtest/gtest.h>
#include <vector>

namespace nf::rt {
namespace {

TEST(PermutationTest, IsABijectionForEverySizeAndKey) {
  std::vector<uint64_t> sizes = {1023, 1024, 1025, 4096, 4097, 65537, 100000};
  for (uint64_t n = 1; n <= 300; ++n)
    sizes.push_back(n);
  for (uint64_t n : sizes)
    for (uint64_t key : {0ull, 1ull, 0xFFFFFFFFFFFFFFFFull}) {
      Permutation order(n, key);
      std::vector<bool> seen(n, false);
      for (uint64_t i = 0; i < n; ++i) {
        uint64_t image = order(i);
        ASSERT_LT(image, n);
        ASSERT_FALSE(seen[image]) << "n " << n << " key " << key;
        seen[image] = true;
      }
    }
}

TEST(PermutationTest, KeysGiveDifferentOrders) {
  Permutation a(1000, 1), b(1000, 2);
  int same = 0;
  for (uint64_t i = 0; i < 1000; ++i)
    same += a(i) == b(i);
  EXPECT_LT(same, 10);
}

TEST(PermutationTest, FirstElementIsUniformOverKeys) {
  std::vector<int> counts(10, 0);
  for (uint64_t key = 0; key < 10000; ++key)
    ++counts[Permutation(10, key)(0)];
  for (int count : counts)
    EXPECT_NEAR(count, 1000, 150);
}

TEST(PermutationTest, LargeSizesStayInside) {
  Permutation order((1ull << 40) + 7, 3);
  for (uint64_t i = 0; i < 1000; ++i)
    EXPECT_LT(order(i), (1ull << 40) + 7);
}

// Known answers of Random123's kat_vectors, philox4x32 10.
TEST(PhiloxTest, KnownAnswers) {
  EXPECT_EQ(philox(0, {0, 0, 0, 0}), (PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox(~0ull, {~0u, ~0u, ~0u, ~0u}), (PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox(0x299f31d0a4093822ull, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}),
            (PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

} // namespace
} // namespace nf::rt
