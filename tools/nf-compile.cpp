//===- nf-compile.cpp - from a model definition to a program that trains it ------------------===//
#include "frontend/ByteSize.h"
#include "frontend/onnx/Importer.h"
#include "passes/Passes.h"
#include "tools/Compile.h"

#include "mlir/IR/AsmState.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

using namespace nf;

/// ../lib of the folder that this program lies in, in the build tree and where it was installed.
static std::string libraryFolder(const char *argv0) {
  std::string self = llvm::sys::fs::getMainExecutable(argv0, reinterpret_cast<void *>(&libraryFolder));
  llvm::SmallString<128> folder(llvm::sys::path::parent_path(llvm::sys::path::parent_path(self)));
  llvm::sys::path::append(folder, "lib");
  return folder.str().str();
}

static std::string stageNames() {
  std::string names;
  for (Stage stage : allStages())
    names += (names.empty() ? "" : " ") + stageName(stage).str();
  return names;
}

/// Takes MLIR's own options (--mlir-print-ir-after-all) out of the arguments. Returns whether MLIR knows them.
static bool takeMlirOptions(std::vector<const char *> &arguments) {
  nf::registerPasses(); // options name them
  mlir::registerPassManagerCLOptions();
  mlir::registerAsmPrinterCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  std::vector<const char *> taken{arguments.front()}, kept;
  for (const char *argument : arguments)
    (llvm::StringRef(argument).starts_with("--mlir-") ? taken : kept).push_back(argument);
  arguments = kept;
  return llvm::cl::ParseCommandLineOptions(static_cast<int>(taken.size()), taken.data(), "", &llvm::errs());
}

int main(int argc, char **argv) {
  std::vector<const char *> arguments(argv, argv + argc);
  if (!takeMlirOptions(arguments))
    return 2;
  CompileOptions options;
  std::string emit, from, fold = "auto";
  std::vector<std::string> dims, remarks;
  CLI::App app(
      "Compiles a model definition, or an ONNX graph, to one program that trains it, evaluates it and generates text.",
      "nf-compile");
  app.footer("Examples:\n"
             "  nf-compile models/gpt2-124m.toml -o gpt2\n"
             "  nf-compile models/gpt2-124m.toml --set norm.preset=normformer -o gpt2-nf\n"
             "  nf-compile model.onnx --train models/train-defaults.toml -o mine\n"
             "  nf-compile model.onnx --explain\n"
             "  nf-compile models/gpt2-124m.toml --set train.precision=bf16 --target=cuda -o gpt2\n"
             "  nf-compile model.toml --emit=fuse -o -\n"
             "  nf-compile model.toml --emit=fuse -o - --mlir-print-ir-after=nf-differentiate\n"
             "MLIR's own options are those that begin with --mlir- (nf-opt --help lists them).");
  app.add_option("input", options.input,
                 "model definition (.toml), ONNX graph (.onnx), or module (.mlir, .mlirbc) that --emit wrote;\n- is a "
                 "definition or a module on stdin")
      ->required();
  app.add_option("-o,--output", options.output,
                 "the program, or with --emit what the stage gives: text, or with\nlocations where the name ends in "
                 ".mlirbc (bytecode); - is stdout");
  app.add_option("--set", options.sets, "key=value of the definition, such as model.layers=6; repeatable")
      ->allow_extra_args(false);
  app.add_option("--train", options.train,
                 "recipe to train an ONNX graph with: a definition of [train] and [objective]");
  app.add_option("--dim", dims, "NAME=N: extent of an ONNX graph's symbolic dimension; repeatable")
      ->allow_extra_args(false);
  app.add_option("--loss-output", options.lossOutput,
                 "the output of an ONNX graph that is its loss, a scalar of ids and labels; default: cross entropy\n"
                 "is appended to the logits");
  app.add_option("--freeze", options.freeze,
                 "an ONNX graph's parameters that are not trained: names, or patterns such as\n"
                 "*.bias; --explain lists them; repeatable")
      ->allow_extra_args(false);
  app.add_option("--train-only", options.trainOnly,
                 "an ONNX graph's only parameters that are trained; --freeze wins over it; repeatable")
      ->allow_extra_args(false);
  bool isApart = false;
  app.add_flag("--no-retie", isApart, "keep an ONNX graph's copies of an embedding table apart");
  auto isStage = [](const std::string &name) {
    return parseStage(name) ? std::string() : "expected one of " + stageNames() + ", but got " + name;
  };
  app.add_option("--emit", emit,
                 "stop after a stage and write what it gives: " + stageNames() +
                     ";\nor a GPU's kernels (--target=cuda): nvvm, ptx, and with a CUDA toolkit cubin, sass")
      ->check([&](const std::string &name) { return parseGpuForm(name) ? std::string() : isStage(name); });
  app.add_option("--compile-from", from, "the stage that the input module has been through; default: as it says itself")
      ->check(isStage);
  app.add_option("--dump-phases-to", options.phases,
                 "also write the module after each stage to this folder, as 04-autodiff.mlirbc");
  app.add_option("--target", options.target,
                 "what to compile for: cpu; cuda, an NVIDIA GPU; cuda-emulated, a GPU that the cpu emulates")
      ->capture_default_str();
  app.add_flag("--check-kernels", options.checkKernels,
               "make a program whose emulated GPU refuses mistakes of its kernels: races, accesses out of bounds,\n"
               "memory that nothing wrote (docs/compiler.md)");
  app.add_option("--arch", options.archs,
                 "GPUs with code of their own beside what any GPU from 8.0 on can run: sm_80, sm_90, sm_90a;\n"
                 "default: sm_80,sm_90a, and sm_80 for --emit=ptx, cubin, sass")
      ->delimiter(',');
  app.add_option("--cpu", options.cpu, "processor by LLVM's name: host, x86-64-v3, znver4, ...")->capture_default_str();
  app.add_flag(
      "--explain", options.explain,
      "print for each layer which of NormFormer's operations it has, what was folded, each parameter's role and the\n"
      "bytes that a step moves and saves; of an ONNX graph also what its inputs and outputs became; compile nothing");
  app.add_option("--fold", fold,
                 "fold learned factors and shifts into weights: auto where it pays, all, none (docs/folding.md)")
      ->check(CLI::IsMember({"auto", "all", "none"}))
      ->capture_default_str();
  app.add_option("--memory", options.memory,
                 "most memory of the program, states and the largest arena, such as 4GiB: backward\n"
                 "computes again what does not fit; in place of the definition's train.memory")
      ->check([](const std::string &text) {
        return parseByteSize(text) ? std::string() : fmt::format("expected {}, but got {}", byteSizeText, text);
      });
  app.add_option("--remarks", remarks, "say what a stage did: raise, fold, fuse; repeatable")
      ->check(CLI::IsMember({"raise", "fold", "fuse"}))
      ->allow_extra_args(false);
  app.add_option("--verify-stages", options.verifyStages,
                 "check after each stage that only what may leave it is there (docs/compiler.md); false: do not")
      ->capture_default_str();
  try {
    app.parse(static_cast<int>(arguments.size()), arguments.data());
    for (const std::string &dim : dims)
      if (!onnxfe::parseDim(dim, options.dims))
        throw CLI::ValidationError("--dim", "expected NAME=N with N over 0, but got " + dim);
    options.retie = !isApart;
    for (const char *option : {"--train", "--dim", "--loss-output", "--freeze", "--train-only", "--no-retie"})
      if (app.count(option) && !options.input.ends_with(".onnx"))
        throw CLI::ValidationError(option, "expected an ONNX graph, but got " + options.input);
    options.emit = parseStage(emit);
    options.emitGpu = parseGpuForm(emit);
    if (options.emitGpu && options.target == "cpu")
      throw CLI::ValidationError("--emit=" + emit,
                                 "expected --target=cuda or cuda-emulated, but got cpu, which has no such form");
    if (options.checkKernels && options.target != "cuda-emulated")
      throw CLI::ValidationError("--check-kernels", "expected --target=cuda-emulated, but got " + options.target);
    if (!from.empty())
      options.from = parseStage(from);
    if (options.output.empty()) {
      if (emit.empty() && !options.explain)
        throw CLI::RequiredError("-o");
      options.output = "-";
    }
    if (options.output == "-" && emit.empty() && !options.explain)
      throw CLI::ValidationError("-o", "expected a file for the program, but got -; --emit writes to stdout");
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  options.fold = *parseFoldMode(fold);
  options.foldRemarks = options.explain || llvm::is_contained(remarks, "fold");
  options.raiseRemarks = options.explain || llvm::is_contained(remarks, "raise");
  options.fuseRemarks = llvm::is_contained(remarks, "fuse");
  options.libraries = libraryFolder(argv[0]);
  return compile(options) ? 0 : 1;
}
