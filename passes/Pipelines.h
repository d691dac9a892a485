//===- Pipelines.h - the only place that orders passes ---------------------------------------===//
#ifndef NF_PASSES_PIPELINES_H
#define NF_PASSES_PIPELINES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

#include <functional>
#include <optional>

namespace nf {

/// The stages of a compilation, in order. Import and obj hold no passes: frontend and emitObject do their work.
enum class Stage { Import, Raise, Fold, Autodiff, Hoist, Recompute, Distribute, Fuse, Plan, Lower, Llvm, Obj };

/// "import", "raise", …
llvm::StringRef stageName(Stage stage);
/// The stage called `name`, or nothing.
std::optional<Stage> parseStage(llvm::StringRef name);
/// All stages in order.
llvm::ArrayRef<Stage> allStages();

/// What of a layer's learned factors and shifts goes into the weights beside them.
enum class FoldMode { Auto, All, None };

/// "auto", "all" or "none" as a mode, or nothing.
std::optional<FoldMode> parseFoldMode(llvm::StringRef name);

/// What runs the kernels: this machine's CPU, an NVIDIA GPU, or one that the CPU emulates.
enum class Target { Cpu, Cuda, CudaEmulated };

/// "cpu", "cuda" or "cuda-emulated" as a target, or nothing.
std::optional<Target> parseTarget(llvm::StringRef name);

struct PipelineOptions {
  unsigned vectorBits = 256;                            ///< width of the target's vectors (CpuTarget)
  bool bf16 = false;                                    ///< the target converts and multiplies bf16 (CpuTarget)
  bool fuseRemarks = false;                             ///< one remark a fused region
  bool verifyStages = true;                             ///< every stage ends with nf-verify-stage
  FoldMode fold = FoldMode::Auto;                       ///< where it pays, wherever it is exact, or nowhere
  bool foldRemarks = false;                             ///< what was folded, and what not and why
  std::vector<std::string> freeze = {}, trainOnly = {}; ///< patterns of parameters (nf-freeze-parameters)
  /// Called on the manager of each stage before it runs, if given: MLIR's own options, where a tool has them.
  std::function<llvm::LogicalResult(mlir::PassManager &)> configure = nullptr;
  unsigned recomputeSteps = 0; ///< of nf-recompute, beyond what is cheaper anyway (fitMemory finds it for a budget)
  Target target = Target::Cpu; ///< whose kernels programs become
  std::vector<std::string> cubins = {}; ///< processors of NVIDIA's that ptxas assembles for
  std::string ptxas = "";               ///< its path; "": PTX alone
  bool raiseRemarks = false;            ///< where attention stays in primitives, and why
  bool checkKernels = false;            ///< kernels of an emulated GPU tell it what they do, and it refuses mistakes
};

/// Adds the passes of one stage to a manager of modules.
void buildStage(Stage stage, mlir::OpPassManager &manager, const PipelineOptions &options);

/// Runs the passes of `first` to `last`. `observe`, if given, is called after each stage with its wall-clock seconds.
/// On failure, after errors, `reproducer` (unless it is empty, or the model was refused) is where the module as it was
/// before the failing stage is written, with the command that shows the failure.
llvm::LogicalResult runStages(mlir::ModuleOp module, Stage first, Stage last, const PipelineOptions &options,
                              llvm::StringRef reproducer = "",
                              llvm::function_ref<void(Stage stage, double seconds)> observe = nullptr);

/// Lowers the GPU kernels of a module that went through stage lower to the dialects llvm and nvvm.
llvm::LogicalResult lowerToNvvm(mlir::ModuleOp module);

/// Notes in `module` that it has been through `stage` (`nf.stage`).
void markStage(mlir::ModuleOp module, Stage stage);

/// The first stage that `module` has not been through: the one after markStage's or, where it is later, lower for
/// planned programs, fuse for other modules with gradients (hoist, if the mark says so) or without a program
/// forward_backward, else raise.
Stage firstStageOf(mlir::ModuleOp module);

/// The stage whose result `module` is, if it begins with `first` (raise or later). Without a mark, fuse may follow on
/// autodiff.
Stage stageBefore(mlir::ModuleOp module, Stage first);

/// Whether `module` is what may leave `stage` (nf-verify-stage), after errors where it is not.
llvm::LogicalResult verifyStage(mlir::ModuleOp module, Stage stage);

/// What nf-verify-stage leaves on a module that breaks a contract.
inline constexpr llvm::StringLiteral brokenContractAttr = "nf.broken_contract";

/// Registers every stage for nf-opt, as --nf-stage-<name>.
void registerStagePipelines();

} // namespace nf

#endif // NF_PASSES_PIPELINES_H
