//===- EmitGpu.cpp - GPUs, and their kernels in the forms that --emit writes -----------------===//
#include "tools/EmitGpu.h"
#include "passes/Pipelines.h"
#include "passes/gpu/CudaTools.h"
#include "passes/gpu/EmitPtx.h"
#include "passes/gpu/Passes.h"

#include "llvm/ADT/StringSwitch.h"

#include <fmt/format.h>

using namespace mlir;
using namespace nf;

std::optional<GpuForm> nf::parseGpuForm(StringRef name) {
  return llvm::StringSwitch<std::optional<GpuForm>>(name)
      .Case("nvvm", GpuForm::Nvvm)
      .Case("ptx", GpuForm::Ptx)
      .Case("cubin", GpuForm::Cubin)
      .Case("sass", GpuForm::Sass)
      .Default(std::nullopt);
}

/// The first of these tools of the CUDA toolkit that is there.
static std::optional<std::string> requireTool(ArrayRef<StringRef> names, StringRef form) {
  for (StringRef name : names)
    if (auto tool = findCudaTool(name))
      return tool;
  fmt::print(stderr, "--emit={}: error: expected {} of the CUDA toolkit in $CUDA_HOME/bin or $PATH, but got none\n",
             form.str(), llvm::join(names, " or "));
  return std::nullopt;
}

static std::optional<std::string> valueOf(llvm::Expected<std::string> text) {
  if (text)
    return *text;
  fmt::print(stderr, "{}\n", llvm::toString(text.takeError()));
  return std::nullopt;
}

/// PTX, and what the toolkit makes of it.
static std::optional<std::string> codeOf(gpu::GPUModuleOp kernels, GpuForm form, const GpuArch &processor) {
  FailureOr<std::string> ptx = emitPtx(kernels, processor);
  if (failed(ptx))
    return std::nullopt;
  if (form == GpuForm::Ptx)
    return *ptx;
  StringRef name = form == GpuForm::Cubin ? "cubin" : "sass";
  std::optional<std::string> ptxas = requireTool({"ptxas"}, name);
  if (!ptxas)
    return std::nullopt;
  llvm::Expected<Cubin> cubin = assemblePtx(*ptxas, *ptx, processor.chip);
  if (!cubin)
    return valueOf(cubin.takeError());
  if (form == GpuForm::Cubin)
    return cubin->bytes;
  std::optional<std::string> disassembler = requireTool({"nvdisasm", "cuobjdump"}, name);
  return disassembler ? valueOf(disassembleCubin(*disassembler, cubin->bytes)) : std::nullopt;
}

/// The processor called `arch`; nothing after an error was printed.
static std::optional<GpuArch> processorOf(StringRef arch) {
  std::optional<GpuArch> processor = parseGpuArch(arch);
  if (!processor)
    fmt::print(stderr, "--arch={}: error: expected {}, but got {}\n", arch.str(), gpuArchNames().str(), arch.str());
  return processor;
}

std::optional<GpuTarget> nf::resolveGpu(ArrayRef<std::string> archs) {
  GpuTarget target;
  bool areKnown = true;
  for (const std::string &arch : archs)
    areKnown &= processorOf(arch).has_value();
  if (!areKnown)
    return std::nullopt;
  std::optional<std::string> ptxas = findCudaTool("ptxas");
  if (!ptxas)
    return target;
  target.ptxas = *ptxas;
  target.cubins = archs.empty() ? std::vector<std::string>{"sm_80", "sm_90a"} : archs.vec();
  return target;
}

std::optional<std::string> nf::gpuText(ModuleOp module, GpuForm form, ArrayRef<std::string> archs) {
  if (archs.size() > 1) {
    fmt::print(stderr, "--arch={}: error: expected one processor to write kernels for, but got {}\n",
               llvm::join(archs, ","), archs.size());
    return std::nullopt;
  }
  std::optional<GpuArch> processor = processorOf(archs.empty() ? "sm_80" : archs.front());
  if (!processor)
    return std::nullopt;
  if (failed(lowerToNvvm(module)))
    return std::nullopt;
  auto kernels = module.lookupSymbol<gpu::GPUModuleOp>(gpuModuleName);
  if (!kernels) // nothing to run on a GPU
    return "";
  if (form != GpuForm::Nvvm)
    return codeOf(kernels, form, *processor);
  std::string text;
  llvm::raw_string_ostream(text) << kernels << "\n";
  return text;
}
