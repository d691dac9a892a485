// cuBLASLt's matrix products, answered by the CPU's.
#ifndef NF_RUNTIME_EMULATION_GEMM_H
#define NF_RUNTIME_EMULATION_GEMM_H

#include "runtime/abi/nf_gpu.h"

#include <string>

namespace nf::rt {

/// The first rule of cuBLASLt that a product breaks with these buffers, as what follows "expected "; empty where it
/// keeps all: extents and leading dimensions, types, batches, alignment, epilogues.
std::string brokenRule(const nf_gpu_gemm &gemm, void *const *buffers);

/// Whether NF_GPU_REFUSE, names with commas between them, has the epilogue's: as a library whose heuristic knows no
/// algorithm.
bool isRefused(int32_t epilogue);

/// Computes a product that keeps the rules, with its epilogue or without. bf16 is widened to fp32, and D rounded once.
/// The tasks depend on its shape alone, and so do the bits.
void runGemm(nf_context *context, const nf_gpu_gemm &gemm, void *const *buffers, bool withEpilogue, const char *name);

} // namespace nf::rt

#endif // NF_RUNTIME_EMULATION_GEMM_H
