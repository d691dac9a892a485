#include "tools/Diagnostics.h"
#include "passes/raise/ModelStructure.h"

#include "mlir/IR/Location.h"

#include <fmt/format.h>

using namespace mlir;

/// "file:line:col", or "" where no file is known. A file without lines is its name.
static std::string placeOf(Location location) {
  std::string place;
  location->walk([&](Location part) {
    auto file = dyn_cast<FileLineColLoc>(part);
    if (!file)
      return WalkResult::advance();
    place = file.getLine() == 0 ? file.getFilename().str()
                                : fmt::format("{}:{}:{}", file.getFilename().str(), file.getLine(), file.getColumn());
    return WalkResult::interrupt();
  });
  return place;
}

/// "layers.3.attn.q", or "layers.3.attn.q (/layers.3/attn/q/MatMul)" of a node of an imported graph, or "".
static std::string partOf(Location location) {
  auto name = dyn_cast<NameLoc>(location);
  if (!name)
    return "";
  std::string node = nf::sourceName(name);
  return node == name.getName() ? node : name.getName().str() + " (" + node + ")";
}

void nf::printDiagnostic(Diagnostic &diagnostic, StringRef fallback) {
  static constexpr const char *severities[] = {"note", "warning", "error", "remark"};
  std::string place = placeOf(diagnostic.getLocation()), part = partOf(diagnostic.getLocation());
  fmt::print(stderr, "{}: {}: {}{}{}\n", place.empty() ? fallback.str() : place,
             severities[static_cast<int>(diagnostic.getSeverity())], part, part.empty() ? "" : ": ", diagnostic.str());
  for (Diagnostic &note : diagnostic.getNotes())
    printDiagnostic(note, fallback);
}
