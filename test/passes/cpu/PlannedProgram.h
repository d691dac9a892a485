// Runs a planned program in this process: passes make kernels of its ops, the kernels are compiled to machine code, and
// its launches run one task after another on an arena of ours.
#ifndef NF_TEST_PASSES_CPU_PLANNEDPROGRAM_H
#define NF_TEST_PASSES_CPU_PLANNEDPROGRAM_H

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace nf::test {

class PlannedProgram {
public:
  /// `text`: a module with one nf.program whose buffers are transient; `passes`: the pipeline (as nf-opt takes it) that
  /// turns its ops into launches. Throws std::runtime_error.
  PlannedProgram(std::string_view text, std::string_view passes);
  ~PlannedProgram();

  /// `bytes` from the arena's base.
  template <typename T> T *at(int64_t bytes) { return reinterpret_cast<T *>(arena() + bytes); }
  void run();
  /// Runs several times; the sum of each task's shortest time in seconds, which other work on the machine disturbs
  /// least.
  double bestSeconds(int runs);
  /// Of the largest kernel.
  int64_t scratchBytes() const;

private:
  uint8_t *arena();
  void runTasks(const std::function<void(const std::function<void()> &task)> &runTask);
  struct State;
  std::unique_ptr<State> state;
};

} // namespace nf::test

#endif
