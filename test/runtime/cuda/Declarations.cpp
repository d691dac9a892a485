// The runtime's own declarations of CUDA against those of an installed toolkit: names, arguments, numbers. Only
// compiled.
#include "runtime/cuda/CublasLt.h"
#include "runtime/cuda/Driver.h"

#include <type_traits>

// By symbol, before the toolkit's headers give the unversioned names another meaning.
namespace nf::rt::cuda {
#define OURS(name, symbol, arguments) using Our_##symbol = CUresult(*) arguments;
NF_CUDA_DRIVER(OURS)
#undef OURS
#define OURS(result, name, arguments) using Our_##name = result(*) arguments;
NF_CUBLASLT(OURS)
#undef OURS
} // namespace nf::rt::cuda

#include <cublasLt.h>
#include <cuda.h>

namespace {
/// Enumerations are numbers to us, and handles pointers of other names.
template <typename A, typename B>
constexpr bool passesAs = sizeof(A) == sizeof(B) && std::is_pointer_v<A> == std::is_pointer_v<B>;

template <typename A, typename B> constexpr bool isCalledAs = false;
template <typename RA, typename... A, typename RB, typename... B>
constexpr bool isCalledAs<RA (*)(A...), RB (*)(B...)> = [] {
  if constexpr (sizeof...(A) == sizeof...(B))
    return (passesAs<RA, RB> && ... && passesAs<A, B>);
  return false;
}();
} // namespace

namespace ours = nf::rt::cuda;

#define CHECK(name, symbol, arguments)                                                                                 \
  static_assert(isCalledAs<ours::Our_##symbol, decltype(&::symbol)>, #symbol " has other arguments");
NF_CUDA_DRIVER(CHECK)
#undef CHECK
#define CHECK(result, name, arguments)                                                                                 \
  static_assert(isCalledAs<ours::Our_##name, decltype(&::name)>, #name " has other arguments");
NF_CUBLASLT(CHECK)
#undef CHECK

#define CHECK(name) static_assert(int(ours::name) == int(::name), #name " is another number");
CHECK(CUDA_SUCCESS)
CHECK(CUDA_ERROR_OUT_OF_MEMORY)
CHECK(CUDA_ERROR_NO_DEVICE)
CHECK(CUDA_ERROR_INVALID_IMAGE)
CHECK(CUDA_ERROR_NO_BINARY_FOR_GPU)
CHECK(CUDA_ERROR_INVALID_PTX)
CHECK(CUDA_ERROR_UNSUPPORTED_PTX_VERSION)
CHECK(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
CHECK(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)
CHECK(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
CHECK(CU_JIT_ERROR_LOG_BUFFER)
CHECK(CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
CHECK(CU_STREAM_NON_BLOCKING)
CHECK(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
CHECK(CUBLAS_STATUS_SUCCESS)
CHECK(CUBLAS_STATUS_NOT_SUPPORTED)
CHECK(CUDA_R_32F)
CHECK(CUDA_R_16BF)
CHECK(CUBLAS_COMPUTE_32F)
CHECK(CUBLASLT_MATMUL_DESC_TRANSA)
CHECK(CUBLASLT_MATMUL_DESC_TRANSB)
CHECK(CUBLASLT_MATMUL_DESC_EPILOGUE)
CHECK(CUBLASLT_MATMUL_DESC_BIAS_POINTER)
CHECK(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT)
CHECK(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET)
CHECK(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
CHECK(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK)
CHECK(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES)
CHECK(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES)
CHECK(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES)
CHECK(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES)
CHECK(CUBLASLT_REDUCTION_SCHEME_NONE)
CHECK(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE)
#undef CHECK
static_assert(sizeof(ours::cublasLtMatmulHeuristicResult_t) == sizeof(::cublasLtMatmulHeuristicResult_t) &&
              offsetof(ours::cublasLtMatmulHeuristicResult_t, state) ==
                  offsetof(::cublasLtMatmulHeuristicResult_t, state));

#include "runtime/abi/nf_gpu.h"
static_assert(int(NF_EPILOGUE_NONE) == CUBLASLT_EPILOGUE_DEFAULT && int(NF_EPILOGUE_RELU) == CUBLASLT_EPILOGUE_RELU &&
              int(NF_EPILOGUE_BIAS) == CUBLASLT_EPILOGUE_BIAS &&
              int(NF_EPILOGUE_RELU_BIAS) == CUBLASLT_EPILOGUE_RELU_BIAS &&
              int(NF_EPILOGUE_GELU) == CUBLASLT_EPILOGUE_GELU &&
              int(NF_EPILOGUE_GELU_BIAS) == CUBLASLT_EPILOGUE_GELU_BIAS &&
              int(NF_EPILOGUE_BGRAD_A) == CUBLASLT_EPILOGUE_BGRADA &&
              int(NF_EPILOGUE_BGRAD_B) == CUBLASLT_EPILOGUE_BGRADB);
