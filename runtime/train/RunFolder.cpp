#include "runtime/train/RunFolder.h"

#include "runtime/core/Error.h"
#include "runtime/core/Print.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace nf::rt {

namespace fs = std::filesystem;

std::optional<CheckpointState> findCheckpointToResume(const std::string &out, const std::string &resume) {
  if (resume.empty() || resume == "never")
    return std::nullopt;
  if (resume != "auto")
    return readCheckpoint(resume);
  std::optional<std::string> latest = latestCheckpoint(out);
  return latest ? std::optional<CheckpointState>(readCheckpoint(*latest)) : std::nullopt;
}

/// Moves a finished or abandoned run aside, to the first free name; returns it.
static std::string moveAside(const std::string &out) {
  for (int number = 1;; ++number) {
    std::string name = fmt::format("{}.{}", out, number);
    if (fs::exists(name))
      continue;
    if (std::rename(out.c_str(), name.c_str()) != 0)
      fail("{}: cannot be renamed to {}: {}", out, name, std::strerror(errno));
    return name;
  }
}

static bool isInside(const std::string &path, const std::string &folder) {
  fs::path relative = fs::weakly_canonical(path).lexically_relative(fs::weakly_canonical(folder));
  return !relative.empty() && *relative.begin() != "..";
}

/// What a crash left of checkpoints that were being written.
static void removeLeftovers(const std::string &out) {
  std::error_code ignored;
  for (fs::directory_iterator entry(out, ignored), end; !ignored && entry != end; entry.increment(ignored)) {
    std::string name = entry->path().filename();
    if (name.rfind(".step-", 0) == 0 && name.ends_with(".tmp"))
      fs::remove_all(entry->path(), ignored);
  }
}

RunFolder::RunFolder(const std::string &outFlag, const std::string &resume, const std::string &program,
                     const std::string &data) {
  std::string out = outFlag;
  while (out.size() > 1 && out.back() == '/')
    out.pop_back();
  if (auto latest = latestCheckpoint(out)) {
    if (resume.empty())
      fail("{}: there is a run already (newest checkpoint {}); continue it with: {} train --data {} --out {} --resume "
           "auto (or begin anew beside it with --resume never)",
           out, fs::path(*latest).filename().string(), program, data, out);
    if (resume == "never") {
      lock(out); // it may still be running
      say(stdout, "the earlier run is now {}\n", moveAside(out));
      close(std::exchange(descriptor, -1));
    } else if (resume != "auto" && !isInside(resume, out))
      fail("{}: there is another run already; give a new --out to continue {} in", out, resume);
  }
  create(out);
  lock(out);
  removeLeftovers(out);
}

RunFolder::~RunFolder() {
  if (descriptor >= 0)
    close(descriptor);
  std::error_code error;
  if (!made.empty())
    fs::remove(made, error); // fails where the run wrote something
}

void RunFolder::create(const std::string &out) {
  std::error_code error;
  if (fs::create_directories(out, error))
    made = out;
  if (!fs::is_directory(out))
    fail("{}: cannot be created: {}", out, error ? error.message() : "there is a file of this name");
}

void RunFolder::lock(const std::string &out) {
  descriptor = open(out.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0 || access(out.c_str(), W_OK) != 0)
    fail("{}: cannot be written: {}", out, std::strerror(errno));
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    fail("{}: another process is training into this folder; wait for it or use another --out", out);
}

} // namespace nf::rt
