// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): four random words as a pure
// function of key and counter, so that nothing random has a state to save.
#ifndef NF_RUNTIME_CORE_PHILOX_H
#define NF_RUNTIME_CORE_PHILOX_H

#include <array>
#include <cstdint>

namespace nf::rt {

using PhiloxCounter = std::array<uint32_t, 4>;

inline PhiloxCounter philox(uint64_t key, PhiloxCounter counter) {
  uint32_t key0 = uint32_t(key), key1 = uint32_t(key >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t(0xD2511F53u) * counter[0], b = uint64_t(0xCD9E8D57u) * counter[2];
    counter = {uint32_t(b >> 32) ^ counter[1] ^ key0, uint32_t(b), uint32_t(a >> 32) ^ counter[3] ^ key1, uint32_t(a)};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

} // namespace nf::rt

#endif // NF_RUNTIME_CORE_PHILOX_H
