#include "runtime/core/Context.h"

#include "runtime/core/Device.h"
#include "runtime/core/Error.h"
#include "runtime/cpu/Pool.h"

#include <chrono>

namespace nf::rt {

const nf_argument *Program::find(std::string_view name) const {
  for (int64_t i = 0; i < program->argument_count; ++i)
    if (name == program->arguments[i].name)
      return &program->arguments[i];
  return nullptr;
}

void *Program::address(const nf_argument &argument, size_t elementBytes) const {
  int64_t elements = 1;
  for (int32_t d = 0; d < argument.rank; ++d)
    elements *= argument.shape[d];
  if (elements * static_cast<int64_t>(elementBytes) != argument.bytes)
    fail("program '{}' has an argument '{}' of {} bytes for {} elements, expected {} bytes an element; the executable "
         "was made by another version of the compiler",
         program->name, argument.name, argument.bytes, elements, elementBytes);
  return context->addressOf(argument);
}

void Program::run() const { context->run(*program); }

// Programs never run at once, so one arena of the largest size serves them all.
// Beside a device, the host's pages of them exist once they are touched.
Context::Context(const nf_model &model, Pool &pool, Device *device)
    : table(model), threads(pool), hostPersistent(model.persistent_bytes), hostTransient(largestArena(model)),
      device(device) {
  static_cast<nf_context &>(*this) =
      device ? device->reserve() : nf_context{hostPersistent.data(), hostTransient.data()};
  for (const nf_state &state : states())
    if (state.kind == NF_STATE_PARAMETER)
      parameterStates.push_back(&state);
}

Program Context::program(std::string_view name) {
  for (int64_t i = 0; i < table.program_count; ++i)
    if (name == table.programs[i].name)
      return Program(this, &table.programs[i]);
  return Program();
}

void Context::launch(nf_kernel kernel, void *const *args, int64_t tasks, const char *name) const {
  if (!launchObserver)
    return threads.run(kernel, args, tasks);
  auto start = std::chrono::steady_clock::now();
  threads.run(kernel, args, tasks);
  launchObserver(name, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

void Context::run(const nf_program &program) {
  if (device)
    device->run(*this, program, hostTransient.data());
  else
    program.entry(this);
}

std::span<float> Context::values(const nf_state &state) const {
  return {reinterpret_cast<float *>(hostPersistent.data() + state.offset),
          static_cast<size_t>(state.bytes) / sizeof(float)};
}

void Context::send(const nf_state &state) {
  if (device)
    device->send(persistent + state.offset, values(state).data(), state.bytes);
}

std::span<const float> Context::fetch(const nf_state &state) {
  std::span<float> elements = values(state);
  if (device)
    device->fetch(elements.data(), persistent + state.offset, state.bytes);
  return elements;
}

const nf_state *Context::companion(const nf_state &parameter, nf_state_kind kind) const {
  for (const nf_state &state : states())
    if (state.kind == kind && &table.states[state.parameter] == &parameter)
      return &state;
  return nullptr;
}

const nf_state *Context::findParameter(std::string_view name) const {
  for (const nf_state *parameter : parameterStates)
    if (name == parameter->name)
      return parameter;
  return nullptr;
}

} // namespace nf::rt
