//===- Sampling.cpp - random inputs of a program, and comparison of what it gives ------------===//
#include "tools/Sampling.h"

#include "runtime/core/Philox.h"
#include "llvm/Support/xxhash.h"

#include <cmath>

using namespace mlir;
using namespace nf;

static double numberOf(Attribute attribute) {
  if (auto integer = dyn_cast<IntegerAttr>(attribute))
    return static_cast<double>(integer.getInt());
  return cast<FloatAttr>(attribute).getValueAsDouble();
}

Tensor64 nf::sampleValues(Type type, DictionaryAttr attributes, StringRef name, uint64_t seed) {
  Tensor64 tensor = zerosOf<double>(type);
  double low = -1, high = 1;
  if (auto range = attributes ? attributes.getAs<ArrayAttr>("nf.range") : ArrayAttr()) {
    low = numberOf(range[0]);
    high = numberOf(range[1]);
  }
  auto below = attributes ? attributes.getAs<IntegerAttr>("nf.below") : IntegerAttr();
  uint64_t limit = below ? below.getInt() : 2;
  bool isBf16 = cast<ShapedType>(type).getElementType().isBF16();
  uint64_t key = seed ^ llvm::xxh3_64bits(name);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    auto words = rt::philox(key, {uint32_t(i), uint32_t(i >> 32), 0, 0});
    if (!tensor.isFloat()) {
      tensor.integers[i] = words[0] % limit;
      continue;
    }
    double value = low + (high - low) * (words[0] + 0.5) / 4294967296.0;
    tensor.floats[i] = isBf16 ? rt::reference::roundToBf16(value) : static_cast<float>(value);
  }
  return tensor;
}

NamedTensors nf::sampleStates(ModuleOp module, uint64_t seed) {
  NamedTensors states;
  for (auto parameter : module.getOps<ParameterOp>())
    states[parameter.getSymName().str()] =
        sampleValues(parameter.getType(), parameter->getAttrDictionary(), parameter.getSymName(), seed);
  for (auto state : module.getOps<StateOp>())
    states[state.getSymName().str()] =
        sampleValues(state.getType(), state->getAttrDictionary(), state.getSymName(), seed);
  return states;
}

NamedTensors nf::sampleArguments(ProgramOp program, uint64_t seed) {
  NamedTensors arguments;
  for (unsigned i = 0; i < program.getNumArguments(); ++i) {
    StringRef name = program.getArgumentName(i);
    arguments[name.str()] = sampleValues(program.getArgumentTypes()[i], program.getArgAttrDict(i), name, seed);
  }
  return arguments;
}

FailureOr<Outcome> nf::runReference(ProgramOp program, const NamedTensors &arguments, const NamedTensors &states,
                                    bool roundsToBf16) {
  Interpreter<double> interpreter;
  interpreter.states = states;
  interpreter.roundsToBf16 = roundsToBf16;
  std::vector<Tensor64> values;
  for (unsigned i = 0; i < program.getNumArguments(); ++i) {
    auto found = arguments.find(program.getArgumentName(i).str());
    values.push_back(found == arguments.end() ? zerosOf<double>(program.getArgumentTypes()[i]) : found->second);
  }
  auto results = interpreter.run(program, values);
  if (failed(results))
    return failure();
  Outcome outcome;
  for (auto [i, tensor] : llvm::enumerate(*results))
    outcome.results[program.getResultName(i).str()] = std::move(tensor);
  outcome.states = std::move(interpreter.states);
  return outcome;
}

Difference nf::largestDifference(const Tensor64 &expected, const Tensor64 &actual) {
  Difference largest;
  double magnitude = 0;
  for (int64_t i = 0; i < expected.size(); ++i)
    if (std::isfinite(elementOf(expected, i)))
      magnitude = std::max(magnitude, std::fabs(elementOf(expected, i)));
  largest.magnitude = magnitude > 0 ? magnitude : 1;
  for (int64_t i = 0; i < expected.size(); ++i) {
    double x = elementOf(expected, i), y = elementOf(actual, i);
    bool same = x == y || (std::isnan(x) && std::isnan(y));
    double error = same ? 0 : std::fabs(x - y) / largest.magnitude;
    if (std::isnan(error))
      error = INFINITY;
    if (error > largest.error) {
      largest.error = error;
      largest.index = i;
    }
  }
  return largest;
}

std::string nf::indexText(const rt::reference::Shape &shape, int64_t i) {
  std::string text;
  for (size_t axis = shape.size(); axis-- > 0; i /= shape[axis])
    text = std::to_string(i % shape[axis]) + (text.empty() ? "" : ", ") + text;
  return text.empty() ? text : "[" + text + "]";
}
