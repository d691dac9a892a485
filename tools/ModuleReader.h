//===- ModuleReader.h - module files, for tools that run programs in their own process -------===//
#ifndef NF_TOOLS_MODULEREADER_H
#define NF_TOOLS_MODULEREADER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/SourceMgr.h"

namespace nf {

/// A context that knows the ops of every stage, and the diagnostics of what is read into it.
class ModuleReader {
public:
  ModuleReader();

  /// The module at `path` ("-": standard input); null after errors, which begin with `tool` where the file cannot be
  /// opened.
  mlir::OwningOpRef<mlir::ModuleOp> read(const std::string &path, llvm::StringRef tool);

private:
  mlir::MLIRContext context;
  llvm::SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler handler;
};

} // namespace nf

#endif // NF_TOOLS_MODULEREADER_H
