//===- EmbedGpu.cpp - GPU kernels become code in the module's data ---------------------------===//
//
// Before → after in Passes.td.
//
// 1. PTX for the capabilities 80 and 90, which the driver compiles for any GPU from these on.
// 2. Where ptxas is given, a cubin for each processor that is asked for, and what it says of registers.
// 3. Every image becomes a global of bytes, the list of them the module's `nf.gpu_images`.
// 4. The kernel's function in the host module keeps what its launches need to know: shared memory and registers.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/gpu/CudaTools.h"
#include "passes/gpu/EmitPtx.h"
#include "passes/gpu/Passes.h"
#include "passes/gpu/SharedLayout.h"
#include "passes/lower/LlvmBuilder.h"
#include "runtime/abi/nf_gpu.h"

namespace nf {
#define GEN_PASS_DEF_EMBEDGPU
#include "passes/gpu/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// That every driver of CUDA 12 and later takes, on every GPU that kernels are generated for.
static constexpr StringLiteral genericArchs[] = {"sm_80", "sm_90"};

namespace {
struct EmbedGpu : nf::impl::EmbedGpuBase<EmbedGpu> {
  using EmbedGpuBase::EmbedGpuBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto kernels = module.lookupSymbol<gpu::GPUModuleOp>(gpuModuleName);
    if (!kernels)
      return;
    registers.clear();
    ptxs.clear();
    LlvmBuilder b(module);
    SmallVector<Attribute> images;
    bool isDone = true;
    for (StringRef arch : genericArchs)
      isDone &= succeeded(embedPtx(b, kernels, arch, images));
    if (!ptxas.empty())
      for (const std::string &arch : cubins)
        isDone &= succeeded(embedCubin(b, kernels, arch, images));
    if (!isDone)
      return signalPassFailure();
    module->setAttr(gpuImagesAttribute, b.getArrayAttr(images));
    for (auto host : module.getOps<LLVM::LLVMFuncOp>())
      if (host->hasAttr(gpuThreadsAttribute))
        describe(b, host, kernels.lookupSymbol<LLVM::LLVMFuncOp>(host.getSymName()));
    kernels.erase();
  }

  LogicalResult embedPtx(LlvmBuilder &b, gpu::GPUModuleOp kernels, StringRef name, SmallVectorImpl<Attribute> &images) {
    GpuArch arch = *parseGpuArch(name);
    FailureOr<StringRef> ptx = ptxOf(kernels, arch);
    if (failed(ptx))
      return failure();
    embed(b, arch, NF_IMAGE_PTX, (*ptx + Twine('\0')).str(), images);
    return success();
  }

  LogicalResult embedCubin(LlvmBuilder &b, gpu::GPUModuleOp kernels, StringRef name,
                           SmallVectorImpl<Attribute> &images) {
    std::optional<GpuArch> arch = parseGpuArch(name);
    if (!arch)
      return getOperation().emitError() << "expected " << gpuArchNames() << ", but got " << name;
    FailureOr<StringRef> ptx = ptxOf(kernels, *arch);
    if (failed(ptx))
      return failure();
    llvm::Expected<Cubin> cubin = assemblePtx(ptxas, *ptx, arch->chip);
    if (!cubin)
      return getOperation().emitError() << llvm::toString(cubin.takeError());
    for (auto &[kernel, count] : cubin->registers)
      registers[kernel] = std::max(registers[kernel], count);
    embed(b, *arch, NF_IMAGE_CUBIN, cubin->bytes, images);
    return success();
  }

  /// Made once for an image of PTX and a cubin of the same processor.
  FailureOr<StringRef> ptxOf(gpu::GPUModuleOp kernels, const GpuArch &arch) {
    auto found = ptxs.find(arch.chip);
    if (found != ptxs.end())
      return StringRef(found->second);
    FailureOr<std::string> ptx = emitPtx(kernels, arch);
    if (failed(ptx))
      return failure();
    return StringRef(ptxs[arch.chip] = *ptx);
  }

  void embed(LlvmBuilder &b, const GpuArch &arch, nf_gpu_image_kind kind, StringRef bytes,
             SmallVectorImpl<Attribute> &images) {
    std::string symbol = (arch.chip + (kind == NF_IMAGE_PTX ? ".ptx" : ".cubin"));
    b.text(symbol, bytes).setAlignment(64);
    images.push_back(b.getDictionaryAttr({b.getNamedAttr("symbol", b.getStringAttr(symbol)),
                                          b.getNamedAttr("kind", b.getI64IntegerAttr(kind)),
                                          b.getNamedAttr("capability", b.getI64IntegerAttr(arch.capability())),
                                          b.getNamedAttr("is_exact", b.getI64IntegerAttr(arch.isExact())),
                                          b.getNamedAttr("size", b.getI64IntegerAttr(bytes.size()))}));
  }

  void describe(LlvmBuilder &b, LLVM::LLVMFuncOp host, LLVM::LLVMFuncOp kernel) {
    if (int64_t bytes = layOutShared(kernel).bytes)
      host->setAttr(gpuSharedAttribute, b.getI64IntegerAttr(bytes));
    if (int64_t count = registers.lookup(host.getSymName()))
      host->setAttr(gpuRegistersAttribute, b.getI64IntegerAttr(count));
  }

  llvm::StringMap<std::string> ptxs;  ///< by processor
  llvm::StringMap<int64_t> registers; ///< the most of any processor, by kernel
};
} // namespace
