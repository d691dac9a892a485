//===- Diagnostics.h - how the tools print MLIR's diagnostics --------------------------------===//
#ifndef NF_TOOLS_DIAGNOSTICS_H
#define NF_TOOLS_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"

namespace nf {

/// Prints "file:line:column: error: part.of.the.model: message" and its notes to standard error; the place is
/// `fallback` where the diagnostic has none.
void printDiagnostic(mlir::Diagnostic &diagnostic, llvm::StringRef fallback);

} // namespace nf

#endif // NF_TOOLS_DIAGNOSTICS_H
