#include "runtime/emulation/Counts.h"
#include "runtime/emulation/Shadow.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <tuple>

using namespace nf::rt;

static constexpr int32_t passBytes = 128;
static constexpr uint64_t sectorBytes = 32, wordBytes = 4, banks = 32;

void Counts::note(const nf_emulated_site *site, int32_t thread, const void *address, int32_t bytes) {
  if (bytes == 0)
    return;
  if (turns.size() <= static_cast<size_t>(thread))
    turns.resize(thread + 1);
  std::vector<uint32_t> &own = turns[thread];
  if (own.size() <= static_cast<size_t>(site->index))
    own.resize(site->index + 1);
  open.push_back({site, own[site->index]++, thread, reinterpret_cast<uint64_t>(address), bytes});
}

/// Ideal: the sectors that the bytes would fill, each of them counted once.
void Counts::countSectors(std::span<const Access> lanes, Place &place) {
  std::set<uint64_t> sectors, bytes;
  for (const Access &lane : lanes)
    for (uint64_t byte = lane.address; byte < lane.address + lane.bytes; ++byte) {
      sectors.insert(byte / sectorBytes);
      bytes.insert(byte);
    }
  place.sectors += sectors.size();
  place.ideal += (bytes.size() + sectorBytes - 1) / sectorBytes;
}

/// Lanes that ask for 8 or 16 bytes are served in halves or quarters of a warp.
void Counts::countBanks(std::span<const Access> lanes, Place &place) {
  int32_t lanesOfPass = std::min(warpSize, passBytes / lanes.front().bytes);
  for (int32_t from = 0; from < warpSize; from += lanesOfPass) {
    std::set<uint64_t> words;
    for (const Access &lane : lanes)
      if (lane.thread % warpSize / lanesOfPass == from / lanesOfPass)
        for (uint64_t byte = lane.address; byte < lane.address + lane.bytes; ++byte)
          words.insert(byte / wordBytes);
    if (words.empty())
      continue;
    int64_t ofBank[banks] = {};
    for (uint64_t word : words)
      ++ofBank[word % banks];
    int64_t ways = *std::max_element(ofBank, ofBank + banks);
    ++place.passes;
    place.ways += ways;
    place.mostWays = std::max(place.mostWays, ways);
  }
}

void Counts::close(const std::string &kernel) {
  auto request = [](const Access &access) { return std::tuple(access.site, access.thread / warpSize, access.turn); };
  std::sort(open.begin(), open.end(), [&](const Access &a, const Access &b) { return request(a) < request(b); });
  for (size_t from = 0, to = 0; from < open.size(); from = to) {
    while (to < open.size() && request(open[to]) == request(open[from]))
      ++to;
    Place &place = places[open[from].site];
    place.kernel = kernel;
    ++place.requests;
    std::span<const Access> lanes(&open[from], to - from);
    open[from].site->is_shared ? countBanks(lanes, place) : countSectors(lanes, place);
  }
  if (products > 0)
    productsOf[kernel] += products;
  products = 0;
  open.clear();
  turns.clear();
}

void Counts::print(std::FILE *file) const {
  static constexpr const char *uses[] = {"load", "store", "copy", "ldmatrix", "wait"};
  for (const auto &[site, place] : places) {
    if (site->is_shared)
      fmt::print(file, "{} shared {}: requests {}, passes {}, ways {}, most {}; {}\n", place.kernel, uses[site->use],
                 place.requests, place.passes, place.ways, place.mostWays, site->source);
    else
      fmt::print(file, "{} global {}: requests {}, sectors {}, ideal {}; {}\n", place.kernel, uses[site->use],
                 place.requests, place.sectors, place.ideal, site->source);
  }
  for (const auto &[kernel, count] : productsOf)
    fmt::print(file, "{} mma.sync: {}\n", kernel, count);
}
