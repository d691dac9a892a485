#include "runtime/train/Config.h"

#include "test/runtime/data/Support.h"

namespace nf::rt {
namespace {

class ConfigTest : public ::testing::Test {
protected:
  ConfigTest() : metadata(readMetadata(nf_program_table)), config(metadata, "./bigram") {}

  template <typename Act> std::string messageOf(Act act, int code) {
    try {
      act();
    } catch (const Error &error) {
      EXPECT_EQ(error.exitCode(), code);
      return error.what();
    }
    return "";
  }
  std::string setError(const std::string &assignment) {
    return messageOf([&] { config.set(assignment); }, 2);
  }
  std::string resolveError(const std::string &assignment) {
    Config other(metadata, "./bigram");
    return messageOf(
        [&] {
          other.set(assignment);
          other.resolve();
        },
        1);
  }

  Metadata metadata;
  Config config;
};

TEST_F(ConfigTest, TakesDefaultsFromTheExecutable) {
  RunConfig run = config.resolve();
  EXPECT_EQ(run.globalBatch, 6);
  EXPECT_EQ(run.steps, 20);
  EXPECT_EQ(run.lr, 0.05);
  EXPECT_EQ(run.schedule, ScheduleKind::Linear);
  EXPECT_FALSE(run.decayAll);
}

TEST_F(ConfigTest, RefusesACompiledKeyWithTheLineThatChangesIt) {
  EXPECT_EQ(setError("train.micro_batch=8"), "--set train.micro_batch: this key is compiled in; change it with: "
                                             "nf-compile models/bigram.toml --set train.micro_batch=8 -o ./bigram");
}

TEST_F(ConfigTest, UnknownKeysNameTheNearest) {
  EXPECT_EQ(setError("train.wamup=3"),
            "--set train.wamup: unknown key; the nearest is train.warmup (--print-config lists all)");
  EXPECT_EQ(setError("lr=3"), "--set lr: unknown key; the nearest is train.lr (--print-config lists all)");
}

TEST_F(ConfigTest, RefusesMalformedAssignments) {
  EXPECT_EQ(setError("train.lr"), "--set train.lr: expected KEY=VALUE, such as --set train.lr=3e-4");
  EXPECT_EQ(setError("train.lr=fast"), "--set train.lr: expected a number, but got 'fast'");
  EXPECT_EQ(setError("train.lr=nan"), "--set train.lr: expected a number, but got 'nan'");
  EXPECT_EQ(setError("train.lr="), "--set train.lr: expected a number, but got ''");
  EXPECT_EQ(setError("train.lr=1x"), "--set train.lr: expected a number, but got '1x'");
}

TEST_F(ConfigTest, ChecksRangesAndNamesTheOrigin) {
  EXPECT_EQ(resolveError("train.lr=-1"), "train.lr = -1 (flag): expected a number of at least 0");
  EXPECT_EQ(resolveError("train.beta1=1"), "train.beta1 = 1 (flag): expected a number below 1");
  EXPECT_EQ(resolveError("train.eps=0"), "train.eps = 0 (flag): expected a number above 0");
  EXPECT_EQ(resolveError("train.steps=0"), "train.steps = 0 (flag): expected at least 1 step; give --steps N");
  EXPECT_EQ(resolveError("train.steps=1.5"), "train.steps = 1.5 (flag): expected a whole number from 0 to 2147483648");
  EXPECT_EQ(resolveError("train.schedule=cosin"), "train.schedule = cosin (flag): expected one of constant, linear, "
                                                  "cosine, wsd, inverse_sqrt, ramp");
  EXPECT_EQ(resolveError("train.schedule=ramp"),
            "train.ramp = 0.0 (default): the ramp schedule needs a learning rate a step above 0");
  EXPECT_EQ(resolveError("train.global_batch=0"),
            "train.global_batch = 0 (flag): expected a whole number from 1 to 16777216");
}

TEST_F(ConfigTest, ReductionSlotsGetEqualNumbersOfMicroBatches) {
  metadata.reductionSlots = 4;
  EXPECT_EQ(resolveError("train.global_batch=16"), "");
  EXPECT_EQ(resolveError("train.global_batch=29"), "") << "the last of 8 micro-batches is padded";
  EXPECT_EQ(resolveError("train.global_batch=18"),
            "train.global_batch = 18 (flag): expected a multiple of the 4 reduction slots as the number of "
            "micro-batches, but got 5 of 4 sequences; set train.global_batch=32, or compile with --set "
            "train.reduction_slots=1");
  EXPECT_EQ(microBatchesOfEachSlot(metadata, 32, "x"), 2);
}

TEST_F(ConfigTest, ValuesOfTheDefinitionAreNamedWithTheirLine) {
  metadata.runKeys["train.lr"]["value"] = -3;
  Config other(metadata, "./bigram");
  EXPECT_EQ(messageOf([&] { other.resolve(); }, 1),
            "train.lr = -3 (models/bigram.toml:12): expected a number of at least 0");
}

TEST_F(ConfigTest, TokensGiveTheStepsUnlessAFlagDoes) {
  config.set("train.tokens=1000"); // 6 sequences of 16 tokens a step
  EXPECT_EQ(config.resolve().steps, 11);
  metadata.runKeys["train.tokens"]["value"] = 1000;
  Config other(metadata, "./bigram");
  EXPECT_EQ(other.resolve().steps, 11);
  other.setKey("train.steps", "7", "--steps");
  EXPECT_EQ(other.resolve().steps, 7);
  EXPECT_EQ(other.values()["train.tokens"], 0); // so that a resumed run keeps its 7 steps
}

TEST_F(ConfigTest, FlagsWinOverTheCheckpointWhichWinsOverTheDefinition) {
  config.setKey("train.lr", "0.5", "--lr");
  config.adoptCheckpoint({{"train.lr", 0.25}, {"train.clip", 2.0}, {"train.gone", 1}});
  RunConfig run = config.resolve();
  EXPECT_EQ(run.lr, 0.5);
  EXPECT_EQ(run.clip, 2.0);
  std::string table = squeezed(config.describe());
  EXPECT_NE(table.find("train.lr 0.5 flag run time"), std::string::npos) << table;
  EXPECT_NE(table.find("train.clip 2.0 checkpoint run time"), std::string::npos) << table;
  EXPECT_NE(table.find("train.micro_batch 4 definition compile time"), std::string::npos) << table;
}

TEST_F(ConfigTest, LargeSeedsStayExact) {
  config.setKey("train.seed", "9007199254740993", "--seed");
  EXPECT_EQ(config.resolve().seed, 9007199254740993u);
}

TEST(EditDistance, CountsChanges) {
  EXPECT_EQ(editDistance("", "abc"), 3u);
  EXPECT_EQ(editDistance("warmup", "wamup"), 1u);
  EXPECT_EQ(editDistance("kitten", "sitting"), 3u);
}

TEST(Metadata, UnreadableMetadataIsAnErrorNotACrash) {
  nf_model model = nf_program_table;
  for (const char *text : {"", "{", "[]", "{\"model\":{}}", "{\"model\":3}"}) {
    model.metadata = text;
    EXPECT_THROW(readMetadata(model), Error) << text;
  }
}

} // namespace
} // namespace nf::rt
