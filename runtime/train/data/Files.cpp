#include "runtime/train/data/Files.h"
#include "runtime/core/Error.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nf::rt {

namespace fs = std::filesystem;

namespace {

class Descriptor {
public:
  explicit Descriptor(int fd) : fd(fd) {}
  ~Descriptor() {
    if (fd >= 0)
      ::close(fd);
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  int get() const { return fd; }
  int release() { return std::exchange(fd, -1); }

private:
  int fd;
};

} // namespace

static std::string systemReason() { return std::strerror(errno); }

// ---- Reading

static std::string readAll(int fd, const std::string &path) {
  std::string bytes;
  char buffer[1 << 16];
  for (;;) {
    ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      fail("{}: cannot read: {}", path, systemReason());
    if (got == 0)
      return bytes;
    bytes.append(buffer, size_t(got));
  }
}

MappedFile::MappedFile(const std::string &path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info;
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0)
    fail("{}: cannot open: {}", path, systemReason());
  if (S_ISDIR(info.st_mode))
    fail("{}: expected a file, but got a directory", path);
  if (!S_ISREG(info.st_mode)) {
    copy = readAll(file.get(), path);
    return;
  }
  size = size_t(info.st_size);
  if (size == 0)
    return;
  void *mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (mapped == MAP_FAILED)
    fail("{}: cannot map {} bytes: {}", path, size, systemReason());
  base = static_cast<char *>(mapped);
}

MappedFile::~MappedFile() {
  if (base)
    ::munmap(base, size);
}

// ---- Writing

static void writeAll(int fd, std::string_view bytes, const std::string &path) {
  while (!bytes.empty()) {
    ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      fail("{}: cannot write: {}", path, systemReason());
    bytes.remove_prefix(size_t(done));
  }
}

/// Makes the names in a directory durable. Filesystems that cannot are left alone.
static void syncDirectory(const std::string &path) {
  Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0)
    ::fsync(directory.get());
}

static std::string parentOf(const std::string &path) {
  std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

static void checkReplaceable(const std::string &path, bool (*mayReplace)(std::string_view)) {
  std::error_code code;
  fs::file_status status = fs::status(path, code);
  if (!fs::exists(status))
    return;
  if (!fs::is_directory(status))
    fail("{}: expected a directory to write, but got a file; give another -o", path);
  for (fs::directory_iterator entry(path, code), end; !code && entry != end; entry.increment(code)) {
    std::string name = entry->path().filename().string();
    if (!mayReplace(name))
      fail("{}: expected a new, empty or prepared directory, but it holds {}; give another -o", path, name);
  }
  if (code)
    fail("{}: cannot read: {}", path, code.message());
}

NewDirectory::NewDirectory(const std::string &given, bool (*mayReplace)(std::string_view name)) {
  path = fs::path(given).lexically_normal().string();
  while (path.size() > 1 && path.back() == '/')
    path.pop_back();
  checkReplaceable(path, mayReplace);
  std::error_code code;
  fs::create_directories(parentOf(path), code);
  temporary = path + ".partial-XXXXXX";
  if (!::mkdtemp(temporary.data())) {
    std::string reason = systemReason();
    temporary.clear();
    fail("{}: cannot create a directory: {}", path, reason);
  }
  mode_t mask = ::umask(0);
  ::umask(mask);
  ::chmod(temporary.c_str(), 0777 & ~mask);
}

NewDirectory::~NewDirectory() {
  std::error_code code;
  if (!temporary.empty())
    fs::remove_all(temporary, code);
}

void NewDirectory::write(const std::string &name, std::string_view header, std::string_view bytes) {
  std::string shown = path + "/" + name;
  Descriptor file(::open((temporary + "/" + name).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (file.get() < 0)
    fail("{}: cannot create: {}", shown, systemReason());
  writeAll(file.get(), header, shown);
  writeAll(file.get(), bytes, shown);
  if (::fsync(file.get()) != 0 || ::close(file.release()) != 0)
    fail("{}: cannot write: {}", shown, systemReason());
}

void NewDirectory::publish() {
  syncDirectory(temporary);
  bool swapped = false;
  if (::rename(temporary.c_str(), path.c_str()) != 0) { // works over nothing and over an empty directory
    if (errno != ENOTEMPTY && errno != EEXIST)
      fail("{}: cannot rename {} to it: {}", path, temporary, systemReason());
    if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) != 0)
      fail("{}: cannot replace it: {}; remove it, and run again", path, systemReason());
    swapped = true;
  }
  syncDirectory(parentOf(path));
  if (!swapped)
    temporary.clear(); // otherwise it now names the replaced directory, which the destructor removes
}

} // namespace nf::rt
