// The check that the processor has what the compiled code needs.
#ifndef NF_RUNTIME_CORE_CPUFEATURES_H
#define NF_RUNTIME_CORE_CPUFEATURES_H

#include "runtime/abi/nf_abi.h"

#include <string>
#include <string_view>
#include <vector>

namespace nf::rt {

/// True when processor and operating system support the feature with this LLVM name. A name that is not in the table
/// (features that the code generator never uses on its own, such as "sha") counts as supported.
bool cpuHas(std::string_view feature);

/// The features that `model` needs and this processor lacks.
std::vector<std::string> missingCpuFeatures(const nf_model &model);

} // namespace nf::rt

#endif
