#include "passes/TextTable.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"

#include <fmt/format.h>

std::string nf::tableOf(const std::vector<std::vector<std::string>> &rows) {
  std::vector<size_t> widths;
  for (const auto &row : rows)
    for (auto [i, word] : llvm::enumerate(row)) {
      widths.resize(std::max(widths.size(), i + 1));
      widths[i] = std::max(widths[i], word.size());
    }
  std::string text;
  for (const auto &row : rows) {
    std::string line;
    for (auto [i, word] : llvm::enumerate(row))
      line += fmt::format("{:<{}}  ", word, widths[i]);
    text += llvm::StringRef(line).rtrim().str() + "\n";
  }
  return text;
}
