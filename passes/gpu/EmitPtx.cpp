//===- EmitPtx.cpp - GPU kernels -> PTX ------------------------------------------------------===//
//
// 1. Translate to LLVM IR, named without a path so that folders leave no trace.
// 2. LLVM's O3 pipeline, then its NVPTX code generator.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/gpu/EmitPtx.h"
#include "passes/lower/Optimize.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace nf;

std::optional<GpuArch> nf::parseGpuArch(StringRef arch) {
  return llvm::StringSwitch<std::optional<GpuArch>>(arch)
      .Case("sm_80", GpuArch{"sm_80", "+ptx80"})
      .Case("sm_90", GpuArch{"sm_90", "+ptx80"})
      .Case("sm_90a", GpuArch{"sm_90a", "+ptx80"})
      .Default(std::nullopt);
}

int64_t GpuArch::capability() const {
  int64_t number = 0;
  StringRef(chip).drop_front(StringRef("sm_").size()).consumeInteger(10, number);
  return number;
}

StringRef nf::gpuArchNames() { return "sm_80, sm_90 or sm_90a"; }

static std::unique_ptr<llvm::TargetMachine> createMachine(const GpuArch &arch) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string error;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    llvm::report_fatal_error(llvm::Twine("LLVM was built without NVIDIA's code generator: ") + error);
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, arch.chip, arch.features, {}, std::nullopt, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

FailureOr<std::string> nf::emitPtx(gpu::GPUModuleOp module, const GpuArch &arch) {
  MLIRContext &mlirContext = *module.getContext();
  registerBuiltinDialectTranslation(mlirContext);
  registerGPUDialectTranslation(mlirContext);
  registerLLVMDialectTranslation(mlirContext);
  registerNVVMDialectTranslation(mlirContext);
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> llvmModule = translateModuleToLLVMIR(module, context, "nf");
  if (!llvmModule)
    return module.emitError() << "expected kernels of the dialects llvm and nvvm alone";
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(arch);
  llvmModule->setSourceFileName("nf");
  llvmModule->setTargetTriple(machine->getTargetTriple());
  llvmModule->setDataLayout(machine->createDataLayout());
  allowContraction(*llvmModule);
  optimize(*llvmModule, *machine);

  SmallVector<char, 0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::AssemblyFile))
    return module.emitError() << "expected a code generator that can write PTX";
  passes.run(*llvmModule);
  return std::string(text.begin(), text.end());
}
