#ifndef NF_RUNTIME_TRAIN_DATA_TOKENIZER_H
#define NF_RUNTIME_TRAIN_DATA_TOKENIZER_H

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nf::rt {

/// Text to token ids and back: bytes, or byte-level BPE over GPT-2's pre-tokens.
///
/// Every sequence of bytes can be encoded, and decode(encode(x)) == x. Text that spells a special token, such as
/// "<|endoftext|>", is encoded as ordinary text: only code inserts special ids.
/// The ids of our own tokenizers: byte b is id b, end-of-text is 256, then the merges in the order in which they were
/// learned, around the mask's id where one is asked for. Loaded ones keep the ids of their file. An id may be unused.
class Tokenizer {
public:
  struct Options {
    int32_t maxIds = 0;  ///< all ids, 256 bytes and special tokens included
    int32_t maskId = -1; ///< of "<|mask|>", which masked models need; above 256; -1: none
  };

  static Tokenizer bytes(int32_t maskId = -1);

  /// Learns merges from `texts` (valid UTF-8) until there are options.maxIds ids or no pair occurs twice; mergeCount()
  /// says which. Throws Error when maxIds cannot hold the bytes and special tokens. The result depends on the texts
  /// only.
  static Tokenizer trainBpe(std::span<const std::string_view> texts, Options options);

  /// Reads a Hugging Face tokenizer.json with a byte-level BPE model. Throws Error ("path: ...") when the file
  /// cannot be read or needs what is not supported here (another model, a normalizer, another pre-tokenizer).
  static Tokenizer load(const std::string &path);
  static Tokenizer fromJson(std::string_view json, const std::string &path);

  /// The same tokenizer as tokenizer.json text.
  std::string toJson() const;

  /// Highest id + 1: the vocabulary that a model needs at least.
  int32_t size() const;
  int32_t mergeCount() const;
  int32_t endOfText() const;
  std::optional<int32_t> maskId() const;
  /// "bytes" or "bpe", for people.
  std::string_view kind() const;

  /// Appends the ids of `text`. Not thread-safe: it remembers the ids of pre-tokens that it has seen.
  void encode(std::string_view text, std::vector<int32_t> &ids) const;
  std::vector<int32_t> encode(std::string_view text) const;

  /// The bytes of `ids`, which need not be valid UTF-8 (a character may be cut). Special tokens and ids outside of the
  /// vocabulary have no bytes.
  std::string decode(std::span<const int32_t> ids) const;
  /// The bytes of one id; empty for special tokens and ids outside of the vocabulary.
  std::string_view bytesOf(int32_t id) const;
  /// Length of decode(ids), the divisor of bits a byte.
  int64_t byteCount(std::span<const int32_t> ids) const;

  /// XXH3-64 of ids, bytes, merges and special tokens, the same for every spelling of one tokenizer.
  uint64_t hash() const;
  /// hash() as 16 hexadecimal digits, as manifests and checkpoints store it.
  std::string hashText() const;

  Tokenizer(Tokenizer &&) noexcept;
  Tokenizer &operator=(Tokenizer &&) noexcept;
  ~Tokenizer();

private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace nf::rt

#endif // NF_RUNTIME_TRAIN_DATA_TOKENIZER_H
