//===- InProcess.cpp - compiled modules in the compiler's own process ------------------------===//
#include "tools/InProcess.h"
#include "passes/Pipelines.h"
#include "passes/lower/EmitObject.h"

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
  auto services = absoluteSymbols({
      {code.mangleAndIntern("nf_run"), ExecutorSymbolDef(ExecutorAddr::fromPtr(&nf_run), {})},
      {code.mangleAndIntern("nf_gemm_f32"), ExecutorSymbolDef(ExecutorAddr::fromPtr(&nf_gemm_f32), {})},
  });
  if (llvm::Error error = code.getMainJITDylib().define(std::move(services)))
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

std::unique_ptr<CompiledModule> nf::compileInProcess(ModuleOp module, StringRef cpu) {
  auto report = [&](llvm::Error error) -> std::unique_ptr<CompiledModule> {
    module.emitError() << llvm::toString(std::move(error));
    return nullptr;
  };
  auto target = resolveCpu(cpu);
  if (!target)
    return report(target.takeError());
  if (failed(runStages(module, firstStageOf(module), Stage::Llvm, {target->vectorBits, target->bf16})))
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
