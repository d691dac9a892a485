#include "runtime/train/data/Tokenizer.h"
#include "test/runtime/data/Support.h"

#include <random>
#include <set>

namespace nf::rt {
namespace {

Tokenizer bpeOf(std::string_view text, int32_t maxIds, int32_t maskId = -1) {
  return Tokenizer::trainBpe(std::span(&text, 1), {maxIds, maskId});
}

std::vector<std::string> pieces(const Tokenizer &tokenizer, std::string_view text) {
  std::vector<std::string> all;
  for (int32_t id : tokenizer.encode(text))
    all.emplace_back(tokenizer.bytesOf(id));
  return all;
}

std::string randomBytes(uint32_t seed, size_t length) {
  std::mt19937 random(seed);
  std::string bytes;
  while (bytes.size() < length)
    bytes.push_back(char(random() % 3 ? random() % 128 : random() % 256));
  return bytes;
}

TEST(TokenizerTest, BytesAreTheirOwnIdsAndEndOfTextFollows) {
  Tokenizer tokenizer = Tokenizer::bytes();
  EXPECT_EQ(tokenizer.size(), 257);
  EXPECT_EQ(tokenizer.endOfText(), 256);
  EXPECT_EQ(tokenizer.maskId(), std::nullopt);
  EXPECT_EQ(tokenizer.encode("A\xFFz"), (std::vector<int32_t>{65, 255, 122}));
  EXPECT_EQ(tokenizer.kind(), "bytes");
}

TEST(TokenizerTest, MergesGoAroundTheMaskId) {
  for (int32_t maskId : {257, 270, 299}) {
    Tokenizer tokenizer = bpeOf(prose(2000), 300, maskId);
    EXPECT_EQ(tokenizer.size(), 300);
    EXPECT_EQ(tokenizer.maskId(), maskId);
    EXPECT_EQ(tokenizer.bytesOf(maskId), "");
    EXPECT_EQ(tokenizer.mergeCount(), 42);
  }
}

TEST(TokenizerTest, IdsBelowTheMaskMayBeUnused) {
  Tokenizer tokenizer = bpeOf("abab", 1000, 999);
  EXPECT_EQ(tokenizer.size(), 1000);
  EXPECT_EQ(tokenizer.mergeCount(), 1);
  EXPECT_EQ(Tokenizer::fromJson(tokenizer.toJson(), "t.json").hash(), tokenizer.hash());
  EXPECT_EQ(Tokenizer::bytes(999).decode(Tokenizer::bytes(999).encode("text")), "text");
}

TEST(TokenizerTest, AMaskIdOfAByteIsRefused) {
  EXPECT_EQ(errorOf(Folder(), [] { Tokenizer::bytes(256); }),
            "objective.mask_id: expected an id above 256 (bytes and end-of-text), but got 256");
}

TEST(TokenizerTest, MostFrequentPairIsMergedFirstAndLowerIdsAmongEquals) {
  Tokenizer tokenizer = bpeOf("abab cdcd abab", 259);
  EXPECT_EQ(tokenizer.bytesOf(257), "ab");
  // "abab" became ab·ab twice; " a" would be next, but all of its uses were merged: "cd" and "abab" both occur twice.
  EXPECT_EQ(tokenizer.bytesOf(258), "cd");
}

TEST(TokenizerTest, OverlappingPairsAreCountedAsTheyMerge) {
  Tokenizer tokenizer = bpeOf("aaaaa aaaaa", 300);
  EXPECT_EQ(tokenizer.bytesOf(257), "aa");
  EXPECT_EQ(pieces(tokenizer, "aaaaa").size(), 1u);
}

TEST(TokenizerTest, FewerMergesThanAskedWhenNoPairOccursTwice) {
  Tokenizer tokenizer = bpeOf("abc", 1000);
  EXPECT_EQ(tokenizer.size(), 257);
  EXPECT_EQ(bpeOf("", 1000).size(), 257);
}

TEST(TokenizerTest, MergesNeverCrossPreTokens) {
  Tokenizer tokenizer = bpeOf(prose(20000), 700);
  EXPECT_EQ(pieces(tokenizer, "the cat didn't move"),
            (std::vector<std::string>{"the", " cat", " didn", "'t", " move"}));
}

TEST(TokenizerTest, TrainingDoesNotDependOnTheOrderOfTexts) {
  std::string a = prose(5000, 1), b = prose(5000, 2);
  std::string_view forward[] = {a, b}, backward[] = {b, a};
  EXPECT_EQ(Tokenizer::trainBpe(forward, {400, -1}).hash(), Tokenizer::trainBpe(backward, {400, -1}).hash());
}

TEST(TokenizerTest, TooSmallAVocabularyIsRefused) {
  EXPECT_EQ(errorOf(Folder(), [] { bpeOf("text", 256); }),
            "expected a vocabulary of at least 257 ids for bytes and special tokens, but got 256");
}

TEST(TokenizerTest, DecodeOfEncodeIsTheIdentityOnAnyBytes) {
  Tokenizer tokenizer = bpeOf(prose(20000), 600);
  std::string_view texts[] = {"",
                              " ",
                              "\n\n\n",
                              "'s",
                              "Größe\xC3",
                              "\xF0\x9F\x98\x80 \xED\xA0\x80",
                              "<|endoftext|>",
                              std::string_view("\0a\0", 3)};
  for (std::string_view text : texts)
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  for (uint32_t seed = 0; seed < 50; ++seed) {
    std::string text = randomBytes(seed, 500);
    std::vector<int32_t> ids = tokenizer.encode(text);
    EXPECT_EQ(tokenizer.decode(ids), text) << "seed " << seed;
    EXPECT_EQ(tokenizer.byteCount(ids), 500);
  }
}

TEST(TokenizerTest, CachedIdsEqualFreshOnes) {
  Tokenizer tokenizer = bpeOf(prose(20000), 600);
  std::string text = prose(3000, 7);
  EXPECT_EQ(tokenizer.encode(text), tokenizer.encode(text));
}

TEST(TokenizerTest, SpecialTokensInTextAreOrdinaryText) {
  Tokenizer tokenizer = Tokenizer::bytes();
  for (int32_t id : tokenizer.encode("<|endoftext|>"))
    EXPECT_LT(id, 256);
}

TEST(TokenizerTest, IdsWithoutBytesDecodeToNothing) {
  Tokenizer tokenizer = Tokenizer::bytes();
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{65, 256, -1, 100000, 66}), "AB");
}

TEST(TokenizerTest, JsonRoundTripKeepsHashAndIds) {
  Tokenizer tokenizer = bpeOf(prose(20000), 600, 257);
  Tokenizer again = Tokenizer::fromJson(tokenizer.toJson(), "t.json");
  EXPECT_EQ(again.hash(), tokenizer.hash());
  EXPECT_EQ(again.maskId(), 257);
  EXPECT_EQ(again.encode(prose(1000, 3)), tokenizer.encode(prose(1000, 3)));
  EXPECT_EQ(again.toJson(), tokenizer.toJson());
}

TEST(TokenizerTest, HashTellsTokenizersApart) {
  uint64_t bytes = Tokenizer::bytes().hash(), masked = Tokenizer::bytes(257).hash();
  uint64_t small = bpeOf(prose(20000), 300).hash(), large = bpeOf(prose(20000), 301).hash();
  EXPECT_EQ((std::set<uint64_t>{bytes, masked, small, large}).size(), 4u);
}

// ---- tokenizer.json of others

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

std::string loadError(const std::string &json) {
  return errorOf(Folder(), [&] { Tokenizer::fromJson(json, "t.json"); });
}

TEST(TokenizerJsonTest, MergesMayBePairs) {
  std::string json = bpeOf("abab abab", 258).toJson();
  Tokenizer pairs = Tokenizer::fromJson(replaced(json, "\"a b\"", "[\"a\", \"b\"]"), "t.json");
  EXPECT_EQ(pairs.hash(), bpeOf("abab abab", 258).hash());
}

TEST(TokenizerJsonTest, WhatItCannotDoIsRefusedByName) {
  std::string json = bpeOf("abab abab", 258).toJson();
  const std::string hint = "; give a byte-level BPE tokenizer as GPT-2's, or --tokenizer bpe";
  EXPECT_EQ(loadError(replaced(json, "\"BPE\"", "\"WordPiece\"")),
            "t.json: expected model.type \"BPE\", but got \"WordPiece\"" + hint);
  EXPECT_EQ(loadError(replaced(json, "\"normalizer\": null", "\"normalizer\": {\"type\": \"NFC\"}")),
            "t.json: expected no normalizer, but got {\"type\":\"NFC\"}" + hint);
  EXPECT_EQ(loadError(replaced(json, "\"ignore_merges\": false", "\"ignore_merges\": true")),
            "t.json: expected model.ignore_merges false, but got true" + hint);
  EXPECT_NE(loadError(replaced(json, "\"ByteLevel\"", "\"Metaspace\"")).find("expected pre_tokenizer ByteLevel"),
            std::string::npos);
  EXPECT_NE(loadError(replaced(json, "\"special\": true", "\"special\": false")).find("added_tokens that are special"),
            std::string::npos);
  EXPECT_NE(loadError(replaced(json, "<|endoftext|>", "<|other|>")).find("expected a special token <|endoftext|>"),
            std::string::npos);
}

TEST(TokenizerJsonTest, DamageIsLocated) {
  std::string json = bpeOf("abab abab", 258).toJson();
  EXPECT_EQ(loadError("{\n  \"version\": oops}"),
            "t.json:2: expected a tokenizer.json, but got text that is not JSON (byte 16)");
  EXPECT_NE(loadError(json.substr(0, json.size() / 2)), "");
  EXPECT_NE(loadError(""), "");
  EXPECT_NE(loadError("[]"), "");
  EXPECT_NE(loadError("{\"model\": 3}"), "");
  EXPECT_NE(loadError(replaced(json, "\"a\": 97", "\"a\": 98")).find("two for id 98"), std::string::npos);
  EXPECT_NE(loadError(replaced(json, "\"a\": 97", "\"a\": -1")).find("expected an id below 2^20"), std::string::npos);
  EXPECT_NE(loadError(replaced(json, "\"a\": 97,", "")).find("none for 0x61"), std::string::npos);
  EXPECT_NE(loadError(replaced(json, "\"a b\"", "\"a z\"")).find("expected merges of tokens"), std::string::npos);
  EXPECT_NE(loadError(replaced(json, "\"a b\"", "\"a b\", \"a b\"")).find("expected each merge once"),
            std::string::npos);
  EXPECT_NE(loadError(replaced(json, "\"a b\"", "\"ab\"")).find("expected a merge as"), std::string::npos);
}

TEST(TokenizerJsonTest, TruncationsAndFlippedBytesNeverCrash) {
  std::string json = bpeOf(prose(3000), 280).toJson();
  std::mt19937 random(1);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string damaged = json.substr(0, trial % 4 ? json.size() : random() % json.size());
    if (!damaged.empty())
      damaged[random() % damaged.size()] = char(random());
    try {
      Tokenizer::fromJson(damaged, "t.json").encode("the cat");
    } catch (const Error &) {
    }
  }
}

TEST(TokenizerJsonTest, MissingFileIsNamed) {
  EXPECT_EQ(errorOf(Folder(), [] { Tokenizer::load("/nowhere/t.json"); }),
            "/nowhere/t.json: cannot open: No such file or directory");
}

} // namespace
} // namespace nf::rt
