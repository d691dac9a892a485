// What the numbers of an nf_gpu_gemm mean, for whoever makes the product.
#ifndef NF_RUNTIME_CORE_GPUPRODUCT_H
#define NF_RUNTIME_CORE_GPUPRODUCT_H

#include "runtime/abi/nf_gpu.h"

namespace nf::rt {

inline int64_t bytesOf(int32_t dtype) { return dtype == NF_BF16 ? 2 : 4; }

/// Whether an epilogue reads its vector, a bias; the others that have one write sums there.
inline bool readsVector(int32_t epilogue) {
  return epilogue == NF_EPILOGUE_BIAS || epilogue == NF_EPILOGUE_RELU_BIAS || epilogue == NF_EPILOGUE_GELU_BIAS;
}
inline bool hasVector(int32_t epilogue) {
  return readsVector(epilogue) || epilogue == NF_EPILOGUE_BGRAD_A || epilogue == NF_EPILOGUE_BGRAD_B;
}

/// Among a product's buffers: the flag of NF_BETA_FLAG behind A, B and D, and the vector behind these.
inline constexpr int64_t flagBuffer = 3;
inline int64_t vectorBuffer(const nf_gpu_gemm &gemm) { return gemm.beta == NF_BETA_FLAG ? flagBuffer + 1 : flagBuffer; }

/// Whether the product is added to D. `flag` is called where a flag says so.
template <typename Flag> bool isAddedTo(const nf_gpu_gemm &gemm, Flag flag) {
  return gemm.beta == NF_BETA_FLAG ? flag() != 0 : gemm.beta == NF_BETA_ONE;
}

} // namespace nf::rt

#endif // NF_RUNTIME_CORE_GPUPRODUCT_H
