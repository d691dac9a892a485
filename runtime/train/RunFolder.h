// The folder of a run (--out) and how --resume treats an earlier run in it.
#ifndef NF_RUNTIME_TRAIN_RUNFOLDER_H
#define NF_RUNTIME_TRAIN_RUNFOLDER_H

#include "runtime/train/Checkpoint.h"

#include <optional>
#include <string>

namespace nf::rt {

/// The checkpoint that a run continues: none for "never", for "auto" without a checkpoint in `out`, and for "" (where
/// RunFolder refuses an `out` that has one).
std::optional<CheckpointState> findCheckpointToResume(const std::string &out, const std::string &resume);

/// The run folder, locked against a second process while it lives. A new one that stays empty goes again.
class RunFolder {
public:
  /// Creates the folder. With an earlier run in it: "" throws Error with the --resume lines, "never" moves the earlier
  /// run to `out`.1 (or the next free number), "auto" and a path inside go on in it. A path of another run needs an
  /// `out` without a run.
  RunFolder(const std::string &out, const std::string &resume, const std::string &program, const std::string &data);
  ~RunFolder();
  RunFolder(const RunFolder &) = delete;

private:
  void create(const std::string &out);
  void lock(const std::string &out);

  int descriptor = -1;
  std::string made; ///< the folder, where it is new
};

} // namespace nf::rt

#endif
