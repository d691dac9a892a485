//===- Link.cpp - object file -> executable --------------------------------------------------===//
#include "tools/Link.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace nf;
using llvm::StringRef;

static llvm::Error failure(const llvm::Twine &path, std::error_code code) {
  return llvm::createStringError(path + ": error: expected a file that can be written, but got: " + code.message());
}

/// Writes to an open file and closes it.
static llvm::Error writeNew(int descriptor, StringRef path, StringRef bytes) {
  llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
  stream << bytes;
  stream.close();
  std::error_code code = stream.error();
  stream.clear_error();
  return code ? failure(path, code) : llvm::Error::success();
}

llvm::Error nf::writeFile(StringRef path, StringRef bytes) {
  if (path == "-") {
    llvm::outs() << bytes;
    return llvm::Error::success();
  }
  llvm::SmallString<128> temporary;
  int descriptor;
  llvm::sys::fs::file_status status;
  if (!llvm::sys::fs::status(path, status) && llvm::sys::fs::is_other(status)) { // a device or pipe is not replaced
    if (std::error_code code = llvm::sys::fs::openFileForWrite(path, descriptor))
      return failure(path, code);
    return writeNew(descriptor, path, bytes);
  }
  if (std::error_code code =
          llvm::sys::fs::createUniqueFile(path + ".%%%%%%", descriptor, temporary, llvm::sys::fs::OF_None, 0666))
    return failure(path, code);
  llvm::Error error = writeNew(descriptor, path, bytes);
  if (!error)
    if (std::error_code code = llvm::sys::fs::rename(temporary, path))
      error = failure(path, code);
  if (error)
    llvm::sys::fs::remove(temporary);
  return error;
}

/// The system's compiler driver, which knows where the C library and its start files are.
static std::string findDriver() {
  for (StringRef name : {"cc", "gcc", "clang", "clang-22"})
    if (auto path = llvm::sys::findProgramByName(name))
      return *path;
  return "";
}

/// Whether a full disk is why a link failed, which linkers report by crashing: `needed` is the size of all parts.
static llvm::Error checkSpace(StringRef output, uint64_t needed) {
  StringRef folder = llvm::sys::path::parent_path(output);
  auto space = llvm::sys::fs::disk_space(folder.empty() ? "." : folder);
  if (!space || space->available >= needed)
    return llvm::Error::success();
  return llvm::createStringError(llvm::Twine(output) + ": error: expected " + llvm::Twine(needed >> 20) +
                                 " MiB of free space for the program, but got " + llvm::Twine(space->available >> 20) +
                                 "; free some, or name another folder");
}

llvm::Error nf::linkExecutable(StringRef object, bool isForCuda, const std::string &libraries,
                               const std::string &output) {
  std::string driver = findDriver();
  if (driver.empty())
    return llvm::createStringError(
        "error: expected cc, gcc or clang to link with, but found none; install gcc, or write "
        "the object file alone with --emit=obj");
  std::string runtime = libraries + "/libnfrt.a", blas = libraries + "/libopenblas.a",
              gpu = libraries + (isForCuda ? "/libnfcuda.a" : "/libnfemulation.a"); // not needed by one for the CPU
  uint64_t needed = object.size();
  for (const std::string &library : {runtime, gpu, blas}) {
    uint64_t bytes = 0;
    if (llvm::sys::fs::file_size(library, bytes))
      return llvm::createStringError(library +
                                     ": error: expected the runtime beside the compiler, but it does not exist; "
                                     "build or install NormForge anew");
    needed += bytes;
  }
  llvm::SmallString<128> objectFile, errors, executable;
  int descriptor;
  if (std::error_code code = llvm::sys::fs::createTemporaryFile("nf-compile", "o", descriptor, objectFile))
    return failure("the folder for temporary files", code);
  auto removeFiles = llvm::make_scope_exit([&] {
    for (StringRef file : {objectFile.str(), errors.str(), executable.str()})
      if (!file.empty())
        llvm::sys::fs::remove(file);
  });
  if (llvm::Error error = writeNew(descriptor, objectFile, object))
    return error;
  if (std::error_code code = llvm::sys::fs::createTemporaryFile("nf-compile", "txt", errors))
    return failure("the folder for temporary files", code);
  // In the output's folder, so that a rename puts it in place.
  if (std::error_code code = llvm::sys::fs::createUniqueFile(output + ".%%%%%%", executable))
    return failure(output, code);
  // The C++ library by its file name: no development package is needed.
  llvm::SmallVector<StringRef> arguments{driver,  "-o", executable,          objectFile, gpu,
                                         runtime, blas, "-l:libstdc++.so.6", "-lm",      "-Wl,--gc-sections"};
  if (llvm::sys::findProgramByName("ld.lld")) // a second faster
    arguments.push_back("-fuse-ld=lld");
  std::optional<StringRef> redirects[] = {std::nullopt, errors.str(), errors.str()};
  std::string message;
  if (llvm::sys::ExecuteAndWait(driver, arguments, std::nullopt, redirects, 0, 0, &message) != 0) {
    if (llvm::Error error = checkSpace(output, needed))
      return error;
    if (auto text = llvm::MemoryBuffer::getFile(errors))
      message += (*text)->getBuffer().str();
    return llvm::createStringError(output + ": error: " + driver + " could not link it:\n" + message);
  }
  if (std::error_code code = llvm::sys::fs::rename(executable, output))
    return failure(output, code);
  executable.clear();
  return llvm::Error::success();
}
