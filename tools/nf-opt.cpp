//===- nf-opt.cpp - runs passes on nf IR -----------------------------------------------------===//
#include "dialect/NF.h"
#include "passes/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  registry.insert<nf::NFDialect>();
  mlir::registerTransformsPasses();
  mlir::registerConversionPasses();
  nf::registerPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "NormForge pass driver\n", registry));
}
