#include "runtime/cpu/Cores.h"
#include "runtime/core/CpuFeatures.h"

#include "test/runtime/data/Support.h"

#include <sched.h>

namespace nf::rt {
namespace {

TEST(Cores, CountsTheAffinityMask) {
  cpu_set_t mask;
  ASSERT_EQ(sched_getaffinity(0, sizeof mask, &mask), 0);
  Cores cores = availableCores();
  EXPECT_GE(cores.count, 1);
  EXPECT_LE(cores.count, CPU_COUNT(&mask));
}

TEST(Cores, ReadsTheQuotaOfCgroup2) {
  Folder root;
  root.write("proc/self/cgroup", "0::/job/step\n");
  EXPECT_EQ(cpuQuotaUnder(root.at("")), 0);
  root.write("sys/fs/cgroup/job/step/cpu.max", "max 100000\n");
  EXPECT_EQ(cpuQuotaUnder(root.at("")), 0);
  root.write("sys/fs/cgroup/job/cpu.max", "150000 100000\n"); // a parent's limit counts
  EXPECT_EQ(cpuQuotaUnder(root.at("")), 1.5);
  root.write("sys/fs/cgroup/job/step/cpu.max", "50000 100000\n");
  EXPECT_EQ(cpuQuotaUnder(root.at("")), 0.5);
}

TEST(Cores, ReadsTheQuotaOfCgroup1) {
  Folder root;
  root.write("proc/self/cgroup", "5:cpu,cpuacct:/job\n4:memory:/job\n");
  root.write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "200000\n");
  root.write("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpuQuotaUnder(root.at("")), 2);
  root.write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cpuQuotaUnder(root.at("")), 0);
}

TEST(Memory, IsTheSystemsAvailableCutToTheCgroup) {
  Folder root;
  root.write("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable: 4000 kB\n");
  root.write("proc/self/cgroup", "0::/job\n");
  EXPECT_EQ(availableMemoryUnder(root.at("")), 4000 * 1024);
  root.write("sys/fs/cgroup/job/memory.max", "3000000\n");
  root.write("sys/fs/cgroup/job/memory.current", "2500000\n");
  EXPECT_EQ(availableMemoryUnder(root.at("")), 500000);
  // The page cache comes back under pressure.
  root.write("sys/fs/cgroup/job/memory.stat", "anon 1\ninactive_file 400000\n");
  EXPECT_EQ(availableMemoryUnder(root.at("")), 900000);
  root.write("sys/fs/cgroup/job/memory.max", "max\n");
  EXPECT_EQ(availableMemoryUnder(root.at("")), 4000 * 1024);
}

TEST(Memory, OfThisMachineIsSomething) { EXPECT_GT(availableMemory(), 1 << 20); }

TEST(CpuFeatures, AgreeWithTheCompilersOwnCheck) {
  __builtin_cpu_init();
  EXPECT_EQ(cpuHas("sse2"), bool(__builtin_cpu_supports("sse2")));
  EXPECT_EQ(cpuHas("avx"), bool(__builtin_cpu_supports("avx")));
  EXPECT_EQ(cpuHas("avx2"), bool(__builtin_cpu_supports("avx2")));
  EXPECT_EQ(cpuHas("fma"), bool(__builtin_cpu_supports("fma")));
  EXPECT_EQ(cpuHas("bmi2"), bool(__builtin_cpu_supports("bmi2")));
  EXPECT_EQ(cpuHas("avx512f"), bool(__builtin_cpu_supports("avx512f")));
  EXPECT_EQ(cpuHas("avx512vl"), bool(__builtin_cpu_supports("avx512vl")));
  EXPECT_EQ(cpuHas("avx512bf16"), bool(__builtin_cpu_supports("avx512bf16")));
}

TEST(CpuFeatures, NamesWhatIsMissing) {
  const char *needed[] = {"sse2", "xop", "fma4"}; // no processor has all three and AVX-512
  nf_model model{};
  model.cpu_features = needed;
  model.cpu_feature_count = 3;
  for (const std::string &name : missingCpuFeatures(model))
    EXPECT_FALSE(cpuHas(name));
  EXPECT_EQ(missingCpuFeatures(model).size(), size_t(!cpuHas("xop")) + size_t(!cpuHas("fma4")));
}

} // namespace
} // namespace nf::rt
