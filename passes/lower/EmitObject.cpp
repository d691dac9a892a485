//===- EmitObject.cpp - LLVM dialect -> object file ------------------------------------------===//
//
// 1. Translate to LLVM IR, named without a path so that folders leave no trace.
// 2. Mark functions and float operations for the target.
// 3. LLVM's O3 pipeline, then its code generator.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/lower/EmitObject.h"
#include "passes/lower/Optimize.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace nf;

static const llvm::Target *nativeTarget(const std::string &triple) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  std::string error;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(llvm::Triple(triple), error);
  if (!target)
    llvm::report_fatal_error(llvm::Twine("LLVM was built without its host's code generator: ") + error);
  return target;
}

/// Features that plain code turns into instructions of their own. The others (key lockers, cache hints, tuning) are
/// never used by the code generator, so a machine may lack them.
static bool changesGeneratedCode(StringRef feature) {
  static constexpr StringLiteral prefixes[] = {"avx", "sse", "ssse", "fma", "bmi", "f16c"};
  static constexpr StringLiteral names[] = {"adx",    "aes",  "cmov", "cx8",   "cx16", "gfni",       "lzcnt", "movbe",
                                            "popcnt", "vaes", "tbm",  "crc32", "xop",  "vpclmulqdq", "pclmul"};
  return llvm::any_of(prefixes, [&](StringRef prefix) { return feature.starts_with(prefix); }) ||
         llvm::is_contained(names, feature);
}

/// The features of this machine that differ from what LLVM knows of its name (a virtual machine may hide some).
static std::string hostFeatureString() {
  std::vector<std::string> parts;
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    parts.push_back((feature.second ? "+" : "-") + feature.first().str());
  llvm::sort(parts, [](StringRef a, StringRef b) { return a.drop_front() < b.drop_front(); });
  return llvm::join(parts, ",");
}

llvm::Expected<CpuTarget> nf::resolveCpu(StringRef name) {
  CpuTarget result;
  result.triple = llvm::sys::getDefaultTargetTriple();
  result.cpu = name == "host" ? llvm::sys::getHostCPUName().str() : name.str();
  if (name == "host")
    result.featureString = hostFeatureString();
  const llvm::Target *target = nativeTarget(result.triple);
  llvm::Triple triple(result.triple);
  // An unknown name would only print a warning.
  std::unique_ptr<llvm::MCSubtargetInfo> generic(target->createMCSubtargetInfo(triple, "", ""));
  if (name == "help" || !generic->isCPUStringValid(result.cpu))
    return llvm::createStringError("expected host or a processor that LLVM knows, such as x86-64-v2, x86-64-v3, "
                                   "x86-64-v4, haswell, skylake-avx512, znver4, but got " +
                                   name);
  std::unique_ptr<llvm::MCSubtargetInfo> info(target->createMCSubtargetInfo(triple, result.cpu, result.featureString));
  if (!info->checkFeatures("+64bit"))
    return llvm::createStringError("expected a processor with 64 bits, such as x86-64-v2, but got " + name);
  for (const llvm::SubtargetFeatureKV &feature : info->getEnabledProcessorFeatures())
    if (changesGeneratedCode(feature.Key))
      result.features.push_back(feature.Key);
  llvm::sort(result.features);
  auto has = [&](const char *feature) { return info->checkFeatures(std::string("+") + feature); };
  bool zmm = has("avx512f") && has("avx512dq") && has("avx512bw") && has("avx512vl") && !has("prefer-256-bit");
  result.vectorBits = zmm ? 512 : has("avx2") ? 256 : 128;
  result.bf16 = zmm && has("avx512bf16");
  return result;
}

static std::unique_ptr<llvm::TargetMachine> createMachine(const CpuTarget &target) {
  llvm::TargetOptions options;
  options.UniqueSectionNames = false;
  return std::unique_ptr<llvm::TargetMachine>(
      nativeTarget(target.triple)
          ->createTargetMachine(llvm::Triple(target.triple), target.cpu, target.featureString, options,
                                llvm::Reloc::PIC_, std::nullopt,
                                target.optimize ? llvm::CodeGenOptLevel::Aggressive : llvm::CodeGenOptLevel::None));
}

/// Vectors up to the target's width are legal and preferred.
static void markForTarget(llvm::Module &module, const CpuTarget &target) {
  std::string width = std::to_string(target.vectorBits);
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("prefer-vector-width", width);
    function.addFnAttr("min-legal-vector-width", width);
  }
}

FailureOr<SmallVector<char, 0>> nf::emitObject(ModuleOp module, const CpuTarget &target) {
  mlir::registerBuiltinDialectTranslation(*module.getContext());
  mlir::registerLLVMDialectTranslation(*module.getContext());
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> llvmModule = translateModuleToLLVMIR(module, context, "nf");
  if (!llvmModule)
    return module.emitError() << "expected a module of the LLVM dialect alone";
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(target);
  llvmModule->setSourceFileName("nf");
  llvmModule->setTargetTriple(llvm::Triple(target.triple));
  llvmModule->setDataLayout(machine->createDataLayout());
  markForTarget(*llvmModule, target);
  allowContraction(*llvmModule);
  optimize(*llvmModule, *machine, target.optimize);

  SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return module.emitError() << "expected a target that can write object files, but got " << target.triple;
  passes.run(*llvmModule);
  return object;
}
