//===- nf-translate.cpp - file formats to nf IR and back -------------------------------------===//
#include "frontend/onnx/Importer.h"
#include "tools/Diagnostics.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

using namespace mlir;
using namespace nf;

namespace {
struct Options {
  std::string importOnnx, output = "-";
  std::vector<std::string> dims;
  onnxfe::ImportOptions import;
};
} // namespace

static bool importOnnx(const Options &options) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  context.getDiagEngine().registerHandler([&](Diagnostic &diagnostic) {
    printDiagnostic(diagnostic, options.importOnnx);
    return success();
  });
  auto file = onnxfe::ModelFile::read(context, options.importOnnx);
  if (!file)
    return false;
  onnxfe::ImportResult result = onnxfe::importModel(context, *file, options.import);
  if (!result.module)
    return false;
  std::error_code error;
  llvm::raw_fd_ostream stream(options.output, error);
  if (error) {
    fmt::print(stderr, "{}: error: expected to write the module, but got: {}\n", options.output, error.message());
    return false;
  }
  result.module->print(stream, OpPrintingFlags().enableDebugInfo());
  stream << "\n";
  return true;
}

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Translates models to nf IR.", "nf-translate");
  app.footer("Example:\n  nf-translate --import-onnx model.onnx | nf-opt --nf-stage-raise");
  app.add_option("--import-onnx", options.importOnnx, "ONNX model to read")->required();
  app.add_option("--dim", options.dims, "NAME=N: extent of a symbolic dimension; repeatable")->allow_extra_args(false);
  app.add_option("--micro-batch", options.import.microBatch, "sequences, where the batch is symbolic")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--sequence", options.import.sequence, "tokens, where the sequence is symbolic")
      ->check(CLI::Range(1, 1 << 24));
  app.add_flag("!--no-retie", options.import.retie, "keep copies of an embedding table apart");
  app.add_option("-o,--output", options.output, "where the module goes; - is standard output")->capture_default_str();
  try {
    app.parse(argc, argv);
    for (const std::string &dim : options.dims)
      if (!onnxfe::parseDim(dim, options.import.dims))
        throw CLI::ValidationError("--dim", "expected NAME=N with N over 0, but got " + dim);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return importOnnx(options) ? 0 : 1;
}
