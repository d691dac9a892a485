#include "runtime/train/data/TextFiles.h"
#include "runtime/core/Error.h"
#include "runtime/train/data/PreTokens.h"

#include <algorithm>
#include <filesystem>
#include <optional>

namespace nf::rt {

namespace fs = std::filesystem;

/// "path:line:column" of an offset; columns count bytes, from 1.
static std::string locate(const std::string &path, std::string_view text, size_t offset) {
  std::string_view before = text.substr(0, offset);
  size_t line = 1 + size_t(std::count(before.begin(), before.end(), '\n'));
  size_t lineStart = before.rfind('\n') + 1; // npos + 1 is 0
  return fmt::format("{}:{}:{}", path, line, offset - lineStart + 1);
}

static void checkText(const std::string &path, std::string_view text) {
  std::optional<size_t> invalid = firstInvalidUtf8(text);
  if (size_t nul = text.substr(0, invalid.value_or(text.size())).find('\0'); nul != std::string_view::npos)
    fail("{}: expected text, but got a NUL byte at offset {}; give plain text in UTF-8", locate(path, text, nul), nul);
  if (invalid)
    fail(
        "{}: expected UTF-8, but got byte 0x{:02x} at offset {}; convert the file, for example with iconv -f LATIN1 -t "
        "UTF-8",
        locate(path, text, *invalid), unsigned(uint8_t(text[*invalid])), *invalid);
}

static TextFile openText(const std::string &path) {
  TextFile file{path, MappedFile(path), {}};
  file.text = file.file.text();
  if (file.text.starts_with("\xEF\xBB\xBF"))
    file.text.remove_prefix(3);
  checkText(path, file.text);
  return file;
}

static std::vector<std::string> textFilesIn(const std::string &directory) {
  std::vector<std::string> paths;
  std::error_code code;
  fs::recursive_directory_iterator entry(directory, code), end;
  for (; !code && entry != end; entry.increment(code))
    if (entry->path().extension() == ".txt" && !entry->is_directory(code))
      paths.push_back(entry->path().string());
  if (code)
    fail("{}: cannot read: {}", directory, code.message());
  if (paths.empty())
    fail("{}: expected .txt files, but found none; give the files by name if they are called otherwise", directory);
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<TextFile> openTextFiles(const std::vector<std::string> &inputs, std::vector<std::string> &notes) {
  std::vector<TextFile> files;
  for (const std::string &input : inputs) {
    std::error_code code;
    if (!fs::is_directory(input, code)) {
      files.push_back(openText(input));
      if (files.back().text.empty())
        fail("{}: expected text, but the file is empty", input);
      continue;
    }
    for (const std::string &path : textFilesIn(input)) {
      files.push_back(openText(path));
      if (files.back().text.empty()) {
        notes.push_back(path + " is empty and was skipped");
        files.pop_back();
      }
    }
  }
  if (files.empty())
    fail("expected text files, but {}", inputs.empty() ? "none were given" : "all of them are empty");
  return files;
}

} // namespace nf::rt
