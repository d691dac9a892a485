// What a tokenizer is made of, between its files (TokenizerJson.cpp) and its use (Tokenizer.cpp).
#ifndef NF_RUNTIME_TRAIN_DATA_TOKENIZERPARTS_H
#define NF_RUNTIME_TRAIN_DATA_TOKENIZERPARTS_H

#include "runtime/train/data/Bpe.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nf::rt {

struct TokenizerParts {
  std::vector<std::string> bytes;   ///< of each id; empty for special tokens and for ids that the tokenizer skips
  std::vector<LearnedMerge> merges; ///< in order of rank
  std::array<int32_t, 256> byteIds;
  std::vector<std::pair<int32_t, std::string>> special; ///< id and text, in order of id
  int32_t endOfText = -1;
  int32_t mask = -1; ///< -1: none
};

inline constexpr char kEndOfText[] = "<|endoftext|>";
inline constexpr char kMask[] = "<|mask|>";

std::string writeTokenizerJson(const TokenizerParts &parts);

/// Throws Error("path: ...").
TokenizerParts readTokenizerJson(std::string_view json, const std::string &path);

} // namespace nf::rt

#endif // NF_RUNTIME_TRAIN_DATA_TOKENIZERPARTS_H
