// What must be checked before toml++ 3.3 (Debian 12's) reads a text: on two kinds of wrong input it relies on things
// that do not hold (an assertion, an unreachable point) instead of reporting an error.
#ifndef NF_FRONTEND_TOMLCHARACTERS_H
#define NF_FRONTEND_TOMLCHARACTERS_H

#include <optional>
#include <string>
#include <string_view>

namespace nf {

/// Where a text cannot be TOML, and why. Line and column start at 1; columns count characters.
struct TomlCharacterError {
  int line, column;
  std::string reason; ///< ends the sentence "expected TOML, but got ..."
};

/// Finds the first character beyond ASCII outside strings and comments, and the first table header that does not start
/// with a key.
std::optional<TomlCharacterError> findTomlCharacterError(std::string_view text);

} // namespace nf

#endif // NF_FRONTEND_TOMLCHARACTERS_H
