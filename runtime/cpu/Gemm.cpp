#include "runtime/cpu/Gemm.h"

#include "runtime/abi/nf_abi.h"
#include "runtime/core/CpuFeatures.h"

#include <cblas.h>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <limits>
#include <vector>

// OpenBLAS's cblas_sgemm with buffers of ours (see CMakeLists.txt).
extern "C" decltype(cblas_sgemm) nf_sgemm;

// How OpenBLAS picks its kernels. Weak: a library built for one processor has no such functions.
extern "C" {
void gotoblas_dynamic_init(void) __attribute__((weak));
void gotoblas_dynamic_quit(void) __attribute__((weak));
}

namespace nf::rt {
namespace {

void libraryGemm(int32_t transposeA, int32_t transposeB, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                 int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  nf_sgemm(CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
           static_cast<blasint>(m), static_cast<blasint>(n), static_cast<blasint>(k), alpha, a,
           static_cast<blasint>(lda), b, static_cast<blasint>(ldb), beta, c, static_cast<blasint>(ldc));
}

GemmFunction currentGemm = libraryGemm;

// Numbers in [-1, 1) whose products and sums round in fp32.
struct Numbers {
  uint32_t state = 1;
  float next() {
    state = state * 1664525u + 1013904223u;
    return static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
  }
};

struct Case {
  int64_t m, n, k;
  int32_t transposeA, transposeB;
  float beta;
};

bool caseIsRight(GemmFunction gemm, const Case &c, Numbers &numbers) {
  constexpr int64_t padding = 3;
  const float alpha = 0.5f;
  int64_t lda = (c.transposeA ? c.m : c.k) + padding, ldb = (c.transposeB ? c.k : c.n) + padding, ldc = c.n + padding;
  std::vector<float> a(lda * (c.transposeA ? c.k : c.m)), b(ldb * (c.transposeB ? c.n : c.k)), before(c.m * ldc);
  for (auto *matrix : {&a, &b, &before})
    for (float &value : *matrix)
      value = numbers.next();
  if (c.beta == 0) // must not be read
    for (int64_t i = 0; i < c.m; ++i)
      std::fill_n(before.begin() + i * ldc, c.n, std::numeric_limits<float>::quiet_NaN());
  std::vector<float> after = before;
  gemm(c.transposeA, c.transposeB, c.m, c.n, c.k, alpha, a.data(), lda, b.data(), ldb, c.beta, after.data(), ldc);
  double tolerance = (c.k + 4) * 0x1p-23;
  for (int64_t i = 0; i < c.m; ++i) {
    for (int64_t j = 0; j < c.n; ++j) {
      double sum = 0;
      for (int64_t l = 0; l < c.k; ++l)
        sum += double(c.transposeA ? a[l * lda + i] : a[i * lda + l]) *
               double(c.transposeB ? b[j * ldb + l] : b[l * ldb + j]);
      double expected = alpha * sum + (c.beta == 0 ? 0.0 : double(c.beta) * before[i * ldc + j]);
      if (!(std::abs(after[i * ldc + j] - expected) <= tolerance)) // NaN is wrong too
        return false;
    }
    for (int64_t j = c.n; j < ldc; ++j)
      if (after[i * ldc + j] != before[i * ldc + j])
        return false;
  }
  return true;
}

std::string libraryName() { return fmt::format("OpenBLAS {}", openblas_get_corename()); }

// AVX2 kernels, older than the ones for the processor and long in use.
std::string switchToHaswellKernels() {
  if (!gotoblas_dynamic_init || !gotoblas_dynamic_quit || !cpuHas("avx2") || !cpuHas("fma"))
    return "";
  setenv("OPENBLAS_CORETYPE", "Haswell", 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  return libraryName();
}

} // namespace

void plainGemm(int32_t transposeA, int32_t transposeB, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
               int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  for (int64_t i = 0; i < m; ++i) {
    float *row = c + i * ldc;
    for (int64_t j = 0; j < n; ++j)
      row[j] = beta == 0 ? 0.0f : beta * row[j];
    for (int64_t l = 0; l < k; ++l) {
      float left = alpha * (transposeA ? a[l * lda + i] : a[i * lda + l]);
      for (int64_t j = 0; j < n; ++j)
        row[j] += left * (transposeB ? b[j * ldb + l] : b[l * ldb + j]);
    }
  }
}

bool gemmIsRight(GemmFunction gemm) {
  // Below, at and above the libraries' register blocks and vector widths, with tails in each direction.
  constexpr int64_t shapes[][3] = {{1, 1, 1}, {5, 7, 9}, {16, 16, 16}, {33, 49, 65}, {67, 100, 40}, {1, 64, 130}};
  Numbers numbers;
  for (auto [m, n, k] : shapes)
    for (int32_t transposeA : {0, 1})
      for (int32_t transposeB : {0, 1})
        for (float beta : {0.0f, 1.0f})
          if (!caseIsRight(gemm, {m, n, k, transposeA, transposeB, beta}, numbers))
            return false;
  return true;
}

GemmChoice chooseGemm(std::span<const GemmCandidate> candidates) {
  std::string wrong;
  for (size_t i = 0; i < candidates.size(); ++i) {
    std::string name = candidates[i].prepare();
    if (name.empty())
      continue;
    if (i + 1 == candidates.size() || gemmIsRight(candidates[i].gemm)) {
      std::string note;
      if (!wrong.empty())
        note = fmt::format("{} gives wrong matrix products on this processor; using {} instead", wrong, name);
      return {candidates[i].gemm, name, note};
    }
    wrong += (wrong.empty() ? "" : " and ") + name;
  }
  return {plainGemm, "plain loops", ""};
}

GemmChoice selectGemm() {
  const GemmCandidate candidates[] = {
      {libraryName, libraryGemm},
      {switchToHaswellKernels, libraryGemm},
      {[] { return std::string("plain loops (slow)"); }, plainGemm},
  };
  GemmChoice choice = chooseGemm(candidates);
  currentGemm = choice.gemm;
  return choice;
}

} // namespace nf::rt

extern "C" void nf_gemm_f32(int32_t transposeA, int32_t transposeB, int64_t m, int64_t n, int64_t k, float alpha,
                            const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                            int64_t ldc) {
  nf::rt::currentGemm(transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
