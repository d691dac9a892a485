#include "test/runtime/data/Support.h"

#include <map>
#include <set>

namespace nf::rt {
namespace {

class DataFeedTest : public ::testing::Test {
protected:
  Folder folder;

  /// A directory of shards without a manifest whose token i is i.
  std::string foreign(int train, int validation) {
    folder.write("llmc/x_train_000000.bin", shardOf(counting(train)));
    folder.write("llmc/x_val_000000.bin", shardOf(counting(validation)));
    return folder.at("llmc");
  }
  static std::vector<uint16_t> counting(int count) {
    std::vector<uint16_t> tokens;
    for (int i = 0; i < count; ++i)
      tokens.push_back(uint16_t(i));
    return tokens;
  }
  std::string prepareProse(bool masked = false) {
    PrepareOptions options = optionsFor(folder.write("a.txt", prose(60'000)), folder.at("data"));
    options.masked = masked;
    prepared(options);
    return folder.at("data");
  }
  DataFeed open(const std::string &directory, int32_t sequence = 16, int32_t vocab = 512) {
    return DataFeed::open({directory, vocab, sequence, std::nullopt});
  }
  std::string openError(const std::string &directory, int32_t sequence = 16, int32_t vocab = 512) {
    return errorOf(folder, [&] { open(directory, sequence, vocab); });
  }
};

TEST_F(DataFeedTest, TargetsAreTheNextTokens) {
  DataFeed feed = open(foreign(100, 50), 10);
  EXPECT_EQ(feed.trainCount(), 9);
  RowBuffer buffer(10);
  for (int64_t i = 0; i < 9; ++i) {
    EXPECT_EQ(feed.train(1, i, buffer.row()), 10);
    EXPECT_EQ(buffer.tokens[0] % 10, 0);
    for (int t = 0; t < 10; ++t) {
      EXPECT_EQ(buffer.tokens[t], buffer.tokens[0] + t);
      EXPECT_EQ(buffer.targets[t], buffer.tokens[t] + 1);
      EXPECT_EQ(buffer.weight[t], 1.0f);
      EXPECT_EQ(buffer.padding[t], 1.0f);
    }
  }
}

TEST_F(DataFeedTest, AnEpochVisitsEverySequenceOnceInItsOwnOrder) {
  DataFeed feed = open(foreign(101, 50), 2);
  RowBuffer buffer(2);
  std::vector<std::vector<int32_t>> orders;
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<int32_t> order;
    for (int64_t i = 0; i < feed.trainCount(); ++i) {
      feed.train(7, epoch * feed.trainCount() + i, buffer.row());
      order.push_back(buffer.tokens[0]);
    }
    EXPECT_EQ(std::set<int32_t>(order.begin(), order.end()).size(), 50u);
    orders.push_back(order);
  }
  EXPECT_NE(orders[0], orders[1]);
  EXPECT_NE(orders[1], orders[2]);
}

TEST_F(DataFeedTest, SeedsGiveOtherOrdersAndPositionsAreAllOfTheState) {
  std::string directory = foreign(401, 50);
  DataFeed feed = open(directory, 4), again = open(directory, 4);
  RowBuffer a(4), b(4);
  int same = 0;
  for (int64_t i = 0; i < 100; ++i) {
    feed.train(1, i, a.row());
    feed.train(2, i, b.row());
    same += a.tokens == b.tokens;
  }
  EXPECT_LT(same, 10);
  feed.train(1, 73, a.row());
  again.train(1, 73, b.row());
  EXPECT_EQ(a.tokens, b.tokens);
}

TEST_F(DataFeedTest, ValidationIsInOrderWithAShortLastSequence) {
  DataFeed feed = open(foreign(100, 25), 10);
  ASSERT_EQ(feed.validationCount(), 3);
  RowBuffer buffer(10);
  EXPECT_EQ(feed.validation(1, 0, buffer.row()), 10);
  EXPECT_EQ(buffer.tokens[9], 9);
  EXPECT_EQ(feed.validation(1, 2, buffer.row()), 4);
  EXPECT_EQ(buffer.tokens, (std::vector<int32_t>{20, 21, 22, 23, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(buffer.targets, (std::vector<int32_t>{21, 22, 23, 24, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(buffer.weight, (std::vector<float>{1, 1, 1, 1, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(buffer.padding, (std::vector<float>{1, 1, 1, 1, 0, 0, 0, 0, 0, 0}));
}

TEST_F(DataFeedTest, SequencesNeverCrossShards) {
  folder.write("llmc/x_train_000000.bin", shardOf(counting(26)));
  folder.write("llmc/x_train_000001.bin", shardOf({}));
  folder.write("llmc/x_train_000002.bin", shardOf(counting(31)));
  DataFeed feed = open(folder.at("llmc"), 10);
  EXPECT_EQ(feed.trainCount(), 2 + 0 + 3);
  EXPECT_EQ(feed.validationCount(), 0);
  RowBuffer buffer(10);
  for (int64_t i = 0; i < feed.trainCount(); ++i) {
    feed.train(1, i, buffer.row());
    EXPECT_EQ(buffer.targets[9], buffer.tokens[0] + 10);
  }
}

TEST_F(DataFeedTest, KeyPaddingMayBeLeftOut) {
  DataFeed feed = open(foreign(100, 50), 10);
  RowBuffer buffer(10);
  SampleRow row = buffer.row();
  row.keyPadding = nullptr;
  EXPECT_EQ(feed.train(1, 0, row), 10);
}

TEST_F(DataFeedTest, PreparedDirectoriesComeWithTokenizerAndHashes) {
  DataFeed feed = open(prepareProse());
  ASSERT_NE(feed.tokenizer(), nullptr);
  EXPECT_EQ(feed.tokenizerHash(), Tokenizer::bytes().hashText());
  EXPECT_EQ(feed.dataHash().size(), 16u);
  EXPECT_TRUE(feed.notes().empty());
  int64_t bytes = 0;
  for (int64_t i = 0; i < feed.validationCount(); ++i)
    bytes += feed.validationBytes(1, i);
  // One end-of-text token before each piece; the first one is no target.
  int64_t text = 0;
  std::span<const uint16_t> tokens = feed.validationShards()[0];
  for (uint16_t id : tokens)
    text += id < 256;
  EXPECT_EQ(bytes, text);
}

TEST_F(DataFeedTest, ShardsWithoutAManifestAreTakenWithANote) {
  DataFeed feed = open(foreign(100, 50));
  EXPECT_EQ(feed.tokenizer(), nullptr);
  EXPECT_EQ(feed.tokenizerHash(), "");
  ASSERT_EQ(feed.notes().size(), 1u);
  EXPECT_NE(feed.notes()[0].find("has no manifest.json: its 2 shards are taken as they are"), std::string::npos);
}

// ---- Documents

TEST_F(DataFeedTest, EndOfTextBeginsTheNextDocument) {
  folder.write("docs/a.txt", "abc");
  folder.write("docs/b.txt", "de");
  folder.write("docs/c.txt", "fghijklmn");
  PrepareOptions options = optionsFor(folder.at("docs"), folder.at("data"));
  options.validation = 0;
  options.sequence = 12;
  prepared(options);
  DataFeed feed = open(folder.at("data"), 12);
  RowBuffer buffer(12);
  ASSERT_EQ(feed.trainCount(), 1);
  feed.train(1, 0, buffer.row());
  EXPECT_EQ(buffer.tokens, (std::vector<int32_t>{256, 'a', 'b', 'c', 256, 'd', 'e', 256, 'f', 'g', 'h', 'i'}));
  EXPECT_EQ(buffer.segments, (std::vector<int32_t>{1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3}));
}

TEST_F(DataFeedTest, ASequenceMayBeginAmidADocumentAndMaskingLeavesDocumentsAsTheyAre) {
  std::string directory = prepareProse(true);
  DataFeed plain = open(directory, 32), masked = DataFeed::open({directory, 512, 32, MaskedObjective()});
  RowBuffer a(32), b(32);
  for (int64_t i = 0; i < plain.trainCount(); ++i) {
    plain.train(1, i, a.row());
    int32_t document = 0;
    for (int t = 0; t < 32; ++t)
      EXPECT_EQ(a.segments[t], document += a.tokens[t] == 256);
  }
  for (int64_t i = 0; i < plain.validationCount() - 1; ++i) {
    plain.validation(1, i, a.row());
    masked.validation(1, i, b.row());
    EXPECT_EQ(a.segments, b.segments);
  }
}

TEST_F(DataFeedTest, WithoutATokenizerASequenceIsOneDocumentAndANoteSaysSo) {
  std::string directory = foreign(100, 25);
  DataFeed feed = DataFeed::open({directory, 512, 10, std::nullopt, /*documents=*/true});
  RowBuffer buffer(10);
  feed.validation(1, 2, buffer.row());
  EXPECT_EQ(buffer.segments, std::vector<int32_t>(10, 0));
  ASSERT_EQ(feed.notes().size(), 2u);
  EXPECT_NE(feed.notes()[1].find("no tokenizer.json, which names the token between documents"), std::string::npos);
}

// ---- Masked

TEST_F(DataFeedTest, MaskedRowsKeepTheTextAsTargets) {
  std::string directory = prepareProse(true);
  DataFeed plain = open(directory, 32);
  DataFeed feed = DataFeed::open({directory, 512, 32, MaskedObjective()});
  RowBuffer buffer(32);
  int64_t chosen = 0, masked = 0, changedUnchosen = 0;
  for (int64_t i = 0; i < feed.trainCount(); ++i) {
    int32_t valid = feed.train(1, i, buffer.row());
    EXPECT_EQ(valid, feed.trainValid(1, i));
    EXPECT_EQ(valid, std::count(buffer.weight.begin(), buffer.weight.end(), 1.0f));
    chosen += valid;
    for (int t = 0; t < 32; ++t) {
      masked += buffer.tokens[t] == 257;
      changedUnchosen += buffer.weight[t] == 0 && buffer.tokens[t] != buffer.targets[t];
    }
  }
  EXPECT_EQ(changedUnchosen, 0);
  double total = double(feed.trainCount() * 32);
  EXPECT_NEAR(double(chosen) / total, 0.15, 0.01);
  EXPECT_NEAR(double(masked) / double(chosen), 0.8, 0.02);
}

TEST_F(DataFeedTest, MasksAreDrawnAnewEachEpochAndFixedInValidation) {
  DataFeed feed = DataFeed::open({prepareProse(true), 512, 64, MaskedObjective()});
  RowBuffer a(64), b(64);
  std::map<std::vector<int32_t>, std::vector<float>> first;
  for (int64_t i = 0; i < feed.trainCount(); ++i) {
    feed.train(1, i, a.row());
    first[a.targets] = a.weight;
  }
  int64_t same = 0;
  for (int64_t i = 0; i < feed.trainCount(); ++i) {
    feed.train(1, feed.trainCount() + i, a.row());
    same += first[a.targets] == a.weight;
  }
  EXPECT_LT(same, 3);
  feed.validation(5, 1, a.row());
  feed.validation(5, 1, b.row());
  EXPECT_EQ(a.tokens, b.tokens);
}

TEST_F(DataFeedTest, AMaskedObjectiveNeedsAMaskId) {
  std::string directory = prepareProse(false);
  EXPECT_NE(errorOf(folder, [&] { DataFeed::open({directory, 512, 16, MaskedObjective()}); })
                .find("expected a tokenizer with a token <|mask|>"),
            std::string::npos);
  MaskedObjective own;
  own.maskId = 511;
  EXPECT_GT(DataFeed::open({directory, 512, 16, own}).trainCount(), 0);
  own.maskId = 65;
  EXPECT_NE(
      errorOf(folder, [&] { DataFeed::open({directory, 512, 16, own}); }).find("that is no token of its tokenizer"),
      std::string::npos);
}

TEST_F(DataFeedTest, ObjectiveAndTokenizerMustAgreeOnTheMaskId) {
  MaskedObjective objective;
  objective.maskId = 511;
  EXPECT_EQ(errorOf(folder, [&] { DataFeed::open({prepareProse(true), 512, 16, objective}); }),
            "DIR/data: expected objective.mask_id 257, its tokenizer's mask token, but got 511; give --set "
            "objective.mask_id=257");
}

// ---- Bad input

TEST_F(DataFeedTest, MissingOrForeignDirectoriesAreNamed) {
  EXPECT_EQ(openError(folder.at("none")), "DIR/none: expected a directory that prepare wrote, but there is none");
  EXPECT_EQ(openError(folder.write("file", "x")), "DIR/file: expected a directory that prepare wrote, but got a file");
  folder.write("dir/readme", "x");
  EXPECT_EQ(openError(folder.at("dir")),
            "DIR/dir: expected a directory that prepare wrote, or shards named *train*.bin "
            "and *val*.bin, but found no manifest.json and no such shards");
}

TEST_F(DataFeedTest, BadShardsAreNamed) {
  auto error = [&](const std::string &bytes) {
    folder.write("llmc/train.bin", bytes);
    return openError(folder.at("llmc"));
  };
  std::string good = shardOf(counting(100)), magic = good, version = good;
  magic[0] ^= 1;
  version[4] = 2;
  EXPECT_EQ(error("short"),
            "DIR/llmc/train.bin: expected a token shard with a header of 1024 bytes, but got a file of 5 "
            "bytes");
  EXPECT_EQ(error(magic), "DIR/llmc/train.bin: expected a token shard (magic 20240520), but got magic 20240521");
  EXPECT_EQ(error(version), "DIR/llmc/train.bin: expected version 1 of a token shard (u16 tokens), but got version 2");
  EXPECT_EQ(error(good.substr(0, good.size() - 1)),
            "DIR/llmc/train.bin: expected 100 tokens as its header says, but got "
            "199 bytes of them; the file is cut or damaged");
  EXPECT_EQ(error(""),
            "DIR/llmc/train.bin: expected a token shard with a header of 1024 bytes, but got a file of 0 bytes");
  EXPECT_EQ(error(shardOf({})),
            "DIR/llmc: expected training tokens, but its shards are empty; run prepare on more text");
  EXPECT_EQ(error(good), "");
}

TEST_F(DataFeedTest, IdsBeyondTheVocabularyAreRefused) {
  EXPECT_EQ(
      openError(foreign(100, 50), 16, 99),
      "DIR/llmc/x_train_000000.bin: expected token ids below the model's vocabulary of 99, but got 99; prepare the "
      "data with this executable, or compile with --set model.vocab=100");
}

TEST_F(DataFeedTest, TooFewTokensSayWhatFits) {
  EXPECT_EQ(openError(foreign(16, 50), 16),
            "DIR/llmc: expected at least 17 training tokens for one sequence, but got 16; "
            "prepare more text, or compile with --set train.sequence=15");
}

TEST_F(DataFeedTest, ChangedFilesOfAPreparedDirectoryAreDetected) {
  std::string directory = prepareProse(), shard = folder.read("data/train-00000.bin");
  std::string flipped = shard;
  flipped[5000] ^= 1;
  folder.write("data/train-00000.bin", flipped);
  EXPECT_NE(openError(directory).find("DIR/data/train-00000.bin: expected "), std::string::npos)
      << openError(directory);
  folder.write("data/train-00000.bin", shard);
  EXPECT_EQ(openError(directory), "");

  std::string tokenizer = folder.read("data/tokenizer.json");
  folder.write("data/tokenizer.json", Tokenizer::bytes(257).toJson());
  EXPECT_NE(openError(directory).find("DIR/data/tokenizer.json: expected the tokenizer of hash "), std::string::npos);
  folder.write("data/tokenizer.json", tokenizer);
}

TEST_F(DataFeedTest, DamagedManifestsAreNamed) {
  std::string directory = prepareProse(), manifest = folder.read("data/manifest.json");
  for (std::string bad : {std::string(), manifest.substr(0, manifest.size() / 2), std::string("{}"), std::string("[]"),
                          std::string("null")}) {
    folder.write("data/manifest.json", bad);
    EXPECT_TRUE(openError(directory).starts_with("DIR/data/manifest.json: expected a manifest that prepare wrote"))
        << openError(directory);
  }
  size_t at = manifest.find("\"version\": 1");
  folder.write("data/manifest.json", manifest.replace(at, 12, "\"version\": 9"));
  EXPECT_EQ(openError(directory), "DIR/data/manifest.json: expected format normforge-data version 1, but got "
                                  "\"normforge-data\" version 9; run prepare again");
}

} // namespace
} // namespace nf::rt
