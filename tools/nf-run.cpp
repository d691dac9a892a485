//===- nf-run.cpp - compiles a module and runs one of its programs ---------------------------===//
//
// Fills states and arguments with the random values that nf-check uses, or with those of a safetensors file, runs the
// compiled program in this process and prints what it gives.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/Passes.h"
#include "passes/Pipelines.h"
#include "runtime/core/Error.h"
#include "runtime/cpu/Gemm.h"
#include "runtime/cpu/Pool.h"
#include "runtime/train/Safetensors.h"
#include "tools/InProcess.h"
#include "tools/ModuleReader.h"
#include "tools/RunCompiled.h"

#include <CLI/CLI.hpp>

using namespace mlir;
using namespace nf;

namespace {
struct Options {
  std::string input, program, values, dump, cpu = "host", target = "cpu";
  uint64_t seed = 1;
  int threads = 2, repeats = 0;
  bool states = false, checkKernels = false;
};

} // namespace

static const char *dtypeName(int32_t dtype) {
  static constexpr const char *names[] = {"F32", "BF16", "I32", "I64", "BOOL"};
  return names[dtype];
}

namespace {
/// Where values come from: the file, else what nf-check would draw.
struct Inputs {
  std::optional<rt::SafetensorsFile> file;
  NamedTensors sampled;
  uint64_t seed;
  MLIRContext *context;

  Inputs(ModuleOp module, const Options &options)
      : sampled(sampleStates(module, options.seed)), seed(options.seed), context(module.getContext()) {
    if (!options.values.empty())
      file.emplace(options.values);
    for (auto program : module.getOps<ProgramOp>())
      if (options.program.empty() || program.getSymName() == options.program) {
        sampled.merge(sampleArguments(program, options.seed));
        break;
      }
  }

  void fill(const Buffer &buffer) const {
    if (file && file->find(buffer.name))
      return file->read(buffer.name, dtypeName(buffer.dtype), buffer.shape, buffer.data);
    // A planned program has lost the attributes of its arguments.
    auto found = sampled.find(buffer.name);
    write(buffer,
          found != sampled.end() ? found->second : sampleValues(typeOf(buffer, context), {}, buffer.name, seed));
  }
};
} // namespace

static std::string elementText(const Buffer &buffer, int64_t i) {
  switch (buffer.dtype) {
  case NF_F32:
    return fmt::format("{:.7g}", static_cast<const float *>(buffer.data)[i]);
  case NF_BF16:
    return fmt::format("{:.3g}", std::bit_cast<float>(uint32_t(static_cast<const uint16_t *>(buffer.data)[i]) << 16));
  case NF_I32:
    return fmt::format("{}", static_cast<const int32_t *>(buffer.data)[i]);
  case NF_I64:
    return fmt::format("{}", static_cast<const int64_t *>(buffer.data)[i]);
  default:
    return fmt::format("{}", static_cast<const uint8_t *>(buffer.data)[i]);
  }
}

/// "loss F32 [4, 8]: 0.25 0.5 … ".
static void print(const Buffer &buffer) {
  constexpr int64_t shown = 8;
  fmt::print("{} {} [{}]:", buffer.name, dtypeName(buffer.dtype), fmt::join(buffer.shape, ", "));
  for (int64_t i = 0; i < std::min(shown, buffer.size()); ++i)
    fmt::print(" {}", elementText(buffer, i));
  fmt::print("{}\n", buffer.size() > shown ? " ..." : "");
}

static const nf_program &findProgram(const nf_model &model, const std::string &name) {
  for (int64_t i = 0; i < model.program_count; ++i)
    if (name.empty() || name == model.programs[i].name)
      return model.programs[i];
  throw rt::UsageError(fmt::format("--program: expected a program of the module, but got '{}'", name));
}

/// What a region moves: every operand and every result once.
struct RegionTraffic {
  int64_t rows, cols, bytes;
};

static std::vector<RegionTraffic> trafficOf(ModuleOp module, StringRef programName) {
  std::vector<RegionTraffic> regions;
  for (auto program : module.getOps<ProgramOp>()) {
    if (!programName.empty() && program.getSymName() != programName)
      continue;
    for (auto fused : program.getBody().front().getOps<FusedOp>()) {
      int64_t bytes = 0;
      for (Value buffer : fused->getOperands()) {
        auto type = cast<MemRefType>(buffer.getType());
        bytes += type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
      }
      regions.push_back({static_cast<int64_t>(fused.getRows()), static_cast<int64_t>(fused.getCols()), bytes});
    }
    break;
  }
  return regions;
}

/// Runs the program again and again; one line a fused region: its shape, what it moves, its least time, its name.
static void timeRegions(rt::Context &context, const nf_program &program, const std::vector<RegionTraffic> &regions,
                        int repeats) {
  std::vector<std::pair<std::string, double>> least;
  size_t next = 0;
  context.observeLaunches([&](const char *name, double seconds) {
    if (!StringRef(name).starts_with("fused"))
      return;
    if (next == least.size())
      least.push_back({name, seconds});
    least[next].second = std::min(least[next].second, seconds);
    ++next;
  });
  for (int i = 0; i < repeats; ++i) {
    next = 0;
    program.entry(&context);
  }
  context.observeLaunches({});
  for (const auto &[region, time] : llvm::zip(regions, least))
    fmt::print("region {}x{} {} bytes {:.3f} us {}\n", region.rows, region.cols, region.bytes, time.second * 1e6,
               time.first);
}

static void run(const nf_model &model, const Options &options, const std::vector<RegionTraffic> &regions,
                const Inputs &inputs) {
  rt::selectGemm();
  rt::Pool pool(options.threads, model.scratch_bytes);
  rt::Context context(model, pool);
  const nf_program &program = findProgram(model, options.program);
  std::vector<Buffer> states = statesOf(context);
  std::vector<Buffer> results = argumentsOf(context, program, NF_OUT);
  for (const Buffer &buffer : states)
    inputs.fill(buffer);
  for (const Buffer &buffer : argumentsOf(context, program, NF_IN))
    inputs.fill(buffer);
  program.entry(&context);
  if (options.repeats > 0)
    timeRegions(context, program, regions, options.repeats);
  if (options.states)
    results.insert(results.end(), states.begin(), states.end());
  std::vector<rt::TensorView> views;
  for (const Buffer &buffer : results) {
    print(buffer);
    views.push_back({buffer.name, dtypeName(buffer.dtype), buffer.shape, buffer.data});
  }
  if (!options.dump.empty())
    rt::writeSafetensors(options.dump, views);
}

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Compiles a module of nf programs and runs one of them.", "nf-run");
  app.add_option("input", options.input, "module (.mlir), planned or earlier; - is stdin")->required();
  app.add_option("--program", options.program, "program to run; the module's first without");
  app.add_option("--seed", options.seed, "seed of the random arguments and states")->capture_default_str();
  app.add_option("--values", options.values, "safetensors file; its tensors replace random values by name");
  app.add_option("--dump", options.dump, "safetensors file for the results");
  app.add_option("--cpu", options.cpu, "processor to compile for")->capture_default_str();
  app.add_option("--target", options.target, "whose kernels: cpu, or a GPU's that it emulates, cuda-emulated")
      ->check(CLI::IsMember({"cpu", "cuda-emulated"}))
      ->capture_default_str();
  app.add_flag("--check-kernels", options.checkKernels, "let the emulated GPU refuse mistakes of its kernels");
  app.add_option("--threads", options.threads, "threads to run on")->capture_default_str()->check(CLI::Range(1, 128));
  app.add_option("--repeats", options.repeats, "run so many times more and print each fused region's least time");
  app.add_flag("--states", options.states, "print and dump the states after the run too");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  ModuleReader reader;
  auto module = reader.read(options.input, "nf-run");
  if (!module)
    return 1;
  try {
    Inputs inputs(*module, options);
    if (failed(runStages(*module, firstStageOf(*module), Stage::Plan, {})))
      return 1;
    std::vector<RegionTraffic> regions = trafficOf(*module, options.program);
    auto compiled =
        compileInProcess(*module, {options.cpu, *parseTarget(options.target), /*optimize=*/true, options.checkKernels});
    if (!compiled)
      return 1;
    run(compiled->model(), options, regions, inputs);
  } catch (const rt::Error &error) {
    fmt::print(stderr, "nf-run: error: {}\n", error.what());
    return error.exitCode();
  }
  return 0;
}
