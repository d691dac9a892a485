// The launches of a GPU's program, one after the other, on the host.
#include "runtime/core/Context.h"
#include "runtime/core/LaunchList.h"
#include "runtime/emulation/Block.h"
#include "runtime/emulation/Gemm.h"
#include "runtime/emulation/LaunchCheck.h"
#include "runtime/emulation/ProductMemory.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <vector>

using namespace nf::rt;

namespace {
/// One launch: what it is of, the name of its part of the model, and its buffers.
struct Launch {
  const nf_gpu_work &work;
  const char *name;
  int64_t tasks;
  void *const *buffers;
  int64_t count;
};
} // namespace

[[noreturn]] static void refuse(const Launch &launch, const std::string &rule) {
  std::fprintf(stderr, "%s: error: expected %s\n", launch.name, rule.c_str());
  std::fflush(stderr);
  std::_Exit(1);
}

/// NF_GPU_ORDER, the seed of the order in which blocks, and threads of a block, take turns; 0 where it is not set.
static uint64_t orderSeed() {
  const char *seed = std::getenv("NF_GPU_ORDER");
  return seed ? std::strtoull(seed, nullptr, 10) : 0;
}

/// Written at the end of the process to the file that NF_GPU_COUNTS names; null where it names none.
static Counts *countsOfProcess() {
  if (!std::getenv("NF_GPU_COUNTS"))
    return nullptr;
  static Counts *counts = [] {
    std::atexit([] {
      if (std::FILE *file = std::fopen(std::getenv("NF_GPU_COUNTS"), "w")) {
        countsOfProcess()->print(file);
        std::fclose(file);
      }
    });
    return new Counts; // lives as long as the process
  }();
  return counts;
}

namespace {
/// A run of a program.
class Run {
public:
  Run(nf_context *context, const nf_gpu_launches &list) : context(context), list(list), seed(orderSeed()) {
    if (list.checks)
      beginChecks();
  }

  /// Makes all launches; `args` has room for the buffers of the longest.
  void launchAll(void **args);

private:
  void beginChecks();
  void noteBuffers(const Launch &launch);
  void runKernel(const Launch &launch);
  void runBlocks(const Launch &launch, int64_t from, int64_t to) const;
  bool runProduct(const Launch &launch);

  nf_context *context;
  const nf_gpu_launches &list;
  uint64_t seed;
  std::vector<int64_t> order; ///< of the blocks of a launch; empty: ascending
  Checks *checks = nullptr;
  Counts *counts = nullptr;
  const int64_t *sizes = nullptr;      ///< of the buffers of the launches to come
  std::vector<Checks::Buffer> buffers; ///< of the launch that is checked
};
} // namespace

//===------------------------------------------------------------------------------------------===//
// Checks
//===------------------------------------------------------------------------------------------===//

void Run::beginChecks() {
  static Checks memory; // of one program at a time
  checks = &memory;
  counts = countsOfProcess();
  sizes = list.checks->sizes;
  const auto &owner = *static_cast<const Context *>(context);
  checks->beginProgram({context->persistent, owner.model().persistent_bytes},
                       {context->transient, owner.transientBytes()}, {list.launches.constants, list.constant_bytes});
  for (int64_t i = 0; i < list.checks->input_count; ++i)
    checks->fill(context->transient + list.checks->inputs[2 * i], list.checks->inputs[2 * i + 1]);
}

void Run::noteBuffers(const Launch &launch) {
  buffers.clear();
  for (int64_t i = 0; i < launch.count; ++i)
    buffers.push_back({launch.buffers[i], sizes[i]});
}

//===------------------------------------------------------------------------------------------===//
// Launches
//===------------------------------------------------------------------------------------------===//

void Run::runBlocks(const Launch &launch, int64_t from, int64_t to) const {
  const nf_gpu_work &work = launch.work;
  for (int64_t i = from; i < to; ++i)
    Block::ofThisThread().run({work.thread, launch.buffers, launch.name, work.threads,
                               work.shared_bytes + work.dynamic_bytes, order.empty() ? i : order[i], checks, counts,
                               seed});
}

void Run::runKernel(const Launch &launch) {
  if (std::string rule = brokenRule(launch.work, launch.tasks, launch.buffers, launch.count); !rule.empty())
    refuse(launch, rule);
  order.clear();
  if (seed != 0) {
    order.resize(launch.tasks);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), std::mt19937_64(seed));
  }
  const void *args[] = {this, &launch};
  if (!checks) {
    auto one = [](void *const *args, int64_t i, void *) {
      static_cast<const Run *>(args[0])->runBlocks(*static_cast<const Launch *>(args[1]), i, i + 1);
    };
    return nf_launch(context, one, const_cast<void *const *>(args), launch.tasks, launch.name);
  }
  checks->beginLaunch(buffers);
  auto all = [](void *const *args, int64_t, void *) { // one after another, as the clock of the checks goes
    const auto &launch = *static_cast<const Launch *>(args[1]);
    static_cast<const Run *>(args[0])->runBlocks(launch, 0, launch.tasks);
  };
  nf_launch(context, all, const_cast<void *const *>(args), 1, launch.name);
}

/// Returns whether the product was made with its epilogue.
bool Run::runProduct(const Launch &launch) {
  const nf_gpu_gemm &gemm = *launch.work.gemm;
  if (std::string rule = brokenRule(gemm, launch.buffers); !rule.empty())
    refuse(launch, rule);
  bool hasEpilogue = gemm.epilogue != NF_EPILOGUE_NONE, withEpilogue = hasEpilogue && !isRefused(gemm.epilogue);
  if (checks) {
    ProductMemory memory(*checks, gemm, buffers, withEpilogue);
    if (std::string rule = memory.brokenRule(); !rule.empty())
      refuse(launch, rule);
    memory.fill();
  }
  runGemm(context, gemm, launch.buffers, withEpilogue, launch.name);
  return withEpilogue || !hasEpilogue;
}

void Run::launchAll(void **args) {
  const nf_launches &launches = list.launches;
  const void *const bases[NF_SEGMENTS] = {context->persistent, context->transient, launches.constants};
  const int64_t *next = launches.numbers;
  bool isDone = true; // the product before, its epilogue included
  for (int64_t i = 0; i < launches.count; ++i) {
    ListedLaunch listed(next);
    next = listed.next();
    listed.address(bases, args);
    const nf_gpu_work &work = list.works[listed.work];
    Launch launch{work, launches.names + listed.nameAt, listed.tasks, args, listed.count};
    if (checks) {
      noteBuffers(launch);
      sizes += launch.count;
    }
    if (work.when == NF_WITHOUT_EPILOGUE && isDone)
      continue;
    if (work.when == NF_ALWAYS && !isDone)
      refuse(launch, "a kernel here that does what the refused epilogue of the product before it would have done");
    isDone = true;
    if (work.gemm)
      isDone = runProduct(launch);
    else
      runKernel(launch);
    if (!isDone && i + 1 == launches.count)
      refuse(launch, "a kernel behind it that does what its refused epilogue would have done");
  }
}

void nf_gpu_run(nf_context *context, const nf_gpu_launches *list, void **args) { Run(context, *list).launchAll(args); }
