// A random order of [0, n) as a function of a key: no table, no state.
#ifndef NF_RUNTIME_TRAIN_DATA_PERMUTATION_H
#define NF_RUNTIME_TRAIN_DATA_PERMUTATION_H

#include <cstdint>

namespace nf::rt {

/// A keyed bijection of [0, n), n >= 1: a Feistel network over the smallest 4^k >= n, walked until it falls below n
/// (fewer than 4 steps on average).
class Permutation {
public:
  Permutation(uint64_t n, uint64_t key) : n(n), key(key) {
    while (halfBits < 32 && (uint64_t(1) << 2 * halfBits) < n)
      ++halfBits;
  }

  uint64_t operator()(uint64_t index) const {
    do
      index = feistel(index);
    while (index >= n);
    return index;
  }

private:
  static constexpr int kRounds = 6;

  uint64_t feistel(uint64_t value) const {
    uint64_t mask = (uint64_t(1) << halfBits) - 1, left = value >> halfBits, right = value & mask;
    for (uint64_t round = 1; round <= kRounds; ++round) {
      uint64_t mixed = mix(right + mix(key + round * 0x9E3779B97F4A7C15u));
      left ^= mixed & mask;
      uint64_t swapped = left;
      left = right;
      right = swapped;
    }
    return left << halfBits | right;
  }

  /// SplitMix64's finalizer.
  static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
  }

  uint64_t n, key;
  int halfBits = 1;
};

} // namespace nf::rt

#endif // NF_RUNTIME_TRAIN_DATA_PERMUTATION_H
