//===- CudaTools.cpp - programs of an installed CUDA toolkit ---------------------------------===//
#include "passes/gpu/CudaTools.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>

using namespace nf;
using llvm::StringRef;

std::optional<std::string> nf::findCudaTool(StringRef name) {
  const char *home = std::getenv("CUDA_HOME");
  std::string folder = (llvm::Twine(home ? home : "/usr/local/cuda") + "/bin").str();
  for (auto path : {llvm::sys::findProgramByName(name, {StringRef(folder)}), llvm::sys::findProgramByName(name)})
    if (path)
      return *path;
  return std::nullopt;
}

namespace {
/// A file that goes with its owner.
class TemporaryFile {
public:
  static llvm::Expected<TemporaryFile> create(StringRef suffix, StringRef bytes = "") {
    TemporaryFile file;
    int descriptor;
    if (std::error_code code = llvm::sys::fs::createTemporaryFile("nf-compile", suffix, descriptor, file.path))
      return llvm::createStringError("the folder for temporary files: error: " + code.message());
    llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
    stream << bytes;
    stream.close();
    if (std::error_code code = stream.error()) {
      stream.clear_error();
      return llvm::createStringError(file.path + ": error: " + code.message());
    }
    return file;
  }
  TemporaryFile(TemporaryFile &&other) : path(std::move(other.path)) { other.path.clear(); }
  ~TemporaryFile() {
    if (!path.empty())
      llvm::sys::fs::remove(path);
  }

  StringRef name() const { return path; }
  std::string read() const {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    return buffer ? (*buffer)->getBuffer().str() : std::string();
  }

private:
  TemporaryFile() = default;
  llvm::SmallString<128> path;
};
} // namespace

/// Runs a program; what it prints goes to `output`. Fails with what it printed to `errors`.
static llvm::Error run(llvm::ArrayRef<StringRef> arguments, const TemporaryFile &output, const TemporaryFile &errors) {
  std::optional<StringRef> redirects[] = {StringRef(), output.name(), errors.name()};
  std::string message;
  if (llvm::sys::ExecuteAndWait(arguments.front(), arguments, std::nullopt, redirects, 0, 0, &message) == 0)
    return llvm::Error::success();
  return llvm::createStringError(arguments.front() + ": error: expected it to end without one, but got: " + message +
                                 output.read() + (&output == &errors ? std::string() : errors.read()));
}

/// The registers of each kernel, of lines such as
///   ptxas info    : Compiling entry function 'name' for 'sm_80'
///   ptxas info    : Used 34 registers, used 1 barriers
static llvm::StringMap<int64_t> registersOf(StringRef report) {
  llvm::StringMap<int64_t> registers;
  StringRef kernel;
  llvm::SmallVector<StringRef> lines;
  report.split(lines, '\n');
  for (StringRef line : lines) {
    int64_t count;
    if (StringRef rest = line.split("Compiling entry function '").second; !rest.empty())
      kernel = rest.split('\'').first;
    else if (StringRef rest = line.split(": Used ").second; !rest.consumeInteger(10, count))
      registers[kernel] = count;
  }
  return registers;
}

llvm::Expected<Cubin> nf::assemblePtx(StringRef ptxas, StringRef ptx, StringRef chip) {
  auto source = TemporaryFile::create("ptx", ptx), cubin = TemporaryFile::create("cubin"),
       text = TemporaryFile::create("txt");
  for (auto *file : {&source, &cubin, &text})
    if (!*file)
      return file->takeError();
  std::string arch = ("-arch=" + chip).str();
  if (llvm::Error error = run({ptxas, "-v", arch, source->name(), "-o", cubin->name()}, *text, *text))
    return error;
  return Cubin{cubin->read(), registersOf(text->read())};
}

llvm::Expected<std::string> nf::disassembleCubin(StringRef tool, StringRef bytes) {
  auto cubin = TemporaryFile::create("cubin", bytes), text = TemporaryFile::create("txt"),
       errors = TemporaryFile::create("txt");
  for (auto *file : {&cubin, &text, &errors})
    if (!*file)
      return file->takeError();
  bool isObjdump = llvm::sys::path::filename(tool) == "cuobjdump";
  if (llvm::Error error = run({tool, isObjdump ? "-sass" : "-c", cubin->name()}, *text, *errors))
    return error;
  return text->read();
}
