#include "runtime/cpu/Cores.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <limits>
#include <optional>
#include <sched.h>
#include <sstream>
#include <thread>
#include <vector>

namespace nf::rt {
namespace {

constexpr int64_t unlimited = std::numeric_limits<int64_t>::max();

// The folder and its parents up to the mount point: a limit anywhere on the way down counts.
std::vector<std::string> withParents(std::string folder, const std::string &top) {
  std::vector<std::string> folders;
  while (folder.size() > top.size()) {
    folders.push_back(folder);
    folder.resize(folder.rfind('/'));
  }
  folders.push_back(top);
  return folders;
}

// The path of this process's group for `controller` ("" for cgroup v2), from lines "id:controllers:path".
std::optional<std::string> groupPath(const std::string &root, const std::string &controller) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos)
      continue;
    std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controller.empty() ? controllers == ",," : controllers.find("," + controller + ",") != std::string::npos) {
      std::string path = line.substr(second + 1);
      return path == "/" ? "" : path;
    }
  }
  return std::nullopt;
}

// Folders to look for limits in. In a container the group's path may not be visible; the mount point then is the group.
std::vector<std::string> groupFolders(const std::string &root, const std::string &controller) {
  std::string top = root + "/sys/fs/cgroup" + (controller.empty() ? "" : "/" + controller);
  return withParents(top + groupPath(root, controller).value_or(""), top);
}

template <typename T> std::optional<T> readNumber(const std::string &path) {
  std::ifstream file(path);
  T value;
  return file >> value ? std::optional<T>(value) : std::nullopt;
}

int64_t groupMemoryLeft(const std::string &root) {
  int64_t left = unlimited;
  auto consider = [&](const std::string &folder, const char *limit, const char *usage, const char *cacheKey) {
    auto max = readNumber<int64_t>(folder + limit);
    if (!max || *max >= unlimited / 2)
      return;
    int64_t used = readNumber<int64_t>(folder + usage).value_or(0);
    // The page cache is counted as usage but is given back under pressure.
    std::ifstream stat(folder + "/memory.stat");
    int64_t value;
    for (std::string key; stat >> key >> value;)
      if (key == cacheKey)
        used -= value;
    left = std::min(left, std::max<int64_t>(0, *max - std::max<int64_t>(0, used)));
  };
  for (const std::string &folder : groupFolders(root, ""))
    consider(folder, "/memory.max", "/memory.current", "inactive_file");
  for (const std::string &folder : groupFolders(root, "memory"))
    consider(folder, "/memory.limit_in_bytes", "/memory.usage_in_bytes", "total_inactive_file");
  return left;
}

} // namespace

double cpuQuotaUnder(const std::string &root) {
  double quota = 0;
  auto consider = [&](std::optional<double> time, std::optional<double> period) {
    if (time && period && *time > 0 && *period > 0)
      quota = quota == 0 ? *time / *period : std::min(quota, *time / *period);
  };
  for (const std::string &folder : groupFolders(root, "")) {
    std::ifstream file(folder + "/cpu.max");
    double time, period;
    if (file >> time >> period) // "max 100000" has no number first
      consider(time, period);
  }
  for (const std::string &folder : groupFolders(root, "cpu"))
    consider(readNumber<double>(folder + "/cpu.cfs_quota_us"), readNumber<double>(folder + "/cpu.cfs_period_us"));
  return quota;
}

int64_t availableMemoryUnder(const std::string &root) {
  int64_t available = unlimited;
  std::ifstream file(root + "/proc/meminfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("MemAvailable:", 0) == 0)
      available = std::stoll(line.substr(13)) * 1024;
  return std::min(available, groupMemoryLeft(root));
}

int64_t availableMemory() { return availableMemoryUnder(""); }

Cores availableCores() {
  int count = std::max(1u, std::thread::hardware_concurrency());
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0)
    count = std::max(1, CPU_COUNT(&mask));
  double quota = cpuQuotaUnder("");
  if (quota > 0 && std::ceil(quota) < count)
    return {static_cast<int>(std::ceil(quota)), fmt::format("{:g} cores of cgroup quota", quota)};
  return {count, fmt::format("{} core{} in the affinity mask", count, count == 1 ? "" : "s")};
}

} // namespace nf::rt
