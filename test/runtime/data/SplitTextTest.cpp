#include "runtime/train/data/SplitText.h"
#include "test/runtime/data/Support.h"

namespace nf::rt {
namespace {

size_t bytesOf(const std::vector<std::string_view> &texts) {
  size_t bytes = 0;
  for (std::string_view text : texts)
    bytes += text.size();
  return bytes;
}

TEST(SplitTextTest, ManyDocumentsAreHeldOutWhole) {
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < 100; ++i)
    texts.push_back(prose(1000 + i * 10, i));
  std::vector<std::string_view> documents(texts.begin(), texts.end());
  TextSplit split = splitText(documents, 0.1, 1);
  EXPECT_EQ(split.by, "documents");
  EXPECT_EQ(split.train.size() + split.validation.size(), 100u);
  EXPECT_NEAR(double(bytesOf(split.validation)) / double(bytesOf(documents)), 0.1, 0.05);
}

TEST(SplitTextTest, OneDocumentIsCutIntoBlocksAtLineEnds) {
  std::string text = prose(2'000'000);
  std::vector<std::string_view> documents = {text};
  TextSplit split = splitText(documents, 0.05, 1);
  EXPECT_EQ(split.by, "blocks");
  EXPECT_NEAR(double(bytesOf(split.validation)) / double(text.size()), 0.05, 0.005);
  EXPECT_EQ(bytesOf(split.train) + bytesOf(split.validation), text.size());
  for (const auto *runs : {&split.train, &split.validation})
    for (std::string_view run : *runs)
      EXPECT_TRUE(run.ends_with('\n') || run.data() + run.size() == text.data() + text.size());
}

TEST(SplitTextTest, TogetherTheRunsAreTheText) {
  std::string text = prose(300'000);
  std::vector<std::string_view> documents = {text};
  TextSplit split = splitText(documents, 0.2, 3);
  std::vector<std::string_view> runs = split.train;
  runs.insert(runs.end(), split.validation.begin(), split.validation.end());
  std::sort(runs.begin(), runs.end(), [](auto a, auto b) { return a.data() < b.data(); });
  std::string joined;
  for (std::string_view run : runs)
    joined += run;
  EXPECT_EQ(joined, text);
}

TEST(SplitTextTest, TwoUnequalDocumentsFallBackToBlocks) {
  std::string a = prose(500'000), b = prose(400'000, 2);
  std::vector<std::string_view> documents = {a, b};
  TextSplit split = splitText(documents, 0.05, 1);
  EXPECT_EQ(split.by, "blocks");
  for (std::string_view run : split.train)
    EXPECT_FALSE(run.data() < a.data() + a.size() && run.data() + run.size() > a.data() + a.size());
}

TEST(SplitTextTest, ShortTextsAreCutSmaller) {
  std::string text = prose(20'000);
  std::vector<std::string_view> documents = {text};
  TextSplit split = splitText(documents, 0.05, 1);
  EXPECT_FALSE(split.validation.empty());
  EXPECT_LT(bytesOf(split.validation), 3000u);
}

TEST(SplitTextTest, LinesLongerThanABlockAreCutAtSpacesElseBetweenCharacters) {
  std::string spaced, solid;
  for (int i = 0; i < 100'000; ++i) {
    spaced += "word ";
    solid += "é";
  }
  std::vector<std::string_view> documents = {spaced};
  for (std::string_view run : splitText(documents, 0.1, 1).validation)
    EXPECT_EQ(run.back(), ' ');
  documents = {solid};
  for (std::string_view run : splitText(documents, 0.1, 1).validation)
    EXPECT_EQ(run.size() % 2, 0u);
}

TEST(SplitTextTest, SeedChooses) {
  std::string text = prose(1'000'000);
  std::vector<std::string_view> documents = {text};
  EXPECT_EQ(splitText(documents, 0.05, 1).validation, splitText(documents, 0.05, 1).validation);
  EXPECT_NE(splitText(documents, 0.05, 1).validation, splitText(documents, 0.05, 2).validation);
}

TEST(SplitTextTest, NothingIsHeldOutOfOneBlockOrForShareZero) {
  std::string text = prose(100);
  std::vector<std::string_view> documents = {text};
  EXPECT_TRUE(splitText(documents, 0.05, 1).validation.empty());
  EXPECT_TRUE(splitText(documents, 0, 1).validation.empty());
  EXPECT_EQ(splitText(documents, 0, 1).train.size(), 1u);
}

} // namespace
} // namespace nf::rt
