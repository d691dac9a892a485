// Durable files: written in full and fsynced, or not there.
#ifndef NF_RUNTIME_TRAIN_FILES_H
#define NF_RUNTIME_TRAIN_FILES_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace nf::rt {

/// A new file (an existing one is emptied) whose bytes are hashed as they are written. Throws Error ("path: ...").
class FileWriter {
public:
  explicit FileWriter(const std::string &path);
  ~FileWriter();
  FileWriter(const FileWriter &) = delete;

  void write(const void *data, size_t bytes);
  /// fsyncs and closes; returns the XXH3-64 of the file as 16 hexadecimal digits.
  std::string finish();

private:
  std::string path;
  int descriptor;
  void *hashState;
};

/// Replaces the file by `text` at once: temporary name, fsync, rename, fsync of the folder.
void replaceFile(const std::string &path, const std::string &text);
/// fsyncs a folder, so that renames in it survive a power failure.
void syncFolder(const std::string &path);
/// The whole file. Throws Error ("path: ...").
std::string readFile(const std::string &path);
/// XXH3-64 of a file, 16 hexadecimal digits.
std::string hashFile(const std::string &path);
/// Bytes that can still be written to the file system of `path`.
int64_t freeDiskBytes(const std::string &path);

} // namespace nf::rt

#endif
