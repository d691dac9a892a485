// What must hold between the keys of a definition.
#ifndef NF_FRONTEND_CONFIGCHECKS_H
#define NF_FRONTEND_CONFIGCHECKS_H

#include "frontend/ModelConfig.h"

#include <set>

namespace nf {

using KeySet = std::set<std::string_view>;

/// Characters of a model's name.
bool isNameCharacter(unsigned char c);

/// Reports impossible combinations (errors) and unwise ones (warnings). A rule is skipped when a key that it reads is
/// in `bad`, since that key already has its own error.
void checkCombinations(ModelConfig &config, const KeySet &bad, ConfigDiagnostics &diagnostics);

} // namespace nf

#endif // NF_FRONTEND_CONFIGCHECKS_H
