//===- Pipelines.cpp - the only place that orders passes -------------------------------------===//
#include "passes/Pipelines.h"
#include "passes/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

#include <chrono>

using namespace mlir;
using namespace nf;

static constexpr Stage stages[] = {Stage::Import, Stage::Raise,     Stage::Fold,       Stage::Autodiff,
                                   Stage::Hoist,  Stage::Recompute, Stage::Distribute, Stage::Fuse,
                                   Stage::Plan,   Stage::Lower,     Stage::Llvm,       Stage::Obj};
static constexpr StringLiteral names[] = {"import",     "raise", "fold", "autodiff", "hoist", "recompute",
                                          "distribute", "fuse",  "plan", "lower",    "llvm",  "obj"};
static_assert(std::size(stages) == std::size(names));

StringRef nf::stageName(Stage stage) { return names[static_cast<size_t>(stage)]; }

std::optional<Stage> nf::parseStage(StringRef name) {
  for (Stage stage : stages)
    if (stageName(stage) == name)
      return stage;
  return std::nullopt;
}

std::optional<FoldMode> nf::parseFoldMode(StringRef name) {
  return llvm::StringSwitch<std::optional<FoldMode>>(name)
      .Case("auto", FoldMode::Auto)
      .Case("all", FoldMode::All)
      .Case("none", FoldMode::None)
      .Default(std::nullopt);
}

std::optional<Target> nf::parseTarget(StringRef name) {
  return llvm::StringSwitch<std::optional<Target>>(name)
      .Case("cpu", Target::Cpu)
      .Case("cuda", Target::Cuda)
      .Case("cuda-emulated", Target::CudaEmulated)
      .Default(std::nullopt);
}

/// The target as parseTarget reads it.
static StringRef nameOf(Target target) {
  static constexpr StringLiteral targets[] = {"cpu", "cuda", "cuda-emulated"};
  return targets[static_cast<size_t>(target)];
}

/// The mode as parseFoldMode reads it.
static StringRef nameOf(FoldMode mode) {
  static constexpr StringLiteral modes[] = {"auto", "all", "none"};
  return modes[static_cast<size_t>(mode)];
}

ArrayRef<Stage> nf::allStages() { return stages; }

static constexpr StringLiteral stageAttr = "nf.stage";

void nf::markStage(ModuleOp module, Stage stage) {
  module->setAttr(stageAttr, StringAttr::get(module.getContext(), stageName(stage)));
}

/// MLIR's canonicalizer drops the locations of constants.
static void addCanonicalizer(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createLocateConstants());
}

/// Every pass finds nothing to do in programs of composite ops, as a definition gives them.
static void buildRaise(OpPassManager &pm, const PipelineOptions &options) {
  pm.addNestedPass<ProgramOp>(createSimplify());
  pm.addPass(createRaiseLinear()); // before LayerNorm: the bias of a linear is not that of a norm
  OpPassManager &program = pm.nest<ProgramOp>();
  program.addPass(createRaiseEmbedding());
  program.addPass(createRaiseActivations());
  program.addPass(createRaiseLayerNorm());
  // Before softmax and dropout: it knows guards and shapes that they do not.
  program.addPass(createRaiseAttention({options.raiseRemarks}));
  program.addPass(createRaiseSoftmax());
  program.addPass(createRaiseDropout());
  program.addPass(createSimplify()); // attention leaves movement of heads, which HeadScale lies between
  program.addPass(createRaiseHeadScale());
  program.addPass(createSimplify());
  program.addPass(createRaiseResidualScale());
  program.addPass(createRaiseCrossEntropy());
  addCanonicalizer(program);
  pm.addPass(createNameParameters()); // roles follow from composite ops
  if (!options.freeze.empty() || !options.trainOnly.empty()) {
    FreezeParametersOptions freeze;
    freeze.freeze.assign(options.freeze.begin(), options.freeze.end());
    freeze.trainOnly.assign(options.trainOnly.begin(), options.trainOnly.end());
    pm.addPass(createFreezeParameters(freeze));
  }
  pm.addPass(createDetectNormformer());
  pm.addNestedPass<ProgramOp>(createNameLayers());
  pm.addPass(createAppendLoss({options.raiseRemarks})); // last: it takes the operands of the last linear
  pm.addPass(createNarrowActivations());
}

static void buildFold(OpPassManager &pm, const PipelineOptions &options) {
  if (options.fold == FoldMode::None)
    return;
  auto with = [&](auto pass) {
    pass.all = options.fold == FoldMode::All;
    pass.remarks = options.foldRemarks;
    return pass;
  };
  // One linear first: a LayerNorm is then read by one, and each part of its weight is folded by itself.
  pm.nest<ProgramOp>().addPass(createMergeLinears(with(MergeLinearsOptions())));
  pm.addPass(createFoldLayerNormAffine(with(FoldLayerNormAffineOptions())));
  pm.addPass(createFoldHeadScale(with(FoldHeadScaleOptions())));
}

static void buildAutodiff(OpPassManager &pm) {
  pm.addPass(createDifferentiate());
  pm.addPass(createAppendUpdate());
  pm.addPass(createAppendCombine());
  addCanonicalizer(pm);        // gradients of broadcasts and reshapes cancel
  pm.addPass(createCSEPass()); // gradient rules compute again what forward has
}

static void buildHoist(OpPassManager &pm, const PipelineOptions &options) {
  if (options.target != Target::Cpu)
    pm.addPass(createRoundProducts()); // before hoisting, which moves what it rounds of parameters
  pm.addPass(createHoistWeightOnly());
  pm.addPass(createCSEPass()); // programs read a derived state where they computed it
}

static void buildRecompute(OpPassManager &pm, const PipelineOptions &options) {
  RecomputeOptions recompute;
  recompute.steps = options.recomputeSteps;
  pm.addPass(createRecompute(recompute));
}

static void buildFuse(OpPassManager &pm, const PipelineOptions &options) {
  OpPassManager &program = pm.nest<ProgramOp>();
  program.addPass(createExpandLoss());    // before anything is row-wise: it decides the chunks of rows
  program.addPass(createPrepareFusion()); // leaves kernels and primitives on rows
  addCanonicalizer(program);              // no reshape or dead value between what could fuse; no CSE: conditions were
                                          // cloned for each reader
  FuseRowsOptions fuse;
  fuse.remarks = options.fuseRemarks;
  program.addPass(createFuseRows(fuse));
  program.nest<FusedOp>().addPass(createCSEPass()); // what backward computes again, its gradient rules compute too
  if (options.target == Target::Cpu)                // a GPU's library has no sum that adds to a state
    program.addPass(createSumInProducts());         // needs to know which column sums stand alone
  program.addPass(createSplitColumnSums()); // needs to know which column sums share a region with row reductions
}

static void buildPlan(OpPassManager &pm) { pm.addPass(createPlanMemory()); }

static void buildLower(OpPassManager &pm, const PipelineOptions &options) {
  LowerFusedOptions fused;
  fused.vectorWidth = options.vectorBits / 32;
  if (options.target == Target::Cpu) {
    pm.addPass(createLowerCopy());
    pm.addPass(createLowerFused(fused));
    pm.addPass(createLowerScatterAdd());
    LowerAttentionOptions attention;
    attention.vectorWidth = fused.vectorWidth;
    pm.addPass(createLowerAttention(attention));
    LowerMatmulOptions matmul;
    matmul.bf16Products = options.bf16;
    pm.addPass(createLowerMatmul(matmul));
  } else {
    pm.addPass(createLowerCopyGpu());
    pm.addPass(createLowerFusedGpu());
    pm.addPass(createLowerScatterAddGpu());
    pm.addPass(createLowerAttentionGpu());
    pm.addPass(createLowerMatmulGpu());
  }
}

/// The kernels of a GPU in the dialects llvm and nvvm, as they would become PTX.
static void buildNvvm(OpPassManager &pm) {
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  ExpandMathOptions math;
  math.bf16 = false; // the GPU converts
  kernels.addPass(createExpandMath(math));
  addCanonicalizer(kernels);
  kernels.addPass(createCSEPass());
  kernels.addPass(createSCFToControlFlowPass());
  kernels.addPass(createConvertVectorToLLVMPass());
  kernels.addPass(createConvertMathToLLVMPass());
  kernels.addPass(createArithToLLVMConversionPass()); // branches follow with those of the module
  kernels.addPass(createReconcileUnrealizedCastsPass());
  addCanonicalizer(kernels);
  kernels.addPass(createCSEPass());
  kernels.addPass(createArithToLLVMConversionPass()); // conditions that are known behind a branch became constants
}

static EmbedGpuOptions embedOptions(const PipelineOptions &options) {
  EmbedGpuOptions embed;
  embed.cubins.assign(options.cubins.begin(), options.cubins.end());
  embed.ptxas = options.ptxas;
  return embed;
}

static void buildLlvm(OpPassManager &pm, const PipelineOptions &options) {
  if (options.target != Target::Cpu)
    buildNvvm(pm);
  pm.addPass(createKernelSignatures()); // bare pointers need static sizes
  // Kernels alone, side by side: programs have nothing to simplify, and are long.
  OpPassManager &kernel = pm.nest<func::FuncOp>();
  ExpandMathOptions math;
  math.bf16 = !options.bf16;
  kernel.addPass(createExpandMath(math)); // what is not expanded becomes a call of libm for each lane
  addCanonicalizer(kernel);               // index arithmetic of tasks folds where tiles divide
  kernel.addPass(createCSEPass());
  kernel.addPass(createConvertVectorToSCFPass());            // transfers without a vector instruction
  kernel.addPass(memref::createExpandStridedMetadataPass()); // views become arithmetic
  kernel.addPass(createLowerAffinePass());                   // … which the expansion writes in affine
  kernel.addPass(createSCFToControlFlowPass());
  kernel.addPass(createConvertVectorToLLVMPass()); // before arith: it unrolls vectors of higher rank
  kernel.addPass(createConvertMathToLLVMPass());
  kernel.addPass(createArithToLLVMConversionPass());
  kernel.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  ConvertFuncToLLVMPassOptions func;
  func.useBarePtrCallConv = true; // a kernel is called with addresses, as nf_kernel says
  pm.addPass(createConvertFuncToLLVMPass(func));
  pm.addPass(createReconcileUnrealizedCastsPass());
  OpPassManager &lowered = pm.nest<LLVM::LLVMFuncOp>();
  addCanonicalizer(lowered); // descriptors of static buffers vanish
  lowered.addPass(createCSEPass());
  if (options.target == Target::CudaEmulated) {
    EmulateGpuOptions emulation;
    emulation.checkKernels = options.checkKernels;
    pm.addPass(createEmulateGpu(emulation)); // needs the final signatures of the functions that launch
  }
  if (options.target == Target::Cuda)
    pm.addPass(createEmbedGpu(embedOptions(options)));
  LowerProgramsOptions programs;
  programs.checkKernels = options.checkKernels;
  pm.addPass(createLowerPrograms(programs)); // needs the kernels' final signatures
  pm.addPass(createEmitTable());             // needs the programs' functions
}

static void buildPasses(Stage stage, OpPassManager &pm, const PipelineOptions &options) {
  switch (stage) {
  case Stage::Raise:
    return buildRaise(pm, options);
  case Stage::Fold:
    return buildFold(pm, options);
  case Stage::Autodiff:
    return buildAutodiff(pm);
  case Stage::Hoist:
    return buildHoist(pm, options);
  case Stage::Recompute:
    return buildRecompute(pm, options);
  case Stage::Fuse:
    return buildFuse(pm, options);
  case Stage::Plan:
    return buildPlan(pm);
  case Stage::Lower:
    return buildLower(pm, options);
  case Stage::Llvm:
    return buildLlvm(pm, options);
  case Stage::Import:
  case Stage::Distribute:
  case Stage::Obj:
    return;
  }
}

void nf::buildStage(Stage stage, OpPassManager &pm, const PipelineOptions &options) {
  buildPasses(stage, pm, options);
  if (!options.verifyStages)
    return;
  VerifyStageOptions verify;
  verify.stage = stageName(stage);
  pm.addPass(createVerifyStage(verify));
}

static LogicalResult runStage(ModuleOp module, Stage stage, const PipelineOptions &options) {
  PassManager manager(module.getContext());
  if (options.configure && failed(options.configure(manager)))
    return failure();
  buildStage(stage, manager, options);
  return manager.run(module);
}

LogicalResult nf::lowerToNvvm(ModuleOp module) {
  PassManager manager(module.getContext());
  buildNvvm(manager);
  manager.addPass(createConvertControlFlowToLLVMPass());
  return manager.run(module);
}

/// What StageOptions reads as `options`, remarks aside.
static std::string stageOptions(const PipelineOptions &options) {
  std::string text;
  llvm::raw_string_ostream out(text);
  out << "vector-bits=" << options.vectorBits << " target=" << nameOf(options.target)
      << " fold=" << nameOf(options.fold) << (options.bf16 ? " bf16=1" : "")
      << (options.verifyStages ? "" : " verify=0") << (options.checkKernels ? " check-kernels=1" : "");
  if (options.recomputeSteps > 0)
    out << " recompute-steps=" << options.recomputeSteps;
  if (!options.freeze.empty())
    out << " freeze=" << llvm::join(options.freeze, ",");
  if (!options.trainOnly.empty())
    out << " train-only=" << llvm::join(options.trainOnly, ",");
  return text;
}

/// Writes the module as it was before `failed`. It is made anew from `original`, so that a compilation that succeeds
/// copies nothing between its stages.
static void writeReproducer(ModuleOp original, Stage first, Stage failed, const PipelineOptions &options,
                            StringRef path) {
  {
    ScopedDiagnosticHandler quiet(original.getContext(), [](Diagnostic &) { return success(); });
    for (Stage stage : stages)
      if (stage >= first && stage < failed && mlir::failed(runStage(original, stage, options)))
        return;
  }
  std::error_code error;
  llvm::raw_fd_ostream file(path, error);
  if (error)
    return;
  file << "// nf-opt \"--nf-stage-" << stageName(failed) << "=" << stageOptions(options) << "\" " << path << "\n";
  original.print(file, OpPrintingFlags().enableDebugInfo());
  original.emitRemark() << "the module before stage " << stageName(failed) << " is in " << path;
}

/// Whether the failure of a stage is ours to look into. Passes up to autodiff refuse what cannot be trained, in errors
/// about the user's model; invalid ops and broken contracts are the compiler's at every stage.
static bool isCompilerFault(ModuleOp module, Stage failed) {
  ScopedDiagnosticHandler quiet(module.getContext(), [](Diagnostic &) { return success(); });
  return failed > Stage::Autodiff || module->hasAttr(brokenContractAttr) || mlir::failed(verify(module));
}

LogicalResult nf::runStages(ModuleOp module, Stage first, Stage last, const PipelineOptions &options,
                            StringRef reproducer, function_ref<void(Stage, double)> observe) {
  OwningOpRef<ModuleOp> original(reproducer.empty() ? ModuleOp() : module.clone());
  for (Stage stage : stages) {
    if (stage < first || stage > last)
      continue;
    auto start = std::chrono::steady_clock::now();
    if (failed(runStage(module, stage, options))) {
      if (original && isCompilerFault(module, stage))
        writeReproducer(*original, first, stage, options, reproducer);
      return failure();
    }
    if (observe)
      observe(stage, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return success();
}

/// What the programs look like, as passes that nf-opt ran leave no mark.
static Stage firstStageByContent(ModuleOp module) {
  bool forward = false, planned = false;
  for (auto program : module.getOps<ProgramOp>()) {
    planned |= program->hasAttr("transient_bytes");
    forward |= program.getSymName() == "forward" ||
               (program.getSymName() == "forward_backward" && !program.findArgument("accumulate"));
  }
  return planned ? Stage::Lower : forward ? Stage::Raise : Stage::Fuse;
}

Stage nf::firstStageOf(ModuleOp module) {
  Stage byContent = firstStageByContent(module);
  auto name = module->getAttrOfType<StringAttr>(stageAttr);
  auto marked = name ? parseStage(name.getValue()) : std::nullopt;
  if (!marked || *marked == Stage::Obj)
    return byContent;
  Stage next = stages[static_cast<size_t>(*marked) + 1];
  // Gradients do not show which of the stages before fuse have followed.
  return byContent == Stage::Fuse && next > Stage::Autodiff ? next : std::max(byContent, next);
}

Stage nf::stageBefore(ModuleOp module, Stage first) {
  bool isUnmarkedTraining = first == Stage::Fuse && !module->hasAttr(stageAttr);
  return isUnmarkedTraining ? Stage::Autodiff : stages[static_cast<size_t>(first) - 1];
}

LogicalResult nf::verifyStage(ModuleOp module, Stage stage) {
  PassManager manager(module.getContext());
  VerifyStageOptions verify;
  verify.stage = stageName(stage);
  manager.addPass(createVerifyStage(verify));
  return manager.run(module);
}

namespace {
struct StageOptions : PassPipelineOptions<StageOptions> {
  Option<unsigned> vectorBits{*this, "vector-bits", llvm::cl::desc("width of the target's vectors"),
                              llvm::cl::init(PipelineOptions().vectorBits)};
  Option<std::string> target{*this, "target", llvm::cl::desc("cpu, cuda or cuda-emulated"), llvm::cl::init("cpu")};
  Option<bool> remarks{*this, "remarks", llvm::cl::desc("one remark a fused region"), llvm::cl::init(false)};
  Option<bool> bf16{*this, "bf16", llvm::cl::desc("the target converts and multiplies bf16"), llvm::cl::init(false)};
  Option<std::string> fold{*this, "fold", llvm::cl::desc("auto: where it pays; all: wherever it is exact; none"),
                           llvm::cl::init("auto")};
  Option<bool> foldRemarks{*this, "fold-remarks", llvm::cl::desc("what was folded, and what not and why"),
                           llvm::cl::init(false)};
  Option<unsigned> recomputeSteps{*this, "recompute-steps", llvm::cl::desc("steps of nf-recompute to save memory"),
                                  llvm::cl::init(0)};
  ListOption<std::string> freeze{*this, "freeze", llvm::cl::desc("patterns of parameters that are not trained")};
  ListOption<std::string> trainOnly{*this, "train-only", llvm::cl::desc("patterns of the parameters that are trained")};
  Option<bool> checkKernels{*this, "check-kernels", llvm::cl::desc("an emulated GPU refuses mistakes of its kernels"),
                            llvm::cl::init(false)};
  Option<bool> verify{*this, "verify", llvm::cl::desc("check what the stage leaves (nf-verify-stage)"),
                      llvm::cl::init(true)};
};
} // namespace

void nf::registerStagePipelines() {
  for (Stage stage : stages)
    PassPipelineRegistration<StageOptions>(
        ("nf-stage-" + stageName(stage)).str(), ("the passes of stage " + stageName(stage)).str(),
        [stage](OpPassManager &pm, const StageOptions &options) {
          // A word that is no mode folds nothing: nf-opt has no way to refuse it here, nf-compile does.
          FoldMode fold = parseFoldMode(options.fold.getValue()).value_or(FoldMode::None);
          PipelineOptions pipeline = {options.vectorBits, options.bf16, options.remarks,
                                      options.verify,     fold,         options.foldRemarks};
          pipeline.recomputeSteps = options.recomputeSteps;
          pipeline.freeze.assign(options.freeze.begin(), options.freeze.end());
          pipeline.trainOnly.assign(options.trainOnly.begin(), options.trainOnly.end());
          pipeline.checkKernels = options.checkKernels;
          pipeline.target = parseTarget(options.target.getValue()).value_or(Target::Cpu);
          buildStage(stage, pm, pipeline);
        });
}
