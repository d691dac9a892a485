#include "test/runtime/cuda/FakeGpu.h"

#include "runtime/cpu/Gemm.h"
#include "runtime/emulation/LaunchCheck.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

namespace fake {

void misuse(const std::string &what) {
  std::fprintf(stderr, "fake GPU: %s\n", what.c_str());
  std::fflush(stderr);
  std::_Exit(86);
}

//===------------------------------------------------------------------------------------------===//
// Memory
//===------------------------------------------------------------------------------------------===//

uint64_t Memory::allocate(int64_t bytes, int64_t limit) {
  if (total + bytes > limit)
    return 0;
  int file = memfd_create("gpu", 0);
  if (file < 0 || ftruncate(file, bytes) != 0)
    misuse("the machine has no memory for this test");
  void *device = mmap(nullptr, bytes, PROT_NONE, MAP_SHARED, file, 0);
  void *alias = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (device == MAP_FAILED || alias == MAP_FAILED)
    misuse("the machine has no addresses for this test");
  std::memset(alias, 0xFF, bytes); // NaN in every type
  total += bytes;
  blocks[reinterpret_cast<uint64_t>(device)] = {bytes, static_cast<uint8_t *>(alias)};
  return reinterpret_cast<uint64_t>(device);
}

bool Memory::release(uint64_t address) {
  auto found = blocks.find(address);
  if (found == blocks.end())
    return false;
  munmap(reinterpret_cast<void *>(address), found->second.bytes);
  munmap(found->second.alias, found->second.bytes);
  total -= found->second.bytes;
  blocks.erase(found);
  return true;
}

uint8_t *Memory::seen(uint64_t address, int64_t bytes) const {
  auto after = blocks.upper_bound(address);
  if (after == blocks.begin())
    return nullptr;
  const auto &[start, block] = *std::prev(after);
  auto offset = static_cast<int64_t>(address - start);
  return offset + bytes <= block.bytes ? block.alias + offset : nullptr;
}

//===------------------------------------------------------------------------------------------===//
// The plan
//===------------------------------------------------------------------------------------------===//

static int64_t *fieldOf(Plan &plan, std::string_view key) {
  const std::pair<const char *, int64_t *> fields[] = {
      {"devices", &plan.devices},
      {"capability", &plan.capability},
      {"driver", &plan.driver},
      {"memory", &plan.memory},
      {"cubins", &plan.takesCubins},
      {"ptx", &plan.takesPtx},
      {"fail-alloc", &plan.failAlloc},
      {"refuse-launch", &plan.refuseLaunch},
      {"crash-launch", &plan.crashLaunch},
      {"refuse-graph", &plan.refuseGraph},
      {"count", &plan.count},
  };
  for (const auto &[name, field] : fields)
    if (key == name)
      return field;
  misuse("NF_FAKE_GPU has no key " + std::string(key));
}

static Plan planOfEnvironment() {
  Plan plan;
  const char *text = std::getenv("NF_FAKE_GPU");
  for (std::string_view rest = text ? text : ""; !rest.empty();) {
    std::string_view entry = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
    size_t equals = entry.find('=');
    if (equals == std::string_view::npos)
      misuse("NF_FAKE_GPU expects key=number");
    *fieldOf(plan, entry.substr(0, equals)) = std::atoll(std::string(entry.substr(equals + 1)).c_str());
  }
  return plan;
}

//===------------------------------------------------------------------------------------------===//
// What runs
//===------------------------------------------------------------------------------------------===//

Gpu &Gpu::get() {
  static Gpu gpu;
  return gpu;
}

Gpu::Gpu() : plan(planOfEnvironment()), pool(1, 0), context(none, pool) {
  nf::rt::selectGemm();
  const char *path = std::getenv("NF_FAKE_KERNELS");
  if (!path)
    return;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    misuse(std::string("NF_FAKE_KERNELS: ") + dlerror());
  emulated = static_cast<const nf_model *>(dlsym(library, "nf_program_table"));
  if (!emulated || emulated->target != NF_TARGET_CUDA_EMULATED)
    misuse("NF_FAKE_KERNELS expects a model for the emulated GPU");
}

int Gpu::drain() {
  while (!stream.empty() && !stickyError) {
    Work work = std::move(stream.front());
    stream.pop_front();
    stickyError = work();
  }
  stream.clear();
  return stickyError;
}

const nf_gpu_work *Gpu::kernel(std::string_view name) const {
  for (int64_t i = 0; emulated && i < emulated->gpu->work_count; ++i)
    if (!emulated->gpu->works[i].gemm && name == emulated->gpu->works[i].name)
      return &emulated->gpu->works[i];
  return nullptr;
}

bool Gpu::runKernel(const nf_gpu_work &kernel, void *const *buffers, int64_t blocks) {
  if (++kernelsRun == plan.crashLaunch)
    return false;
  const void *args[] = {&kernel, buffers};
  pool.run(
      [](void *const *args, int64_t block, void *) {
        const auto &kernel = *static_cast<const nf_gpu_work *>(args[0]);
        nf_emulate_block(kernel.thread, static_cast<void *const *>(args[1]), kernel.name, kernel.threads,
                         kernel.shared_bytes + kernel.dynamic_bytes, block);
      },
      const_cast<void *const *>(args), blocks);
  return true;
}

} // namespace fake
