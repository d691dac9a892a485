#include "runtime/train/Machine.h"

#include "runtime/core/Error.h"
#include "runtime/core/Print.h"
#include "runtime/train/Weights.h"

#include <algorithm>
#include <cstdio>

namespace nf::rt {

// What a thread's packing buffer comes to on common processors; its 128 MB of address space are not all touched.
constexpr int64_t packingBytes = 16 << 20;
// Code, libraries, tokenizer, the mapped data's working set.
constexpr int64_t processBytes = 32 << 20;

static int threadsOr(int asked, const Cores &cores) { return asked > 0 ? asked : cores.count; }

/// Opens the model's device, which must have memory enough.
static std::unique_ptr<Device> openChecked(const nf_model &model, const Metadata &metadata) {
  std::unique_ptr<Device> device = openDevice(model);
  if (device)
    checkDeviceMemory(model, metadata, *device, executablePath());
  return device;
}

Machine::Machine(const nf_model &model, const Metadata &metadata, int threads)
    : metadata(metadata), gemm(selectGemm()), cores(availableCores()),
      pool(threadsOr(threads, cores), model.scratch_bytes), device(openChecked(model, metadata)),
      availableBytes(device ? device->freeBytes() : availableMemory()), context(model, pool, device.get()) {
  if (!gemm.note.empty() && !device)
    say(stderr, "note: {}\n", gemm.note);
}

std::string Machine::describe() const {
  if (device)
    return device->describe();
  return fmt::format("{} thread{} ({}), matrix products by {}", pool.threads(), pool.threads() == 1 ? "" : "s",
                     cores.why, gemm.name);
}

std::string Machine::describeMemory() const {
  int64_t needed = device ? device->neededBytes() : neededMemory(model(), pool.threads());
  return fmt::format("memory: {:.0f} MB needed, {:.0f} MB available{}", needed / 1e6, availableBytes / 1e6,
                     device ? " on the GPU" : "");
}

void Machine::prepareWeights() {
  if (Program prepare = context.program("prepare_weights"))
    prepare.run();
}

int64_t neededMemory(const nf_model &model, int threads) {
  return model.persistent_bytes + largestArena(model) + threads * (model.scratch_bytes + packingBytes) + processBytes;
}

/// Throws Error naming the micro-batch that fits when `needed` bytes of `memory` are more than there are.
static void checkBytes(const nf_model &model, const Metadata &metadata, int64_t needed, int64_t available,
                       const char *memory, const std::string &executable) {
  if (needed <= available)
    return;
  int64_t transient = std::max<int64_t>(largestArena(model), 1);
  double forBatch = static_cast<double>(available - (needed - transient)) / static_cast<double>(transient);
  auto fits = static_cast<int64_t>(forBatch * static_cast<double>(metadata.microBatch));
  std::string shortage = fmt::format("training needs {:.0f} MB of {} ({:.0f} MB for parameters, moments and "
                                     "gradients, {:.0f} MB for a micro-batch of {}), but {:.0f} MB are available",
                                     needed / 1e6, memory, model.persistent_bytes / 1e6, transient / 1e6,
                                     metadata.microBatch, available / 1e6);
  if (forBatch <= 0 || fits < 1)
    fail("{}; no micro-batch fits: free memory or train a smaller model", shortage);
  fail("{}; a micro-batch of {} fits: nf-compile {}{} --set train.micro_batch={} -o {}", shortage, fits,
       metadata.definitionFile.empty() ? "model.toml" : metadata.definitionFile,
       model.target == NF_TARGET_CUDA ? " --target=cuda" : "", fits, executable);
}

void checkMemory(const nf_model &model, const Metadata &metadata, int threads, int64_t available,
                 const std::string &executable) {
  checkBytes(model, metadata, neededMemory(model, threads), available, "memory", executable);
}

void checkDeviceMemory(const nf_model &model, const Metadata &metadata, const Device &device,
                       const std::string &executable) {
  checkBytes(model, metadata, device.neededBytes(), device.freeBytes(), "GPU memory", executable);
}

} // namespace nf::rt
