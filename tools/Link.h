//===- Link.h - object file -> executable ----------------------------------------------------===//
#ifndef NF_TOOLS_LINK_H
#define NF_TOOLS_LINK_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace nf {

/// Writes `bytes` to `path`, whole or not at all ("-" is standard output).
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef bytes);

/// Links an object of emitObject with the runtime in folder `libraries` (libnfrt.a, libopenblas.a, and libnfcuda.a
/// where it `isForCuda`, else libnfemulation.a), whole or not at all.
llvm::Error linkExecutable(llvm::StringRef object, bool isForCuda, const std::string &libraries,
                           const std::string &output);

} // namespace nf

#endif // NF_TOOLS_LINK_H
