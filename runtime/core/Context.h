// The running model: its memory, its threads, and access to programs, arguments and states by name.
#ifndef NF_RUNTIME_CORE_CONTEXT_H
#define NF_RUNTIME_CORE_CONTEXT_H

#include "runtime/abi/nf_abi.h"
#include "runtime/core/Memory.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace nf::rt {

class Context;
class Device;
class Pool;

/// Told of every launch after it, with its name and how long it took.
using LaunchObserver = std::function<void(const char *name, double seconds)>;

/// One program of the model with its arguments. Arguments live in the transient arena that all programs share, so
/// inputs are filled right before run() and outputs read right after, before another program runs.
class Program {
public:
  Program() = default;
  Program(Context *context, const nf_program *program) : context(context), program(program) {}

  /// False when the model has no such program.
  explicit operator bool() const { return program != nullptr; }
  void run() const;

  /// The argument's description, or null: this program does not need it.
  const nf_argument *find(std::string_view name) const;
  /// The argument's elements, empty when the program does not need it. Throws Error when the element size differs.
  template <typename T> std::span<T> argument(std::string_view name) const {
    const nf_argument *found = find(name);
    return found ? std::span<T>(static_cast<T *>(address(*found, sizeof(T))), found->bytes / sizeof(T))
                 : std::span<T>();
  }
  /// Writes a scalar argument where the program has it.
  template <typename T> void set(std::string_view name, T value) const {
    if (auto slot = argument<T>(name); !slot.empty())
      slot[0] = value;
  }

private:
  void *address(const nf_argument &argument, size_t elementBytes) const;

  Context *context = nullptr;
  const nf_program *program = nullptr;
};

/// Of a model's programs, in bytes.
inline int64_t largestArena(const nf_model &model) {
  int64_t largest = 0;
  for (int64_t i = 0; i < model.program_count; ++i)
    largest = std::max(largest, model.programs[i].transient_bytes);
  return largest;
}

/// Memory and threads of one model. What compiled code sees of it is the nf_context that it starts with. Where a device
/// runs the model, the segments are in its memory, and the host has a copy of what it reads and writes of them.
class Context : public nf_context {
public:
  /// Reserves the segments; `pool` and `device` outlive the context. Without a device the host runs the model.
  Context(const nf_model &model, Pool &pool, Device *device = nullptr);
  Context(const Context &) = delete;

  const nf_model &model() const { return table; }
  Pool &pool() const { return threads; }
  /// Runs one kernel on the pool.
  void launch(nf_kernel kernel, void *const *args, int64_t tasks, const char *name) const;
  /// For profiles; nobody by default.
  void observeLaunches(LaunchObserver observer) { launchObserver = std::move(observer); }
  const LaunchObserver &observer() const { return launchObserver; }
  Device *whereItRuns() const { return device; }
  std::span<const nf_state> states() const { return {table.states, static_cast<size_t>(table.state_count)}; }
  /// Parameters in the order of the table: P of nf_abi.h.
  std::span<const nf_state *const> parameters() const { return parameterStates; }
  Program program(std::string_view name);
  /// Of the arena that all programs share.
  int64_t transientBytes() const { return hostTransient.bytes(); }

  /// Runs a program of the model on what its arguments are.
  void run(const nf_program &program);
  /// The argument in the host's memory.
  uint8_t *addressOf(const nf_argument &argument) const { return hostTransient.data() + argument.offset; }

  /// The elements of a float state in the host's memory. What is written to them counts after send().
  std::span<float> values(const nf_state &state) const;
  void send(const nf_state &state);
  /// The elements as programs left them.
  std::span<const float> fetch(const nf_state &state);
  /// The moment or gradient of a parameter, or null.
  const nf_state *companion(const nf_state &parameter, nf_state_kind kind) const;
  const nf_state *findParameter(std::string_view name) const;

private:
  const nf_model &table;
  Pool &threads;
  Segment hostPersistent, hostTransient;
  std::vector<const nf_state *> parameterStates;
  LaunchObserver launchObserver;
  Device *device;
};

} // namespace nf::rt

#endif
