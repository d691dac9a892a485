//===- Arena.h - offsets for buffers whose lifetimes are known -------------------------------===//
#ifndef NF_PASSES_PLAN_ARENA_H
#define NF_PASSES_PLAN_ARENA_H

#include <cstdint>
#include <vector>

namespace nf {

/// A buffer that is live from program point `start` to `end`, both included.
struct Lifetime {
  int64_t bytes;
  int64_t start, end;
  int64_t offset = -1; // set by packArena
};

/// Gives every buffer an aligned offset such that no two that are live at one point overlap; returns the arena's size.
int64_t packArena(std::vector<Lifetime> &buffers, int64_t alignment);

/// The largest sum of live bytes at any point: no arena can be smaller.
int64_t peakLiveBytes(const std::vector<Lifetime> &buffers, int64_t alignment);

} // namespace nf

#endif // NF_PASSES_PLAN_ARENA_H
