// TOML -> a flat list of known keys with their raw values and places; unknown keys are reported here.
#ifndef NF_FRONTEND_DEFINITIONREADER_H
#define NF_FRONTEND_DEFINITIONREADER_H

#include "frontend/ModelConfig.h"

namespace nf {

/// A value as it was written: nothing if no key has that type (an array, a date, a table).
struct RawValue {
  std::optional<KeyValue> value;
  std::string text; ///< for messages: "12", "\"twelve\"", "an array"
  Origin origin = Origin::Definition;
  SourceLocation location;
};

struct Definition {
  std::map<std::string, RawValue, std::less<>> values;       ///< by key name, such as "model.d_model"
  std::map<std::string, SourceLocation, std::less<>> tables; ///< where each table that is present starts
  std::string text;                                          ///< the definition with --set applied
};

/// Reads `text` and then `sets` over it. Reports unknown tables and keys to `diagnostics`, or a syntax error, after
/// which there is no definition.
std::optional<Definition> readDefinition(std::string_view text, const std::string &file,
                                         const std::vector<std::string> &sets, ConfigDiagnostics &diagnostics);

} // namespace nf

#endif // NF_FRONTEND_DEFINITIONREADER_H
