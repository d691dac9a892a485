// What a person sees of a running training, and metrics.jsonl.
#ifndef NF_RUNTIME_TRAIN_PROGRESS_H
#define NF_RUNTIME_TRAIN_PROGRESS_H

#include <chrono>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace nf::rt {

struct StepReport {
  int64_t step = 0, total = 0;
  double loss = 0, lr = 0, gradNorm = 0;
  double tokensPerSecond = 0;
  double secondsLeft = 0;
};

/// The line without the bar: "step 120/500  loss 3.2140  lr 3.00e-04  norm 0.82  12.3k tokens/s  ETA 1:23".
std::string progressLine(const StepReport &report);
/// "1:23", "2:03:04".
std::string formatDuration(double seconds);
/// "987", "12.3k", "4.56M", "1.20G".
std::string formatCount(double count);

/// A bar that redraws itself on a terminal, a plain line every `every` steps elsewhere, nothing when quiet.
class Progress {
public:
  Progress(bool quiet, int64_t every);
  ~Progress() { endLine(); }

  void step(const StepReport &report);
  /// A line of its own, which does not tear the bar.
  void note(const std::string &line);

private:
  void endLine();

  bool quiet, terminal;
  int64_t every;
  bool barShown = false;
  std::chrono::steady_clock::time_point lastDrawn;
};

/// Lines of JSON, one a record. A failed write warns once, and the run goes on.
class MetricsLog {
public:
  /// Keeps the records of an earlier part of the run up to `lastStep` and appends behind them.
  MetricsLog(const std::string &path, int64_t lastStep);
  void write(const nlohmann::json &record);

private:
  void warn(const std::string &why);

  std::string path;
  std::ofstream file;
  bool warned = false;
};

} // namespace nf::rt

#endif
