#include "runtime/cuda/CublasLt.h"

#include <dlfcn.h>

namespace nf::rt::cuda {

// Of the toolkits that drivers of CUDA 12 and later run, the newest first.
static constexpr const char *names[] = {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11"};

CublasLt::CublasLt() {
  void *library = nullptr;
  const char *found = nullptr;
  std::string first; // the error of the newest
  for (const char *name : names) {
    library = dlopen(found = name, RTLD_NOW | RTLD_LOCAL);
    if (library)
      break;
    if (first.empty())
      first = dlerror();
  }
  if (!library)
    fail("expected {} (or .12, .11) of the CUDA toolkit for matrix products, but got: {}; install libcublas, and name "
         "its folder in LD_LIBRARY_PATH if it is an unusual one",
         names[0], first);
#define NF_CUBLASLT_LOAD(result, name, arguments)                                                                      \
  name = reinterpret_cast<result(*) arguments>(symbolOf(library, found, #name));
  NF_CUBLASLT(NF_CUBLASLT_LOAD)
#undef NF_CUBLASLT_LOAD
  check(cublasLtCreate(&handle), "cublasLtCreate");
}

CublasLt::~CublasLt() { cublasLtDestroy(handle); }

void CublasLt::check(cublasStatus_t status, const char *call, std::string_view of) const {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw failureOf(call, of, cublasLtGetStatusName(status));
}

// 130002 is 13.0.2; up to version 12.x the middle number has two digits as well.
std::string CublasLt::describe() const {
  size_t version = cublasLtGetVersion();
  return fmt::format("cuBLASLt {}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

} // namespace nf::rt::cuda
