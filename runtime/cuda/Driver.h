// The CUDA driver, loaded when a program runs. Declared here as in the toolkit's cuda.h, so that the runtime builds
// without one.
#ifndef NF_RUNTIME_CUDA_DRIVER_H
#define NF_RUNTIME_CUDA_DRIVER_H

#include "runtime/core/Device.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace nf::rt::cuda {

// The types of cuda.h under its names.
using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st *;
using CUmodule = struct CUmod_st *;
using CUfunction = struct CUfunc_st *;
using CUstream = struct CUstream_st *;
using CUgraph = struct CUgraph_st *;
using CUgraphExec = struct CUgraphExec_st *;

enum : CUresult {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222
};
enum : int { CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76 };
enum : int { CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8 };
enum : int { CU_JIT_ERROR_LOG_BUFFER = 5, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6 };
enum : unsigned { CU_STREAM_NON_BLOCKING = 1 };
enum : int { CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1 };

/// The functions that are used: name, symbol of the version whose arguments these are, arguments.
#define NF_CUDA_DRIVER(F)                                                                                              \
  F(cuInit, cuInit, (unsigned flags))                                                                                  \
  F(cuDriverGetVersion, cuDriverGetVersion, (int *version))                                                            \
  F(cuGetErrorName, cuGetErrorName, (CUresult error, const char **name))                                               \
  F(cuGetErrorString, cuGetErrorString, (CUresult error, const char **text))                                           \
  F(cuDeviceGetCount, cuDeviceGetCount, (int *count))                                                                  \
  F(cuDeviceGet, cuDeviceGet, (CUdevice * device, int ordinal))                                                        \
  F(cuDeviceGetName, cuDeviceGetName, (char *name, int length, CUdevice device))                                       \
  F(cuDeviceGetAttribute, cuDeviceGetAttribute, (int *value, int attribute, CUdevice device))                          \
  F(cuDevicePrimaryCtxRetain, cuDevicePrimaryCtxRetain, (CUcontext * context, CUdevice device))                        \
  F(cuDevicePrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2, (CUdevice device))                                        \
  F(cuCtxSetCurrent, cuCtxSetCurrent, (CUcontext context))                                                             \
  F(cuModuleLoadDataEx, cuModuleLoadDataEx,                                                                            \
    (CUmodule * module, const void *image, unsigned count, int *options, void **values))                               \
  F(cuModuleUnload, cuModuleUnload, (CUmodule module))                                                                 \
  F(cuModuleGetFunction, cuModuleGetFunction, (CUfunction * function, CUmodule module, const char *name))              \
  F(cuFuncSetAttribute, cuFuncSetAttribute, (CUfunction function, int attribute, int value))                           \
  F(cuMemGetInfo, cuMemGetInfo_v2, (size_t *free, size_t *total))                                                      \
  F(cuMemAlloc, cuMemAlloc_v2, (CUdeviceptr * address, size_t bytes))                                                  \
  F(cuMemFree, cuMemFree_v2, (CUdeviceptr address))                                                                    \
  F(cuMemsetD8Async, cuMemsetD8Async, (CUdeviceptr to, unsigned char value, size_t bytes, CUstream stream))            \
  F(cuMemcpyHtoDAsync, cuMemcpyHtoDAsync_v2, (CUdeviceptr to, const void *from, size_t bytes, CUstream stream))        \
  F(cuMemcpyDtoHAsync, cuMemcpyDtoHAsync_v2, (void *to, CUdeviceptr from, size_t bytes, CUstream stream))              \
  F(cuStreamCreate, cuStreamCreate, (CUstream * stream, unsigned flags))                                               \
  F(cuStreamDestroy, cuStreamDestroy_v2, (CUstream stream))                                                            \
  F(cuStreamSynchronize, cuStreamSynchronize, (CUstream stream))                                                       \
  F(cuStreamBeginCapture, cuStreamBeginCapture_v2, (CUstream stream, int mode))                                        \
  F(cuStreamEndCapture, cuStreamEndCapture, (CUstream stream, CUgraph * graph))                                        \
  F(cuGraphInstantiate, cuGraphInstantiateWithFlags,                                                                   \
    (CUgraphExec * executable, CUgraph graph, unsigned long long flags))                                               \
  F(cuGraphLaunch, cuGraphLaunch, (CUgraphExec executable, CUstream stream))                                           \
  F(cuGraphExecDestroy, cuGraphExecDestroy, (CUgraphExec executable))                                                  \
  F(cuGraphDestroy, cuGraphDestroy, (CUgraph graph))                                                                   \
  F(cuLaunchKernel, cuLaunchKernel,                                                                                    \
    (CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,            \
     unsigned blockZ, unsigned sharedBytes, CUstream stream, void **parameters, void **extra))

/// The driver's functions, and what goes wrong in them as an Error.
struct Driver {
#define NF_CUDA_MEMBER(name, symbol, arguments) CUresult(*name) arguments = nullptr;
  NF_CUDA_DRIVER(NF_CUDA_MEMBER)
#undef NF_CUDA_MEMBER

  /// Loads libcuda.so.1. Throws Error, which says what is missing.
  Driver();

  /// Throws DeviceError unless `result` is success: "cuMemAlloc of 12 bytes: CUDA_ERROR_OUT_OF_MEMORY (out of memory)",
  /// with `of` behind the call's name where it is not empty.
  void check(CUresult result, const char *call, std::string_view of = "") const;
  /// "CUDA_ERROR_OUT_OF_MEMORY (out of memory)"
  std::string describe(CUresult result) const;
  /// The newest CUDA that the driver runs: "13.0".
  std::string version() const;
};

/// The entry of a library that NF_CUDA_DRIVER or the like names. Throws Error where it has none.
void *symbolOf(void *library, const char *libraryName, const char *symbol);

/// 90 as "9.0".
std::string capabilityText(int capability);

/// "cuMemAlloc of 12 bytes: what", without "of" where that is empty.
DeviceError failureOf(const char *call, std::string_view of, std::string_view what);

} // namespace nf::rt::cuda

#endif // NF_RUNTIME_CUDA_DRIVER_H
