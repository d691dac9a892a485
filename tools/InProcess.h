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

struct InProcessOptions {
  std::string cpu = "host"; ///< a processor that this one can stand in for
  Target target = Target::Cpu;
  bool optimize = true;      ///< O3, else O0
  bool checkKernels = false; ///< of an emulated GPU
};

/// Compiles a module, from whatever stage it is in, and loads it. It is lowered in place. Null after an error.
std::unique_ptr<CompiledModule> compileInProcess(mlir::ModuleOp module, const InProcessOptions &options);

} // namespace nf

#endif // NF_TOOLS_INPROCESS_H
