//===- Arena.cpp - offsets for buffers whose lifetimes are known -----------------------------===//
//
// First fit over several orders of the buffers, the smallest arena wins: largest first is close to the bound for the
// nested lifetimes of forward and backward, the others catch what it misses (Pisarchyk, Lee 2020, compares them).
//
//===------------------------------------------------------------------------------------------===//
#include "passes/plan/Arena.h"

#include <algorithm>
#include <map>
#include <numeric>

using namespace nf;

static int64_t align(int64_t bytes, int64_t alignment) { return (bytes + alignment - 1) / alignment * alignment; }

/// Places the buffers in this order, each at the lowest offset that is free during its life.
static int64_t placeInOrder(std::vector<Lifetime> &buffers, const std::vector<size_t> &order, int64_t alignment) {
  int64_t size = 0;
  std::vector<const Lifetime *> placed; // by offset
  for (size_t index : order) {
    Lifetime &buffer = buffers[index];
    int64_t need = align(buffer.bytes, alignment), at = 0;
    for (const Lifetime *other : placed) {
      if (other->start > buffer.end || other->end < buffer.start)
        continue;
      if (at + need <= other->offset)
        break;
      at = std::max(at, other->offset + align(other->bytes, alignment));
    }
    buffer.offset = at;
    size = std::max(size, at + need);
    auto position = std::upper_bound(placed.begin(), placed.end(), at,
                                     [](int64_t offset, const Lifetime *other) { return offset < other->offset; });
    placed.insert(position, &buffer);
  }
  return size;
}

int64_t nf::packArena(std::vector<Lifetime> &buffers, int64_t alignment) {
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), 0);
  auto length = [](const Lifetime &b) { return b.end - b.start + 1; };
  auto bySize = [&](size_t a, size_t b) { return buffers[a].bytes > buffers[b].bytes; };
  auto byLength = [&](size_t a, size_t b) { return length(buffers[a]) > length(buffers[b]); };
  auto byArea = [&](size_t a, size_t b) {
    return buffers[a].bytes * length(buffers[a]) > buffers[b].bytes * length(buffers[b]);
  };
  std::vector<Lifetime> best;
  int64_t bestSize = 0;
  auto attempt = [&](auto compare) {
    std::vector<size_t> sorted = order;
    std::stable_sort(sorted.begin(), sorted.end(), compare);
    std::vector<Lifetime> candidate = buffers;
    int64_t size = placeInOrder(candidate, sorted, alignment);
    if (best.empty() || size < bestSize) {
      best = std::move(candidate);
      bestSize = size;
    }
  };
  attempt(bySize);
  attempt(byLength);
  attempt(byArea);
  buffers = std::move(best);
  return bestSize;
}

int64_t nf::peakLiveBytes(const std::vector<Lifetime> &buffers, int64_t alignment) {
  std::map<int64_t, int64_t> changes;
  for (const Lifetime &buffer : buffers) {
    changes[buffer.start] += align(buffer.bytes, alignment);
    changes[buffer.end + 1] -= align(buffer.bytes, alignment);
  }
  int64_t live = 0, peak = 0;
  for (auto [point, change] : changes)
    peak = std::max(peak, live += change);
  return peak;
}
