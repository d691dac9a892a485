//===- VerifyStage.cpp - what may leave each stage -------------------------------------------===//
//
// The contracts of docs/compiler.md. A check reports every op that breaks one, with the pass that should have seen to
// it; the last check of every stage counts ops without a location.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/Passes.h"
#include "passes/Pipelines.h"
#include "passes/autodiff/WeightOnly.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSwitch.h"

namespace nf {
#define GEN_PASS_DEF_VERIFYSTAGE
#include "passes/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static bool isOnTensors(Operation *op) {
  auto isTensor = [](Type type) { return isa<TensorType>(type); };
  return llvm::all_of(op->getOperandTypes(), isTensor) && llvm::all_of(op->getResultTypes(), isTensor);
}

static bool hasTensor(Operation *op) {
  auto isTensor = [](Type type) { return isa<TensorType>(type); };
  return llvm::any_of(op->getOperandTypes(), isTensor) || llvm::any_of(op->getResultTypes(), isTensor);
}

/// Ops that move elements, which plan turns into views and copies.
static bool isMovement(Operation *op) { return isa<ReshapeOp, SliceOp, PadOp, TransposeOp, BroadcastOp, ConcatOp>(op); }

/// The pass that makes kernels of a planned op.
static StringRef loweringPassOf(Operation *op) {
  return llvm::StringSwitch<StringRef>(op->getName().getStringRef())
      .Case("nf.copy", "nf-lower-copy")
      .Case("nf.fused", "nf-lower-fused")
      .Case("nf.matmul", "nf-lower-matmul")
      .Cases({"nf.attention", "nf.attention_backward"}, "nf-lower-attention")
      .Case("nf.scatter_add", "nf-lower-scatter-add")
      .Default("a pass of stage lower");
}

namespace {
class Contract {
public:
  Contract(ModuleOp module, Stage stage) : module(module), stage(stage), symbols(module) {
    for (auto state : module.getOps<StateOp>())
      kindsOfStates[state.getParameter()] |= bitOf(state.getKind());
  }

  /// Whether the module keeps the contract of the stage, after errors where it does not.
  bool holds() {
    switch (stage) {
    case Stage::Import:
    case Stage::Raise:
    case Stage::Fold:
      checkTensorPrograms(/*isTrained=*/false);
      break;
    case Stage::Autodiff:
      checkTensorPrograms(/*isTrained=*/true);
      checkTraining();
      break;
    case Stage::Hoist:
    case Stage::Recompute:
    case Stage::Distribute:
      checkTensorPrograms(/*isTrained=*/true);
      checkTraining();
      checkHoisted();
      break;
    case Stage::Fuse:
      checkFused();
      break;
    case Stage::Plan:
      checkPlanned();
      break;
    case Stage::Lower:
      checkLowered();
      break;
    case Stage::Llvm:
      checkLlvm();
      break;
    case Stage::Obj:
      return true;
    }
    checkLocations();
    return isKept;
  }

private:
  /// Begins the report of an op that should not be there, or not as it is.
  InFlightDiagnostic refuse(Operation *op) {
    isKept = false;
    return op->emitOpError() << "may not leave stage " << stageName(stage) << ": ";
  }

  static uint32_t bitOf(StateKind kind) { return 1u << static_cast<uint32_t>(kind); }

  bool hasState(ParameterOp parameter, StateKind kind) const {
    return kindsOfStates.lookup(parameter.getSymName()) & bitOf(kind);
  }

  void checkModuleLevel(function_ref<bool(Operation *)> isAllowed, StringRef expected) {
    for (Operation &op : *module.getBody())
      if (!isAllowed(&op))
        refuse(&op) << "expected " << expected << " at the top of the module";
  }

  void forEachOp(function_ref<void(Operation *)> check) {
    for (auto program : module.getOps<ProgramOp>())
      for (Operation &op : program.getBody().front())
        check(&op);
  }

  //===----------------------------------------------------------------------------------------===//
  // Tensors: import to distribute
  //===----------------------------------------------------------------------------------------===//

  void checkTensorPrograms(bool isTrained) {
    checkModuleLevel([&](Operation *op) { return isa<ParameterOp, ProgramOp>(op) || (isTrained && isa<StateOp>(op)); },
                     isTrained ? "parameters, states and programs" : "parameters and programs");
    forEachOp([&](Operation *op) {
      if (!isa<NFDialect>(op->getDialect()))
        refuse(op) << "expected ops of the nf dialect only";
      else if (isa<FusedOp, BufferOp, NumberOp, CopyOp, LaunchOp>(op) || !isOnTensors(op))
        refuse(op) << "expected composite and primitive ops on tensors; fused regions and buffers come from stages "
                      "fuse and plan";
      else if (!isTrained && isa<SetOp, AccumulateOp>(op))
        refuse(op) << "expected programs that only read; nf-differentiate and nf-append-update write states";
    });
  }

  void checkTraining() {
    if (module->hasAttr("nf.reduction_slots"))
      refuse(module) << "nf-append-combine should have used up nf.reduction_slots";
    if (auto unfold = symbols.lookup<ProgramOp>("unfold_gradients"))
      refuse(unfold) << "nf-append-update should have made it part of the program update";
    auto program = symbols.lookup<ProgramOp>("forward_backward");
    if (!program)
      return;
    if (!program.findArgument("accumulate"))
      refuse(program) << "nf-differentiate should have appended the backward half and the argument accumulate";
    for (Operation &op : program.getBody().front()) {
      if (isa<LinearCrossEntropyOp>(op))
        refuse(&op) << "nf-differentiate should have replaced it by the loss with its gradients";
      auto get = dyn_cast<GetOp>(op);
      auto parameter = get ? symbols.lookup<ParameterOp>(get.getSymbol()) : ParameterOp();
      bool isRead = parameter && parameter.getTrainable() && !get->use_empty();
      // A parameter that is only folded into weights has moments, but no gradient state of its own.
      if (isRead && !hasState(parameter, StateKind::Gradient) && !hasState(parameter, StateKind::Moment1))
        refuse(&op) << "nf-differentiate should have made a gradient state of @" << parameter.getSymName();
    }
    for (auto state : module.getOps<StateOp>()) {
      auto parameter = symbols.lookup<ParameterOp>(state.getParameter());
      bool isUpdated = hasState(parameter, StateKind::Moment1) && hasState(parameter, StateKind::Moment2) &&
                       symbols.lookup<ProgramOp>("update");
      if (state.getKind() == StateKind::Gradient && !isUpdated)
        refuse(state) << "nf-append-update should have made moments and the program update for it";
    }
  }

  /// What parameters alone decide is computed in update and prepare_weights only, and read as a state elsewhere. Rows
  /// that are computed again are in primitives already, which repeat a head's factor over its columns.
  void checkHoisted() {
    for (auto program : module.getOps<ProgramOp>()) {
      if (program.getSymName() == "update" || program.getSymName() == "prepare_weights")
        continue;
      for (Value value : WeightOnly(symbols, program).frontier())
        if (!value.getDefiningOp()->hasAttr("nf.again"))
          refuse(value.getDefiningOp())
              << "nf-hoist-weight-only should have made a state of what depends on parameters alone";
    }
  }

  //===----------------------------------------------------------------------------------------===//
  // Kernels: fuse to llvm
  //===----------------------------------------------------------------------------------------===//

  void checkFused() {
    checkModuleLevel([](Operation *op) { return isa<ParameterOp, StateOp, ProgramOp>(op); },
                     "parameters, states and programs");
    forEachOp([&](Operation *op) {
      if (isa<GetOp, SetOp, AccumulateOp, ReturnOp>(op) || isMovement(op))
        return;
      if (isa<KernelOpInterface>(op) && isOnTensors(op))
        return;
      if (isa<LinearCrossEntropyOp, LinearCrossEntropyBackwardOp>(op))
        refuse(op) << "nf-expand-loss should have written it in chunks of rows";
      else if (isa<DecomposableOpInterface>(op))
        refuse(op) << "nf-prepare-fusion should have written it in primitives";
      else if (isa<RowWiseOpInterface>(op))
        refuse(op) << "nf-fuse-rows should have put it into a region";
      else
        refuse(op) << "expected kernels on tensors, movement and access to states";
    });
  }

  void checkPlanned() {
    if (!module->hasAttr("nf.persistent_bytes"))
      refuse(module) << "nf-plan-memory should have given it nf.persistent_bytes";
    checkModuleLevel([](Operation *op) { return isa<ParameterOp, StateOp, ProgramOp>(op); },
                     "parameters, states and programs");
    for (Operation &op : *module.getBody())
      if (isa<ParameterOp, StateOp>(op) && !op.hasAttr("offset"))
        refuse(&op) << "nf-plan-memory should have given it an offset";
    for (auto program : module.getOps<ProgramOp>())
      if (program.getNumArguments() || !program->hasAttr("transient_bytes") || !program->hasAttr("nf.arguments"))
        refuse(program) << "nf-plan-memory should have placed its arguments (transient_bytes, nf.arguments)";
    forEachOp([&](Operation *op) {
      if (hasTensor(op))
        refuse(op) << "nf-plan-memory should have given its tensors buffers";
      else if (!isa<BufferOp, CopyOp, ReturnOp, KernelOpInterface>(op))
        refuse(op) << "expected buffers, copies that nf-plan-memory made, and kernels on buffers";
    });
  }

  void checkLowered() {
    checkModuleLevel(
        [](Operation *op) { return isa<ParameterOp, StateOp, ProgramOp, func::FuncOp, gpu::GPUModuleOp>(op); },
        "parameters, states, programs and kernels");
    forEachOp([&](Operation *op) {
      if (!isa<BufferOp, NumberOp, LaunchOp, ReturnOp>(op))
        refuse(op) << loweringPassOf(op) << " should have made a launch of it";
    });
    for (auto kernel : module.getOps<func::FuncOp>())
      checkKernel(kernel, {"arith", "func", "index", "llvm", "math", "memref", "scf", "vector"});
    for (auto kernels : module.getOps<gpu::GPUModuleOp>())
      for (Operation &kernel : *kernels.getBody())
        checkKernel(&kernel, {"arith", "llvm", "math", "nvvm", "scf", "vector"});
  }

  void checkKernel(Operation *kernel, std::initializer_list<StringRef> dialects) {
    kernel->walk([&](Operation *op) {
      if (isa<memref::AllocOp, memref::AllocaOp, memref::DeallocOp, memref::CopyOp>(op))
        refuse(op) << "kernels have their buffers and scratch only";
      else if (!llvm::is_contained(dialects, op->getName().getDialectNamespace()) || hasTensor(op))
        refuse(op) << "expected a kernel of vectors, scalars and buffers";
    });
  }

  void checkLlvm() {
    module->walk([&](Operation *op) {
      if (op == module || isa<LLVM::LLVMDialect>(op->getDialect()))
        return;
      if (isa<ProgramOp, BufferOp, NumberOp, LaunchOp, ReturnOp>(op))
        refuse(op) << "nf-lower-programs should have made a list of launches of the program";
      else if (isa<ParameterOp, StateOp>(op))
        refuse(op) << "nf-emit-table should have made an entry of nf_program_table of it";
      else
        refuse(op) << "a conversion of stage llvm should have replaced it";
    });
    auto table = symbols.lookup<LLVM::GlobalOp>("nf_program_table");
    if (!table)
      refuse(module) << "nf-emit-table should have written nf_program_table";
  }

  //===----------------------------------------------------------------------------------------===//
  // Every stage
  //===----------------------------------------------------------------------------------------===//

  /// An op without a location has no place to be reported at: they are counted by name and function.
  void checkLocations() {
    llvm::MapVector<std::pair<StringRef, StringRef>, int64_t> unknown;
    int64_t total = 0;
    module->walk([&](Operation *op) {
      if (!isa<UnknownLoc>(op->getLoc()))
        return;
      auto symbol = op == module ? StringAttr() : symbolAround(op);
      ++unknown[{op->getName().getStringRef(), symbol ? symbol.getValue() : "the module"}];
      ++total;
    });
    if (!total)
      return;
    isKept = false;
    auto error = module.emitError() << "expected every op to have a location after stage " << stageName(stage)
                                    << ", but got " << total << " without: ";
    StringRef separator;
    for (auto &[where, count] : unknown) {
      error << separator << count << " '" << where.first << "' in " << where.second;
      separator = ", ";
    }
  }

  StringAttr symbolAround(Operation *op) {
    while (op->getParentOp() != module)
      op = op->getParentOp();
    return op->getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName());
  }

  ModuleOp module;
  Stage stage;
  SymbolTable symbols;
  llvm::StringMap<uint32_t> kindsOfStates; // of each parameter, as bits
  bool isKept = true;
};

struct VerifyStage : nf::impl::VerifyStageBase<VerifyStage> {
  using VerifyStageBase::VerifyStageBase;

  void runOnOperation() override {
    std::optional<Stage> named = parseStage(stage);
    if (!named) {
      getOperation().emitError() << "expected the name of a stage in nf-verify-stage=stage=, but got '" << stage << "'";
      return signalPassFailure();
    }
    if (Contract(getOperation(), *named).holds())
      return;
    getOperation()->setAttr(brokenContractAttr, UnitAttr::get(&getContext()));
    signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
