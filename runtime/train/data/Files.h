// Reading files whole and writing directories so that they appear complete or not at all.
#ifndef NF_RUNTIME_TRAIN_DATA_FILES_H
#define NF_RUNTIME_TRAIN_DATA_FILES_H

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace nf::rt {

/// The bytes of a file, mapped read-only; a pipe is read whole instead.
class MappedFile {
public:
  MappedFile() = default;
  /// Throws Error("path: ...") when it is missing, unreadable or a directory.
  explicit MappedFile(const std::string &path);
  ~MappedFile();
  MappedFile(MappedFile &&other) noexcept
      : base(std::exchange(other.base, nullptr)), size(std::exchange(other.size, 0)), copy(std::move(other.copy)) {}
  MappedFile &operator=(MappedFile &&other) noexcept {
    std::swap(base, other.base);
    std::swap(size, other.size);
    std::swap(copy, other.copy);
    return *this;
  }

  std::string_view text() const { return base ? std::string_view(base, size) : std::string_view(copy); }

private:
  char *base = nullptr;
  size_t size = 0;
  std::string copy;
};

/// A directory under a temporary name beside its final one; removed again unless publish() is reached.
class NewDirectory {
public:
  /// `path` is the final name. Throws Error when it exists with files other than those that `mayReplace` accepts
  /// (by name), or when nothing can be created there.
  NewDirectory(const std::string &path, bool (*mayReplace)(std::string_view name));
  ~NewDirectory();
  NewDirectory(const NewDirectory &) = delete;
  NewDirectory &operator=(const NewDirectory &) = delete;

  /// Writes a file of that name and fsyncs it. Throws Error, for example on a full disk.
  void write(const std::string &name, std::string_view header, std::string_view bytes);

  /// Gives the directory its final name in one step; an earlier one is replaced. Throws Error.
  void publish();

private:
  std::string path, temporary;
};

} // namespace nf::rt

#endif // NF_RUNTIME_TRAIN_DATA_FILES_H
