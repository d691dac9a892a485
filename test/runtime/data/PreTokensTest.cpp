#include "runtime/train/data/PreTokens.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace nf::rt {
namespace {

std::vector<std::string> cut(std::string_view text) {
  std::vector<std::string> pieces;
  PreTokenizer().forEach(text, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

using Pieces = std::vector<std::string>;

TEST(PreTokensTest, WordsTakeOneSpaceBeforeThem) { EXPECT_EQ(cut("Hello  world"), (Pieces{"Hello", " ", " world"})); }

TEST(PreTokensTest, ContractionsAreLowerCaseOnly) {
  EXPECT_EQ(cut("we'll I'M"), (Pieces{"we", "'ll", " I", "'", "M"}));
}

TEST(PreTokensTest, LettersDigitsAndOthersAreApart) { EXPECT_EQ(cut("x2²!?é"), (Pieces{"x", "2²", "!?", "é"})); }

TEST(PreTokensTest, TrailingWhiteSpaceStaysTogether) {
  EXPECT_EQ(cut("a \n\n b  \n"), (Pieces{"a", " \n\n", " b", "  \n"}));
}

TEST(PreTokensTest, UnicodeSpacesAreWhiteSpaceButMongolianVowelSeparatorIsNot) {
  EXPECT_EQ(cut("a\u3000\u00A0b"), (Pieces{"a", "\u3000", "\u00A0", "b"}));
  EXPECT_EQ(cut("a \u180E"), (Pieces{"a", " \u180E"}));
}

TEST(PreTokensTest, BytesThatAreNotUtf8AreAlone) {
  EXPECT_EQ(cut("ab\xFF\xFE"
                "cd\xC3"),
            (Pieces{"ab", "\xFF", "\xFE", "cd", "\xC3"}));
}

TEST(PreTokensTest, InvalidUtf8IsFoundWhereItStarts) {
  EXPECT_EQ(firstInvalidUtf8(""), std::nullopt);
  EXPECT_EQ(firstInvalidUtf8("naïve 😀"), std::nullopt);
  EXPECT_EQ(firstInvalidUtf8("ab\xFF"), 2u);
  EXPECT_EQ(firstInvalidUtf8("abc\xE2\x82"), 3u) << "cut character";
  EXPECT_EQ(firstInvalidUtf8("\xC0\x80"), 0u) << "overlong";
  EXPECT_EQ(firstInvalidUtf8("a\xED\xA0\x80"), 1u) << "surrogate";
  EXPECT_EQ(firstInvalidUtf8("a\xF4\x90\x80\x80"), 1u) << "beyond U+10FFFF";
}

TEST(PreTokensTest, AMegabyteOfOneClassIsOnePiece) {
  EXPECT_EQ(cut(std::string(1 << 20, 'a')).size(), 1u);
  EXPECT_EQ(cut(std::string(1 << 20, ' ') + "a").size(), 2u);
}

} // namespace
} // namespace nf::rt
