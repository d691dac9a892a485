// The functions of libcuda.so.1 that the runtime calls.
#include "runtime/cuda/Driver.h"
#include "runtime/emulation/LaunchCheck.h"
#include "test/runtime/cuda/FakeGpu.h"

#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

using namespace nf::rt::cuda;
using fake::Gpu;
using fake::misuse;

#define EXPORT extern "C" __attribute__((visibility("default"))) CUresult

namespace {

constexpr CUresult SUCCESS = CUDA_SUCCESS, INVALID_VALUE = 1, NOT_INITIALIZED = 3, NO_DEVICE = CUDA_ERROR_NO_DEVICE,
                   INVALID_CONTEXT = 201, NOT_FOUND = 500, LAUNCH_OUT_OF_RESOURCES = 701, LAUNCH_FAILED = 719;

struct Function {
  std::string name;
  int64_t arguments, dynamicLimit = 0;
};
struct Module {
  std::string_view image;
  std::vector<std::unique_ptr<Function>> functions;
};

/// What handles stand for, and how far the process has come.
struct State {
  bool isInitialized = false, hasContext = false, isCurrent = false, hasStream = false;
  std::unique_ptr<Module> module;
  int64_t allocations = 0, launches = 0, graphLaunches = 0;
  int64_t graphs = 0; // that were not destroyed
} state;

CUstream const theStream = reinterpret_cast<CUstream>(&state);

/// The error of a call before its turn, or the one that everything has after a crash.
CUresult ready() {
  if (!state.isInitialized)
    return NOT_INITIALIZED;
  if (!state.isCurrent)
    return INVALID_CONTEXT;
  return Gpu::get().stickyError;
}

void checkStream(CUstream stream) {
  if (stream != theStream || !state.hasStream)
    misuse("a call on a stream that does not exist");
}

/// Copies and waits, which a graph of launches alone has none of.
void checkNoCapture() {
  if (Gpu::get().recorded)
    misuse("a copy, an allocation or a wait while a graph is recorded");
}

uint8_t *seen(CUdeviceptr address, size_t bytes) {
  uint8_t *alias = Gpu::get().memory.seen(address, static_cast<int64_t>(bytes));
  if (!alias)
    misuse("a copy of " + std::to_string(bytes) + " bytes leaves the GPU's memory");
  return alias;
}

} // namespace

#define NF_RETURN_UNLESS_READY()                                                                                       \
  if (CUresult error = ready())                                                                                        \
  return error

//===------------------------------------------------------------------------------------------===//
// The machine
//===------------------------------------------------------------------------------------------===//

EXPORT cuInit(unsigned flags) {
  if (flags != 0)
    misuse("cuInit with flags");
  state.isInitialized = true;
  return Gpu::get().plan.devices > 0 ? SUCCESS : NO_DEVICE;
}

EXPORT cuDriverGetVersion(int *version) {
  *version = static_cast<int>(Gpu::get().plan.driver);
  return SUCCESS;
}

static const std::pair<CUresult, const char *> errors[] = {
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
    {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED"},
    {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
    {CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU"},
    {CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND"},
    {LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"},
    {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"},
};

EXPORT cuGetErrorName(CUresult error, const char **name) {
  for (const auto &[number, text] : errors)
    if (number == error) {
      *name = text;
      return SUCCESS;
    }
  return INVALID_VALUE;
}

EXPORT cuGetErrorString(CUresult error, const char **text) {
  *text = "as planned";
  return SUCCESS;
}

EXPORT cuDeviceGetCount(int *count) {
  *count = static_cast<int>(Gpu::get().plan.devices);
  return state.isInitialized ? SUCCESS : NOT_INITIALIZED;
}

EXPORT cuDeviceGet(CUdevice *device, int ordinal) {
  *device = ordinal;
  return ordinal < Gpu::get().plan.devices ? SUCCESS : INVALID_VALUE;
}

EXPORT cuDeviceGetName(char *name, int length, CUdevice device) {
  std::snprintf(name, static_cast<size_t>(length), "Fake GPU");
  return SUCCESS;
}

EXPORT cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
  auto capability = static_cast<int>(Gpu::get().plan.capability);
  if (attribute != CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR &&
      attribute != CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)
    return INVALID_VALUE;
  *value = attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR ? capability / 10 : capability % 10;
  return SUCCESS;
}

EXPORT cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  state.hasContext = true;
  *context = reinterpret_cast<CUcontext>(&state);
  return state.isInitialized ? SUCCESS : NOT_INITIALIZED;
}

EXPORT cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  if (Gpu::get().memory.count() > 0)
    misuse(std::to_string(Gpu::get().memory.count()) + " allocations were not freed");
  if (state.module || state.hasStream || state.graphs > 0)
    misuse("a module, stream or graph was not destroyed");
  if (Gpu::get().plan.count)
    std::fprintf(stderr, "fake GPU: %lld kernels\n", static_cast<long long>(Gpu::get().kernelsRun));
  state.hasContext = state.isCurrent = false;
  return SUCCESS;
}

EXPORT cuCtxSetCurrent(CUcontext context) {
  state.isCurrent = state.hasContext;
  return state.hasContext ? SUCCESS : INVALID_CONTEXT;
}

//===------------------------------------------------------------------------------------------===//
// Memory and streams
//===------------------------------------------------------------------------------------------===//

EXPORT cuMemGetInfo_v2(size_t *free, size_t *total) {
  NF_RETURN_UNLESS_READY();
  const fake::Plan &plan = Gpu::get().plan;
  *free = static_cast<size_t>(plan.memory - Gpu::get().memory.used());
  *total = static_cast<size_t>(plan.memory);
  return SUCCESS;
}

EXPORT cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  checkNoCapture();
  NF_RETURN_UNLESS_READY();
  if (bytes == 0)
    return INVALID_VALUE;
  const fake::Plan &plan = Gpu::get().plan;
  bool fails = ++state.allocations == plan.failAlloc;
  *address = fails ? 0 : Gpu::get().memory.allocate(static_cast<int64_t>(bytes), plan.memory);
  return *address ? SUCCESS : CUresult(CUDA_ERROR_OUT_OF_MEMORY);
}

EXPORT cuMemFree_v2(CUdeviceptr address) {
  if (!Gpu::get().memory.release(address))
    misuse("a free of memory that was not allocated");
  return ready();
}

EXPORT cuStreamCreate(CUstream *stream, unsigned flags) {
  NF_RETURN_UNLESS_READY();
  if (state.hasStream)
    misuse("a second stream, which there is no order with");
  state.hasStream = true;
  *stream = theStream;
  return SUCCESS;
}

EXPORT cuStreamDestroy_v2(CUstream stream) {
  checkStream(stream);
  state.hasStream = false;
  return SUCCESS;
}

EXPORT cuStreamSynchronize(CUstream stream) {
  checkStream(stream);
  checkNoCapture();
  NF_RETURN_UNLESS_READY();
  return Gpu::get().drain();
}

EXPORT cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t bytes, CUstream stream) {
  checkStream(stream);
  checkNoCapture();
  NF_RETURN_UNLESS_READY();
  Gpu::get().enqueue([to = seen(to, bytes), value, bytes] {
    std::memset(to, value, bytes);
    return SUCCESS;
  });
  return SUCCESS;
}

/// Pageable memory is read before the call returns.
EXPORT cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
  checkStream(stream);
  checkNoCapture();
  NF_RETURN_UNLESS_READY();
  auto *start = static_cast<const uint8_t *>(from);
  Gpu::get().enqueue([to = seen(to, bytes), staged = std::vector<uint8_t>(start, start + bytes)] {
    std::memcpy(to, staged.data(), staged.size());
    return SUCCESS;
  });
  return SUCCESS;
}

EXPORT cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
  checkStream(stream);
  checkNoCapture();
  NF_RETURN_UNLESS_READY();
  Gpu::get().enqueue([to, from = seen(from, bytes), bytes] {
    std::memcpy(to, from, bytes);
    return SUCCESS;
  });
  return SUCCESS;
}

//===------------------------------------------------------------------------------------------===//
// Kernels
//===------------------------------------------------------------------------------------------===//

EXPORT cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, int *options, void **values) {
  NF_RETURN_UNLESS_READY();
  const fake::Plan &plan = Gpu::get().plan;
  std::string_view bytes = fake::imageAt(image);
  bool isCubin = bytes.starts_with("\177ELF");
  if (isCubin && !plan.takesCubins)
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  if (!isCubin && !plan.takesPtx)
    return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
  if (state.module)
    misuse("a second module");
  state.module = std::make_unique<Module>();
  state.module->image = bytes;
  *module = reinterpret_cast<CUmodule>(state.module.get());
  return SUCCESS;
}

EXPORT cuModuleUnload(CUmodule module) {
  if (reinterpret_cast<Module *>(module) != state.module.get())
    misuse("an unknown module is unloaded");
  state.module.reset();
  return SUCCESS;
}

EXPORT cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
  NF_RETURN_UNLESS_READY();
  int64_t arguments = fake::argumentsOf(state.module->image, name);
  if (arguments < 0)
    return NOT_FOUND;
  auto &functions = state.module->functions;
  functions.push_back(std::make_unique<Function>(Function{name, arguments}));
  *function = reinterpret_cast<CUfunction>(functions.back().get());
  return SUCCESS;
}

EXPORT cuFuncSetAttribute(CUfunction function, int attribute, int value) {
  NF_RETURN_UNLESS_READY();
  if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
    return INVALID_VALUE;
  reinterpret_cast<Function *>(function)->dynamicLimit = value;
  return SUCCESS;
}

/// What the launch says must be what the kernel was made for.
static void checkLaunch(const nf_gpu_work &kernel, const Function &function, unsigned gridX, unsigned gridY,
                        unsigned gridZ, unsigned threads, unsigned sharedBytes, const std::vector<void *> &pointers) {
  nf_gpu_work launched = kernel;
  launched.threads = static_cast<int32_t>(threads);
  launched.grid_y = static_cast<int32_t>(gridY);
  launched.grid_z = static_cast<int32_t>(gridZ);
  launched.dynamic_bytes = sharedBytes;
  launched.dynamic_limit = function.dynamicLimit;
  std::string rule = nf::rt::brokenRule(launched, gridX, pointers.data(), static_cast<int64_t>(pointers.size()));
  if (!rule.empty())
    misuse(function.name + ": expected " + rule);
  if (launched.threads != kernel.threads || gridY != 1 || gridZ != 1 || launched.dynamic_bytes != kernel.dynamic_bytes)
    misuse(function.name + " is launched with another block, grid or shared memory than it was made for");
}

EXPORT cuLaunchKernel(CUfunction handle, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                      unsigned blockY, unsigned blockZ, unsigned sharedBytes, CUstream stream, void **parameters,
                      void **extra) {
  checkStream(stream);
  NF_RETURN_UNLESS_READY();
  Gpu &gpu = Gpu::get();
  const Function &function = *reinterpret_cast<Function *>(handle);
  const nf_gpu_work *kernel = gpu.kernel(function.name);
  if (!kernel)
    misuse("there is no emulated kernel " + function.name);
  if (blockY != 1 || blockZ != 1 || extra)
    misuse(function.name + " is launched with a block of several dimensions or other arguments");
  std::vector<void *> addresses, aliases;
  for (int64_t i = 0; i < function.arguments; ++i) {
    CUdeviceptr address;
    std::memcpy(&address, parameters[i], sizeof(address));
    addresses.push_back(reinterpret_cast<void *>(address));
    aliases.push_back(seen(address, 1));
  }
  checkLaunch(*kernel, function, gridX, gridY, gridZ, blockX, sharedBytes, addresses);
  if (++state.launches == gpu.plan.refuseLaunch)
    return LAUNCH_OUT_OF_RESOURCES;
  gpu.enqueue([&gpu, kernel, aliases, gridX]() -> CUresult {
    return gpu.runKernel(*kernel, aliases.data(), gridX) ? SUCCESS : LAUNCH_FAILED;
  });
  return SUCCESS;
}

//===------------------------------------------------------------------------------------------===//
// Graphs
//===------------------------------------------------------------------------------------------===//

using Graph = std::vector<Gpu::Work>;

EXPORT cuStreamBeginCapture_v2(CUstream stream, int mode) {
  checkStream(stream);
  NF_RETURN_UNLESS_READY();
  if (mode != CU_STREAM_CAPTURE_MODE_THREAD_LOCAL || Gpu::get().recorded)
    misuse("a capture in another mode, or within one");
  Gpu::get().recorded = new Graph();
  return SUCCESS;
}

EXPORT cuStreamEndCapture(CUstream stream, CUgraph *graph) {
  checkStream(stream);
  Gpu &gpu = Gpu::get();
  if (!gpu.recorded)
    misuse("the end of a capture that was not begun");
  *graph = reinterpret_cast<CUgraph>(std::exchange(gpu.recorded, nullptr));
  ++state.graphs;
  return SUCCESS;
}

EXPORT cuGraphInstantiateWithFlags(CUgraphExec *executable, CUgraph graph, unsigned long long flags) {
  NF_RETURN_UNLESS_READY();
  if (flags != 0 || !graph)
    misuse("a graph with flags, or none");
  *executable = reinterpret_cast<CUgraphExec>(new Graph(*reinterpret_cast<Graph *>(graph)));
  ++state.graphs;
  return SUCCESS;
}

EXPORT cuGraphLaunch(CUgraphExec executable, CUstream stream) {
  checkStream(stream);
  NF_RETURN_UNLESS_READY();
  if (++state.graphLaunches == Gpu::get().plan.refuseGraph)
    return CUDA_ERROR_OUT_OF_MEMORY;
  for (const Gpu::Work &work : *reinterpret_cast<Graph *>(executable))
    Gpu::get().enqueue(work);
  return SUCCESS;
}

EXPORT cuGraphExecDestroy(CUgraphExec executable) {
  delete reinterpret_cast<Graph *>(executable);
  --state.graphs;
  return SUCCESS;
}

EXPORT cuGraphDestroy(CUgraph graph) {
  delete reinterpret_cast<Graph *>(graph);
  --state.graphs;
  return SUCCESS;
}
