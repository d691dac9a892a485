#include "runtime/train/data/SplitText.h"
#include "runtime/train/data/Permutation.h"

#include <algorithm>
#include <cmath>

namespace nf::rt {

static constexpr size_t kBlockBytes = 16 << 10, kSmallestBlock = 256;

static size_t totalBytes(std::span<const std::string_view> texts) {
  size_t total = 0;
  for (std::string_view text : texts)
    total += text.size();
  return total;
}

/// Marks documents in a random order while they fit into 1.5 x the share. False when less than a half came together.
static bool chooseDocuments(std::span<const std::string_view> documents, double wanted, uint64_t seed,
                            std::vector<bool> &held) {
  held.assign(documents.size(), false);
  Permutation order(documents.size(), seed);
  double taken = 0;
  for (size_t i = 0; i < documents.size() && taken < wanted; ++i) {
    size_t document = order(i);
    double bytes = double(documents[document].size());
    if (taken + bytes > 1.5 * wanted)
      continue;
    held[document] = true;
    taken += bytes;
  }
  return taken >= 0.5 * wanted;
}

/// Where the block that starts at `start` ends: after the next line end past `size` bytes, else the next space, else
/// wherever a character ends.
static size_t blockEnd(std::string_view text, size_t start, size_t size) {
  if (text.size() - start <= size)
    return text.size();
  std::string_view window = text.substr(start + size, size);
  for (char mark : {'\n', ' '})
    if (size_t found = window.find(mark); found != std::string_view::npos)
      return start + size + found + 1;
  size_t end = start + size;
  while (end < text.size() && (uint8_t(text[end]) & 0xC0) == 0x80)
    ++end;
  return end;
}

namespace {
struct Block {
  std::string_view text;
  bool startsDocument;
};
} // namespace

static std::vector<Block> cutBlocks(std::span<const std::string_view> documents, size_t size) {
  std::vector<Block> blocks;
  for (std::string_view text : documents)
    for (size_t start = 0; start < text.size();) {
      size_t end = blockEnd(text, start, size);
      blocks.push_back({text.substr(start, end - start), start == 0});
      start = end;
    }
  return blocks;
}

/// Appends a block, to the last run where it continues it.
static void appendBlock(std::vector<std::string_view> &runs, const Block &block) {
  if (!block.startsDocument && !runs.empty() && runs.back().data() + runs.back().size() == block.text.data())
    runs.back() = {runs.back().data(), runs.back().size() + block.text.size()};
  else
    runs.push_back(block.text);
}

TextSplit splitText(std::span<const std::string_view> documents, double share, uint64_t seed) {
  TextSplit split;
  double wanted = share * double(totalBytes(documents));
  std::vector<bool> held;
  if (share == 0 || (documents.size() > 1 && chooseDocuments(documents, wanted, seed, held))) {
    split.by = "documents";
    for (size_t i = 0; i < documents.size(); ++i)
      (share > 0 && held[i] ? split.validation : split.train).push_back(documents[i]);
    return split;
  }

  split.by = "blocks";
  size_t size = std::clamp<size_t>(size_t(wanted), kSmallestBlock, kBlockBytes);
  std::vector<Block> blocks = cutBlocks(documents, size);
  size_t count = size_t(std::llround(share * double(blocks.size())));
  count = std::min(std::max<size_t>(count, 1), blocks.size() - 1);
  held.assign(blocks.size(), false);
  Permutation order(blocks.size(), seed);
  for (size_t i = 0; i < count; ++i)
    held[order(i)] = true;
  for (size_t i = 0; i < blocks.size(); ++i)
    appendBlock(held[i] ? split.validation : split.train, blocks[i]);
  return split;
}

} // namespace nf::rt
