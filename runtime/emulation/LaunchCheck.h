// What a driver refuses to launch.
#ifndef NF_RUNTIME_EMULATION_LAUNCHCHECK_H
#define NF_RUNTIME_EMULATION_LAUNCHCHECK_H

#include "runtime/abi/nf_gpu.h"

#include <string>

namespace nf::rt {

/// What a launch of `blocks` blocks along x breaks, as what follows "expected "; empty where a driver takes it. Shared
/// memory is held to the smallest of the processors that kernels are made for (sm_80: 163 KiB a block).
std::string brokenRule(const nf_gpu_work &kernel, int64_t blocks, void *const *pointers, int64_t count);

} // namespace nf::rt

#endif // NF_RUNTIME_EMULATION_LAUNCHCHECK_H
