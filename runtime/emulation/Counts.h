// How well the threads of a warp share the memory that they use: sectors of global memory, banks of shared memory.
#ifndef NF_RUNTIME_EMULATION_COUNTS_H
#define NF_RUNTIME_EMULATION_COUNTS_H

#include "runtime/abi/nf_emulation.h"

#include <cstdint>
#include <cstdio>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace nf::rt {

/// Counts the requests of checked kernels. A request is what the lanes of a warp ask for at one place of a kernel: each
/// lane's n-th access there since a barrier of the block is in the n-th request.
class Counts {
public:
  /// Of a place.
  struct Place {
    std::string kernel;
    int64_t requests = 0;
    int64_t sectors = 0; ///< of 32 bytes, of global memory; each as often as a request uses it
    int64_t ideal = 0;   ///< the fewest that could hold the bytes of each request
    int64_t passes = 0;  ///< of shared memory, 128 bytes of lanes each, as a GPU splits requests
    int64_t ways = 0;    ///< the most words of one bank in each pass, added up: passes, where nothing conflicts
    int64_t mostWays = 0;
  };

  void note(const nf_emulated_site *site, int32_t thread, const void *address, int32_t bytes);
  /// A warp's product.
  void noteProduct() { ++products; }
  /// What was noted since the last call is all that `kernel` does between two barriers of a block.
  void close(const std::string &kernel);

  const std::map<const nf_emulated_site *, Place> &all() const { return places; }
  /// Products of warps by kernel.
  const std::map<std::string, int64_t> &allProducts() const { return productsOf; }
  /// A line a kernel and place: "KERNEL global|shared …" (docs/gpu-kernels.md).
  void print(std::FILE *file) const;

private:
  struct Access {
    const nf_emulated_site *site;
    uint32_t turn;
    int32_t thread;
    uint64_t address;
    int32_t bytes;
  };
  static void countSectors(std::span<const Access> lanes, Place &place);
  static void countBanks(std::span<const Access> lanes, Place &place);

  std::vector<Access> open;
  std::vector<std::vector<uint32_t>> turns; ///< by thread and the place's index
  std::map<const nf_emulated_site *, Place> places;
  std::map<std::string, int64_t> productsOf;
  int64_t products = 0;
};

} // namespace nf::rt

#endif // NF_RUNTIME_EMULATION_COUNTS_H
