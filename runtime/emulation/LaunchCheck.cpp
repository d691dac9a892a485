#include "runtime/emulation/LaunchCheck.h"

#include <fmt/format.h>

static constexpr int64_t mostThreads = 1024, mostStaticBytes = 48 << 10, mostBytes = 163 << 10;
static constexpr int64_t mostRegisters = 65536, registerUnit = 256, mostBlocks = 2147483647, mostAcross = 65535;

/// Registers are given out by warps, in units.
static int64_t registersOfBlock(const nf_gpu_work &kernel) {
  int64_t warps = (kernel.threads + 31) / 32, warp = (kernel.registers * 32 + registerUnit - 1) / registerUnit;
  return warps * warp * registerUnit;
}

std::string nf::rt::brokenRule(const nf_gpu_work &kernel, int64_t blocks, void *const *pointers, int64_t count) {
  if (kernel.threads < 1 || kernel.threads > mostThreads)
    return fmt::format("1 to {} threads a block, but got {}", mostThreads, kernel.threads);
  if (blocks < 1 || blocks > mostBlocks)
    return fmt::format("1 to {} blocks along x, but got {}", mostBlocks, blocks);
  for (int64_t across : {kernel.grid_y, kernel.grid_z})
    if (across < 1 || across > mostAcross)
      return fmt::format("1 to {} blocks along y and z, but got {}", mostAcross, across);
  if (kernel.shared_bytes > mostStaticBytes)
    return fmt::format("at most {} bytes of static shared memory, but got {}", mostStaticBytes, kernel.shared_bytes);
  if (kernel.dynamic_bytes > std::max(mostStaticBytes, kernel.dynamic_limit))
    return fmt::format("at most {} bytes of dynamic shared memory, the kernel's attribute, but got {}",
                       std::max(mostStaticBytes, kernel.dynamic_limit), kernel.dynamic_bytes);
  if (kernel.shared_bytes + kernel.dynamic_bytes > mostBytes)
    return fmt::format("at most {} bytes of shared memory, but got {}", mostBytes,
                       kernel.shared_bytes + kernel.dynamic_bytes);
  if (registersOfBlock(kernel) > mostRegisters)
    return fmt::format("at most {} registers a block, but got {} threads of {}", mostRegisters, kernel.threads,
                       kernel.registers);
  for (int64_t i = 0; i < count; ++i)
    if (reinterpret_cast<uintptr_t>(pointers[i]) % kernel.alignment)
      return fmt::format("pointers that are multiples of {} bytes, but got {} as argument {}", kernel.alignment,
                         pointers[i], i);
  return "";
}
