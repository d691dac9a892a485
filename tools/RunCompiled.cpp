//===- RunCompiled.cpp - runs a program of a module that was compiled in this process --------===//
#include "tools/RunCompiled.h"

#include "runtime/cpu/Gemm.h"
#include "runtime/cpu/Pool.h"

#include <bit>

using namespace mlir;
using namespace nf;

/// The symbol that became this entry; `partials` counts the entry's parameter's partial sums before it.
static std::string stateName(const nf_state &state, int &partials) {
  static constexpr const char *suffixes[] = {"", "", ".m", ".v", ".grad", "", ".grad.", ""};
  std::string name = std::string(state.name) + suffixes[state.kind];
  return state.kind == NF_STATE_PARTIAL ? name + std::to_string(partials++) : name;
}

std::vector<Buffer> nf::statesOf(rt::Context &context) {
  std::vector<Buffer> buffers;
  std::map<int32_t, int> partials;
  for (const nf_state &state : context.states())
    buffers.push_back({stateName(state, partials[state.parameter]),
                       state.dtype,
                       {state.shape, state.shape + state.rank},
                       context.persistent + state.offset});
  return buffers;
}

std::vector<Buffer> nf::argumentsOf(rt::Context &context, const nf_program &program, nf_direction direction) {
  std::vector<Buffer> buffers;
  for (int64_t i = 0; i < program.argument_count; ++i) {
    const nf_argument &argument = program.arguments[i];
    if (argument.direction == direction)
      buffers.push_back({argument.name,
                         argument.dtype,
                         {argument.shape, argument.shape + argument.rank},
                         context.transient + argument.offset});
  }
  return buffers;
}

RankedTensorType nf::typeOf(const Buffer &buffer, MLIRContext *context) {
  Builder b(context);
  const Type types[] = {b.getF32Type(), b.getBF16Type(), b.getI32Type(), b.getI64Type(), b.getI1Type()};
  return RankedTensorType::get(buffer.shape, types[buffer.dtype]);
}

/// Calls f with the buffer's elements, as they lie in memory, and a conversion of one from and to double.
template <typename F> static void visit(const Buffer &buffer, F f) {
  auto plain = [&](auto element) {
    using E = decltype(element);
    f(
        static_cast<E *>(buffer.data), [](E value) { return static_cast<double>(value); },
        [](double value) { return static_cast<E>(value); });
  };
  switch (buffer.dtype) {
  case NF_F32:
    return plain(float());
  case NF_BF16:
    return f(
        static_cast<uint16_t *>(buffer.data),
        [](uint16_t bits) { return static_cast<double>(std::bit_cast<float>(uint32_t(bits) << 16)); },
        [](double value) { return uint16_t(std::bit_cast<uint32_t>(static_cast<float>(value)) >> 16); });
  case NF_I32:
    return plain(int32_t());
  case NF_I64:
    return plain(int64_t());
  default:
    return plain(uint8_t());
  }
}

void nf::write(const Buffer &buffer, const Tensor64 &values) {
  visit(buffer, [&](auto *data, auto, auto fromDouble) {
    for (int64_t i = 0; i < buffer.size(); ++i)
      data[i] = fromDouble(elementOf(values, i));
  });
}

Tensor64 nf::read(const Buffer &buffer) {
  using rt::reference::Element;
  static constexpr Element elements[] = {Element::Float, Element::Float, Element::I32, Element::I64, Element::I1};
  Tensor64 tensor(buffer.shape, elements[buffer.dtype]);
  visit(buffer, [&](auto *data, auto toDouble, auto) {
    for (int64_t i = 0; i < buffer.size(); ++i) {
      if (tensor.isFloat())
        tensor.floats[i] = toDouble(data[i]);
      else
        tensor.integers[i] = static_cast<int64_t>(data[i]);
    }
  });
  return tensor;
}

static const nf_program *findProgram(const nf_model &model, StringRef name) {
  for (int64_t i = 0; i < model.program_count; ++i)
    if (name == model.programs[i].name)
      return &model.programs[i];
  return nullptr;
}

static void fill(const std::vector<Buffer> &buffers, const NamedTensors &values) {
  for (const Buffer &buffer : buffers)
    if (auto found = values.find(buffer.name); found != values.end())
      write(buffer, found->second);
}

static NamedTensors readAll(const std::vector<Buffer> &buffers) {
  NamedTensors tensors;
  for (const Buffer &buffer : buffers)
    tensors[buffer.name] = read(buffer);
  return tensors;
}

Outcome nf::runCompiled(const nf_model &model, StringRef name, const NamedTensors &arguments,
                        const NamedTensors &states, int threads) {
  rt::selectGemm();
  rt::Pool pool(threads, model.scratch_bytes);
  rt::Context context(model, pool);
  fill(statesOf(context), states);
  if (const nf_program *prepare = findProgram(model, "prepare_weights"))
    prepare->entry(&context);
  const nf_program &program = *findProgram(model, name);
  fill(argumentsOf(context, program, NF_IN), arguments);
  program.entry(&context);
  return {readAll(argumentsOf(context, program, NF_OUT)), readAll(statesOf(context))};
}
