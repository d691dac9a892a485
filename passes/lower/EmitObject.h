//===- EmitObject.h - LLVM dialect -> object file --------------------------------------------===//
#ifndef NF_PASSES_LOWER_EMITOBJECT_H
#define NF_PASSES_LOWER_EMITOBJECT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace nf {

/// A processor that code is made for. The code uses no feature that the processor lacks.
struct CpuTarget {
  std::string triple;
  std::string cpu;                   ///< LLVM's name: "znver4", "x86-64-v3"
  std::string featureString;         ///< "+avx2,-avx512f,…": every difference from the bare cpu; sorted
  std::vector<std::string> features; ///< those that the code may use and a machine may lack ("avx2"); sorted
  unsigned vectorBits = 128;         ///< the width of the vectors that pay on it
  bool bf16 = false;                 ///< whether it converts and multiplies vectors of bf16 of that width
  bool optimize = true;              ///< O3; without it O0, for tests: code that says what the module says
};

/// The processor called `name` ("host", or a name of LLVM's for this machine's architecture). An unknown name is an
/// error that lists some known ones.
llvm::Expected<CpuTarget> resolveCpu(llvm::StringRef name);

/// Compiles a module of the LLVM dialect (the end of stage llvm) to an object file in memory. Equal modules and targets
/// give equal bytes. Multiplications and additions may be contracted; nothing else about floats is relaxed. Fails after
/// an error on the module.
llvm::FailureOr<llvm::SmallVector<char, 0>> emitObject(mlir::ModuleOp module, const CpuTarget &target);

} // namespace nf

#endif // NF_PASSES_LOWER_EMITOBJECT_H
