//===- Pipelines.cpp - the only place that orders passes ---------------------------------------------------------------------===//
#include "passes/Pipelines.h"
#include "passes/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace nf;

static constexpr Stage stages[] = {Stage::Import,  Stage::Raise,     Stage::Fold,       Stage::Autodiff,
                                   Stage::Hoist,   Stage::Recompute, Stage::Distribute, Stage::Fuse,
                                   Stage::Plan,    Stage::Lower,     Stage::Llvm,       Stage::Obj};
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

ArrayRef<Stage> nf::allStages() { return stages; }

static void buildAutodiff(OpPassManager &pm) {
  pm.addPass(createDifferentiate());
  pm.addPass(createAppendUpdate());
  pm.addPass(createCanonicalizerPass()); // gradients of broadcasts and reshapes cancel
  pm.addPass(createCSEPass());           // gradient rules compute again what forward has
}

static void buildLower(OpPassManager &pm, const PipelineOptions &options) {
  // Copies first: they make the views that other launches could share.
  pm.addPass(createLowerCopy());
  LowerFusedOptions fused;
  fused.vectorWidth = options.vectorBits / 32;
  pm.addPass(createLowerFused(fused));
  pm.addPass(createLowerMatmul());
  pm.addPass(createLowerScatterAdd());
}

static void buildLlvm(OpPassManager &pm) {
  pm.addPass(createKernelSignatures());           // bare pointers need static sizes
  pm.addPass(createCanonicalizerPass());          // index arithmetic of tasks folds where tiles divide
  pm.addPass(createCSEPass());
  pm.addPass(createConvertVectorToSCFPass());     // transfers without a vector instruction
  pm.addPass(memref::createExpandStridedMetadataPass()); // views become arithmetic
  pm.addPass(createLowerAffinePass());            // … which the expansion writes in affine
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertVectorToLLVMPass());    // before arith and func: it unrolls vectors of higher rank
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  ConvertFuncToLLVMPassOptions func;
  func.useBarePtrCallConv = true;                 // a kernel is called with addresses, as nf_kernel says
  pm.addPass(createConvertFuncToLLVMPass(func));
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCanonicalizerPass());          // descriptors of static buffers vanish
  pm.addPass(createCSEPass());
  pm.addPass(createLowerPrograms());              // needs the kernels' final signatures
  pm.addPass(createEmitTable());                  // needs the programs' functions
}

void nf::buildStage(Stage stage, OpPassManager &pm, const PipelineOptions &options) {
  switch (stage) {
  case Stage::Autodiff:
    return buildAutodiff(pm);
  case Stage::Lower:
    return buildLower(pm, options);
  case Stage::Llvm:
    return buildLlvm(pm);
  case Stage::Import:
  case Stage::Raise:
  case Stage::Fold:
  case Stage::Hoist:
  case Stage::Recompute:
  case Stage::Distribute:
  case Stage::Fuse:
  case Stage::Plan:
  case Stage::Obj:
    return;
  }
}

Stage nf::firstStageOf(ModuleOp module) {
  bool forward = false, planned = false;
  for (auto program : module.getOps<ProgramOp>()) {
    planned |= program->hasAttr("transient_bytes");
    forward |= program.getSymName() == "forward_backward" && !program.findArgument("accumulate");
  }
  return planned ? Stage::Lower : forward ? Stage::Raise : Stage::Fuse;
}

namespace {
struct StageOptions : PassPipelineOptions<StageOptions> {
  Option<unsigned> vectorBits{*this, "vector-bits", llvm::cl::desc("width of the target's vectors"),
                              llvm::cl::init(PipelineOptions().vectorBits)};
};
} // namespace

void nf::registerStagePipelines() {
  for (Stage stage : stages)
    PassPipelineRegistration<StageOptions>(
        ("nf-stage-" + stageName(stage)).str(), ("the passes of stage " + stageName(stage)).str(),
        [stage](OpPassManager &pm, const StageOptions &options) { buildStage(stage, pm, {options.vectorBits}); });
}
