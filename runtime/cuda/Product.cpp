#include "runtime/cuda/Product.h"

#include "runtime/core/Error.h"

namespace nf::rt::cuda {

static int typeOf(int32_t dtype) { return dtype == NF_BF16 ? CUDA_R_16BF : CUDA_R_32F; }

Product::Product(const CublasLt &library, const nf_gpu_gemm &gemm, const char *name, CUdeviceptr vector)
    : library(library), gemm(gemm), name(name), desc(nullptr, Destroy{&library}), a(layoutOf(gemm.a)),
      b(layoutOf(gemm.b)), d(layoutOf(gemm.d)) {
  cublasLtMatmulDesc_t made;
  library.check(library.cublasLtMatmulDescCreate(&made, CUBLAS_COMPUTE_32F, CUDA_R_32F), "cublasLtMatmulDescCreate",
                name);
  desc.reset(made);
  set(CUBLASLT_MATMUL_DESC_TRANSA, &gemm.transpose_a, sizeof(int32_t));
  set(CUBLASLT_MATMUL_DESC_TRANSB, &gemm.transpose_b, sizeof(int32_t));
  uint32_t epilogue = gemm.epilogue, none = NF_EPILOGUE_NONE;
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof(epilogue));
  if (hasVector(gemm.epilogue)) // in D's type, as the library takes it
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, &vector, sizeof(vector));
  if ((withEpilogue = choose()))
    return;
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, &none, sizeof(none));
  if (!choose())
    fail("{}: {} has no algorithm for this product", name, library.describe());
}

void Product::set(int attribute, const void *value, size_t bytes) const {
  library.check(library.cublasLtMatmulDescSetAttribute(desc.get(), attribute, value, bytes),
                "cublasLtMatmulDescSetAttribute", name);
}

Product::Owned<cublasLtMatrixLayout_t> Product::layoutOf(const nf_gpu_matrix &matrix) const {
  cublasLtMatrixLayout_t made;
  library.check(library.cublasLtMatrixLayoutCreate(&made, typeOf(matrix.dtype), matrix.rows, matrix.cols, matrix.ld),
                "cublasLtMatrixLayoutCreate", name);
  Owned<cublasLtMatrixLayout_t> layout(made, Destroy{&library});
  auto count = static_cast<int32_t>(gemm.batch);
  auto setLayout = [&](int attribute, const void *value, size_t bytes) {
    library.check(library.cublasLtMatrixLayoutSetAttribute(made, attribute, value, bytes),
                  "cublasLtMatrixLayoutSetAttribute", name);
  };
  if (count > 1) {
    setLayout(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof(count));
    setLayout(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &matrix.stride, sizeof(matrix.stride));
  }
  return layout;
}

/// Reductions in fp32 and in a fixed order alone, and no more alignment than the plan gives.
Product::Owned<cublasLtMatmulPreference_t> Product::preference() const {
  cublasLtMatmulPreference_t made;
  library.check(library.cublasLtMatmulPreferenceCreate(&made), "cublasLtMatmulPreferenceCreate", name);
  Owned<cublasLtMatmulPreference_t> preference(made, Destroy{&library});
  auto setPreference = [&](int attribute, auto value) {
    library.check(library.cublasLtMatmulPreferenceSetAttribute(made, attribute, &value, sizeof(value)),
                  "cublasLtMatmulPreferenceSetAttribute", name);
  };
  setPreference(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<uint64_t>(gemm.workspace_bytes));
  setPreference(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                uint32_t(CUBLASLT_REDUCTION_SCHEME_NONE | CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
  setPreference(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, static_cast<uint32_t>(gemm.a.alignment));
  setPreference(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, static_cast<uint32_t>(gemm.b.alignment));
  setPreference(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, static_cast<uint32_t>(gemm.d.alignment));
  setPreference(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, static_cast<uint32_t>(gemm.d.alignment));
  return preference;
}

bool Product::choose() {
  cublasLtMatmulHeuristicResult_t result{};
  int count = 0;
  auto preferred = preference();
  cublasStatus_t status = library.cublasLtMatmulAlgoGetHeuristic(library.handle, desc.get(), a.get(), b.get(), d.get(),
                                                                 d.get(), preferred.get(), 1, &result, &count);
  if (status != CUBLAS_STATUS_NOT_SUPPORTED)
    library.check(status, "cublasLtMatmulAlgoGetHeuristic", name);
  if (status != CUBLAS_STATUS_SUCCESS || count == 0 || result.state != CUBLAS_STATUS_SUCCESS)
    return false;
  algorithm = result.algo;
  return true;
}

void Product::run(const void *matrixA, const void *matrixB, void *matrixD, bool isAdded, CUdeviceptr vector,
                  void *workspace, CUstream stream, const char *launch) const {
  float alpha = 1, beta = isAdded ? 1 : 0;
  if (withEpilogue && hasVector(gemm.epilogue))
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, &vector, sizeof(vector));
  library.check(library.cublasLtMatmul(library.handle, desc.get(), &alpha, matrixA, a.get(), matrixB, b.get(), &beta,
                                       matrixD, d.get(), matrixD, d.get(), &algorithm, workspace,
                                       static_cast<size_t>(gemm.workspace_bytes), stream),
                "cublasLtMatmul", launch);
}

} // namespace nf::rt::cuda
