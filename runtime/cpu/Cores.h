// How many cores this process may use, and how much memory.
#ifndef NF_RUNTIME_CPU_CORES_H
#define NF_RUNTIME_CPU_CORES_H

#include <cstdint>
#include <string>

namespace nf::rt {

struct Cores {
  int count;       ///< at least 1
  std::string why; ///< "2 cores in the affinity mask", "1.5 cores of cgroup quota", ...
};

/// The cores in the affinity mask, cut to the cgroup's CPU quota (rounded up).
Cores availableCores();

/// Bytes of memory that can still be had: what the system reports as available, cut to what the cgroup has left.
int64_t availableMemory();

/// The same with the files at other places, for tests: `root` replaces "/" in front of /proc and /sys.
int64_t availableMemoryUnder(const std::string &root);
/// CPU quota in cores under `root`, 0 when there is none.
double cpuQuotaUnder(const std::string &root);

} // namespace nf::rt

#endif
