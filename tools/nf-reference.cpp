//===- nf-reference.cpp - runs a model's program by the reference in double ------------------===//
//
// Reads a definition (.toml), a module (.mlir) or an ONNX graph (.onnx), makes it double, appends the backward half to
// forward_backward, and runs one program on the values of a safetensors file. Its results and the states that it sets
// are written to another, in F64: what a training step computes, as close to exact as its definition can be followed.
// With --steps it trains, by the programs as they leave stage hoist: every step on the same batch.
//
//===------------------------------------------------------------------------------------------===//
#include "frontend/GraphBuilder.h"
#include "frontend/onnx/Importer.h"
#include "frontend/onnx/WeightsFile.h"
#include "passes/Passes.h"
#include "passes/Pipelines.h"
#include "runtime/core/Error.h"
#include "runtime/train/Safetensors.h"
#include "tools/Interpreter.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/SourceMgr.h"

#include <CLI/CLI.hpp>

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace nf;
using Tensor64 = rt::reference::Tensor<double>;

namespace {
struct Options {
  std::string input, program = "forward_backward", values, out, fold = "none";
  std::vector<std::string> sets;
  int64_t steps = 0; // of training; 0: one program
};

/// A module, and where the weights of one that was imported lie.
struct Model {
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<onnxfe::ModelFile> file; // null: parameters are among the values
  std::map<std::string, onnxfe::HostTensor> constants;
};
} // namespace

static Model readModel(MLIRContext &context, const Options &options) {
  Model model;
  if (StringRef(options.input).ends_with(".onnx")) {
    if ((model.file = onnxfe::ModelFile::read(context, options.input))) {
      onnxfe::ImportResult import = onnxfe::importModel(context, *model.file, {});
      model.module = std::move(import.module);
      model.constants = std::move(import.constants);
    }
    return model;
  }
  if (!StringRef(options.input).ends_with(".toml")) {
    model.module = parseSourceFile<ModuleOp>(options.input, &context);
    return model;
  }
  ConfigResult result = loadModelConfig(options.input, options.sets);
  for (const ConfigDiagnostic &diagnostic : result.diagnostics)
    llvm::errs() << diagnostic.str() << "\n";
  if (result.config)
    model.module = buildModule(context, *result.config);
  return model;
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

static std::vector<Tensor64> argumentsOf(ProgramOp program, const rt::SafetensorsFile &file) {
  std::vector<Tensor64> arguments;
  for (unsigned i = 0; i < program.getNumArguments(); ++i)
    arguments.push_back(find(file, program.getArgumentName(i).str(), program.getArgumentTypes()[i]));
  return arguments;
}

/// From the values or, where the module was imported, from its ONNX file. Throws Error where one is missing.
static void readParameters(Model &model, const rt::SafetensorsFile &file, Interpreter<double> &interpreter) {
  auto parameters = model.module->getOps<ParameterOp>();
  if (!model.file) {
    for (auto parameter : parameters) {
      std::string name = parameter.getSymName().str();
      interpreter.states[name] = find(file, name, parameter.getType());
    }
    return;
  }
  for (const onnxfe::FileWeight &weight : onnxfe::fileWeights(*model.module)) {
    auto values = onnxfe::valuesOf(weight, *model.file, model.constants);
    if (!values)
      rt::fail("{}", llvm::toString(values.takeError()));
    Tensor64 tensor = zerosOf<double>(model.module->lookupSymbol<ParameterOp>(weight.parameter).getType());
    tensor.floats.assign(values->begin(), values->end());
    interpreter.states[weight.parameter] = std::move(tensor);
  }
  for (auto parameter : parameters)
    if (std::string name = parameter.getSymName().str(); !interpreter.states.contains(name))
      rt::fail("expected parameter {} to come from the ONNX file, but its rule is {}", name, parameter.getInit().str());
}

/// Writes `series` and all states that have a value.
static void writeStates(ModuleOp module, const Interpreter<double> &interpreter, std::vector<rt::TensorView> series,
                        const std::string &path) {
  for (Operation &op : *module.getBody()) {
    auto name = op.getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName());
    auto found = name ? interpreter.states.find(name.str()) : interpreter.states.end();
    if (found != interpreter.states.end())
      series.push_back({found->first, "F64", found->second.shape, found->second.floats.data()});
  }
  rt::writeSafetensors(path, series);
}

/// Steps of one micro-batch; losses and norms become series. `bias_correction1` and 2 follow from the step.
static LogicalResult train(Model &model, const Options &options) {
  ModuleOp module = *model.module;
  PipelineOptions stages;
  stages.fold = *parseFoldMode(options.fold);
  if (failed(runStages(module, Stage::Fold, Stage::Hoist, stages)))
    return failure();
  widenToDouble(module); // only now: nf-append-update builds in f32
  rt::SafetensorsFile file(options.values);
  Interpreter<double> interpreter;
  readParameters(model, file, interpreter);
  auto prepare = module.lookupSymbol<ProgramOp>("prepare_weights");
  auto forward = module.lookupSymbol<ProgramOp>("forward_backward"), update = module.lookupSymbol<ProgramOp>("update");
  if (!forward || !update)
    return module.emitError() << "expected the programs forward_backward and update, but got no training";
  if (prepare && failed(interpreter.run(prepare, {})))
    return failure();
  std::vector<Tensor64> batch = argumentsOf(forward, file), numbers = argumentsOf(update, file);
  std::vector<double> losses, norms;
  for (int64_t step = 1; step <= options.steps; ++step) {
    for (int i : {1, 2}) {
      auto beta = update.findArgument("beta" + std::to_string(i)).getArgNumber();
      auto correction = update.findArgument("bias_correction" + std::to_string(i)).getArgNumber();
      numbers[correction][0] = 1 - std::pow(numbers[beta][0], double(step));
    }
    auto loss = interpreter.run(forward, batch), norm = interpreter.run(update, numbers);
    if (failed(loss) || failed(norm))
      return failure();
    losses.push_back((*loss)[0][0]);
    norms.push_back((*norm)[0][0]);
  }
  writeStates(module, interpreter,
              {{"loss", "F64", {options.steps}, losses.data()}, {"grad_norm", "F64", {options.steps}, norms.data()}},
              options.out);
  return success();
}

static LogicalResult run(Model &model, const Options &options) {
  ModuleOp module = *model.module;
  if (options.steps > 0)
    return train(model, options);
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
  readParameters(model, file, interpreter);
  auto results = interpreter.run(program, argumentsOf(program, file));
  if (failed(results))
    return failure();

  std::vector<rt::TensorView> written;
  for (auto [i, tensor] : llvm::enumerate(*results))
    written.push_back({program.getResultName(i).str(), "F64", tensor.shape, tensor.floats.data()});
  writeStates(module, interpreter, written, options.out);
  return success();
}

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Runs a program by the reference in double.", "nf-reference");
  app.add_option("input", options.input, "definition (.toml), module (.mlir) or ONNX graph (.onnx)")->required();
  app.add_option("--set", options.sets, "key=value of the definition");
  app.add_option("--program", options.program, "program to run")->capture_default_str();
  app.add_option("--steps", options.steps, "train this many steps on one batch, instead of running one program")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--fold", options.fold, "with --steps: none, all, auto")
      ->check(CLI::IsMember({"none", "all", "auto"}))
      ->capture_default_str();
  app.add_option("--values", options.values,
                 "safetensors: arguments by their names, and parameters, which an ONNX graph has itself")
      ->required();
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
    Model model = readModel(context, options);
    return model.module && succeeded(run(model, options)) ? 0 : 1;
  } catch (const rt::Error &error) {
    llvm::errs() << "nf-reference: error: " << error.what() << "\n";
    return 1;
  }
}
