//===- nf-check.cpp - compares a program with the reference ----------------------------------===//
//
// Fills a program's arguments and the module's states with random values, evaluates it by the reference in double and
// compares with the same program decomposed, after passes, compiled, or with finite differences of its gradients.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/Passes.h"
#include "passes/Pipelines.h"
#include "tools/InProcess.h"
#include "tools/ModuleReader.h"
#include "tools/RunCompiled.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/Format.h"

#include <CLI/CLI.hpp>

using namespace mlir;
using namespace nf;

namespace {
struct Options {
  std::string input, program, against = "decomposed", prepare, cpu = "host", target = "cpu";
  uint64_t seed = 1;
  double tolerance = 1e-5;
  bool bf16 = false, plain = false, checkKernels = false;
};

/// Compares two programs' outcomes, tensor by tensor, and prints a line each.
class Comparison {
public:
  Comparison(Operation *subject, double tolerance) : subject(subject), tolerance(tolerance) {}

  void compare(StringRef name, const Tensor64 &expected, const Tensor64 &actual) {
    ++count;
    if (expected.shape != actual.shape) {
      fail() << "expected " << name << " of " << expected.size() << " elements, but got " << actual.size();
      return;
    }
    Difference d = largestDifference(expected, actual);
    llvm::outs() << "  " << name << ": largest error " << llvm::format("%.2e", d.error) << " of magnitude "
                 << llvm::format("%.3e", d.magnitude) << "\n";
    if (d.error > tolerance)
      fail() << "expected " << name << indexText(expected.shape, d.index) << " to be "
             << number(elementOf(expected, d.index)) << ", but got " << number(elementOf(actual, d.index))
             << ": an error of " << number(d.error) << " of its magnitude, above " << number(tolerance);
  }

  /// Those of `actual` that `expected` also has.
  void compareAll(const NamedTensors &expected, const NamedTensors &actual) {
    for (auto &[name, tensor] : expected)
      if (auto found = actual.find(name); found != actual.end())
        compare(name, tensor, found->second);
  }

  LogicalResult result() {
    if (count == 0)
      fail() << "expected at least one result or state to compare, but got none";
    return success(!failed);
  }

  InFlightDiagnostic fail() {
    failed = true;
    return subject->emitError();
  }

  static std::string number(double value) {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::format("%.9g", value);
    return text;
  }

private:
  Operation *subject;
  double tolerance;
  int count = 0;
  bool failed = false;
};
} // namespace

/// The program called `name`, or all where it is empty.
static SmallVector<ProgramOp> findPrograms(ModuleOp module, StringRef name) {
  SmallVector<ProgramOp> programs;
  for (auto program : module.getOps<ProgramOp>())
    if (name.empty() || program.getSymName() == name)
      programs.push_back(program);
  if (!programs.empty())
    return programs;
  InFlightDiagnostic error = module.emitError()
                             << "expected a program" << (name.empty() ? "" : " @") << name << ", but got";
  for (auto program : module.getOps<ProgramOp>())
    error << " @" << program.getSymName();
  return programs;
}

static LogicalResult runPipeline(ModuleOp module, StringRef pipeline) {
  PassManager manager(module.getContext());
  if (failed(parsePassPipeline(pipeline, manager)))
    return failure();
  return manager.run(module);
}

/// The values of a program's arguments and its module's states, by a seed.
struct Inputs {
  NamedTensors arguments, states;

  Inputs(ProgramOp program, uint64_t seed)
      : arguments(sampleArguments(program, seed)), states(sampleStates(program->getParentOfType<ModuleOp>(), seed)) {}
};

/// Forgets the states that are in neither outcome other than they were in `before`.
static void dropUnchanged(Outcome &expected, const Outcome &actual, const NamedTensors &before) {
  for (auto &[name, tensor] : before) {
    auto other = actual.states.find(name);
    bool changed = largestDifference(tensor, expected.states[name]).error > 0 ||
                   (other != actual.states.end() && largestDifference(tensor, other->second).error > 0);
    if (!changed)
      expected.states.erase(name);
  }
}

static LogicalResult compareOutcomes(ProgramOp program, Outcome &expected, const Outcome &actual, const Inputs &inputs,
                                     double tolerance) {
  dropUnchanged(expected, actual, inputs.states);
  Comparison comparison(program, tolerance);
  comparison.compareAll(expected.results, actual.results);
  comparison.compareAll(expected.states, actual.states);
  return comparison.result();
}

/// The reference on the program as it is, against the reference on the program after `pipeline`.
static LogicalResult checkPasses(ProgramOp program, const Options &options, StringRef pipeline) {
  auto module = program->getParentOfType<ModuleOp>();
  OwningOpRef<ModuleOp> changed(module.clone());
  if (failed(runPipeline(*changed, pipeline)))
    return failure();
  auto after = changed->lookupSymbol<ProgramOp>(program.getSymName());
  if (!after)
    return program.emitError() << "expected it after " << pipeline << " too, but got none";
  Inputs inputs(program, options.seed);
  auto expected = runReference(program, inputs.arguments, inputs.states, options.bf16);
  auto actual = runReference(after, inputs.arguments, inputs.states, options.bf16);
  if (failed(expected) || failed(actual))
    return failure();
  return compareOutcomes(program, *expected, *actual, inputs, options.tolerance);
}

static bool isSame(const NamedTensors &a, const NamedTensors &b) {
  return llvm::all_of(a, [&](auto &named) { return largestDifference(named.second, b.at(named.first)).error == 0; });
}

/// The reference against the compiled program, whose bits must not depend on the number of threads, nor on the order in
/// which an emulated GPU takes turns.
static LogicalResult checkCompiled(ProgramOp program, const CompiledModule &compiled, const Options &options) {
  Inputs inputs(program, options.seed);
  auto expected = runReference(program, inputs.arguments, inputs.states, options.bf16);
  if (failed(expected))
    return failure();
  auto run = [&](int threads) {
    return runCompiled(compiled.model(), program.getSymName(), inputs.arguments, inputs.states, threads);
  };
  Outcome actual = run(1);
  if (failed(compareOutcomes(program, *expected, actual, inputs, options.tolerance)))
    return failure();
  bool isEmulated = options.target != "cpu";
  for (int i : {1, 2}) {
    int count = isEmulated ? i : 2 * i;
    setenv("NF_GPU_ORDER", isEmulated ? std::to_string(i).c_str() : "0", /*overwrite=*/1);
    Outcome other = run(count);
    if (isSame(actual.results, other.results) && isSame(actual.states, other.states))
      continue;
    InFlightDiagnostic error = program.emitError() << "expected the same bits on " << count << " threads as on one";
    if (isEmulated)
      error << " with the order of turns of seed " << i;
    return error << ", but got others";
  }
  unsetenv("NF_GPU_ORDER");
  return success();
}

//===------------------------------------------------------------------------------------------===//
// Finite differences
//===------------------------------------------------------------------------------------------===//

static double sumOfResult(const Outcome &outcome) {
  double sum = 0;
  for (double value : outcome.results.begin()->second.floats)
    sum += value;
  return sum;
}

/// d(sum of the program's result) / d(states[name]) by central differences.
static FailureOr<Tensor64> differences(ProgramOp program, const NamedTensors &arguments, NamedTensors states,
                                       const std::string &name) {
  constexpr double eps = 1e-6;
  Tensor64 gradient(states[name].shape);
  for (int64_t i = 0; i < gradient.size(); ++i) {
    double value = states[name][i], sums[2];
    for (int side : {0, 1}) {
      states[name][i] = value + (side ? eps : -eps);
      auto outcome = runReference(program, arguments, states, false);
      if (failed(outcome))
        return failure();
      sums[side] = sumOfResult(*outcome);
    }
    states[name][i] = value;
    gradient[i] = (sums[1] - sums[0]) / (2 * eps);
  }
  return gradient;
}

/// Runs the differentiated program, and adds to its states the gradients of parameters that are folded into weights.
static FailureOr<Outcome> runGradients(ModuleOp differentiated, const Inputs &inputs) {
  auto outcome =
      runReference(differentiated.lookupSymbol<ProgramOp>("forward_backward"), inputs.arguments, inputs.states, false);
  auto unfold = differentiated.lookupSymbol<ProgramOp>("unfold_gradients");
  if (failed(outcome) || !unfold)
    return outcome;
  auto unfolded = runReference(unfold, {}, outcome->states, false);
  if (failed(unfolded))
    return failure();
  for (auto &[name, gradient] : unfolded->results)
    outcome->states[name + ".grad"] = gradient;
  return outcome;
}

/// The gradients that nf-differentiate builds, against central differences of the sum of the program's only result.
static LogicalResult checkGradients(ProgramOp program, const Options &options) {
  constexpr double atol = 1e-5, rtol = 1e-3;
  auto module = program->getParentOfType<ModuleOp>();
  if (program.getNumResults() != 1)
    return program.emitError() << "expected one result to differentiate, but got " << program.getNumResults();
  OwningOpRef<ModuleOp> differentiated(module.clone());
  differentiated->lookupSymbol<ProgramOp>(program.getSymName()).setName("forward_backward");
  if (failed(runPipeline(*differentiated, "nf-differentiate")))
    return failure();

  Inputs inputs(program, options.seed);
  auto expected = runReference(program, inputs.arguments, inputs.states, false);
  auto actual = runGradients(*differentiated, inputs);
  if (failed(expected) || failed(actual))
    return failure();
  Comparison comparison(program, options.tolerance);
  comparison.compareAll(expected->results, actual->results);
  bool compared = false;
  for (auto parameter : module.getOps<ParameterOp>()) {
    std::string name = parameter.getSymName().str();
    auto found = actual->states.find(name + ".grad");
    if (!parameter.getTrainable() || found == actual->states.end())
      continue;
    auto gradient = differences(program, inputs.arguments, inputs.states, name);
    if (failed(gradient))
      return failure();
    compared = true;
    double largest = 0;
    for (int64_t i = 0; i < gradient->size(); ++i) {
      double want = (*gradient)[i], got = found->second[i], error = std::fabs(want - got);
      largest = std::max(largest, error);
      if (!(error <= atol + rtol * std::fabs(want))) {
        comparison.fail() << "expected d/d " << name << indexText(gradient->shape, i) << " to be "
                          << Comparison::number(want) << " by finite differences, but got " << Comparison::number(got);
        break;
      }
    }
    llvm::outs() << "  d/d " << name << ": largest error " << llvm::format("%.2e", largest) << "\n";
  }
  if (!compared)
    comparison.fail() << "expected a gradient of at least one parameter, but got none";
  return comparison.result();
}

//===------------------------------------------------------------------------------------------===//
// Main
//===------------------------------------------------------------------------------------------===//

static LogicalResult check(ModuleOp module, const Options &options) {
  if (!options.prepare.empty() && failed(runPipeline(module, options.prepare)))
    return failure();
  if (options.against == "finite-differences")
    widenToDouble(module);
  SmallVector<ProgramOp> programs = findPrograms(module, options.program);
  bool passed = !programs.empty();
  OwningOpRef<ModuleOp> lowered(module.clone());
  std::unique_ptr<CompiledModule> compiled;
  if (options.against == "cpu" && !(compiled = compileInProcess(*lowered, {options.cpu, *parseTarget(options.target),
                                                                           !options.plain, options.checkKernels})))
    return failure();
  for (ProgramOp program : programs) {
    llvm::outs() << "@" << program.getSymName() << "\n";
    StringRef against = options.against;
    LogicalResult result = failure();
    if (compiled)
      result = checkCompiled(program, *compiled, options);
    else if (against == "finite-differences")
      result = checkGradients(program, options);
    else if (against.consume_front("pass:"))
      result = checkPasses(program, options, against);
    else
      result = checkPasses(program, options, "nf-decompose");
    passed &= succeeded(result);
  }
  return success(passed);
}

static void addOptions(CLI::App &app, Options &options) {
  app.add_option("input", options.input, "module to check (.mlir); - is stdin")->required();
  app.add_option("--program", options.program, "program to check; all of the module without");
  app.add_option("--seed", options.seed, "seed of the random arguments and states")->capture_default_str();
  app.add_option("--tolerance", options.tolerance, "largest error allowed, relative to a tensor's magnitude")
      ->capture_default_str();
  app.add_option("--prepare", options.prepare, "passes to run first, such as nf-differentiate");
  app.add_option("--cpu", options.cpu, "processor to compile for with --against=cpu, of this one's kind")
      ->capture_default_str();
  app.add_flag("--O0", options.plain, "compile with --against=cpu as LLVM's -O0 does");
  app.add_flag("--bf16", options.bf16, "round casts to bf16 in the reference too");
  app.add_option("--target", options.target, "kernels of --against=cpu: the cpu's, or a GPU's that it emulates")
      ->check(CLI::IsMember({"cpu", "cuda-emulated"}))
      ->capture_default_str();
  app.add_flag("--check-kernels", options.checkKernels, "let the emulated GPU refuse mistakes of its kernels");
  app.add_option("--against", options.against, "decomposed | finite-differences | cpu | pass:<pipeline>")
      ->capture_default_str()
      ->check([](const std::string &value) {
        bool known =
            value == "decomposed" || value == "finite-differences" || value == "cpu" || value.rfind("pass:", 0) == 0;
        return known ? std::string()
                     : "expected decomposed, finite-differences, cpu or pass:<pipeline>, but got " + value;
      });
}

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Compares a program with the reference, on random inputs.", "nf-check");
  addOptions(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  registerTransformsPasses();
  registerPasses();
  ModuleReader reader;
  auto module = reader.read(options.input, "nf-check");
  return module && succeeded(check(*module, options)) ? 0 : 1;
}
