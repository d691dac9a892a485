// The user's text: which files, and that they are text.
#ifndef NF_RUNTIME_TRAIN_DATA_TEXTFILES_H
#define NF_RUNTIME_TRAIN_DATA_TEXTFILES_H

#include "runtime/train/data/Files.h"

#include <string>
#include <string_view>
#include <vector>

namespace nf::rt {

struct TextFile {
  std::string path;
  MappedFile file;
  std::string_view text; ///< without a byte order mark; not empty
};

/// Opens the files, and the .txt files of directories (at any depth, in order of path; empty ones are skipped with a
/// line in `notes`). Throws Error, located at "path:line:column", for what is missing, unreadable, empty, or has a NUL
/// byte or invalid UTF-8.
std::vector<TextFile> openTextFiles(const std::vector<std::string> &inputs, std::vector<std::string> &notes);

} // namespace nf::rt

#endif // NF_RUNTIME_TRAIN_DATA_TEXTFILES_H
