#include "frontend/onnx/ExternalData.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <fmt/format.h>

using namespace nf::onnxfe;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

static llvm::Error fail(const std::string &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// What is wrong with a location, as a part of a message; empty where it names a place inside the model's folder.
static std::string flawOf(llvm::StringRef location) {
  if (location.empty())
    return "an empty path";
  if (location.contains('\0'))
    return "a path with a NUL byte";
  if (path::is_absolute(location))
    return "the absolute path " + location.str();
  for (llvm::StringRef part : llvm::make_range(path::begin(location), path::end(location)))
    if (part == "..")
      return location.str() + ", which leaves it";
  return "";
}

llvm::Expected<llvm::StringRef> ExternalFiles::open(llvm::StringRef location) {
  auto &file = files[location.str()];
  if (file)
    return file->getBuffer();
  if (std::string flaw = flawOf(location); !flaw.empty())
    return fail(fmt::format("expected external data in the model's folder, but got {}", flaw));
  llvm::SmallString<256> full(folder.empty() ? "." : folder);
  for (llvm::StringRef part : llvm::make_range(path::begin(location), path::end(location))) {
    path::append(full, part);
    fs::file_status status;
    if (std::error_code error = fs::status(full, status, /*follow=*/false))
      return fail(fmt::format("expected the file {} of external data, but got: {}", full.str().str(), error.message()));
    if (status.type() == fs::file_type::symlink_file)
      return fail(fmt::format("expected external data without symbolic links, but {} is one", full.str().str()));
  }
  if (!fs::is_regular_file(llvm::Twine(full)))
    return fail(fmt::format("expected the regular file {} of external data, but it is none", full.str().str()));
  auto buffer = llvm::MemoryBuffer::getFile(full, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fail(fmt::format("expected the file {} of external data, but got: {}", full.str().str(),
                            buffer.getError().message()));
  file = std::move(*buffer);
  return file->getBuffer();
}

llvm::Expected<llvm::StringRef> ExternalFiles::bytes(llvm::StringRef location, int64_t offset, int64_t length) {
  llvm::Expected<llvm::StringRef> all = open(location);
  if (!all)
    return all;
  auto size = static_cast<int64_t>(all->size());
  if (offset < 0 || offset > size)
    return fail(fmt::format("expected an offset inside the {} bytes of {}, but got {}", size, location.str(), offset));
  if (length < 0)
    length = size - offset;
  if (length > size - offset)
    return fail(
        fmt::format("expected {} bytes from byte {} of {}, but it has {}", length, offset, location.str(), size));
  return all->substr(offset, length);
}
