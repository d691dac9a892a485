// How a program's launches are written down (nf_launches).
#ifndef NF_RUNTIME_CORE_LAUNCHLIST_H
#define NF_RUNTIME_CORE_LAUNCHLIST_H

#include "runtime/abi/nf_abi.h"

namespace nf::rt {

/// The launch that begins at a number of nf_launches::numbers.
struct ListedLaunch {
  int64_t work;          ///< index in the table of kernels or works
  int64_t tasks, nameAt; ///< nameAt: the first byte of its name
  int64_t count;         ///< of its buffers
  const int64_t *places; ///< of its buffers: offset * NF_SEGMENTS + segment

  explicit ListedLaunch(const int64_t *numbers)
      : work(numbers[0]), tasks(numbers[1]), nameAt(numbers[2]), count(numbers[3]), places(numbers + 4) {}

  /// Where the next launch begins.
  const int64_t *next() const { return places + count; }

  /// The buffers' addresses; `bases` are those of the segments.
  void address(const void *const *bases, void **buffers) const {
    for (int64_t i = 0; i < count; ++i) {
      const auto *base = static_cast<const uint8_t *>(bases[places[i] % NF_SEGMENTS]);
      buffers[i] = const_cast<uint8_t *>(base) + places[i] / NF_SEGMENTS;
    }
  }
};

} // namespace nf::rt

#endif // NF_RUNTIME_CORE_LAUNCHLIST_H
