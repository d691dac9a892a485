#include "runtime/cuda/CudaModule.h"

#include "runtime/core/Error.h"
#include "runtime/core/Print.h"

#include <algorithm>
#include <cstring>
#include <tuple>

namespace nf::rt::cuda {

static bool runsOn(const nf_gpu_image &image, int capability) {
  if (image.is_exact)
    return image.capability == capability;
  if (image.kind == NF_IMAGE_CUBIN && image.capability / 10 != capability / 10)
    return false;
  return image.capability <= capability;
}

/// The images that run on a GPU, the best first: code before PTX, and what was made for later processors.
static std::vector<const nf_gpu_image *> candidatesOf(const nf_gpu_table &table, int capability) {
  std::vector<const nf_gpu_image *> candidates;
  for (int64_t i = 0; i < table.image_count; ++i)
    if (runsOn(table.images[i], capability))
      candidates.push_back(&table.images[i]);
  std::ranges::stable_sort(candidates, [](const nf_gpu_image *a, const nf_gpu_image *b) {
    return std::tuple(-a->kind, -a->capability, -a->is_exact) < std::tuple(-b->kind, -b->capability, -b->is_exact);
  });
  return candidates;
}

static int leastCapability(const nf_gpu_table &table) {
  int least = table.image_count > 0 ? table.images[0].capability : 0;
  for (int64_t i = 0; i < table.image_count; ++i)
    least = std::min(least, table.images[i].capability);
  return least;
}

CudaModule::CudaModule(const Driver &driver, const nf_gpu_table &table, int capability) : driver(driver) {
  std::vector<const nf_gpu_image *> candidates = candidatesOf(table, capability);
  if (candidates.empty())
    fail("this program runs on NVIDIA GPUs of compute capability {} and later, but this one has {}",
         capabilityText(leastCapability(table)), capabilityText(capability));
  const nf_gpu_image *first = candidates.front();
  for (const nf_gpu_image *image : candidates) {
    if (!load(*image))
      continue;
    bool isCode = image->kind == NF_IMAGE_CUBIN;
    name = fmt::format("{} {}", isCode ? "code for" : "kernels compiled by the driver from PTX for",
                       capabilityText(image->capability));
    if (!isCode && first->kind == NF_IMAGE_CUBIN)
      say(stderr, "note: the driver (CUDA {}) does not take this program's code for {} and compiles its kernels: {}\n",
          driver.version(), capabilityText(first->capability), refusal);
    findFunctions(table);
    return;
  }
  fail("the driver (CUDA {}) takes none of this program's kernels: {}; install a driver for CUDA 12 or later",
       driver.version(), refusal);
}

CudaModule::~CudaModule() {
  if (module)
    driver.cuModuleUnload(module);
}

/// What a driver says of an image that it is too old for.
static bool isRefusal(CUresult result) {
  return result == CUDA_ERROR_INVALID_IMAGE || result == CUDA_ERROR_NO_BINARY_FOR_GPU ||
         result == CUDA_ERROR_INVALID_PTX || result == CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
}

/// Returns whether the driver takes the image.
bool CudaModule::load(const nf_gpu_image &image) {
  char log[1024] = "";
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, reinterpret_cast<void *>(sizeof(log))};
  CUresult result = driver.cuModuleLoadDataEx(&module, image.bytes, std::size(options), options, values);
  if (result == CUDA_SUCCESS)
    return true;
  module = nullptr;
  if (!isRefusal(result))
    driver.check(result, "cuModuleLoadDataEx");
  log[sizeof(log) - 1] = '\0';
  std::string_view said = std::string_view(log).substr(0, std::strcspn(log, "\n"));
  refusal = driver.describe(result) + (said.empty() ? "" : ", ") + std::string(said);
  return false;
}

void CudaModule::findFunctions(const nf_gpu_table &table) {
  functions.resize(table.work_count);
  for (int64_t i = 0; i < table.work_count; ++i) {
    const nf_gpu_work &work = table.works[i];
    if (work.gemm)
      continue;
    driver.check(driver.cuModuleGetFunction(&functions[i], module, work.name), "cuModuleGetFunction", work.name);
    if (work.dynamic_limit > 0)
      driver.check(driver.cuFuncSetAttribute(functions[i], CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                             static_cast<int>(work.dynamic_limit)),
                   "cuFuncSetAttribute", work.name);
  }
}

} // namespace nf::rt::cuda
