// Which parts of the text are held out for validation.
#ifndef NF_RUNTIME_TRAIN_DATA_SPLITTEXT_H
#define NF_RUNTIME_TRAIN_DATA_SPLITTEXT_H

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nf::rt {

struct TextSplit {
  /// Runs of text of the documents, in their order; together they are all of it.
  std::vector<std::string_view> train, validation;
  std::string by; ///< "documents", or "blocks" of about 16 KB cut at line ends
};

/// Holds out about `share` of the bytes, in [0, 1), chosen by `seed`: whole documents where some of them come within a
/// half of the share, else blocks. Smaller blocks are used where the share is less than one of them; a text of a single
/// block leaves nothing for validation.
TextSplit splitText(std::span<const std::string_view> documents, double share, uint64_t seed);

} // namespace nf::rt

#endif // NF_RUNTIME_TRAIN_DATA_SPLITTEXT_H
