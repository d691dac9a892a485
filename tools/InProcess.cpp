//===- InProcess.cpp - compiled modules in the compiler's own process ------------------------===//
#include "tools/InProcess.h"
#include "passes/Pipelines.h"
#include "passes/lower/EmitObject.h"
#include "runtime/abi/nf_gpu.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"

using namespace mlir;
using namespace nf;

CompiledModule::CompiledModule(std::unique_ptr<llvm::orc::LLJIT> code, const nf_model *table)
    : code(std::move(code)), table(table) {}

CompiledModule::~CompiledModule() = default;

/// Links an object with the runtime of this process and returns its table.
static llvm::Expected<const nf_model *> load(llvm::orc::LLJIT &code, SmallVector<char, 0> object) {
  using namespace llvm::orc;
  SymbolMap services;
  auto offer = [&](StringRef name, auto *function) {
    services[code.mangleAndIntern(name)] = ExecutorSymbolDef(ExecutorAddr::fromPtr(function), {});
  };
  offer("nf_run", &nf_run);
  offer("nf_gemm_f32", &nf_gemm_f32);
  offer("nf_gpu_run", &nf_gpu_run);
  offer("nf_emulated_thread", &nf_emulated_thread);
  offer("nf_emulated_block", &nf_emulated_block);
  offer("nf_emulated_shared", &nf_emulated_shared);
  offer("nf_emulated_barrier", &nf_emulated_barrier);
  offer("nf_emulated_shuffle", &nf_emulated_shuffle);
  offer("nf_emulated_mma_bf16", &nf_emulated_mma_bf16);
  offer("nf_emulated_ldmatrix", &nf_emulated_ldmatrix);
  offer("nf_emulated_copy_async", &nf_emulated_copy_async);
  offer("nf_emulated_commit_copies", &nf_emulated_commit_copies);
  offer("nf_emulated_wait_copies", &nf_emulated_wait_copies);
  offer("nf_emulated_exp2", &nf_emulated_exp2);
  offer("nf_emulated_ballot", &nf_emulated_ballot);
  offer("nf_emulated_warp_barrier", &nf_emulated_warp_barrier);
  offer("nf_emulated_at", &nf_emulated_at);
  offer("nf_emulated_access", &nf_emulated_access);
  if (llvm::Error error = code.getMainJITDylib().define(absoluteSymbols(std::move(services))))
    return std::move(error);
  auto buffer = std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(object), "nf.o",
                                                                /*RequiresNullTerminator=*/false);
  if (llvm::Error error = code.addObjectFile(std::move(buffer)))
    return std::move(error);
  auto table = code.lookup("nf_program_table");
  if (!table)
    return table.takeError();
  return table->toPtr<const nf_model *>();
}

std::unique_ptr<CompiledModule> nf::compileInProcess(ModuleOp module, const InProcessOptions &how) {
  auto report = [&](llvm::Error error) -> std::unique_ptr<CompiledModule> {
    module.emitError() << llvm::toString(std::move(error));
    return nullptr;
  };
  auto target = resolveCpu(how.cpu);
  if (!target)
    return report(target.takeError());
  target->optimize = how.optimize;
  PipelineOptions options = {target->vectorBits, target->bf16};
  options.target = how.target;
  options.checkKernels = how.checkKernels;
  if (failed(runStages(module, firstStageOf(module), Stage::Llvm, options)))
    return nullptr;
  auto object = emitObject(module, *target);
  if (failed(object))
    return nullptr;
  auto code = llvm::orc::LLJITBuilder().create();
  if (!code)
    return report(code.takeError());
  auto table = load(**code, std::move(*object));
  if (!table)
    return report(table.takeError());
  return std::make_unique<CompiledModule>(std::move(*code), *table);
}
