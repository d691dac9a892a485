//===- FileRule.h - parameters whose values a file holds -------------------------------------===//
#ifndef NF_PASSES_RAISE_FILERULE_H
#define NF_PASSES_RAISE_FILERULE_H

#include "dialect/NF.h"
#include "llvm/Support/JSON.h"

namespace nf {

/// The init rule {"kind":"file","name":…} of a parameter that a file holds; nothing for others.
std::optional<llvm::json::Object> fileRule(ParameterOp parameter);

/// What such a file calls the parameter, or "".
std::string nameInFile(ParameterOp parameter);

} // namespace nf

#endif // NF_PASSES_RAISE_FILERULE_H
