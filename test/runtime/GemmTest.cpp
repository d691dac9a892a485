#include "runtime/cpu/Gemm.h"
#include "runtime/cpu/Pool.h"

#include "runtime/abi/nf_abi.h"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <vector>

namespace nf::rt {
namespace {

// Implementations with one mistake each.
template <int mistake>
void wrongGemm(int32_t transposeA, int32_t transposeB, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
               int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  if (mistake == 0 && beta == 1)
    beta = 0;
  if (mistake == 1 && transposeA && transposeB && m > 16)
    transposeA = 0, lda = k + 3;
  plainGemm(transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  if (mistake == 2 && m > 1)
    c[n] += 1; // behind the first row
  if (mistake == 3 && n == 49)
    c[n - 1] *= 1.001f; // a vector's tail
}

TEST(Gemm, PlainLoopsAreRight) { EXPECT_TRUE(gemmIsRight(plainGemm)); }

TEST(Gemm, TheLibraryIsRightAndTheCheckTakesAtMost20Milliseconds) {
  ASSERT_TRUE(gemmIsRight(nf_gemm_f32));
  double best = 1;
  for (int i = 0; i < 5; ++i) {
    auto begin = std::chrono::steady_clock::now();
    gemmIsRight(nf_gemm_f32);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  EXPECT_LT(best, 0.020);
}

TEST(Gemm, TheCheckFindsMistakes) {
  EXPECT_FALSE(gemmIsRight(wrongGemm<0>)) << "beta ignored";
  EXPECT_FALSE(gemmIsRight(wrongGemm<1>)) << "a transpose ignored";
  EXPECT_FALSE(gemmIsRight(wrongGemm<2>)) << "written outside of C";
  EXPECT_FALSE(gemmIsRight(wrongGemm<3>)) << "a tail off by 0.1 %";
}

TEST(Gemm, FallsBackWithALineThatNamesWhatWasWrong) {
  auto named = [](const char *name) { return [=] { return std::string(name); }; };
  const GemmCandidate candidates[] = {{named("fast"), wrongGemm<0>},
                                      {named(""), wrongGemm<0>}, // not to be had
                                      {named("older"), wrongGemm<3>},
                                      {named("plain"), plainGemm}};
  GemmChoice choice = chooseGemm(candidates);
  EXPECT_EQ(choice.gemm, plainGemm);
  EXPECT_EQ(choice.name, "plain");
  EXPECT_EQ(choice.note, "fast and older gives wrong matrix products on this processor; using plain instead");
  EXPECT_EQ(chooseGemm(std::span(candidates).last(1)).note, "");
}

TEST(Gemm, SelectsTheLibraryWhereItIsRight) {
  GemmChoice choice = selectGemm();
  EXPECT_EQ(choice.note, "");
  EXPECT_EQ(choice.name.rfind("OpenBLAS", 0), 0u) << choice.name;
}

// Debian's serial OpenBLAS shares its packing buffers between threads; ours must not.
TEST(Gemm, ThreadsDoNotDisturbOneAnother) {
  Pool pool(8, 64);
  std::atomic<int> wrong{0};
  void *args[] = {&wrong};
  pool.run(
      [](void *const *args, int64_t, void *) {
        if (!gemmIsRight(nf_gemm_f32))
          ++*static_cast<std::atomic<int> *>(args[0]);
      },
      args, 300);
  EXPECT_EQ(wrong, 0);
}

TEST(Gemm, GivesTheSameBitsOnEveryThread) {
  constexpr int64_t m = 192, n = 128, k = 160, tasks = 24;
  std::vector<float> a(m * k), b(k * n);
  for (size_t i = 0; i < a.size(); ++i)
    a[i] = static_cast<float>(i * 7919 % 1009) / 1009 - 0.5f;
  for (size_t i = 0; i < b.size(); ++i)
    b[i] = static_cast<float>(i * 104729 % 997) / 997 - 0.5f;
  std::vector<float> all(tasks * m * n);
  Pool pool(4, 64);
  void *args[] = {a.data(), b.data(), all.data()};
  pool.run(
      [](void *const *args, int64_t task, void *) {
        nf_gemm_f32(0, 0, m, n, k, 1, static_cast<float *>(args[0]), k, static_cast<float *>(args[1]), n, 0,
                    static_cast<float *>(args[2]) + task * m * n, n);
      },
      args, tasks);
  for (int64_t task = 1; task < tasks; ++task)
    ASSERT_TRUE(std::equal(all.begin(), all.begin() + m * n, all.begin() + task * m * n));
}

} // namespace
} // namespace nf::rt
