//===- nf-reference.cpp - runs a model's program by the reference in double ------------------===//
//
// Reads a definition (.toml) or a module (.mlir), makes it double, appends the backward half to forward_backward, and
// runs one program on the values of a safetensors file. Its results and the states that it sets are written to another,
// in F64: what a training step computes, as close to exact as its definition can be followed.
//
//===------------------------------------------------------------------------------------------===//
#include "frontend/GraphBuilder.h"
#include "passes/Passes.h"
#include "runtime/core/Error.h"
#include "runtime/train/Safetensors.h"
#include "tools/Interpreter.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/SourceMgr.h"

#include <CLI/CLI.hpp>

#include <cstring>

using namespace mlir;
using namespace nf;
using Tensor64 = rt::reference::Tensor<double>;

namespace {
struct Options {
  std::string input, program = "forward_backward", values, out;
  std::vector<std::string> sets;
};
} // namespace

static OwningOpRef<ModuleOp> readModule(MLIRContext &context, const Options &options) {
  if (!StringRef(options.input).ends_with(".toml"))
    return parseSourceFile<ModuleOp>(options.input, &context);
  ConfigResult result = loadModelConfig(options.input, options.sets);
  for (const ConfigDiagnostic &diagnostic : result.diagnostics)
    llvm::errs() << diagnostic.str() << "\n";
  return result.config ? buildModule(context, *result.config) : OwningOpRef<ModuleOp>();
}

/// Elements of a tensor in a file, widened. Throws Error on a dtype that no argument has.
static Tensor64 widened(const std::string &name, const rt::SafetensorsFile::Tensor &stored) {
  auto read = [&](auto element, auto &to) {
    for (size_t i = 0; i < to.size(); ++i) {
      std::memcpy(&element, stored.data + i * sizeof(element), sizeof(element));
      to[i] = element;
    }
  };
  using rt::reference::Element;
  bool isFloat = stored.dtype == "F32" || stored.dtype == "F64";
  Tensor64 tensor(stored.shape, isFloat ? Element::Float : stored.dtype == "I64" ? Element::I64 : Element::I32);
  if (stored.dtype == "F32")
    read(float(), tensor.floats);
  else if (stored.dtype == "F64")
    read(double(), tensor.floats);
  else if (stored.dtype == "I32")
    read(int32_t(), tensor.integers);
  else if (stored.dtype == "I64")
    read(int64_t(), tensor.integers);
  else
    rt::fail("expected {} to be F32, F64, I32 or I64, but got {}", name, stored.dtype);
  return tensor;
}

/// The file's tensor for an argument or parameter of `type`. Throws Error where it is missing or does not fit.
static Tensor64 find(const rt::SafetensorsFile &file, const std::string &name, Type type) {
  const auto *stored = file.find(name);
  if (!stored)
    rt::fail("expected a tensor {} in the values, but got none", name);
  Tensor64 tensor = widened(name, *stored), like = zerosOf<double>(type);
  if (tensor.shape != like.shape || tensor.element != like.element)
    rt::fail("expected {} of the program's type, but got {} with {} elements", name, stored->dtype, tensor.size());
  return tensor;
}

static LogicalResult run(ModuleOp module, const Options &options) {
  widenToDouble(module);
  PassManager manager(module.getContext());
  manager.addPass(createDifferentiate());
  if (failed(manager.run(module)))
    return failure();
  auto program = module.lookupSymbol<ProgramOp>(options.program);
  if (!program)
    return module.emitError() << "expected a program @" << options.program << ", but got none";

  rt::SafetensorsFile file(options.values);
  Interpreter<double> interpreter;
  for (auto parameter : module.getOps<ParameterOp>())
    interpreter.states[parameter.getSymName().str()] = find(file, parameter.getSymName().str(), parameter.getType());
  std::vector<Tensor64> arguments;
  for (unsigned i = 0; i < program.getNumArguments(); ++i)
    arguments.push_back(find(file, program.getArgumentName(i).str(), program.getArgumentTypes()[i]));
  auto results = interpreter.run(program, arguments);
  if (failed(results))
    return failure();

  std::vector<rt::TensorView> written;
  for (auto [i, tensor] : llvm::enumerate(*results))
    written.push_back({program.getResultName(i).str(), "F64", tensor.shape, tensor.floats.data()});
  for (auto state : module.getOps<StateOp>())
    if (auto found = interpreter.states.find(state.getSymName().str()); found != interpreter.states.end())
      written.push_back({found->first, "F64", found->second.shape, found->second.floats.data()});
  rt::writeSafetensors(options.out, written);
  return success();
}

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Runs a program by the reference in double.", "nf-reference");
  app.add_option("input", options.input, "definition (.toml) or module (.mlir)")->required();
  app.add_option("--set", options.sets, "key=value of the definition");
  app.add_option("--program", options.program, "program to run")->capture_default_str();
  app.add_option("--values", options.values, "safetensors: arguments by their names, and parameters")->required();
  app.add_option("--out", options.out, "safetensors to write: results, and gradients as NAME.grad")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  MLIRContext context;
  context.loadDialect<NFDialect>();
  context.printOpOnDiagnostic(false);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler handler(sources, &context);
  try {
    auto module = readModule(context, options);
    return module && succeeded(run(*module, options)) ? 0 : 1;
  } catch (const rt::Error &error) {
    llvm::errs() << "nf-reference: error: " << error.what() << "\n";
    return 1;
  }
}
