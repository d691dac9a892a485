#include "runtime/train/Files.h"

#include "runtime/core/Error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/statvfs.h>
#include <unistd.h>
#include <xxhash.h>

namespace nf::rt {

static std::string hex(uint64_t hash) { return fmt::format("{:016x}", hash); }

FileWriter::FileWriter(const std::string &path)
    : path(path), descriptor(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)), hashState(nullptr) {
  if (descriptor < 0)
    fail("{}: cannot be written: {}", path, std::strerror(errno));
  hashState = XXH3_createState();
  XXH3_64bits_reset(static_cast<XXH3_state_t *>(hashState));
}

FileWriter::~FileWriter() {
  XXH3_freeState(static_cast<XXH3_state_t *>(hashState));
  if (descriptor >= 0)
    close(descriptor);
}

void FileWriter::write(const void *data, size_t bytes) {
  const char *at = static_cast<const char *>(data);
  // One call writes at most 2 GB, and pieces that fit the cache are hashed while they are in it.
  constexpr size_t piece = 1 << 20;
  while (bytes > 0) {
    ssize_t written = ::write(descriptor, at, std::min(bytes, piece));
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      fail("{}: cannot be written: {}", path, std::strerror(errno));
    XXH3_64bits_update(static_cast<XXH3_state_t *>(hashState), at, written);
    at += written;
    bytes -= written;
  }
}

std::string FileWriter::finish() {
  bool synced = fsync(descriptor) == 0;
  int error = errno;
  bool closed = close(descriptor) == 0;
  if (synced && !closed)
    error = errno;
  descriptor = -1;
  if (!synced || !closed)
    fail("{}: cannot be written: {}", path, std::strerror(error));
  return hex(XXH3_64bits_digest(static_cast<XXH3_state_t *>(hashState)));
}

void replaceFile(const std::string &path, const std::string &text) {
  std::string temporary = path + ".tmp";
  try {
    FileWriter file(temporary);
    file.write(text.data(), text.size());
    file.finish();
    if (std::rename(temporary.c_str(), path.c_str()) != 0)
      fail("{}: cannot be written: {}", path, std::strerror(errno));
  } catch (const Error &) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
  std::string folder = std::filesystem::path(path).parent_path();
  syncFolder(folder.empty() ? "." : folder);
}

void syncFolder(const std::string &path) {
  int descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool synced = descriptor >= 0 && fsync(descriptor) == 0;
  int error = errno;
  if (descriptor >= 0)
    close(descriptor);
  // Some file systems cannot sync folders and say EINVAL; there is no more to do there.
  if (!synced && error != EINVAL)
    fail("{}: cannot be synced to disk: {}", path, std::strerror(error));
}

std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path))
    fail("{}: cannot be read: {}", path, file ? "it is a folder" : std::strerror(errno));
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string hashFile(const std::string &path) {
  std::string text = readFile(path);
  return hex(XXH3_64bits(text.data(), text.size()));
}

int64_t freeDiskBytes(const std::string &path) {
  struct statvfs status;
  if (statvfs(path.c_str(), &status) != 0)
    fail("{}: free space cannot be read: {}", path, std::strerror(errno));
  return static_cast<int64_t>(status.f_bavail) * static_cast<int64_t>(status.f_frsize);
}

} // namespace nf::rt
