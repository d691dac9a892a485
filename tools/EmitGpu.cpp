//===- EmitGpu.cpp - the kernels of a GPU as text --------------------------------------------===//
#include "tools/EmitGpu.h"
#include "passes/Pipelines.h"
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
      .Default(std::nullopt);
}

std::optional<std::string> nf::gpuText(ModuleOp module, GpuForm form, StringRef arch) {
  std::optional<GpuArch> processor = parseGpuArch(arch);
  if (!processor) {
    fmt::print(stderr, "--arch={}: error: expected {}, but got {}\n", arch.str(), gpuArchNames().str(), arch.str());
    return std::nullopt;
  }
  if (failed(lowerToNvvm(module)))
    return std::nullopt;
  auto kernels = module.lookupSymbol<gpu::GPUModuleOp>(gpuModuleName);
  if (!kernels) // nothing to run on a GPU
    return "";
  if (form == GpuForm::Ptx) {
    FailureOr<std::string> ptx = emitPtx(kernels, *processor);
    return succeeded(ptx) ? std::optional(*ptx) : std::nullopt;
  }
  std::string text;
  llvm::raw_string_ostream(text) << kernels << "\n";
  return text;
}
