// The functions of libcublasLt.so.13 that the runtime calls, answered by the emulated GPU's products.
#include "runtime/cuda/CublasLt.h"
#include "runtime/emulation/Gemm.h"
#include "test/runtime/cuda/FakeGpu.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

using namespace nf::rt::cuda;
using fake::Gpu;
using fake::misuse;

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr cublasStatus_t executionFailed = 13;

struct Desc {
  int32_t transposeA = 0, transposeB = 0;
  uint32_t epilogue = NF_EPILOGUE_NONE;
  uint64_t bias = 0;
};
struct Layout {
  int type;
  uint64_t rows, cols;
  int64_t ld;
  int32_t batch = 1;
  int64_t stride = 0;
};
struct Preference {
  uint64_t workspace = 0;
  uint32_t schemes = 7;
  uint32_t alignments[4] = {256, 256, 256, 256}; // the library's defaults
};

template <typename T, typename H> T &at(H handle) {
  if (!handle)
    misuse("a null descriptor");
  return *reinterpret_cast<T *>(handle);
}

template <typename T> void take(T &field, const void *value, size_t bytes) {
  if (bytes != sizeof(T))
    misuse("an attribute of " + std::to_string(bytes) + " bytes in the place of " + std::to_string(sizeof(T)));
  std::memcpy(&field, value, bytes);
}

nf_gpu_matrix matrixOf(const Layout &layout, uint32_t alignment) {
  return {static_cast<int64_t>(layout.rows),
          static_cast<int64_t>(layout.cols),
          layout.ld,
          layout.stride,
          layout.type == CUDA_R_16BF ? NF_BF16 : NF_F32,
          static_cast<int32_t>(alignment)};
}

/// A kept algorithm: what it was made for.
struct Algorithm {
  uint32_t epilogue;
  int32_t alignments[3];
  uint64_t workspace, rows, cols;
};
static_assert(sizeof(Algorithm) <= sizeof(cublasLtMatmulAlgo_t));

nf_gpu_gemm gemmOf(const Desc &desc, const Layout &a, const Layout &b, const Layout &d, const int32_t *alignments) {
  nf_gpu_gemm gemm{};
  gemm.a = matrixOf(a, alignments[0]);
  gemm.b = matrixOf(b, alignments[1]);
  gemm.d = matrixOf(d, alignments[2]);
  gemm.batch = d.batch;
  gemm.transpose_a = desc.transposeA;
  gemm.transpose_b = desc.transposeB;
  gemm.epilogue = static_cast<int32_t>(desc.epilogue);
  if (a.batch != d.batch || b.batch != d.batch)
    misuse("matrices of different batches");
  return gemm;
}

} // namespace

EXPORT cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle) {
  *handle = reinterpret_cast<cublasLtHandle_t>(&Gpu::get());
  return CUBLAS_STATUS_SUCCESS;
}
EXPORT cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return CUBLAS_STATUS_SUCCESS; }
EXPORT size_t cublasLtGetVersion() { return 130002; }
EXPORT const char *cublasLtGetStatusName(cublasStatus_t status) {
  return status == executionFailed ? "CUBLAS_STATUS_EXECUTION_FAILED" : "CUBLAS_STATUS_NOT_SUPPORTED";
}

EXPORT cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *desc, int computeType, int scaleType) {
  if (computeType != CUBLAS_COMPUTE_32F || scaleType != CUDA_R_32F)
    misuse("products are computed in fp32");
  *desc = reinterpret_cast<cublasLtMatmulDesc_t>(new Desc());
  return CUBLAS_STATUS_SUCCESS;
}
EXPORT cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) {
  delete &at<Desc>(desc);
  return CUBLAS_STATUS_SUCCESS;
}
EXPORT cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t handle, int attribute, const void *value,
                                                     size_t bytes) {
  auto &desc = at<Desc>(handle);
  switch (attribute) {
  case CUBLASLT_MATMUL_DESC_TRANSA:
    take(desc.transposeA, value, bytes);
    break;
  case CUBLASLT_MATMUL_DESC_TRANSB:
    take(desc.transposeB, value, bytes);
    break;
  case CUBLASLT_MATMUL_DESC_EPILOGUE:
    take(desc.epilogue, value, bytes);
    break;
  case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
    take(desc.bias, value, bytes);
    break;
  default:
    misuse("an unknown attribute of a product");
  }
  return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, int type, uint64_t rows, uint64_t cols,
                                                 int64_t ld) {
  *layout = reinterpret_cast<cublasLtMatrixLayout_t>(new Layout{type, rows, cols, ld});
  return CUBLAS_STATUS_SUCCESS;
}
EXPORT cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete &at<Layout>(layout);
  return CUBLAS_STATUS_SUCCESS;
}
EXPORT cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout, int attribute, const void *value,
                                                       size_t bytes) {
  if (attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT)
    take(at<Layout>(layout).batch, value, bytes);
  else if (attribute == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET)
    take(at<Layout>(layout).stride, value, bytes);
  else
    misuse("an unknown attribute of a matrix");
  return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *preference) {
  *preference = reinterpret_cast<cublasLtMatmulPreference_t>(new Preference());
  return CUBLAS_STATUS_SUCCESS;
}
EXPORT cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete &at<Preference>(preference);
  return CUBLAS_STATUS_SUCCESS;
}
EXPORT cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t handle, int attribute,
                                                           const void *value, size_t bytes) {
  auto &preference = at<Preference>(handle);
  if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
    take(preference.workspace, value, bytes);
  else if (attribute == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK)
    take(preference.schemes, value, bytes);
  else if (attribute >= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES &&
           attribute <= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES)
    take(preference.alignments[attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], value, bytes);
  else
    misuse("an unknown preference");
  return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t descHandle,
                                                     cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                                     cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                                     cublasLtMatmulPreference_t preferenceHandle, int requested,
                                                     cublasLtMatmulHeuristicResult_t *results, int *returned) {
  auto &desc = at<Desc>(descHandle);
  auto &preference = at<Preference>(preferenceHandle);
  constexpr uint32_t allowed = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
  if (preference.schemes & ~allowed)
    misuse("reductions that are not in fp32 are allowed");
  *returned = 0;
  if (requested < 1 || nf::rt::isRefused(static_cast<int32_t>(desc.epilogue)))
    return CUBLAS_STATUS_NOT_SUPPORTED;
  const uint32_t *alignments = preference.alignments;
  Algorithm kept{
      desc.epilogue,
      {static_cast<int32_t>(alignments[0]), static_cast<int32_t>(alignments[1]), static_cast<int32_t>(alignments[3])},
      preference.workspace,
      at<Layout>(d).rows,
      at<Layout>(d).cols};
  results[0] = {};
  std::memcpy(&results[0].algo, &kept, sizeof(kept));
  results[0].workspaceSize = preference.workspace;
  *returned = 1;
  return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t descHandle, const void *alpha,
                                     const void *a, cublasLtMatrixLayout_t aLayout, const void *b,
                                     cublasLtMatrixLayout_t bLayout, const void *beta, const void *c,
                                     cublasLtMatrixLayout_t cLayout, void *d, cublasLtMatrixLayout_t dLayout,
                                     const cublasLtMatmulAlgo_t *algorithm, void *workspace, size_t workspaceBytes,
                                     CUstream stream) {
  Gpu &gpu = Gpu::get();
  if (gpu.stickyError)
    return executionFailed;
  auto &desc = at<Desc>(descHandle);
  Algorithm kept;
  std::memcpy(&kept, algorithm, sizeof(kept));
  if (kept.epilogue != desc.epilogue || kept.rows != at<Layout>(dLayout).rows || kept.cols != at<Layout>(dLayout).cols)
    misuse("an algorithm for another product");
  if (workspaceBytes < kept.workspace)
    misuse("less workspace than the algorithm needs");
  float one, scale;
  std::memcpy(&one, alpha, sizeof(one));
  std::memcpy(&scale, beta, sizeof(scale));
  if (one != 1 || (scale != 0 && scale != 1) || c != d || cLayout != dLayout)
    misuse("expected D = A B, or that added to D");
  nf_gpu_gemm gemm = gemmOf(desc, at<Layout>(aLayout), at<Layout>(bLayout), at<Layout>(dLayout), kept.alignments);
  gemm.beta = scale == 0 ? NF_BETA_ZERO : NF_BETA_ONE;
  void *addresses[] = {const_cast<void *>(a), const_cast<void *>(b), d, reinterpret_cast<void *>(desc.bias)};
  if (std::string rule = nf::rt::brokenRule(gemm, addresses); !rule.empty())
    misuse("expected " + rule);
  std::vector<void *> aliases;
  for (void *address : addresses)
    aliases.push_back(gpu.memory.seen(reinterpret_cast<uint64_t>(address), 1));
  uint8_t *scratch = gpu.memory.seen(reinterpret_cast<uint64_t>(workspace), static_cast<int64_t>(workspaceBytes));
  if (!aliases[0] || !aliases[1] || !aliases[2] || (workspaceBytes && !scratch))
    misuse("a matrix or the workspace is not in the GPU's memory");
  gpu.enqueue([&gpu, gemm, aliases, scratch, workspaceBytes] {
    nf::rt::runGemm(gpu.hostContext(), gemm, aliases.data(), /*withEpilogue=*/true, "cublasLtMatmul");
    std::memset(scratch, 0xFF, std::min<size_t>(workspaceBytes, 4096));
    return 0;
  });
  return CUBLAS_STATUS_SUCCESS;
}
