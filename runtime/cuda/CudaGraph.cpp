#include "runtime/cuda/CudaGraph.h"

namespace nf::rt::cuda {

CudaGraph::CudaGraph(const Driver &driver, CUstream stream, const std::function<void()> &work)
    : driver(driver), stream(stream) {
  driver.check(driver.cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), "cuStreamBeginCapture");
  try {
    work();
  } catch (...) { // the stream is to be used again
    if (driver.cuStreamEndCapture(stream, &graph) == CUDA_SUCCESS && graph)
      driver.cuGraphDestroy(graph);
    throw;
  }
  driver.check(driver.cuStreamEndCapture(stream, &graph), "cuStreamEndCapture");
  if (CUresult result = driver.cuGraphInstantiate(&executable, graph, 0); result != CUDA_SUCCESS) {
    driver.cuGraphDestroy(graph);
    driver.check(result, "cuGraphInstantiateWithFlags");
  }
}

// Errors are of no use any more.
CudaGraph::~CudaGraph() {
  driver.cuGraphExecDestroy(executable);
  driver.cuGraphDestroy(graph);
}

void CudaGraph::launch(const std::string &name) const {
  driver.check(driver.cuGraphLaunch(executable, stream), "cuGraphLaunch", name);
}

} // namespace nf::rt::cuda
