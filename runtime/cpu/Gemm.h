// Matrix products: a serial library under nf_gemm_f32, checked at start, with a plain implementation to fall back to.
#ifndef NF_RUNTIME_CPU_GEMM_H
#define NF_RUNTIME_CPU_GEMM_H

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace nf::rt {

/// The signature of nf_gemm_f32 (see nf_abi.h).
using GemmFunction = void (*)(int32_t transposeA, int32_t transposeB, int64_t m, int64_t n, int64_t k, float alpha,
                              const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                              int64_t ldc);

/// C = alpha op(A) op(B) + beta C by plain loops: slow, right on every processor.
void plainGemm(int32_t transposeA, int32_t transposeB, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
               int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

/// True when `gemm` agrees with sums in double on small shapes, for all transposes, beta 0 and 1 and rows longer than
/// the matrix, within the rounding of fp32, and writes nothing outside C. Takes a few milliseconds.
bool gemmIsRight(GemmFunction gemm);

/// One way to multiply. `prepare` makes it current and returns its name ("OpenBLAS Zen"), "" when it is not to be had.
struct GemmCandidate {
  std::function<std::string()> prepare;
  GemmFunction gemm;
};

struct GemmChoice {
  GemmFunction gemm;
  std::string name; ///< of the kernels that are used; part of what decides a run's bits
  std::string note; ///< one line for the user when the first choice was wrong, else empty
};

/// The first candidate that is right. The last one is taken unchecked.
GemmChoice chooseGemm(std::span<const GemmCandidate> candidates);

/// Checks the library and makes nf_gemm_f32 use the first right choice of: the kernels that the library picked for
/// this processor, its Haswell kernels, plain loops. Call once, before the first product.
GemmChoice selectGemm();

} // namespace nf::rt

#endif
