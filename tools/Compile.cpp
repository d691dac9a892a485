//===- Compile.cpp - definition or module -> executable --------------------------------------===//
//
// 1. Import: the definition's graph, or a module as it is.
// 2. Stages up to plan; then the sizes are known that the executable's metadata holds.
// 3. Stages up to llvm, the object file, the link.
//
//===------------------------------------------------------------------------------------------===//
#include "tools/Compile.h"
#include "dialect/NF.h"
#include "frontend/ByteSize.h"
#include "frontend/GraphBuilder.h"
#include "frontend/Metadata.h"
#include "frontend/ModelGraph.h"
#include "frontend/onnx/Importer.h"
#include "frontend/onnx/WeightsFile.h"
#include "passes/MemoryBudget.h"
#include "passes/lower/EmitObject.h"
#include "passes/plan/Traffic.h"
#include "passes/raise/Explain.h"
#include "tools/Diagnostics.h"
#include "tools/Link.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/xxhash.h"

#include <chrono>
#include <fmt/format.h>

using namespace mlir;
using namespace nf;

static std::string grouped(int64_t number) {
  std::string text = std::to_string(number);
  for (int64_t i = static_cast<int64_t>(text.size()) - 3; i > 0; i -= 3)
    text.insert(i, ",");
  return text;
}

static std::string megabytes(int64_t bytes) { return fmt::format("{:.1f} MB", bytes / 1e6); }

/// Whether a text is MLIR rather than TOML, whose lines begin with no such word.
static bool isModuleText(StringRef text) {
  return text.starts_with("ML\xefR") || text.starts_with("module") || text.contains("\nmodule") ||
         text.contains("nf.program @");
}

/// Gives a manager MLIR's own options (--mlir-print-ir-after, --mlir-timing), which nf-compile takes.
static LogicalResult takeMlirOptions(PassManager &manager) {
  applyDefaultTimingPassManagerCLOptions(manager);
  return applyPassManagerCLOptions(manager);
}

namespace {
/// One compilation. Its steps return false after an error was printed.
class Compilation {
public:
  explicit Compilation(const CompileOptions &options) : options(options), context(registry()) {
    context.printOpOnDiagnostic(false);
    // Errors of a definition have places in it; without one, the file is the place.
    context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
      printDiagnostic(diagnostic, this->options.input);
      return success();
    });
  }

  bool run() {
    if (!chooseTarget() || !import())
      return false;
    Stage last = options.emit.value_or(Stage::Obj);
    std::optional<Stage> start = firstStage();
    if (!start || !checkInput(*start))
      return false;
    Stage first = *start;
    if (options.explain)
      return explainModel(first);
    if (!options.emit && !config && !onnxFile && first <= Stage::Llvm) { // of a graph, stage raise says what is missing
      fmt::print(stderr,
                 "{}: error: expected a module made from a definition (nf.definition), but got one without; a program "
                 "needs it; write an object with --emit=obj\n",
                 options.input);
      return false;
    }
    if (first == Stage::Raise) // import has no passes: what is left of it is to check what was imported
      first = Stage::Import;
    if (!runUpTo(first, std::min(last, Stage::Hoist)) || !fitBudget(first, last) ||
        !runUpTo(std::max(first, Stage::Recompute), std::min(last, Stage::Plan)) || !keepsBudget(last))
      return false;
    if (last <= Stage::Plan)
      return writeModule(*options.emit, options.output);
    describe();
    if (!runUpTo(std::max(first, Stage::Lower), options.emitGpu ? Stage::Lower : std::min(last, Stage::Llvm)))
      return false;
    if (options.emitGpu)
      return writeGpu();
    return last <= Stage::Llvm ? writeModule(*options.emit, options.output) : writeObject();
  }

private:
  /// Prints what the model is after stage raise, with what later forward stages remark on its parts, and what the
  /// planned training program moves.
  bool explainModel(Stage first) {
    if (first > Stage::Raise) {
      fmt::print(stderr, "{}: error: expected a model before stage fold to explain, but got a module after it\n",
                 options.input);
      return false;
    }
    if (!runUpTo(first, Stage::Raise))
      return false;
    OwningOpRef<ModuleOp> raised(module->clone());
    RemarkCollector collector(context);
    if (!runUpTo(Stage::Fold, Stage::Fold))
      return false;
    fmt::print("{}", explain(*raised, collector.remarks()));
    return !config || explainTraffic();
  }

  bool explainTraffic() {
    if (!runUpTo(Stage::Autodiff, Stage::Hoist) || !fitBudget(Stage::Autodiff, Stage::Plan) ||
        !runUpTo(Stage::Recompute, Stage::Plan))
      return false;
    const ModelConfig &c = *config;
    bool isBf16 = c.precision == "bf16";
    TrafficUnit unit{c.microBatch * c.sequence, c.dModel, isBf16 ? "bf16" : "f32", isBf16 ? 2 : 4};
    if (auto program = module->lookupSymbol<ProgramOp>("forward_backward"); program && unit.width > 0)
      fmt::print("\n{}", trafficText(program, unit));
    return true;
  }

  /// The stage to begin with: after the one that the user names, else the one that the module itself says.
  std::optional<Stage> firstStage() {
    if (!options.from)
      return firstStageOf(*module);
    if (isModule && *options.from < Stage::Obj)
      return allStages()[static_cast<size_t>(*options.from) + 1];
    fmt::print(stderr,
               "--compile-from={}: error: expected a module (.mlir, .mlirbc) after one of the stages import to "
               "llvm, but got {}\n",
               stageName(*options.from).str(), isModule ? "stage obj" : options.input);
    return std::nullopt;
  }

  /// A module that the user hands over is what its stage leaves, or refused; what fails later is a fault of the
  /// compiler.
  bool checkInput(Stage first) {
    if (!isModule || !options.verifyStages)
      return true;
    Stage stage = options.from.value_or(stageBefore(*module, first));
    if (succeeded(verifyStage(*module, stage)))
      return true;
    fmt::print(stderr,
               "{}: note: the module was read as what stage {} leaves; --compile-from=STAGE names another one\n",
               options.input, stageName(stage).str());
    return false;
  }

  static DialectRegistry registry() {
    DialectRegistry registry;
    registerAllDialects(registry);
    registerAllExtensions(registry);
    registry.insert<NFDialect>();
    return registry;
  }

  bool report(llvm::Error error) {
    fmt::print(stderr, "{}\n", llvm::toString(std::move(error)));
    return false;
  }

  bool chooseTarget() {
    std::optional<Target> parsed = parseTarget(options.target);
    if (!parsed) {
      fmt::print(stderr, "--target={}: error: expected cpu, cuda or cuda-emulated, but got {}\n", options.target,
                 options.target);
      return false;
    }
    kernels = *parsed;
    if (kernels == Target::Cuda || !options.archs.empty()) {
      auto resolved = resolveGpu(options.archs);
      if (!resolved)
        return false;
      gpu = *resolved;
    }
    // Beside a GPU's kernels there is no code that a processor matters for.
    auto resolved = resolveCpu(kernels == Target::Cuda && options.cpu == "host" ? "x86-64" : options.cpu);
    if (!resolved) {
      fmt::print(stderr, "--cpu={}: error: {}\n", options.cpu, llvm::toString(resolved.takeError()));
      return false;
    }
    target = *resolved;
    return true;
  }

  bool import() {
    auto start = std::chrono::steady_clock::now();
    StringRef input = options.input;
    isModule = input.ends_with(".mlir") || input.ends_with(".mlirbc");
    bool imported = input == "-"               ? readStandardInput()
                    : isModule                 ? readModule()
                    : input.ends_with(".onnx") ? readOnnx()
                                               : readDefinition();
    times.push_back({Stage::Import, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()});
    return imported;
  }

  bool readStandardInput() {
    auto buffer = llvm::MemoryBuffer::getSTDIN();
    if (!buffer) {
      fmt::print(stderr, "<stdin>: error: expected a definition or module, but it cannot be read: {}\n",
                 buffer.getError().message());
      return false;
    }
    if (isModuleText((*buffer)->getBuffer()))
      return parseModule(std::move(*buffer));
    return build(parseModelConfig((*buffer)->getBuffer(), "<stdin>", options.sets));
  }

  bool readModule() {
    std::string message;
    auto file = openInputFile(options.input, &message);
    if (!file) {
      fmt::print(stderr, "{}: error: expected a module, but it cannot be read: {}\n", options.input, message);
      return false;
    }
    return parseModule(std::move(file));
  }

  /// The graph of an ONNX file, with the recipe of --train.
  bool readOnnx() {
    ConfigDiagnostics diagnostics;
    std::optional<std::string> text;
    if (!options.train.empty()) {
      if (!(text = readDefinitionFile(options.train, diagnostics))) {
        fmt::print(stderr, "{}", diagnostics.front().str());
        return false;
      }
    } else if (!options.emit && !options.explain) {
      fmt::print(stderr,
                 "{}: error: expected a recipe to train the graph with, but got none; give --train FILE, such as "
                 "models/train-defaults.toml\n",
                 options.input);
      return false;
    }
    std::string recipe = options.train.empty() ? "<defaults>" : options.train;
    if (!adopt(parseTrainConfig(text.value_or(""), recipe, options.sets, std::nullopt)))
      return false;
    if (!importOnnx(options.input, {options.dims, 0, 0, options.lossOutput, options.retie}, *config))
      return false;
    module = std::move(onnxImport.module);
    (*module)->setAttr("nf.name", StringAttr::get(&context, llvm::sys::path::stem(options.input)));
    keepDefinition(*module, recipe, text.value_or(""), options.sets);
    if (config->precision == "bf16")
      (*module)->setAttr("nf.precision", StringAttr::get(&context, config->precision));
    if (!(*module)->hasAttr("nf.model")) { // no language model: its forward program is all there is
      config.reset();
      return true;
    }
    return adopt(*definitionOf(*module));
  }

  bool importOnnx(const std::string &path, onnxfe::ImportOptions import, const ModelConfig &recipe) {
    onnxFile = onnxfe::ModelFile::read(context, path);
    if (!onnxFile)
      return false;
    bool isGiven = recipe.settings.find("train.sequence")->second.origin != Origin::Default;
    import.microBatch = recipe.microBatch;
    import.sequence = isGiven ? recipe.sequence : 0;
    onnxImport = onnxfe::importModel(context, *onnxFile, import);
    return static_cast<bool>(onnxImport.module);
  }

  /// The model that a module's weights are in, imported again for its constants.
  bool openWeights() {
    auto from = onnxfe::importOf(*module);
    if (!from || !config) {
      fmt::print(stderr,
                 "{}: error: expected the attribute nf.weights, which names the file of the weights, but got "
                 "none\n",
                 options.input);
      return false;
    }
    return importOnnx(from->first, from->second, *config);
  }

  /// Writes the weights that the program starts from beside it.
  bool writeWeights() {
    if (weights.empty())
      return true;
    if (!onnxFile && !openWeights())
      return false;
    weightsFile = options.output + ".weights.safetensors";
    llvm::Error error = onnxfe::writeWeights(weights, *onnxFile, onnxImport.constants, weightsFile);
    return !error || report(std::move(error));
  }

  bool readDefinition() { return build(loadModelConfig(options.input, options.sets)); }

  bool build(ConfigResult result) {
    if (!adopt(std::move(result)))
      return false;
    module = buildModule(context, *config);
    return static_cast<bool>(module);
  }

  /// A module that was made from a definition has it as an attribute.
  bool parseModule(std::unique_ptr<llvm::MemoryBuffer> text) {
    if (!options.sets.empty()) {
      fmt::print(stderr, "--set {}: error: expected a definition (.toml) to set a key of, but got a module\n",
                 options.sets.front());
      return false;
    }
    isModule = true;
    llvm::SourceMgr sources;
    sources.AddNewSourceBuffer(std::move(text), llvm::SMLoc());
    module = parseSourceFile<ModuleOp>(sources, &context);
    if (!module)
      return false;
    std::optional<ConfigResult> definition = definitionOf(*module);
    return !definition || adopt(std::move(*definition));
  }

  bool adopt(ConfigResult result) {
    for (const ConfigDiagnostic &diagnostic : result.diagnostics)
      fmt::print(stderr, "{}", diagnostic.str());
    config = std::move(result.config);
    return config.has_value();
  }

  bool runUpTo(Stage first, Stage last) {
    std::string reproducer = (options.output == "-" ? std::string("nf-compile") : options.output) + ".reproducer.mlir";
    bool written = true;
    auto observe = [&](Stage stage, double seconds) {
      if (times.empty() || times.back().first != stage)
        times.push_back({stage, 0});
      times.back().second += seconds; // beside what the budget took
      written = written && writePhase(stage);
    };
    return succeeded(runStages(*module, first, last, pipeline(), reproducer, observe)) && written;
  }

  PipelineOptions pipeline() const {
    PipelineOptions pipeline = {target.vectorBits,    target.bf16,       options.fuseRemarks,
                                options.verifyStages, options.fold,      options.foldRemarks,
                                options.freeze,       options.trainOnly, takeMlirOptions};
    pipeline.target = kernels;
    pipeline.cubins = gpu.cubins;
    pipeline.ptxas = gpu.ptxas;
    pipeline.raiseRemarks = options.raiseRemarks;
    pipeline.checkKernels = options.checkKernels;
    pipeline.recomputeSteps = recomputeSteps;
    return pipeline;
  }

  /// The bytes that the program may take: the option's, else the definition's.
  std::optional<int64_t> budget() const {
    if (!options.memory.empty())
      return parseByteSize(options.memory);
    return config ? parseByteSize(config->memory) : std::nullopt;
  }

  bool refuseBudget(std::string message, std::string note) {
    SourceLocation place{"--memory " + options.memory, 0, 0};
    if (options.memory.empty())
      place = config->locationOf("train.memory");
    fmt::print(stderr, "{}", ConfigDiagnostic{Severity::Error, place, std::move(message), std::move(note)}.str());
    return false;
  }

  /// Finds how much has to be computed again to keep a budget.
  bool fitBudget(Stage first, Stage last) {
    std::optional<int64_t> bytes = budget();
    if (!bytes || first > Stage::Recompute || last < Stage::Recompute)
      return true;
    auto start = std::chrono::steady_clock::now();
    FailureOr<BudgetChoice> choice = fitMemory(*module, *bytes, pipeline());
    if (failed(choice))
      return false;
    times.push_back(
        {Stage::Recompute, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()});
    recomputeSteps = choice->steps;
    return choice->fits ||
           refuseBudget(fmt::format("expected a memory budget of at least {}, but got {}",
                                    byteSizeAtLeast(choice->smallest), megabytes(*bytes)),
                        "that is the least that states and the largest arena take when all that can be is computed "
                        "again; a smaller train.micro_batch or train.sequence takes less");
  }

  /// A module past stage recompute has its plan, or none that still can change.
  bool keepsBudget(Stage last) {
    std::optional<int64_t> bytes = budget();
    if (!bytes || last < Stage::Plan || !(*module)->hasAttr("nf.persistent_bytes") || plannedBytes(*module) <= *bytes)
      return true;
    return refuseBudget(fmt::format("expected a program within {}, but its plan takes {}", megabytes(*bytes),
                                    byteSizeAtLeast(plannedBytes(*module))),
                        "compile the definition, or a module before stage recompute");
  }

  /// The module after a stage, where --dump-phases-to wants it: 05-hoist.mlirbc.
  bool writePhase(Stage stage) {
    if (options.phases.empty())
      return true;
    if (std::error_code error = llvm::sys::fs::create_directories(options.phases)) {
      fmt::print(stderr, "--dump-phases-to={}: error: expected a folder to write to, but it cannot be made: {}\n",
                 options.phases, error.message());
      return false;
    }
    return writeModule(
        stage, fmt::format("{}/{:02}-{}.mlirbc", options.phases, static_cast<int>(stage) + 1, stageName(stage).str()));
  }

  /// What plan decided, and the target, go into the module for nf-emit-table.
  void describe() {
    auto integer = [](Operation *op, StringRef name) {
      auto attribute = op->getAttrOfType<IntegerAttr>(name);
      return attribute ? attribute.getInt() : 0;
    };
    facts.persistentBytes = facts.peakBytes = facts.boundBytes = integer(*module, "nf.persistent_bytes");
    int64_t transient = 0, live = 0;
    for (auto program : module->getOps<ProgramOp>()) {
      int64_t bytes = integer(program, "transient_bytes");
      facts.transientBytes[program.getSymName().str()] = bytes;
      transient = std::max(transient, bytes);
      live = std::max(live, integer(program, "live_bytes"));
    }
    facts.peakBytes += transient;
    facts.boundBytes += live;
    facts.budgetBytes = budget().value_or(0);
    if (auto recomputed = (*module)->getAttrOfType<DictionaryAttr>("nf.recomputed")) {
      auto number = [&](StringRef name) { return recomputed.getAs<IntegerAttr>(name).getInt(); };
      facts.savedBytes = number("bytes_saved");
      facts.addedFlops = number("flops_added");
      facts.microBatchFlops = number("flops");
    }
    facts.cpu = kernels == Target::Cuda ? "cuda" : target.cpu;
    facts.features = kernels == Target::Cuda ? gpu.cubins : target.features;
    facts.compiler = "NormForge " NF_VERSION " (LLVM " LLVM_VERSION_STRING ")";

    weights = onnxfe::fileWeights(*module);
    for (auto parameter : module->getOps<ParameterOp>())
      if (parameter.getTrainable())
        facts.parameters += cast<ShapedType>(parameter.getType()).getNumElements();

    Builder b(&context);
    std::string metadata = config ? metadataJson(*config, facts) : "{}";
    SmallVector<StringRef> features(target.features.begin(), target.features.end());
    uint64_t hash = llvm::xxh3_64bits(metadata + target.featureString);
    (*module)->setAttr("nf.metadata", b.getStringAttr(metadata));
    (*module)->setAttr("nf.cpu_features", b.getStrArrayAttr(features));
    (*module)->setAttr("nf.compile_hash", b.getI64IntegerAttr(static_cast<int64_t>(hash)));
  }

  /// As text, or as bytecode where the name says so.
  bool writeModule(Stage stage, const std::string &path) {
    markStage(*module, stage);
    std::string text;
    llvm::raw_string_ostream stream(text);
    if (!StringRef(path).ends_with(".mlirbc"))
      stream << *module << "\n";
    else if (failed(writeBytecodeToFile(*module, stream, BytecodeWriterConfig("NormForge " NF_VERSION))))
      return false;
    llvm::Error error = writeFile(path, text);
    return !error || report(std::move(error));
  }

  bool writeGpu() {
    std::optional<std::string> text = gpuText(*module, *options.emitGpu, options.archs);
    llvm::Error error = text ? writeFile(options.output, *text) : llvm::Error::success();
    return error ? report(std::move(error)) : text.has_value();
  }

  bool writeObject() {
    auto start = std::chrono::steady_clock::now();
    auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
    auto object = emitObject(*module, target);
    if (failed(object))
      return false;
    times.push_back({Stage::Obj, seconds()});
    StringRef bytes(object->data(), object->size());
    llvm::Error error = options.emit
                            ? writeFile(options.output, bytes)
                            : linkExecutable(bytes, kernels == Target::Cuda, options.libraries, options.output);
    if (error)
      return report(std::move(error));
    linkSeconds = seconds() - times.back().second;
    if (!options.emit && !writeWeights()) {
      llvm::sys::fs::remove(options.output); // useless without them
      return false;
    }
    if (options.output != "-")
      printReport();
    return true;
  }

  void printReport() {
    if (config) {
      const ModelConfig &c = *config;
      if (c.graph)
        fmt::print("model       {}: {}, imported, vocabulary {}, d_model {}\n", c.name, c.kind, grouped(c.vocab),
                   c.dModel);
      else
        fmt::print("model       {}: {}, {} layers, d_model {}, {} heads, d_ffn {}, vocabulary {}, context {}\n", c.name,
                   c.kind, c.layers, c.dModel, c.heads, c.dFfn, grouped(c.vocab), c.context);
      fmt::print("training    micro-batch {} x {} tokens, {}\n", c.microBatch, c.sequence, c.precision);
      if (c.reductionSlots > 1)
        fmt::print("gradients   {} buffers of {} for {} reduction slots\n", gradientBuffers(c),
                   megabytes(4 * parameterCount(c)), c.reductionSlots);
      fmt::print("parameters  {}\n", grouped(c.graph ? facts.parameters : parameterCount(c)));
    }
    if (kernels == Target::Cuda)
      fmt::print("target      {}\n", gpuName());
    else
      fmt::print("target      cpu {}, vectors of {} bits, {}\n", target.cpu, target.vectorBits,
                 fmt::join(target.features, " "));
    std::string transient;
    for (auto &[name, bytes] : facts.transientBytes)
      if (bytes)
        transient += fmt::format("{}{} {}", transient.empty() ? "" : ", ", name, megabytes(bytes));
    double ratio = double(facts.peakBytes) / double(facts.boundBytes);
    if (facts.peakBytes) // unknown to a module past the stage lower
      fmt::print("memory      {} = states {} + the largest arena ({}); {:.3f} of the bound\n",
                 megabytes(facts.peakBytes), megabytes(facts.persistentBytes), transient, ratio);
    if (facts.budgetBytes)
      fmt::print("budget      {} for states and the largest arena\n", megabytes(facts.budgetBytes));
    if (facts.savedBytes)
      fmt::print("again       {} less kept for backward, {:.1f} GFLOP added a micro-batch ({:.2f} %)\n",
                 megabytes(facts.savedBytes), facts.addedFlops / 1e9, 100.0 * facts.addedFlops / facts.microBatchFlops);
    std::string line;
    double total = linkSeconds;
    for (auto &[stage, seconds] : times) {
      total += seconds;
      if (seconds >= 0.005)
        line += fmt::format("{} {:.2f}, ", stageName(stage).str(), seconds);
    }
    fmt::print("seconds     {:.2f}: {}link {:.2f}\n", total, line, linkSeconds);
    uint64_t size = 0;
    if (!llvm::sys::fs::file_size(options.output, size))
      fmt::print("wrote       {} ({})\n", options.output, megabytes(static_cast<int64_t>(size)));
    if (!weightsFile.empty() && !llvm::sys::fs::file_size(weightsFile, size))
      fmt::print("            {} ({}), which training starts from\n", weightsFile,
                 megabytes(static_cast<int64_t>(size)));
  }

  std::string gpuName() const {
    return fmt::format("NVIDIA GPUs: PTX for 8.0 and 9.0{}{}", gpu.cubins.empty() ? "; no ptxas, so no code" : ", code",
                       gpu.cubins.empty() ? "" : fmt::format(" for {}", fmt::join(gpu.cubins, ", ")));
  }

  const CompileOptions &options;
  MLIRContext context;
  CpuTarget target;
  Target kernels = Target::Cpu;
  GpuTarget gpu;
  std::optional<ModelConfig> config;
  OwningOpRef<ModuleOp> module;
  bool isModule = false;                       ///< the input, rather than a definition
  std::unique_ptr<onnxfe::ModelFile> onnxFile; ///< of an imported graph
  onnxfe::ImportResult onnxImport;             ///< its constants; the module moves on
  std::vector<onnxfe::FileWeight> weights;     ///< parameters that start from a file
  std::string weightsFile;                     ///< that was written
  CompileFacts facts;
  unsigned recomputeSteps = 0; ///< that keep the budget
  std::vector<std::pair<Stage, double>> times;
  double linkSeconds = 0;
};
} // namespace

bool nf::compile(const CompileOptions &options) { return Compilation(options).run(); }
