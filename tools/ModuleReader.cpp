//===- ModuleReader.cpp - module files, for tools that run programs in their own process -----===//
#include "tools/ModuleReader.h"
#include "dialect/NF.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"

using namespace mlir;
using namespace nf;

static DialectRegistry allDialects() {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<NFDialect>();
  return registry;
}

ModuleReader::ModuleReader() : context(allDialects()), handler(sources, &context) {
  context.printOpOnDiagnostic(false);
}

OwningOpRef<ModuleOp> ModuleReader::read(const std::string &path, StringRef tool) {
  std::string message;
  auto file = openInputFile(path, &message);
  if (!file) {
    llvm::errs() << tool << ": error: " << message << "\n";
    return nullptr;
  }
  sources.AddNewSourceBuffer(std::move(file), llvm::SMLoc());
  return parseSourceFile<ModuleOp>(sources, &context);
}
