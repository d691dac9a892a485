//===- RunCompiled.h - runs a program of a module that was compiled in this process ----------===//
#ifndef NF_TOOLS_RUNCOMPILED_H
#define NF_TOOLS_RUNCOMPILED_H

#include "runtime/core/Context.h"
#include "tools/Sampling.h"

namespace nf {

/// A buffer of the model, an argument or a state, by the name that modules, files and seeds know it by.
struct Buffer {
  std::string name;
  int32_t dtype; ///< nf_dtype
  std::vector<int64_t> shape;
  void *data;

  int64_t size() const { return rt::reference::elementCount(shape); }
};

/// All states: a moment or gradient under its symbol in the module ("w.m"), not its parameter's name.
std::vector<Buffer> statesOf(rt::Context &context);

/// Arguments (NF_IN) or results (NF_OUT) of a program.
std::vector<Buffer> argumentsOf(rt::Context &context, const nf_program &program, nf_direction direction);

/// The buffer's type as a tensor.
mlir::RankedTensorType typeOf(const Buffer &buffer, mlir::MLIRContext *context);

/// Stores values that are representable in the buffer's type.
void write(const Buffer &buffer, const Tensor64 &values);

Tensor64 read(const Buffer &buffer);

/// Runs a program on `threads` threads. Arguments and states that are not named are zeros.
Outcome runCompiled(const nf_model &model, llvm::StringRef program, const NamedTensors &arguments,
                    const NamedTensors &states, int threads);

} // namespace nf

#endif // NF_TOOLS_RUNCOMPILED_H
