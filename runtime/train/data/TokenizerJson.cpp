// tokenizer.json of Hugging Face's tokenizers, as far as byte-level BPE goes. Tokens are spelled there with a printable
// character for every byte (GPT-2's table), so that the file is valid UTF-8 whatever the tokens are.
#include "runtime/core/Error.h"
#include "runtime/train/data/TokenizerParts.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

namespace nf::rt {

using Json = nlohmann::ordered_json;

// ---- GPT-2's spelling of bytes

static bool isPrintable(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

/// The code point of each byte: itself where it is printable Latin-1, else the next one from U+0100 on.
static const std::array<uint16_t, 256> &codePoints() {
  static const std::array<uint16_t, 256> table = [] {
    std::array<uint16_t, 256> points{};
    uint16_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte)
      points[byte] = isPrintable(byte) ? uint16_t(byte) : next++;
    return points;
  }();
  return table;
}

static std::string spell(std::string_view bytes) {
  std::string text;
  for (char byte : bytes) {
    uint16_t point = codePoints()[uint8_t(byte)];
    if (point < 0x80) {
      text.push_back(char(point));
    } else {
      text.push_back(char(0xC0 | point >> 6));
      text.push_back(char(0x80 | (point & 0x3F)));
    }
  }
  return text;
}

/// The bytes that `text` spells, if all of its characters are in the table (which has one- and two-byte ones only).
static std::optional<std::string> unspell(std::string_view text) {
  static const std::array<int16_t, 0x200> byteOf = [] {
    std::array<int16_t, 0x200> table;
    table.fill(-1);
    for (int byte = 0; byte < 256; ++byte)
      table[codePoints()[byte]] = int16_t(byte);
    return table;
  }();
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned point = uint8_t(text[i]);
    if (point >= 0x80) {
      if (point < 0xC0 || point >= 0xC8 || i + 1 >= text.size())
        return std::nullopt;
      point = (point & 0x1F) << 6 | (uint8_t(text[++i]) & 0x3F);
    }
    if (byteOf[point] < 0)
      return std::nullopt;
    bytes.push_back(char(byteOf[point]));
  }
  return bytes;
}

// ---- Writing

std::string writeTokenizerJson(const TokenizerParts &parts) {
  Json added = Json::array();
  for (const auto &[id, text] : parts.special)
    added.push_back({{"id", id},
                     {"content", text},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  Json::object_t vocab;
  auto special = parts.special.begin();
  for (size_t id = 0; id < parts.bytes.size(); ++id) {
    if (special != parts.special.end() && special->first == int32_t(id))
      vocab.push_back({(special++)->second, id});
    else if (!parts.bytes[id].empty())
      vocab.push_back({spell(parts.bytes[id]), id});
  }
  Json merges = Json::array();
  for (const LearnedMerge &merge : parts.merges)
    merges.push_back(spell(parts.bytes[merge.pair.first]) + " " + spell(parts.bytes[merge.pair.second]));

  Json byteLevel = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  Json root;
  root["version"] = "1.0";
  root["truncation"] = nullptr;
  root["padding"] = nullptr;
  root["added_tokens"] = std::move(added);
  root["normalizer"] = nullptr;
  root["pre_tokenizer"] = byteLevel;
  root["post_processor"] = nullptr;
  root["decoder"] = byteLevel;
  root["model"] = {{"type", "BPE"},
                   {"dropout", nullptr},
                   {"unk_token", nullptr},
                   {"continuing_subword_prefix", nullptr},
                   {"end_of_word_suffix", nullptr},
                   {"fuse_unk", false},
                   {"byte_fallback", false},
                   {"ignore_merges", false}};
  root["model"]["vocab"] = std::move(vocab);
  root["model"]["merges"] = std::move(merges);
  return root.dump(2) + "\n";
}

// ---- Reading

namespace {

class Reader {
public:
  Reader(std::string_view text, const std::string &path) : path(path) {
    try {
      root = Json::parse(text);
    } catch (const Json::parse_error &error) {
      std::string_view before = text.substr(0, std::min(error.byte, text.size()));
      size_t line = 1 + std::count(before.begin(), before.end(), '\n');
      fail("{}:{}: expected a tokenizer.json, but got text that is not JSON (byte {})", path, line, error.byte);
    }
  }

  TokenizerParts read() {
    const Json &model = checkKind();
    readSpecial();
    readVocab(member(model, "vocab"));
    readMerges(member(model, "merges"));
    return std::move(parts);
  }

private:
  [[noreturn]] void expected(const std::string &what, const std::string &got) {
    fail("{}: expected {}, but got {}; give a byte-level BPE tokenizer as GPT-2's, or --tokenizer bpe", path, what,
         got);
  }

  static std::string brief(const Json &value) {
    std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    return text.size() <= 60 ? text : text.substr(0, 57) + "...";
  }

  const Json &member(const Json &object, const char *key) {
    static const Json none;
    if (!object.is_object())
      expected("an object with \"" + std::string(key) + "\"", brief(object));
    auto found = object.find(key);
    return found == object.end() ? none : *found;
  }

  /// Everything that would change ids and that encode() does not do is refused. Returns the model.
  const Json &checkKind() {
    const Json &model = member(root, "model");
    if (!model.is_object() || member(model, "type") != "BPE")
      expected("model.type \"BPE\"", model.is_object() ? brief(member(model, "type")) : "no model");
    for (const char *key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"})
      if (const Json &value = member(model, key); !value.is_null() && value != "" && value != 0.0)
        expected("no model." + std::string(key), brief(value));
    if (const Json &value = member(model, "ignore_merges"); value == true)
      expected("model.ignore_merges false", "true");
    if (const Json &value = member(root, "normalizer"); !value.is_null())
      expected("no normalizer", brief(value));
    const Json &pre = member(root, "pre_tokenizer");
    if (!pre.is_object() || member(pre, "type") != "ByteLevel" || member(pre, "add_prefix_space") == true ||
        member(pre, "use_regex") == false)
      expected("pre_tokenizer ByteLevel with add_prefix_space false", brief(pre));
    return model;
  }

  int32_t idOf(const Json &value, const std::string &token) {
    if (!value.is_number_integer() || value < 0 || value >= 1 << 20)
      expected("an id below 2^20 for token \"" + token + "\"", brief(value));
    return value.get<int32_t>();
  }

  void readSpecial() {
    const Json &added = member(root, "added_tokens");
    if (!added.is_array())
      expected("a list added_tokens", brief(added));
    for (const Json &token : added) {
      const Json &content = member(token, "content");
      if (!content.is_string() || content == "" || member(token, "special") != true)
        expected("added_tokens that are special", brief(token));
      std::string text = content.get<std::string>();
      parts.special.emplace_back(idOf(member(token, "id"), text), text);
    }
    std::sort(parts.special.begin(), parts.special.end());
    parts.endOfText = firstSpecial({kEndOfText, "</s>", "<|end_of_text|>"});
    parts.mask = firstSpecial({kMask, "<mask>", "[MASK]"});
    if (parts.endOfText < 0)
      expected("a special token <|endoftext|>", "none in added_tokens");
  }

  int32_t firstSpecial(std::initializer_list<const char *> names) {
    for (const char *name : names)
      for (const auto &[id, text] : parts.special)
        if (text == name)
          return id;
    return -1;
  }

  bool isSpecial(int32_t id, const std::string &token) {
    return std::binary_search(parts.special.begin(), parts.special.end(), std::pair(id, token));
  }

  void readVocab(const Json &vocab) {
    if (!vocab.is_object())
      expected("an object model.vocab", brief(vocab));
    std::vector<int32_t> ids;
    for (const auto &[token, value] : vocab.items()) {
      int32_t id = idOf(value, token);
      if (isSpecial(id, token))
        continue;
      std::optional<std::string> bytes = unspell(token);
      if (!bytes || bytes->empty())
        expected("tokens spelled in GPT-2's byte characters", "\"" + token + "\"");
      ids.push_back(id);
      idOfBytes.emplace(std::move(*bytes), id);
    }
    for (const auto &[id, text] : parts.special)
      ids.push_back(id);
    std::sort(ids.begin(), ids.end());
    if (auto twice = std::adjacent_find(ids.begin(), ids.end()); twice != ids.end())
      expected("one token for each id", fmt::format("two for id {}", *twice));
    parts.bytes.resize(ids.back() + 1);
    for (const auto &[bytes, id] : idOfBytes)
      parts.bytes[id] = bytes;
    for (int byte = 0; byte < 256; ++byte) {
      auto found = idOfBytes.find(std::string(1, char(byte)));
      if (found == idOfBytes.end())
        expected("a token for each of the 256 bytes", fmt::format("none for 0x{:02x}", byte));
      parts.byteIds[byte] = found->second;
    }
  }

  /// A merge is "left right" in older files and ["left", "right"] in newer ones.
  std::pair<std::string, std::string> sides(const Json &merge) {
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
      return {merge[0].get<std::string>(), merge[1].get<std::string>()};
    std::string text = merge.is_string() ? merge.get<std::string>() : "";
    size_t space = text.find(' ');
    if (space == std::string::npos)
      expected("a merge as \"left right\"", brief(merge));
    return {text.substr(0, space), text.substr(space + 1)};
  }

  void readMerges(const Json &merges) {
    if (!merges.is_array())
      expected("a list model.merges", brief(merges));
    std::unordered_map<IdPair, bool, IdPairHash> seen;
    for (const Json &merge : merges) {
      auto [leftText, rightText] = sides(merge);
      std::optional<std::string> left = unspell(leftText), right = unspell(rightText);
      int32_t leftId = left ? find(*left) : -1, rightId = right ? find(*right) : -1;
      int32_t id = left && right ? find(*left + *right) : -1;
      if (leftId < 0 || rightId < 0 || id < 0)
        expected("merges of tokens in model.vocab into one in model.vocab", brief(merge));
      if (!seen.emplace(IdPair(leftId, rightId), true).second)
        expected("each merge once", brief(merge));
      parts.merges.push_back({{leftId, rightId}, id});
    }
  }

  int32_t find(const std::string &bytes) {
    auto found = idOfBytes.find(bytes);
    return found == idOfBytes.end() ? -1 : found->second;
  }

  const std::string &path;
  Json root;
  TokenizerParts parts;
  std::unordered_map<std::string, int32_t> idOfBytes;
};

} // namespace

TokenizerParts readTokenizerJson(std::string_view json, const std::string &path) { return Reader(json, path).read(); }

} // namespace nf::rt
