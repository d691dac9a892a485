// The part of bench/cpu-gemm that must not run in Python: one matrix product as single-threaded library calls, a tile
// of the result each, taken in turn by a fixed set of threads. It is the way that compiled programs multiply.
// bench/cpu-gemm builds this file into a shared library with the static serial OpenBLAS inside.

#include <algorithm>
#include <atomic>
#include <cblas.h>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <immintrin.h>
#include <thread>

namespace {

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// C[m,n] = op(A) op(B), row-major, in two stages of independent tasks. Multiply: a task is a tile of tileM x tileN of
/// C over one slice of k; slice 0 goes to C, the others to `partial` [slices - 1, m, n]. Add: a task sums 16 rows.
struct Product {
  bool transposeA, transposeB;
  int64_t m, n, k, tileM, tileN, slices;
  const float *a, *b;
  float *c, *partial;
  static constexpr int64_t addRows = 16;

  int64_t columns() const { return ceilDiv(n, tileN); }
  int64_t tiles() const { return ceilDiv(m, tileM) * columns(); }
  int64_t multiplyTasks() const { return tiles() * slices; }
  int64_t addTasks() const { return slices == 1 ? 0 : ceilDiv(m, addRows); }

  void multiply(int64_t task) const {
    int64_t slice = task / tiles(), tile = task % tiles();
    int64_t i = tile / columns() * tileM, j = tile % columns() * tileN;
    int64_t depth = ceilDiv(k, slices), from = slice * depth;
    int64_t lda = transposeA ? m : k, ldb = transposeB ? k : n;
    float *out = slice == 0 ? c : partial + (slice - 1) * m * n;
    cblas_sgemm(CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
                std::min(tileM, m - i), std::min(tileN, n - j), std::min(depth, k - from), 1.0f,
                transposeA ? a + from * lda + i : a + i * lda + from, lda,
                transposeB ? b + j * ldb + from : b + from * ldb + j, ldb, 0.0f, out + i * n + j, n);
  }

  void add(int64_t task) const {
    int64_t begin = task * addRows * n, end = std::min(m, (task + 1) * addRows) * n;
    for (int64_t slice = 1; slice < slices; ++slice) {
      const float *from = partial + (slice - 1) * m * n;
      for (int64_t i = begin; i < end; ++i)
        c[i] += from[i];
    }
  }
};

/// Reads 16 bytes of each parameter and writes 12, as AdamW must.
void adamw(int64_t begin, int64_t end, float *p, const float *g, float *m, float *v) {
  for (int64_t i = begin; i < end; ++i) {
    m[i] = 0.9f * m[i] + 0.1f * g[i];
    v[i] = 0.95f * v[i] + 0.05f * g[i] * g[i];
    p[i] = 0.9999f * p[i] - 1e-4f * m[i] / (std::sqrt(v[i]) + 1e-8f);
  }
}

/// Threads that spin between launches that follow each other at once, and sleep when others measure.
class Pool {
public:
  explicit Pool(int threads) {
    for (int t = 1; t < threads; ++t)
      std::thread([this] { work(); }).detach();
    workers = threads - 1;
  }

  void launch(int64_t count, const std::function<void(int64_t)> &function) {
    task = &function;
    tasks = count;
    next = 0;
    busy = workers;
    generation.fetch_add(1);
    generation.notify_all();
    drain();
    while (busy.load() != 0)
      _mm_pause();
    task = nullptr;
  }

  double multiply(const Product &product) {
    auto start = std::chrono::steady_clock::now();
    launch(product.multiplyTasks(), [&](int64_t i) { product.multiply(i); });
    if (product.slices > 1)
      launch(product.addTasks(), [&](int64_t i) { product.add(i); });
    return secondsSince(start);
  }

  double update(int64_t count, float *p, const float *g, float *m, float *v) {
    constexpr int64_t block = 1 << 16;
    auto start = std::chrono::steady_clock::now();
    launch(ceilDiv(count, block), [&](int64_t i) { adamw(i * block, std::min(count, (i + 1) * block), p, g, m, v); });
    return secondsSince(start);
  }

private:
  static double secondsSince(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  void drain() {
    for (int64_t i; (i = next.fetch_add(1)) < tasks;)
      (*task)(i);
  }

  void work() {
    for (uint64_t seen = 0;; ++seen) {
      for (int spins = 0; generation.load() == seen; ++spins)
        if (spins < mostSpins)
          _mm_pause();
        else
          generation.wait(seen);
      drain();
      busy.fetch_sub(1);
    }
  }

  static constexpr int mostSpins = 20000; // about a millisecond

  int workers = 0;
  std::atomic<uint64_t> generation{0};
  std::atomic<int64_t> next{0};
  std::atomic<int> busy{0};
  const std::function<void(int64_t)> *task = nullptr;
  int64_t tasks = 0;
};

} // namespace

extern "C" {

const char *library_kernel() { return openblas_get_corename(); }

/// Lives until the process ends.
void *pool_new(int threads) { return new Pool(threads); }

/// Seconds for one product; slices > 1 needs partial f32[slices - 1, m, n].
double pool_gemm(void *pool, int transposeA, int transposeB, int64_t m, int64_t n, int64_t k, int64_t tileM,
                 int64_t tileN, int64_t slices, const float *a, const float *b, float *c, float *partial) {
  Product product{transposeA != 0, transposeB != 0, m, n, k, tileM, tileN, slices, a, b, c, partial};
  return static_cast<Pool *>(pool)->multiply(product);
}

/// Seconds for one pass over `count` parameters.
double pool_update(void *pool, int64_t count, float *p, const float *g, float *m, float *v) {
  return static_cast<Pool *>(pool)->update(count, p, g, m, v);
}
}
