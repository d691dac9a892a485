// The kernels of a program in the GPU's memory.
#ifndef NF_RUNTIME_CUDA_CUDAMODULE_H
#define NF_RUNTIME_CUDA_CUDAMODULE_H

#include "runtime/abi/nf_gpu.h"
#include "runtime/cuda/Driver.h"

#include <string>
#include <vector>

namespace nf::rt::cuda {

/// Loads the images of a program for a GPU: the code for its processor where there is some that the driver takes, else
/// PTX, which the driver compiles.
class CudaModule {
public:
  /// Prints a note where the driver does not take code that the program has. Throws Error when nothing fits: the GPU is
  /// older than all images, or the driver takes none.
  CudaModule(const Driver &driver, const nf_gpu_table &table, int capability);
  ~CudaModule();
  CudaModule(const CudaModule &) = delete;

  /// The kernel of works[i]; null where it is none.
  CUfunction function(int64_t work) const { return functions[work]; }
  /// "code for 9.0", or "kernels compiled by the driver from PTX for 9.0"
  const std::string &describe() const { return name; }

private:
  bool load(const nf_gpu_image &image);
  void findFunctions(const nf_gpu_table &table);

  const Driver &driver;
  CUmodule module = nullptr;
  std::vector<CUfunction> functions;
  std::string name, refusal; ///< why the last image was not taken
};

} // namespace nf::rt::cuda

#endif // NF_RUNTIME_CUDA_CUDAMODULE_H
