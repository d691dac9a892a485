#include "runtime/train/data/Tokenizer.h"
#include "runtime/core/Error.h"
#include "runtime/train/data/Files.h"
#include "runtime/train/data/PreTokens.h"
#include "runtime/train/data/TokenizerParts.h"

#include <algorithm>
#include <xxhash.h>

namespace nf::rt {
namespace {

/// Ids of the pre-tokens seen so far. Natural text repeats few of them often: most lookups hit.
class PreTokenCache {
public:
  /// The remembered ids of `piece`, or null.
  const std::pair<uint32_t, uint32_t> *find(std::string_view piece) const {
    auto found = ranges.find(piece);
    return found == ranges.end() ? nullptr : &found->second;
  }

  void remember(std::string_view piece, std::span<const int32_t> ids) {
    if (piece.size() > kLongest || ranges.size() >= kMost)
      return;
    ranges.emplace(piece, std::pair(uint32_t(pool.size()), uint32_t(ids.size())));
    pool.insert(pool.end(), ids.begin(), ids.end());
  }

  std::vector<int32_t> pool;

private:
  static constexpr size_t kLongest = 64, kMost = 1 << 20; // bounds memory at about 100 MB for adverse text
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return XXH3_64bits(text.data(), text.size()); }
  };
  std::unordered_map<std::string, std::pair<uint32_t, uint32_t>, Hash, std::equal_to<>> ranges;
};

} // namespace

struct Tokenizer::Impl {
  explicit Impl(TokenizerParts &&from) : parts(std::move(from)), merges(parts.byteIds) {
    for (const LearnedMerge &merge : parts.merges)
      merges.add(merge.pair, merge.id);
  }

  TokenizerParts parts;
  PreTokenizer preTokenizer;
  mutable BpeMerges merges;
  mutable PreTokenCache cache;
};

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer &&) noexcept = default;
Tokenizer &Tokenizer::operator=(Tokenizer &&) noexcept = default;
Tokenizer::~Tokenizer() = default;

/// Bytes and special tokens, with ids as Tokenizer.h promises.
static TokenizerParts baseParts(int32_t maskId) {
  TokenizerParts parts;
  for (int byte = 0; byte < 256; ++byte) {
    parts.bytes.push_back(std::string(1, char(byte)));
    parts.byteIds[byte] = byte;
  }
  auto addSpecial = [&](int32_t id, const char *text) {
    parts.bytes.resize(id + 1);
    parts.special.emplace_back(id, text);
    return id;
  };
  parts.endOfText = addSpecial(256, kEndOfText);
  if (maskId < 0)
    return parts;
  if (maskId <= parts.endOfText)
    fail("objective.mask_id: expected an id above 256 (bytes and end-of-text), but got {}", maskId);
  parts.mask = addSpecial(maskId, kMask);
  return parts;
}

Tokenizer Tokenizer::bytes(int32_t maskId) { return Tokenizer(std::make_unique<Impl>(baseParts(maskId))); }

Tokenizer Tokenizer::trainBpe(std::span<const std::string_view> texts, Options options) {
  TokenizerParts parts = baseParts(options.maskId);
  if (options.maxIds < int32_t(parts.bytes.size()))
    fail("expected a vocabulary of at least {} ids for bytes and special tokens, but got {}", parts.bytes.size(),
         options.maxIds);
  std::vector<int32_t> free;
  for (int32_t id = parts.endOfText + 1; id < options.maxIds; ++id)
    if (id != parts.mask)
      free.push_back(id);
  parts.merges = learnMerges(texts, free);
  for (const LearnedMerge &merge : parts.merges) {
    parts.bytes.resize(std::max<size_t>(parts.bytes.size(), size_t(merge.id) + 1));
    parts.bytes[merge.id] = parts.bytes[merge.pair.first] + parts.bytes[merge.pair.second];
  }
  return Tokenizer(std::make_unique<Impl>(std::move(parts)));
}

Tokenizer Tokenizer::load(const std::string &path) { return fromJson(MappedFile(path).text(), path); }

Tokenizer Tokenizer::fromJson(std::string_view json, const std::string &path) {
  return Tokenizer(std::make_unique<Impl>(readTokenizerJson(json, path)));
}

std::string Tokenizer::toJson() const { return writeTokenizerJson(impl->parts); }

int32_t Tokenizer::size() const { return int32_t(impl->parts.bytes.size()); }

int32_t Tokenizer::mergeCount() const { return int32_t(impl->parts.merges.size()); }

int32_t Tokenizer::endOfText() const { return impl->parts.endOfText; }

std::optional<int32_t> Tokenizer::maskId() const {
  return impl->parts.mask < 0 ? std::nullopt : std::optional(impl->parts.mask);
}

std::string_view Tokenizer::kind() const { return impl->parts.merges.empty() ? "bytes" : "bpe"; }

void Tokenizer::encode(std::string_view text, std::vector<int32_t> &ids) const {
  PreTokenCache &cache = impl->cache;
  impl->preTokenizer.forEach(text, [&](std::string_view piece) {
    if (auto *range = cache.find(piece)) {
      auto begin = cache.pool.begin() + range->first;
      ids.insert(ids.end(), begin, begin + range->second);
      return;
    }
    size_t before = ids.size();
    impl->merges.encode(piece, ids);
    cache.remember(piece, std::span(ids).subspan(before));
  });
}

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<int32_t> ids;
  encode(text, ids);
  return ids;
}

std::string_view Tokenizer::bytesOf(int32_t id) const {
  return id < 0 || id >= size() ? std::string_view() : impl->parts.bytes[id];
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  std::string text;
  for (int32_t id : ids)
    text += bytesOf(id);
  return text;
}

int64_t Tokenizer::byteCount(std::span<const int32_t> ids) const {
  int64_t count = 0;
  for (int32_t id : ids)
    count += int64_t(bytesOf(id).size());
  return count;
}

uint64_t Tokenizer::hash() const {
  std::string content;
  auto number = [&](uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) // little-endian on every machine
      content.push_back(char(value >> shift & 0xFF));
  };
  auto string = [&](std::string_view text) {
    number(uint32_t(text.size()));
    content += text;
  };
  number(uint32_t(size()));
  for (const std::string &bytes : impl->parts.bytes)
    string(bytes);
  for (const auto &[id, text] : impl->parts.special) {
    number(uint32_t(id));
    string(text);
  }
  for (const LearnedMerge &merge : impl->parts.merges) {
    number(uint32_t(merge.pair.first));
    number(uint32_t(merge.pair.second));
    number(uint32_t(merge.id));
  }
  return XXH3_64bits(content.data(), content.size());
}

std::string Tokenizer::hashText() const { return fmt::format("{:016x}", hash()); }

} // namespace nf::rt
