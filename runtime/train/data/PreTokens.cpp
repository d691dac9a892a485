#include "runtime/train/data/PreTokens.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdexcept>

namespace nf::rt {

/// GPT-2's pattern. \s is spelled as the Unicode property because PCRE2's \s also takes U+180E, which Python's and
/// Rust's do not.
static const char kPattern[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\p{wspace}\\p{L}\\p{N}]+"
                               "|\\p{wspace}+(?!\\P{wspace})|\\p{wspace}+";

static PCRE2_SPTR units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

/// Compiled once and never freed: it lives as long as the process.
static const pcre2_code *pattern() {
  static const pcre2_code *compiled = [] {
    int error = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code *code =
        pcre2_compile(units(kPattern), PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_ANCHORED, &error, &offset, nullptr);
    if (!code)
      throw std::logic_error("pre-token pattern does not compile");
    // Where the system forbids executable memory, matching is interpreted instead, with the same results.
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    return code;
  }();
  return compiled;
}

struct PreTokenizer::Scratch {
  pcre2_match_data *match = pcre2_match_data_create(1, nullptr);
  ~Scratch() { pcre2_match_data_free(match); }
};

PreTokenizer::PreTokenizer() : scratch(std::make_unique<Scratch>()) {}
PreTokenizer::PreTokenizer(PreTokenizer &&) noexcept = default;
PreTokenizer::~PreTokenizer() = default;

std::optional<size_t> firstInvalidUtf8(std::string_view text) {
  // A match checks the whole subject before it starts.
  pcre2_match_data *match = pcre2_match_data_create(1, nullptr);
  int code = pcre2_match(pattern(), units(text), text.size(), 0, 0, match, nullptr);
  std::optional<size_t> offset;
  if (code <= PCRE2_ERROR_UTF8_ERR1 && code >= PCRE2_ERROR_UTF8_ERR21)
    offset = pcre2_get_startchar(match);
  pcre2_match_data_free(match);
  return offset;
}

size_t PreTokenizer::matchEnd(std::string_view validText, size_t from) const {
  int code =
      pcre2_match(pattern(), units(validText), validText.size(), from, PCRE2_NO_UTF_CHECK, scratch->match, nullptr);
  if (code < 0) // every character starts some alternative, so only PCRE2's own limits get here
    throw std::runtime_error("pre-token matching failed with PCRE2 code " + std::to_string(code));
  return pcre2_get_ovector_pointer(scratch->match)[1];
}

} // namespace nf::rt
