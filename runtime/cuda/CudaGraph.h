// Launches that the driver keeps.
#ifndef NF_RUNTIME_CUDA_CUDAGRAPH_H
#define NF_RUNTIME_CUDA_CUDAGRAPH_H

#include "runtime/cuda/Driver.h"

#include <functional>
#include <string>

namespace nf::rt::cuda {

/// What a stream was given once, to be run again by one call.
class CudaGraph {
public:
  /// Keeps what `work` gives the stream, which runs nothing of it. Throws DeviceError, and what `work` throws.
  CudaGraph(const Driver &driver, CUstream stream, const std::function<void()> &work);
  ~CudaGraph();
  CudaGraph(const CudaGraph &) = delete;

  /// `name` for errors. Throws DeviceError.
  void launch(const std::string &name) const;

private:
  const Driver &driver;
  CUstream stream;
  CUgraph graph = nullptr;
  CUgraphExec executable = nullptr;
};

} // namespace nf::rt::cuda

#endif // NF_RUNTIME_CUDA_CUDAGRAPH_H
