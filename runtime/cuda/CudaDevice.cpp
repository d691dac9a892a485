#include "runtime/cuda/CudaDevice.h"

#include "runtime/core/Context.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

namespace nf::rt::cuda {

//===------------------------------------------------------------------------------------------===//
// The GPU
//===------------------------------------------------------------------------------------------===//

CudaDevice::Primary::Primary(const Driver &driver) : driver(driver) {
  CUresult result = driver.cuInit(0);
  int count = 0;
  if (result == CUDA_SUCCESS)
    result = driver.cuDeviceGetCount(&count);
  if (result == CUDA_ERROR_NO_DEVICE || (result == CUDA_SUCCESS && count == 0))
    fail("this program runs on an NVIDIA GPU, but the driver shows none (CUDA_VISIBLE_DEVICES hides those that it does "
         "not name); compile the model for this processor with --target=cpu");
  driver.check(result, "cuInit");
  driver.check(driver.cuDeviceGet(&device, 0), "cuDeviceGet");
  driver.check(driver.cuDevicePrimaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain");
  driver.check(driver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
}

CudaDevice::Primary::~Primary() { driver.cuDevicePrimaryCtxRelease(device); }

static int capabilityOf(const Driver &driver, CUdevice device) {
  int major = 0, minor = 0;
  driver.check(driver.cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device),
               "cuDeviceGetAttribute");
  driver.check(driver.cuDeviceGetAttribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device),
               "cuDeviceGetAttribute");
  return 10 * major + minor;
}

static bool hasValue(const char *variable, std::string_view value) {
  const char *text = std::getenv(variable);
  return text && value == text;
}

CudaDevice::CudaDevice(const nf_model &model)
    : model(model), primary(driver), capability(capabilityOf(driver, primary.device)),
      kernels(driver, *model.gpu, capability), gemms(model.gpu->work_count),
      keepsGraphs(!hasValue("NF_GPU_GRAPHS", "0")), isStepping(hasValue("NF_GPU_SYNC", "1")) {
  driver.check(driver.cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), "cuStreamCreate");
}

// Errors are of no use any more.
CudaDevice::~CudaDevice() {
  if (stream) {
    driver.cuStreamSynchronize(stream);
    driver.cuStreamDestroy(stream);
  }
}

std::string CudaDevice::describe() const {
  char name[256] = "";
  driver.check(driver.cuDeviceGetName(name, sizeof(name), primary.device), "cuDeviceGetName");
  return fmt::format("{} ({}), {}, driver for CUDA {}, matrix products by {}", name, capabilityText(capability),
                     kernels.describe(), driver.version(), library.describe());
}

std::string CudaDevice::products() const {
  return fmt::format("{} on {}", library.describe(), capabilityText(capability));
}

//===------------------------------------------------------------------------------------------===//
// Memory
//===------------------------------------------------------------------------------------------===//

CudaDevice::Memory::Memory(const Driver &driver, int64_t bytes, const char *what) : driver(driver) {
  driver.check(driver.cuMemAlloc(&address, std::max<int64_t>(bytes, 1)), "cuMemAlloc",
               fmt::format("{} bytes for {}", bytes, what));
}

CudaDevice::Memory::~Memory() { driver.cuMemFree(address); }

static int64_t workspaceBytes(const nf_gpu_table &table) {
  int64_t bytes = 0;
  for (int64_t i = 0; i < table.work_count; ++i)
    if (table.works[i].gemm)
      bytes = std::max(bytes, table.works[i].gemm->workspace_bytes);
  return bytes;
}

int64_t CudaDevice::neededBytes() const {
  return model.persistent_bytes + largestArena(model) + workspaceBytes(*model.gpu);
}

int64_t CudaDevice::freeBytes() const {
  size_t free = 0, total = 0;
  driver.check(driver.cuMemGetInfo(&free, &total), "cuMemGetInfo");
  return static_cast<int64_t>(free);
}

nf_context CudaDevice::reserve() {
  persistent = std::make_unique<Memory>(driver, model.persistent_bytes, "states");
  transient = std::make_unique<Memory>(driver, largestArena(model), "activations");
  workspace = std::make_unique<Memory>(driver, workspaceBytes(*model.gpu), "products");
  driver.check(driver.cuMemsetD8Async(reinterpret_cast<CUdeviceptr>(persistent->data()), 0,
                                      static_cast<size_t>(model.persistent_bytes), stream),
               "cuMemsetD8Async");
  return {persistent->data(), transient->data()};
}

void CudaDevice::send(uint8_t *to, const void *from, int64_t bytes) {
  driver.check(driver.cuMemcpyHtoDAsync(reinterpret_cast<CUdeviceptr>(to), from, static_cast<size_t>(bytes), stream),
               "cuMemcpyHtoDAsync");
}

void CudaDevice::fetch(void *to, const uint8_t *from, int64_t bytes) {
  copyBack(to, from, bytes);
  synchronize("");
}

void CudaDevice::copyBack(void *to, const uint8_t *from, int64_t bytes, std::string_view of) {
  driver.check(driver.cuMemcpyDtoHAsync(to, reinterpret_cast<CUdeviceptr>(from), static_cast<size_t>(bytes), stream),
               "cuMemcpyDtoHAsync", of);
}

const uint8_t *CudaDevice::constantsOf(const nf_gpu_launches &list) {
  if (!constants) { // one table for all programs
    constants = std::make_unique<Memory>(driver, list.constant_bytes, "numbers");
    send(constants->data(), list.launches.constants, list.constant_bytes);
  }
  return constants->data();
}

//===------------------------------------------------------------------------------------------===//
// Programs
//===------------------------------------------------------------------------------------------===//

void CudaDevice::synchronize(std::string_view of) {
  CUresult result = driver.cuStreamSynchronize(stream);
  if (result != CUDA_SUCCESS && !isStepping)
    throw failureOf("cuStreamSynchronize", of,
                    driver.describe(result) + "; NF_GPU_SYNC=1 in the environment names the kernel");
  driver.check(result, "cuStreamSynchronize", of);
}

void CudaDevice::run(nf_context &context, const nf_program &program, uint8_t *arena) {
  running = &program;
  inputs = arena;
  for (int64_t i = 0; i < program.argument_count; ++i) {
    const nf_argument &argument = program.arguments[i];
    if (argument.direction == NF_IN)
      send(context.transient + argument.offset, arena + argument.offset, argument.bytes);
  }
  program.entry(&context);
  if (failure)
    std::rethrow_exception(std::exchange(failure, nullptr));
  for (int64_t i = 0; i < program.argument_count; ++i) {
    const nf_argument &argument = program.arguments[i];
    if (argument.direction == NF_OUT)
      copyBack(arena + argument.offset, context.transient + argument.offset, argument.bytes, argument.name);
  }
  synchronize(fmt::format("program {}", program.name));
}

void CudaDevice::launchAll(const nf_context &context, const nf_gpu_launches &list, void **args) noexcept {
  try {
    launchKept(context, list, args);
  } catch (...) {
    failure = std::current_exception();
  }
}

CudaDevice::Graphs &CudaDevice::graphsOf(const nf_gpu_launches &list) {
  auto [found, isNew] = graphs.try_emplace(&list);
  const int64_t *next = list.launches.numbers;
  for (int64_t i = 0; isNew && i < list.launches.count; ++i) {
    ListedLaunch listed(next);
    next = listed.next();
    const nf_gpu_gemm *gemm = list.works[listed.work].gemm;
    if (gemm && gemm->beta == NF_BETA_FLAG)
      found->second.flags.push_back(listed.places[flagBuffer]);
  }
  std::vector<int64_t> &flags = found->second.flags;
  std::ranges::sort(flags);
  flags.erase(std::unique(flags.begin(), flags.end()), flags.end());
  return found->second;
}

void CudaDevice::launchKept(const nf_context &context, const nf_gpu_launches &list, void **args) {
  if (!keepsGraphs || isStepping || static_cast<const Context &>(context).observer())
    return launchEach(context, list, args);
  Graphs &kept = graphsOf(list);
  std::vector<int32_t> values;
  for (int64_t place : kept.flags)
    values.push_back(flagAt(place));
  auto [found, isFirst] = kept.byFlags.try_emplace(std::move(values));
  if (isFirst)
    return launchEach(context, list, args);
  if (!found->second)
    found->second = std::make_unique<CudaGraph>(driver, stream, [&] { launchEach(context, list, args); });
  found->second->launch(fmt::format("program {}", running->name));
}

void CudaDevice::launchEach(const nf_context &context, const nf_gpu_launches &list, void **args) {
  const auto &observer = static_cast<const Context &>(context).observer();
  const void *const bases[NF_SEGMENTS] = {context.persistent, context.transient, constantsOf(list)};
  const int64_t *next = list.launches.numbers;
  bool isDone = true; // the product before, its epilogue included
  for (int64_t i = 0; i < list.launches.count; ++i) {
    ListedLaunch listed(next);
    next = listed.next();
    listed.address(bases, args);
    Launch launch{list.works[listed.work], listed, list.launches.names + listed.nameAt, args};
    if (launch.work.when == NF_WITHOUT_EPILOGUE && isDone)
      continue;
    auto start = std::chrono::steady_clock::now();
    isDone = true;
    if (launch.work.gemm)
      isDone = launchProduct(launch);
    else
      launchKernel(launch);
    if (isStepping || observer)
      synchronize(launch.name);
    if (observer)
      observer(launch.name, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
}

void CudaDevice::launchKernel(const Launch &launch) {
  const nf_gpu_work &work = launch.work;
  parameters.clear();
  for (int64_t j = 0; j < launch.listed.count; ++j)
    parameters.push_back(&launch.buffers[j]);
  driver.check(driver.cuLaunchKernel(kernels.function(launch.listed.work), static_cast<unsigned>(launch.listed.tasks),
                                     static_cast<unsigned>(work.grid_y), static_cast<unsigned>(work.grid_z),
                                     static_cast<unsigned>(work.threads), 1, 1,
                                     static_cast<unsigned>(work.dynamic_bytes), stream, parameters.data(), nullptr),
               "cuLaunchKernel", launch.name);
}

bool CudaDevice::isAdded(const Launch &launch) const {
  return isAddedTo(*launch.work.gemm, [&] { return flagAt(launch.listed.places[flagBuffer]); });
}

/// A flag is an input of the program, which the host has as well.
int32_t CudaDevice::flagAt(int64_t place) const {
  int64_t offset = place / NF_SEGMENTS;
  for (int64_t i = 0; i < running->argument_count; ++i) {
    const nf_argument &argument = running->arguments[i];
    if (place % NF_SEGMENTS == NF_TRANSIENT && argument.direction == NF_IN && argument.offset == offset)
      return *reinterpret_cast<const int32_t *>(inputs + offset);
  }
  fail("program {}: expected one of its inputs to say whether a product is added, but got another buffer; compile the "
       "model again",
       running->name);
}

bool CudaDevice::launchProduct(const Launch &launch) {
  const nf_gpu_gemm &gemm = *launch.work.gemm;
  CUdeviceptr vector = 0;
  if (hasVector(gemm.epilogue))
    vector = reinterpret_cast<CUdeviceptr>(launch.buffers[vectorBuffer(gemm)]);
  std::unique_ptr<Product> &product = gemms[launch.listed.work];
  if (!product)
    product = std::make_unique<Product>(library, gemm, launch.work.name, vector);
  product->run(launch.buffers[0], launch.buffers[1], launch.buffers[2], isAdded(launch), vector, workspace->data(),
               stream, launch.name);
  return product->isWhole();
}

} // namespace nf::rt::cuda

using nf::rt::cuda::CudaDevice;

void *nf_cuda_open(const nf_model *model) { return static_cast<nf::rt::Device *>(new CudaDevice(*model)); }

void nf_gpu_run(nf_context *context, const nf_gpu_launches *launches, void **args) {
  static_cast<CudaDevice *>(static_cast<nf::rt::Context *>(context)->whereItRuns())
      ->launchAll(*context, *launches, args);
}
