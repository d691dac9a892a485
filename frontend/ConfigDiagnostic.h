// What is wrong with a model definition, and where: the frontend's only way of reporting. It prints nothing itself.
#ifndef NF_FRONTEND_CONFIGDIAGNOSTIC_H
#define NF_FRONTEND_CONFIGDIAGNOSTIC_H

#include <string>
#include <string_view>
#include <vector>

namespace nf {

/// A place in the user's input. `line` and `column` start at 1; line 0 means that `file` alone is the place, as in
/// "--set norm.preset=x" or a file that could not be read.
struct SourceLocation {
  std::string file;
  int line = 0;
  int column = 0;

  /// "models/x.toml:3:1" or "--set norm.preset=x".
  std::string str() const;
};

enum class Severity { Error, Warning };

/// One error or warning: message ("expected X, but got Y") and note (what to do) without a full stop.
struct ConfigDiagnostic {
  Severity severity = Severity::Error;
  SourceLocation location;
  std::string message;
  std::string note; ///< may be empty

  /// "<location>: error: <message>", and a second line "<location>: note: <note>" when there is a note.
  std::string str() const;
};

using ConfigDiagnostics = std::vector<ConfigDiagnostic>;

/// True if one of them is an error.
bool hasError(const ConfigDiagnostics &diagnostics);

/// The candidate with the smallest edit distance to `word`, or "" if all differ in more than a third of their letters.
std::string_view nearest(std::string_view word, const std::vector<std::string_view> &candidates);

} // namespace nf

#endif // NF_FRONTEND_CONFIGDIAGNOSTIC_H
