//===- nf-translate.cpp - file formats to nf IR and back -------------------------------------===//
#include "frontend/onnx/Importer.h"
#include "frontend/onnx/export/Exporter.h"
#include "tools/Diagnostics.h"
#include "tools/ExportWeights.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

using namespace mlir;
using namespace nf;

namespace {
struct Options {
  std::string importOnnx, exportOnnx, output = "-", program, weights;
  std::vector<std::string> dims;
  onnxfe::ImportOptions import;
  bool isExternal = false;

  const std::string &input() const { return importOnnx.empty() ? exportOnnx : importOnnx; }
};
} // namespace

static bool importOnnx(MLIRContext &context, const Options &options) {
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

/// The module in a file; null after errors.
static OwningOpRef<ModuleOp> readModule(MLIRContext &context, const std::string &path) {
  if (StringRef(path).ends_with(".toml") || StringRef(path).ends_with(".onnx")) {
    fmt::print(stderr,
               "{0}: error: expected a module (.mlir, .mlirbc), but got another format; nf-compile {0} --emit=raise -o "
               "model.mlir makes one\n",
               path);
    return nullptr;
  }
  std::string message;
  auto file = openInputFile(path, &message);
  if (!file) {
    fmt::print(stderr, "{}: error: expected a module, but it cannot be read: {}\n", path, message);
    return nullptr;
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(file), llvm::SMLoc());
  return parseSourceFile<ModuleOp>(sources, &context);
}

static bool exportOnnx(MLIRContext &context, const Options &options) {
  OwningOpRef<ModuleOp> module = readModule(context, options.exportOnnx);
  if (!module)
    return false;
  onnxfe::ExportedGraph graph = onnxfe::exportGraph(*module, options.program);
  ExportWeights weights(*module, options.weights);
  if (!graph.model || !weights.open(graph.parameters, options.exportOnnx))
    return false;
  llvm::Error error = onnxfe::writeModel(
      graph, [&](ParameterOp parameter) { return weights.valuesOf(parameter); }, options.output, options.isExternal);
  if (!error)
    return true;
  fmt::print(stderr, "{}\n", llvm::toString(std::move(error)));
  return false;
}

static bool translate(const Options &options) {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<NFDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  context.getDiagEngine().registerHandler([&](Diagnostic &diagnostic) {
    printDiagnostic(diagnostic, options.input());
    return success();
  });
  return options.importOnnx.empty() ? exportOnnx(context, options) : importOnnx(context, options);
}

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Translates models to nf IR, and forward programs of nf IR to ONNX.", "nf-translate");
  app.footer("Examples:\n"
             "  nf-translate --import-onnx model.onnx | nf-opt --nf-stage-raise\n"
             "  nf-translate --import-onnx model.onnx | nf-translate --export-onnx - > same.onnx\n"
             "  nf-compile model.toml --emit=raise -o model.mlir\n"
             "  nf-translate --export-onnx model.mlir --weights RUN/step-001000/model.safetensors -o model.onnx");
  auto *import = app.add_option("--import-onnx", options.importOnnx, "ONNX model to read");
  auto *exporting = app.add_option("--export-onnx", options.exportOnnx,
                                   "module (.mlir, .mlirbc; - is standard input) whose forward program becomes an ONNX "
                                   "model");
  import->excludes(exporting);
  app.add_option("--dim", options.dims, "NAME=N: extent of a symbolic dimension; repeatable")
      ->allow_extra_args(false)
      ->needs(import);
  app.add_option("--micro-batch", options.import.microBatch, "sequences, where the batch is symbolic")
      ->check(CLI::Range(1, 1 << 20))
      ->needs(import);
  app.add_option("--sequence", options.import.sequence, "tokens, where the sequence is symbolic")
      ->check(CLI::Range(1, 1 << 24))
      ->needs(import);
  app.add_option("--loss-output", options.import.lossOutput, "the output that is the graph's own loss")->needs(import);
  bool isApart = false;
  app.add_flag("--no-retie", isApart, "keep copies of an embedding table apart")->needs(import);
  app.add_option(
         "--weights", options.weights,
         "safetensors file of the parameters' values by name, such as model.safetensors of a checkpoint;\ndefault "
         "for imported models: the file that they come from")
      ->needs(exporting);
  app.add_option("--program", options.program, "the program to export; default: forward, or eval up to the logits")
      ->needs(exporting);
  app.add_flag("--external-data", options.isExternal, "weights in OUTPUT.data, as they are over 2 GB in any case")
      ->needs(exporting);
  app.add_option("-o,--output", options.output, "where the result goes; - is standard output")->capture_default_str();
  try {
    app.parse(argc, argv);
    if (options.input().empty())
      throw CLI::RequiredError("--import-onnx or --export-onnx");
    options.import.retie = !isApart;
    for (const std::string &dim : options.dims)
      if (!onnxfe::parseDim(dim, options.import.dims))
        throw CLI::ValidationError("--dim", "expected NAME=N with N over 0, but got " + dim);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return translate(options) ? 0 : 1;
}
