//===- Optimize.h - LLVM's optimizer on a module ---------------------------------------------===//
#ifndef NF_PASSES_LOWER_OPTIMIZE_H
#define NF_PASSES_LOWER_OPTIMIZE_H

#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace nf {

/// a · b + c may become one operation, which rounds once.
void allowContraction(llvm::Module &module);

/// LLVM's pipeline for a machine: O3, or O0 where not `fully`.
void optimize(llvm::Module &module, llvm::TargetMachine &machine, bool fully = true);

} // namespace nf

#endif // NF_PASSES_LOWER_OPTIMIZE_H
