//===- TextTable.h - reports for people -------------------------------------------------------===//
#ifndef NF_PASSES_TEXTTABLE_H
#define NF_PASSES_TEXTTABLE_H

#include <string>
#include <vector>

namespace nf {

/// Rows of words as lines whose columns are as wide as their longest word; each ends with a line break.
std::string tableOf(const std::vector<std::vector<std::string>> &rows);

} // namespace nf

#endif // NF_PASSES_TEXTTABLE_H
