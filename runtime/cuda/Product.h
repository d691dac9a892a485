// A matrix product of a program's list, as cuBLASLt runs it.
#ifndef NF_RUNTIME_CUDA_PRODUCT_H
#define NF_RUNTIME_CUDA_PRODUCT_H

#include "runtime/core/GpuProduct.h"
#include "runtime/cuda/CublasLt.h"

#include <memory>

namespace nf::rt::cuda {

/// The descriptors of one nf_gpu_gemm and the algorithm that the library's heuristic takes first: the same for the same
/// library and GPU. All launches of the product share it.
class Product {
public:
  /// `name` for errors. `vector` is that of the epilogue, if it has one; the heuristic looks at its alignment. Throws
  /// Error where the library has no algorithm, with the epilogue or without.
  Product(const CublasLt &library, const nf_gpu_gemm &gemm, const char *name, CUdeviceptr vector);

  /// Whether run() makes the epilogue too; else the kernel behind it in the list does.
  bool isWhole() const { return withEpilogue; }

  /// D = op(A) op(B), or added to D. Throws DeviceError.
  void run(const void *a, const void *b, void *d, bool isAdded, CUdeviceptr vector, void *workspace, CUstream stream,
           const char *launch) const;

private:
  struct Destroy {
    const CublasLt *library;
    void operator()(cublasLtMatmulDesc_t desc) const { library->cublasLtMatmulDescDestroy(desc); }
    void operator()(cublasLtMatrixLayout_t layout) const { library->cublasLtMatrixLayoutDestroy(layout); }
    void operator()(cublasLtMatmulPreference_t preference) const {
      library->cublasLtMatmulPreferenceDestroy(preference);
    }
  };
  template <typename T> using Owned = std::unique_ptr<std::remove_pointer_t<T>, Destroy>;

  Owned<cublasLtMatrixLayout_t> layoutOf(const nf_gpu_matrix &matrix) const;
  Owned<cublasLtMatmulPreference_t> preference() const;
  void set(int attribute, const void *value, size_t bytes) const;
  /// Whether the library has an algorithm.
  bool choose();

  const CublasLt &library;
  const nf_gpu_gemm &gemm;
  const char *name;
  Owned<cublasLtMatmulDesc_t> desc;
  Owned<cublasLtMatrixLayout_t> a, b, d;
  cublasLtMatmulAlgo_t algorithm{};
  bool withEpilogue = false;
};

} // namespace nf::rt::cuda

#endif // NF_RUNTIME_CUDA_PRODUCT_H
