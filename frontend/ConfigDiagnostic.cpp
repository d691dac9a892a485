#include "frontend/ConfigDiagnostic.h"

#include <algorithm>

using namespace nf;

std::string SourceLocation::str() const {
  return line == 0 ? file : file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string ConfigDiagnostic::str() const {
  std::string where = location.str();
  std::string text = where + (severity == Severity::Error ? ": error: " : ": warning: ") + message + "\n";
  if (!note.empty())
    text += where + ": note: " + note + "\n";
  return text;
}

bool nf::hasError(const ConfigDiagnostics &diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(),
                     [](const ConfigDiagnostic &d) { return d.severity == Severity::Error; });
}

/// Insertions, deletions, replacements, and swaps of neighbours that turn `a` into `b`.
static size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> distance(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        distance[i][j] = i + j;
        continue;
      }
      size_t replaced = distance[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      distance[i][j] = std::min({replaced, distance[i - 1][j] + 1, distance[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        distance[i][j] = std::min(distance[i][j], distance[i - 2][j - 2] + 1);
    }
  }
  return distance[a.size()][b.size()];
}

std::string_view nf::nearest(std::string_view word, const std::vector<std::string_view> &candidates) {
  std::string_view best;
  size_t bestDistance = 0;
  for (std::string_view candidate : candidates) {
    size_t distance = editDistance(word, candidate);
    bool isNear = distance <= std::max<size_t>(1, std::max(word.size(), candidate.size()) / 3);
    if (isNear && (best.empty() || distance < bestDistance)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
