// Reduction slots: a step's micro-batches are cut into S = 2^L runs of equal length, each is summed on its own, and the
// sums are added as a binary tree over the slots. The tree depends on S alone, so the bits do too, whoever computes
// which slots. Gradients are added by the programs combine_k (runtime/abi/nf_abi.h), the loss by TreeSum.
#ifndef NF_RUNTIME_TRAIN_SLOTS_H
#define NF_RUNTIME_TRAIN_SLOTS_H

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace nf::rt {

constexpr int64_t maxSlots = 1024; ///< as the definition allows

/// How many pairs of sums slot `slot` (from 0) completes: k of the program combine_k that follows it.
inline int pairsCompletedBy(int64_t slot) { return std::countr_one(static_cast<uint64_t>(slot)); }

/// Adds the sums of slots 0, 1, 2, … in the order of the tree.
class TreeSum {
public:
  void add(double slotSum) {
    int pairs = pairsCompletedBy(slots++);
    for (int k = 0; k < pairs; ++k)
      slotSum = waiting[k] + slotSum;
    waiting[pairs] = slotSum;
  }

  /// The sum of all slots, whose number is a power of two; 0 without a slot.
  double total() const { return slots == 0 ? 0 : waiting[std::countr_zero(static_cast<uint64_t>(slots))]; }

private:
  std::array<double, std::bit_width(static_cast<uint64_t>(maxSlots))> waiting{};
  int64_t slots = 0;
};

} // namespace nf::rt

#endif
