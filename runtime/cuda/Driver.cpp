#include "runtime/cuda/Driver.h"

#include <dlfcn.h>

namespace nf::rt::cuda {

static constexpr const char *driverLibrary = "libcuda.so.1";

void *symbolOf(void *library, const char *libraryName, const char *symbol) {
  void *address = dlsym(library, symbol);
  if (!address)
    fail("{} has no function {}; install a newer one (CUDA 12 or later)", libraryName, symbol);
  return address;
}

// Never closed: it has threads of its own.
Driver::Driver() {
  void *library = dlopen(driverLibrary, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    fail("expected {}, which comes with NVIDIA's driver, but got: {}; this program runs on an NVIDIA GPU, compile the "
         "model for this processor with --target=cpu",
         driverLibrary, dlerror());
#define NF_CUDA_LOAD(name, symbol, arguments)                                                                          \
  name = reinterpret_cast<CUresult(*) arguments>(symbolOf(library, driverLibrary, #symbol));
  NF_CUDA_DRIVER(NF_CUDA_LOAD)
#undef NF_CUDA_LOAD
}

std::string Driver::describe(CUresult result) const {
  const char *name = nullptr, *text = nullptr;
  if (cuGetErrorName(result, &name) != CUDA_SUCCESS || cuGetErrorString(result, &text) != CUDA_SUCCESS || !name)
    return fmt::format("error {}", result);
  return fmt::format("{} ({})", name, text ? text : "");
}

void Driver::check(CUresult result, const char *call, std::string_view of) const {
  if (result != CUDA_SUCCESS)
    throw failureOf(call, of, describe(result));
}

std::string Driver::version() const {
  int version = 0;
  check(cuDriverGetVersion(&version), "cuDriverGetVersion");
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

std::string capabilityText(int capability) { return fmt::format("{}.{}", capability / 10, capability % 10); }

DeviceError failureOf(const char *call, std::string_view of, std::string_view what) {
  return DeviceError(fmt::format("{}{}{}: {}", call, of.empty() ? "" : " of ", of, what));
}

} // namespace nf::rt::cuda
