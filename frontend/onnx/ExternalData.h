// Tensor bytes that lie in files beside a model.
#ifndef NF_FRONTEND_ONNX_EXTERNALDATA_H
#define NF_FRONTEND_ONNX_EXTERNALDATA_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <map>
#include <memory>
#include <string>

namespace nf::onnxfe {

/// The files in a model's folder that its tensors name. A file is mapped once, at its first use.
class ExternalFiles {
public:
  /// `folder` is that of the model.
  explicit ExternalFiles(std::string folder) : folder(std::move(folder)) {}

  /// `length` bytes from `offset` of the file `location`; a negative length is the rest of it. Refused is what is not a
  /// regular file inside the folder, reached without a symbolic link, and a range that is not inside the file.
  llvm::Expected<llvm::StringRef> bytes(llvm::StringRef location, int64_t offset, int64_t length);

private:
  llvm::Expected<llvm::StringRef> open(llvm::StringRef location);

  std::string folder;
  std::map<std::string, std::unique_ptr<llvm::MemoryBuffer>> files;
};

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_EXTERNALDATA_H
