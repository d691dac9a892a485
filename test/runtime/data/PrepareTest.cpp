#include "test/runtime/data/Support.h"

#include <csignal>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

namespace nf::rt {
namespace {

using Names = std::vector<std::string>;

class PrepareTest : public ::testing::Test {
protected:
  Folder folder;
  std::string output = folder.at("data");

  std::string errorFor(const PrepareOptions &options) {
    std::string message = errorOf(folder, [&] { prepared(options); });
    for (const std::string &name : folder.names())
      EXPECT_EQ(name.find("data"), std::string::npos) << "left behind: " << name;
    return message;
  }
  std::string errorForText(std::string_view text) { return errorFor(optionsFor(folder.write("a.txt", text), output)); }
};

TEST_F(PrepareTest, WritesShardsTokenizerAndManifest) {
  std::string text = prose(100'000);
  std::string summary = prepared(optionsFor(folder.write("a.txt", text), output + "/"));
  EXPECT_EQ(folder.names(), (Names{"a.txt", "data"}));
  nlohmann::json manifest = nlohmann::json::parse(folder.read("data/manifest.json"));
  Shard train(output + "/train-00000.bin"), validation(output + "/validation-00000.bin");
  EXPECT_EQ(manifest["train"]["tokens"], train.tokens().size());
  EXPECT_EQ(manifest["train"]["shards"][0]["xxh3_64"], train.hash());
  EXPECT_EQ(manifest["validation"]["tokens"], validation.tokens().size());
  EXPECT_EQ(manifest["train"]["bytes"].get<size_t>() + manifest["validation"]["bytes"].get<size_t>(), text.size());
  EXPECT_EQ(manifest["tokenizer"]["hash"], Tokenizer::load(output + "/tokenizer.json").hashText());
  EXPECT_NE(summary.find("next: ./m train --data "), std::string::npos) << summary;
}

TEST_F(PrepareTest, ShardsHaveTheHeaderOfLlmC) {
  prepared(optionsFor(folder.write("a.txt", prose(50'000)), output));
  std::string bytes = folder.read("data/train-00000.bin");
  int32_t header[256];
  std::memcpy(header, bytes.data(), sizeof header);
  EXPECT_EQ(header[0], 20240520);
  EXPECT_EQ(header[1], 1);
  EXPECT_EQ(size_t(header[2]) * 2 + 1024, bytes.size());
  EXPECT_EQ(std::count(header + 3, header + 256, 0), 253);
}

TEST_F(PrepareTest, TokensDecodeToTheTextWithEndOfTextBeforeEachPiece) {
  PrepareOptions options = optionsFor(folder.write("a.txt", prose(50'000)), output);
  options.tokenizer = "bpe";
  options.validation = 0;
  prepared(options);
  Shard train(output + "/train-00000.bin");
  std::vector<int32_t> ids(train.tokens().begin(), train.tokens().end());
  EXPECT_EQ(ids.front(), 256);
  EXPECT_EQ(Tokenizer::load(output + "/tokenizer.json").decode(ids), folder.read("a.txt"));
}

TEST_F(PrepareTest, DirectoriesGiveTheirTextFilesInOrder) {
  folder.write("in/b.txt", "bbbb bbbb bbbb bbbb");
  folder.write("in/sub/c.txt", "cccc");
  folder.write("in/a.txt", "\xEF\xBB\xBF"
                           "aaaa");
  folder.write("in/empty.txt", "");
  folder.write("in/other.md", "no\xFF");
  PrepareOptions options = optionsFor(folder.at("in"), output);
  options.validation = 0;
  std::string summary = prepared(options);
  Shard train(output + "/train-00000.bin");
  std::vector<int32_t> ids(train.tokens().begin(), train.tokens().end());
  EXPECT_EQ(Tokenizer::bytes().decode(ids), "aaaabbbb bbbb bbbb bbbbcccc");
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 256), 3);
  EXPECT_NE(summary.find("empty.txt is empty and was skipped"), std::string::npos) << summary;
}

TEST_F(PrepareTest, SameInputsGiveSameBytes) {
  PrepareOptions options = optionsFor(folder.write("a.txt", prose(80'000)), output);
  options.tokenizer = "bpe";
  prepared(options);
  options.output = folder.at("again");
  prepared(options);
  for (const char *name : {"train-00000.bin", "validation-00000.bin", "tokenizer.json", "manifest.json"})
    EXPECT_EQ(folder.read(std::string("data/") + name), folder.read(std::string("again/") + name)) << name;
}

TEST_F(PrepareTest, AnEarlierPreparedDirectoryIsReplacedAsAWhole) {
  PrepareOptions options = optionsFor(folder.write("a.txt", prose(80'000)), output);
  prepared(options);
  options.validation = 0;
  prepared(options);
  EXPECT_FALSE(std::filesystem::exists(output + "/validation-00000.bin"));
  EXPECT_EQ(folder.names(), (Names{"a.txt", "data"}));
}

TEST_F(PrepareTest, ADirectoryWithOtherFilesIsNotTouched) {
  folder.write("data/thesis.tex", "dear");
  PrepareOptions options = optionsFor(folder.write("a.txt", prose(80'000)), output);
  EXPECT_EQ(errorOf(folder, [&] { prepared(options); }),
            "DIR/data: expected a new, empty or prepared directory, but it holds thesis.tex; give another -o");
  EXPECT_EQ(folder.read("data/thesis.tex"), "dear");
  options.output = folder.at("a.txt");
  EXPECT_NE(errorOf(folder, [&] { prepared(options); }).find("expected a directory to write, but got a file"),
            std::string::npos);
}

TEST_F(PrepareTest, FewerMergesThanAskedIsANote) {
  PrepareOptions options = optionsFor(folder.write("a.txt", prose(2'000)), output);
  options.tokenizer = "bpe";
  options.vocab = 4096;
  EXPECT_NE(prepared(options).find("fewer than the 4096 asked for"), std::string::npos);
}

TEST_F(PrepareTest, ATokenizerFileIsUsedAndStored) {
  std::string text = prose(50'000);
  std::string_view view = text;
  Tokenizer bpe = Tokenizer::trainBpe(std::span(&view, 1), {300, 257});
  PrepareOptions options = optionsFor(folder.write("a.txt", text), output);
  options.tokenizer = folder.write("t.json", bpe.toJson());
  prepared(options);
  EXPECT_EQ(Tokenizer::load(output + "/tokenizer.json").hash(), bpe.hash());
  options.vocab = 299;
  EXPECT_EQ(errorOf(folder, [&] { prepared(options); }),
            "m.toml: expected a vocabulary of at least 300 for the ids of DIR/t.json, but got 299; put this line under "
            "[model] and compile again: vocab = 300");
}

TEST_F(PrepareTest, MaskedModelsGetAMaskIdOrAnError) {
  PrepareOptions options = optionsFor(folder.write("a.txt", prose(50'000)), output);
  options.masked = true;
  prepared(options);
  EXPECT_EQ(Tokenizer::load(output + "/tokenizer.json").maskId(), 257);
  options.tokenizer = folder.write("t.json", Tokenizer::bytes().toJson());
  EXPECT_NE(errorOf(folder, [&] { prepared(options); }).find("expected a special token <|mask|>"), std::string::npos);
}

// ---- Bad input

TEST_F(PrepareTest, TextErrorsAreLocated) {
  EXPECT_EQ(errorForText(std::string_view("one\ntwo\0three", 13)),
            "DIR/a.txt:2:4: expected text, but got a NUL byte at offset 7; give plain text in UTF-8");
  EXPECT_EQ(
      errorForText("one\ntwo\nth\xFFree"),
      "DIR/a.txt:3:3: expected UTF-8, but got byte 0xff at offset 10; convert the file, for example with iconv -f "
      "LATIN1 -t UTF-8");
  EXPECT_EQ(errorForText(""), "DIR/a.txt: expected text, but the file is empty");
}

TEST_F(PrepareTest, MissingInputsAreNamed) {
  EXPECT_EQ(errorFor(optionsFor(folder.at("none.txt"), output)),
            "DIR/none.txt: cannot open: No such file or directory");
  folder.write("in/readme.md", "x");
  EXPECT_NE(errorFor(optionsFor(folder.at("in"), output)).find("expected .txt files, but found none"),
            std::string::npos);
}

TEST_F(PrepareTest, TooLittleTextSaysFoundNeededAndWhatFits) {
  EXPECT_EQ(
      errorForText("hello wor"),
      "DIR/a.txt: expected at least 17 training tokens for one sequence of 16, but got 10; give more text, or put "
      "the sequence that fits under [train] and compile again: sequence = 9");
}

TEST_F(PrepareTest, ATooSmallVocabularyPrintsTheLine) {
  PrepareOptions options = optionsFor(folder.write("a.txt", prose(1000)), output);
  options.vocab = 256;
  EXPECT_EQ(errorFor(options),
            "m.toml: expected a vocabulary of at least 257 for the ids of tokenizer bytes, but got 256; "
            "put this line under [model] and compile again: vocab = 257");
}

TEST_F(PrepareTest, AnImportedGraphHasNoLineToChange) {
  PrepareOptions options = optionsFor(folder.write("a.txt", prose(1000)), output);
  options.vocab = 256;
  options.vocabIsOfGraph = true;
  EXPECT_EQ(errorFor(options),
            "tokenizer bytes: expected at most 256 ids, the vocabulary of the imported graph, but got 257; give the "
            "tokenizer that the graph was made for, or import a graph with a vocabulary of at least 257");
}

TEST_F(PrepareTest, UnknownTokenizersAreRefused) {
  PrepareOptions options = optionsFor(folder.write("a.txt", prose(1000)), output);
  options.tokenizer = "sentencepiece";
  EXPECT_EQ(errorFor(options),
            "sentencepiece: expected --tokenizer bytes, bpe or a tokenizer.json, but there is no such file");
}

TEST_F(PrepareTest, AFullDiskLeavesNothingBehind) {
  PrepareOptions options = optionsFor(folder.write("a.txt", prose(200'000)), output);
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = {100'000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  std::string message = errorFor(options);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(message, "DIR/data/train-00000.bin: cannot write: File too large");
}

TEST_F(PrepareTest, AnUnwritablePlaceIsNamed) {
  PrepareOptions options = optionsFor(folder.write("a.txt", prose(1000)), "/proc/nowhere/data");
  EXPECT_EQ(errorOf(folder, [&] { prepared(options); }),
            "/proc/nowhere/data: cannot create a directory: No such file or directory");
}

TEST(ParseShareTest, PercentOrFraction) {
  EXPECT_DOUBLE_EQ(parseShare("5%"), 0.05);
  EXPECT_DOUBLE_EQ(parseShare("0.25"), 0.25);
  EXPECT_DOUBLE_EQ(parseShare("0"), 0);
  for (const char *bad : {"", "%", "five", "5 %", "100%", "-1%", "nan", "1", "5%%"})
    EXPECT_THROW(parseShare(bad), UsageError) << bad;
}

} // namespace
} // namespace nf::rt
