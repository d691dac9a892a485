#include "runtime/train/Progress.h"

#include "runtime/core/Error.h"
#include "runtime/core/Print.h"
#include "runtime/train/Files.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <sys/ioctl.h>
#include <unistd.h>

namespace nf::rt {

std::string formatDuration(double seconds) {
  auto whole = static_cast<int64_t>(std::min(seconds, 1e9) + 0.5);
  if (whole < 3600)
    return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string formatCount(double count) {
  for (auto [unit, suffix] : {std::pair{1e9, 'G'}, {1e6, 'M'}, {1e3, 'k'}})
    if (count >= unit * 0.9995)
      return fmt::format("{:.{}f}{}", count / unit, count / unit < 10 ? 2 : count / unit < 100 ? 1 : 0, suffix);
  return fmt::format("{:.0f}", count);
}

std::string progressLine(const StepReport &report) {
  return fmt::format("step {}/{}  loss {:.4f}  lr {:.2e}  norm {:.3g}  {} tokens/s  ETA {}", report.step, report.total,
                     report.loss, report.lr, report.gradNorm, formatCount(report.tokensPerSecond),
                     formatDuration(report.secondsLeft));
}

Progress::Progress(bool quiet, int64_t every)
    : quiet(quiet), terminal(isatty(STDOUT_FILENO) != 0), every(std::max<int64_t>(every, 1)) {}

static int terminalWidth() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void Progress::step(const StepReport &report) {
  if (quiet)
    return;
  bool last = report.step == report.total;
  if (!terminal) {
    if (report.step % every == 0 || report.step == 1 || last) {
      say(stdout, "{}\n", progressLine(report));
    }
    return;
  }
  auto now = std::chrono::steady_clock::now();
  if (barShown && !last && now - lastDrawn < std::chrono::milliseconds(100))
    return;
  lastDrawn = now;
  std::string line = progressLine(report);
  int room = terminalWidth() - static_cast<int>(line.size()) - 4;
  if (room >= 10) {
    int width = std::min(room, 40);
    auto filled = static_cast<int>(width * report.step / std::max<int64_t>(report.total, 1));
    line = fmt::format("[{}{}] {}", std::string(filled, '#'), std::string(width - filled, '.'), line);
  }
  line.resize(std::min<size_t>(line.size(), terminalWidth() - 1));
  say(stdout, "\r{}\x1b[K", line); // redraw, then clear what a longer line left
  barShown = true;
}

void Progress::endLine() {
  if (barShown)
    say(stdout, "\n");
  barShown = false;
}

void Progress::note(const std::string &line) {
  if (quiet)
    return;
  endLine();
  say(stdout, "{}\n", line);
}

// The step of a record, or -1 for a line that is none (cut by a crash).
static int64_t recordStep(const std::string &line) {
  auto record = nlohmann::json::parse(line, nullptr, false);
  return record.is_object() && record.contains("step") && record["step"].is_number_integer()
             ? record["step"].get<int64_t>()
             : -1;
}

MetricsLog::MetricsLog(const std::string &path, int64_t lastStep) : path(path) {
  std::string kept;
  try {
    if (lastStep > 0 && std::filesystem::exists(path)) {
      std::istringstream lines(readFile(path));
      for (std::string line; std::getline(lines, line);)
        if (int64_t step = recordStep(line); step >= 0 && step <= lastStep)
          kept += line + "\n";
    }
    replaceFile(path, kept);
  } catch (const Error &error) {
    warn(error.what());
    return;
  }
  file.open(path, std::ios::app);
}

void MetricsLog::write(const nlohmann::json &record) {
  if (warned)
    return;
  file << record.dump() << '\n' << std::flush;
  if (!file)
    warn(fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
}

void MetricsLog::warn(const std::string &why) {
  if (!warned)
    say(stderr, "warning: {}; the run goes on without metrics\n", why);
  warned = true;
}

} // namespace nf::rt
