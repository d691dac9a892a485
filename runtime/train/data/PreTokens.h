// Cuts text into GPT-2's pre-tokens, the pieces that byte-level BPE never merges across.
#ifndef NF_RUNTIME_TRAIN_DATA_PRETOKENS_H
#define NF_RUNTIME_TRAIN_DATA_PRETOKENS_H

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace nf::rt {

/// Offset of the first byte that is not part of valid UTF-8.
std::optional<size_t> firstInvalidUtf8(std::string_view text);

/// One matcher; not thread-safe, as it owns the memory that a match needs.
class PreTokenizer {
public:
  PreTokenizer();
  PreTokenizer(PreTokenizer &&) noexcept;
  ~PreTokenizer();

  /// Calls `visit` for consecutive pieces that together are `text`. A byte that is not valid UTF-8 is a piece alone.
  template <typename Visit> void forEach(std::string_view text, Visit &&visit) const {
    while (!text.empty()) {
      size_t valid = firstInvalidUtf8(text).value_or(text.size());
      for (size_t at = 0; at < valid;) {
        size_t end = matchEnd(text.substr(0, valid), at);
        visit(text.substr(at, end - at));
        at = end;
      }
      if (valid < text.size())
        visit(text.substr(valid, 1));
      text.remove_prefix(valid < text.size() ? valid + 1 : valid);
    }
  }

private:
  size_t matchEnd(std::string_view validText, size_t from) const;
  struct Scratch;
  std::unique_ptr<Scratch> scratch;
};

} // namespace nf::rt

#endif // NF_RUNTIME_TRAIN_DATA_PRETOKENS_H
