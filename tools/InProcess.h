//===- InProcess.h - compiled modules in the compiler's own process --------------------------===//
//
// For tests: the code that nf-compile would put into an executable, loaded beside the runtime of this process.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_TOOLS_INPROCESS_H
#define NF_TOOLS_INPROCESS_H

#include "mlir/IR/BuiltinOps.h"
#include "passes/Pipelines.h"
#include "runtime/abi/nf_abi.h"

#include <memory>

namespace llvm::orc {
class LLJIT;
}

namespace nf {

/// The code and tables of a module, alive as long as this is.
class CompiledModule {
public:
  CompiledModule(std::unique_ptr<llvm::orc::LLJIT> code, const nf_model *table);
  ~CompiledModule();

  const nf_model &model() const { return *table; }

private:
  std::unique_ptr<llvm::orc::LLJIT> code;
  const nf_model *table;
};

/// Compiles a module, from whatever stage it is in, for the processor called `cpu` (which must be able to stand in for
/// this one), and loads it, at O3 or O0. The module is lowered in place. Null after an error.
std::unique_ptr<CompiledModule> compileInProcess(mlir::ModuleOp module, llvm::StringRef cpu = "host",
                                                 Target target = Target::Cpu, bool optimize = true);

} // namespace nf

#endif // NF_TOOLS_INPROCESS_H
