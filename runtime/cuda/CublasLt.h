// cuBLASLt, loaded when a program runs. Declared here as in the toolkit's cublasLt.h, so that the runtime builds
// without one; what is used has been the same since its version 11.
#ifndef NF_RUNTIME_CUDA_CUBLASLT_H
#define NF_RUNTIME_CUDA_CUBLASLT_H

#include "runtime/cuda/Driver.h"

#include <string>
#include <string_view>

namespace nf::rt::cuda {

// The types of cublasLt.h under its names.
using cublasStatus_t = int;
using cublasLtHandle_t = struct cublasLtContext *;
using cublasLtMatmulDesc_t = struct cublasLtMatmulDescOpaque_t *;
using cublasLtMatrixLayout_t = struct cublasLtMatrixLayoutOpaque_t *;
using cublasLtMatmulPreference_t = struct cublasLtMatmulPreferenceOpaque_t *;
struct cublasLtMatmulAlgo_t {
  uint64_t data[8];
};
struct cublasLtMatmulHeuristicResult_t {
  cublasLtMatmulAlgo_t algo;
  size_t workspaceSize;
  cublasStatus_t state;
  float wavesCount;
  int reserved[4];
};

enum : cublasStatus_t { CUBLAS_STATUS_SUCCESS = 0, CUBLAS_STATUS_NOT_SUPPORTED = 15 };
enum : int { CUDA_R_32F = 0, CUDA_R_16BF = 14 };
enum : int { CUBLAS_COMPUTE_32F = 68 };
enum : int {
  CUBLASLT_MATMUL_DESC_TRANSA = 3,
  CUBLASLT_MATMUL_DESC_TRANSB = 4,
  CUBLASLT_MATMUL_DESC_EPILOGUE = 7,
  CUBLASLT_MATMUL_DESC_BIAS_POINTER = 8
};
enum : int { CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT = 5, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET = 6 };
enum : int {
  CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1,
  CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK = 3,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES = 5,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES = 6,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES = 7,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES = 8
};
enum : uint32_t { CUBLASLT_REDUCTION_SCHEME_NONE = 0, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE = 2 };

/// The functions that are used, with what they return and take.
#define NF_CUBLASLT(F)                                                                                                 \
  F(cublasStatus_t, cublasLtCreate, (cublasLtHandle_t * handle))                                                       \
  F(cublasStatus_t, cublasLtDestroy, (cublasLtHandle_t handle))                                                        \
  F(size_t, cublasLtGetVersion, ())                                                                                    \
  F(const char *, cublasLtGetStatusName, (cublasStatus_t status))                                                      \
  F(cublasStatus_t, cublasLtMatmulDescCreate, (cublasLtMatmulDesc_t * desc, int computeType, int scaleType))           \
  F(cublasStatus_t, cublasLtMatmulDescDestroy, (cublasLtMatmulDesc_t desc))                                            \
  F(cublasStatus_t, cublasLtMatmulDescSetAttribute,                                                                    \
    (cublasLtMatmulDesc_t desc, int attribute, const void *value, size_t bytes))                                       \
  F(cublasStatus_t, cublasLtMatrixLayoutCreate,                                                                        \
    (cublasLtMatrixLayout_t * layout, int type, uint64_t rows, uint64_t cols, int64_t ld))                             \
  F(cublasStatus_t, cublasLtMatrixLayoutDestroy, (cublasLtMatrixLayout_t layout))                                      \
  F(cublasStatus_t, cublasLtMatrixLayoutSetAttribute,                                                                  \
    (cublasLtMatrixLayout_t layout, int attribute, const void *value, size_t bytes))                                   \
  F(cublasStatus_t, cublasLtMatmulPreferenceCreate, (cublasLtMatmulPreference_t * preference))                         \
  F(cublasStatus_t, cublasLtMatmulPreferenceDestroy, (cublasLtMatmulPreference_t preference))                          \
  F(cublasStatus_t, cublasLtMatmulPreferenceSetAttribute,                                                              \
    (cublasLtMatmulPreference_t preference, int attribute, const void *value, size_t bytes))                           \
  F(cublasStatus_t, cublasLtMatmulAlgoGetHeuristic,                                                                    \
    (cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,           \
     cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t preference, int requested,         \
     cublasLtMatmulHeuristicResult_t *results, int *returned))                                                         \
  F(cublasStatus_t, cublasLtMatmul,                                                                                    \
    (cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void *alpha, const void *a,                             \
     cublasLtMatrixLayout_t aLayout, const void *b, cublasLtMatrixLayout_t bLayout, const void *beta, const void *c,   \
     cublasLtMatrixLayout_t cLayout, void *d, cublasLtMatrixLayout_t dLayout, const cublasLtMatmulAlgo_t *algorithm,   \
     void *workspace, size_t workspaceBytes, CUstream stream))

/// The library's functions with a handle on the current context, and what goes wrong in them as an Error.
struct CublasLt {
#define NF_CUBLASLT_MEMBER(result, name, arguments) result(*name) arguments = nullptr;
  NF_CUBLASLT(NF_CUBLASLT_MEMBER)
#undef NF_CUBLASLT_MEMBER
  cublasLtHandle_t handle = nullptr;

  /// Loads libcublasLt.so.13, .12 or .11. Throws Error, which says what is missing.
  CublasLt();
  ~CublasLt();
  CublasLt(const CublasLt &) = delete;

  /// Throws DeviceError unless `status` is success: "cublasLtMatmul of 'gemm_…': CUBLAS_STATUS_…".
  void check(cublasStatus_t status, const char *call, std::string_view of = "") const;
  /// "cuBLASLt 13.0.2"
  std::string describe() const;
};

} // namespace nf::rt::cuda

#endif // NF_RUNTIME_CUDA_CUBLASLT_H
