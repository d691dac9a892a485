// The launches of a GPU's program, one after the other, on the host.
#include "runtime/emulation/Gemm.h"
#include "runtime/emulation/LaunchCheck.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

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

/// Whether NF_GPU_REFUSE, names with commas between them, has this one: as a library whose heuristic knows no
/// algorithm.
static bool isRefused(const char *epilogue) {
  const char *list = std::getenv("NF_GPU_REFUSE");
  for (std::string_view rest = list ? list : ""; !rest.empty();) {
    std::string_view name = rest.substr(0, rest.find(','));
    if (name == epilogue)
      return true;
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
  }
  return false;
}

static void runKernel(nf_context *context, const Launch &launch) {
  const nf_gpu_work &kernel = launch.work;
  if (std::string rule = brokenRule(kernel, launch.tasks, launch.buffers, launch.count); !rule.empty())
    refuse(launch, rule);
  void *args[] = {const_cast<Launch *>(&launch)};
  auto runBlock = [](void *const *args, int64_t block, void *) {
    const auto &launch = *static_cast<const Launch *>(args[0]);
    nf_emulate_block(launch.work.thread, launch.buffers, launch.name, launch.work.threads,
                     launch.work.shared_bytes + launch.work.dynamic_bytes, block);
  };
  nf_launch(context, runBlock, args, launch.tasks, launch.name);
}

/// Returns whether the product was made with its epilogue.
static bool runProduct(nf_context *context, const Launch &launch) {
  const nf_gpu_gemm &gemm = *launch.work.gemm;
  if (std::string rule = brokenRule(gemm, launch.buffers); !rule.empty())
    refuse(launch, rule);
  const char *epilogue = nameOf(gemm.epilogue);
  bool withEpilogue = epilogue && !isRefused(epilogue);
  runGemm(context, gemm, launch.buffers, withEpilogue, launch.name);
  return withEpilogue || !epilogue;
}

void nf_gpu_run(nf_context *context, const nf_gpu_launches *list, void **args) {
  const nf_launches &launches = list->launches;
  const void *const bases[NF_SEGMENTS] = {context->persistent, context->transient, launches.constants};
  const int64_t *next = launches.numbers;
  bool isDone = true; // the product before, its epilogue included
  for (int64_t i = 0; i < launches.count; ++i) {
    const nf_gpu_work &work = list->works[next[0]];
    Launch launch{work, launches.names + next[2], next[1], args, next[3]};
    next += 4;
    for (int64_t j = 0; j < launch.count; ++j, ++next)
      args[j] = static_cast<uint8_t *>(const_cast<void *>(bases[*next % NF_SEGMENTS])) + *next / NF_SEGMENTS;
    if (work.when == NF_WITHOUT_EPILOGUE && isDone)
      continue;
    if (work.when == NF_ALWAYS && !isDone)
      refuse(launch, "a kernel here that does what the refused epilogue of the product before it would have done");
    isDone = true;
    switch (work.kind) {
    case NF_GPU_KERNEL:
      runKernel(context, launch);
      break;
    case NF_GPU_GEMM:
      isDone = runProduct(context, launch);
      break;
    default:
      nf_launch(context, work.host, args, launch.tasks, launch.name);
    }
    if (!isDone && i + 1 == launches.count)
      refuse(launch, "a kernel behind it that does what its refused epilogue would have done");
  }
}
