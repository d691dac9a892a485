//===- Sampling.h - random inputs of a program, and comparison of what it gives --------------===//
#ifndef NF_TOOLS_SAMPLING_H
#define NF_TOOLS_SAMPLING_H

#include "tools/Interpreter.h"

#include <optional>

namespace nf {

using Tensor64 = rt::reference::Tensor<double>;
using NamedTensors = std::map<std::string, Tensor64>;

/// Random values of `type`, a function of seed and name alone: floats, representable in the type, within `nf.range` =
/// [lo, hi] of `attributes` ([-1, 1] without), integers from 0 to below `nf.below` (2).
Tensor64 sampleValues(mlir::Type type, mlir::DictionaryAttr attributes, llvm::StringRef name, uint64_t seed);

/// Values of all parameters and states of a module, by symbol.
NamedTensors sampleStates(mlir::ModuleOp module, uint64_t seed);

/// Values of a program's arguments, by host name.
NamedTensors sampleArguments(ProgramOp program, uint64_t seed);

/// What a program gave: results by host name, and the states after it.
struct Outcome {
  NamedTensors results, states;
};

/// Runs `program` by the reference in double. Arguments that `arguments` does not name are zeros.
llvm::FailureOr<Outcome> runReference(ProgramOp program, const NamedTensors &arguments, const NamedTensors &states,
                                      bool roundsToBf16);

/// The largest difference between two tensors of one shape, relative to `expected`'s magnitude (its largest finite
/// element, or 1 where all are 0). NaN and infinities must be equal.
struct Difference {
  int64_t index = 0;
  double error = 0, magnitude = 1;
};
Difference largestDifference(const Tensor64 &expected, const Tensor64 &actual);

/// Position `i` as "[1, 2]"; "" for a scalar.
std::string indexText(const rt::reference::Shape &shape, int64_t i);

/// Element `i`, whatever its type.
inline double elementOf(const Tensor64 &tensor, int64_t i) {
  return tensor.isFloat() ? tensor.floats[i] : static_cast<double>(tensor.integers[i]);
}

} // namespace nf

#endif // NF_TOOLS_SAMPLING_H
