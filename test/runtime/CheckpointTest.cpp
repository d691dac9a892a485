#include "runtime/train/Checkpoint.h"

#include "runtime/core/Initialize.h"
#include "runtime/train/Machine.h"
#include "runtime/train/RunFolder.h"
#include "test/runtime/data/Support.h"

#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>

namespace nf::rt {
namespace {

namespace fs = std::filesystem;

class CheckpointTest : public ::testing::Test {
protected:
  CheckpointTest() : metadata(readMetadata(nf_program_table)), machine(nf_program_table, metadata, 1) {
    initializeStates(machine.context, 1);
    auto all = reinterpret_cast<float *>(machine.context.persistent);
    for (int64_t i = 0; i < machine.model().persistent_bytes / 4; ++i)
      all[i] = static_cast<float>(i % 1013) * 0.25f;
    state.position = 77;
    state.config = {{"train.lr", 0.1}};
    state.model = "bigram";
    state.tokenizerHash = "0123456789abcdef";
    state.provenance = {16, 4, "fp32", "x86-64", "compiler", "OpenBLAS", "00", "11"};
  }

  std::string save(int64_t step, int64_t keep = 0) {
    state.step = step;
    return saveCheckpoint(folder.at(""), machine.context, state, "{}", keep);
  }
  std::vector<float> parameters() {
    auto all = reinterpret_cast<float *>(machine.context.persistent);
    std::vector<float> values;
    for (const nf_state &s : machine.context.states())
      if (s.kind != NF_STATE_GRADIENT)
        values.insert(values.end(), all + s.offset / 4, all + (s.offset + s.bytes) / 4);
    return values;
  }
  std::string loadError(const std::string &name) {
    return errorOf(folder, [&] {
      CheckpointState read = readCheckpoint(folder.at(name));
      loadParameters(machine.context, read);
      loadMoments(machine.context, read);
    });
  }

  Folder folder;
  Metadata metadata;
  Machine machine;
  CheckpointState state;
};

TEST_F(CheckpointTest, RestoresEveryBit) {
  std::vector<float> before = parameters();
  save(500);
  std::fill_n(machine.context.persistent, machine.model().persistent_bytes, uint8_t{0xff});
  CheckpointState read = readCheckpoint(folder.at(""));
  EXPECT_EQ(fs::path(read.folder).filename(), "step-000500");
  EXPECT_EQ(read.step, 500);
  EXPECT_EQ(read.position, 77);
  EXPECT_EQ(read.config, state.config);
  EXPECT_EQ(read.tokenizerHash, state.tokenizerHash);
  EXPECT_EQ(read.provenance.gemm, "OpenBLAS");
  loadParameters(machine.context, read);
  loadMoments(machine.context, read);
  EXPECT_EQ(parameters(), before);
}

TEST_F(CheckpointTest, KeepsTheNewest) {
  for (int64_t step : {10, 20, 30, 40})
    save(step, 2);
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"latest", "step-000030", "step-000040"}));
  EXPECT_EQ(folder.read("latest"), "step-000040\n");
  save(50, 0);
  EXPECT_EQ(folder.names().size(), 4u);
}

TEST_F(CheckpointTest, ReplacesAStepThatIsMadeAgain) {
  save(10);
  std::string hash = readCheckpoint(folder.at("")).fileHashes["model.safetensors"];
  machine.context.values(*machine.context.parameters()[0])[0] += 1;
  save(10);
  EXPECT_NE(readCheckpoint(folder.at("")).fileHashes["model.safetensors"], hash);
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"latest", "step-000010"}));
}

TEST_F(CheckpointTest, ACrashWhileWritingLeavesTheEarlierOne) {
  save(10);
  fs::create_directories(folder.at(".step-000020.tmp"));
  folder.write(".step-000020.tmp/model.safetensors", "half");
  fs::create_directories(folder.at("step-000030")); // without state.json it is none
  EXPECT_EQ(latestCheckpoint(folder.at("")), folder.at("") + "step-000010");
  // Dead between the rename and the writing of latest.
  save(40);
  folder.write("latest", "step-000999\n");
  EXPECT_EQ(latestCheckpoint(folder.at("")), folder.at("") + "step-000040");
  fs::remove(folder.at("latest"));
  EXPECT_EQ(latestCheckpoint(folder.at("")), folder.at("") + "step-000040");
  RunFolder run(folder.at(""), "auto", "./m", "data");
  EXPECT_FALSE(fs::exists(folder.at(".step-000020.tmp")));
}

// A write error at any point: the earlier checkpoint stays, and nothing of the new one.
TEST_F(CheckpointTest, AFailedWriteLeavesTheEarlierOne) {
  save(10);
  auto full = static_cast<rlim_t>(fs::file_size(folder.at("step-000010/optimizer.safetensors")));
  rlimit old;
  getrlimit(RLIMIT_FSIZE, &old);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  for (rlim_t limit : {rlim_t{0}, rlim_t{10}, full / 3, full / 2 + 100, full - 1}) {
    rlimit tight{limit, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &tight);
    std::string error = errorOf(folder, [&] { save(20); });
    setrlimit(RLIMIT_FSIZE, &old);
    EXPECT_NE(error.find("cannot be written: File too large"), std::string::npos) << limit << ": " << error;
    EXPECT_EQ(folder.names(), (std::vector<std::string>{"latest", "step-000010"})) << limit;
    EXPECT_EQ(loadError(""), "") << limit;
  }
  std::signal(SIGXFSZ, handler);
}

TEST_F(CheckpointTest, DamagedFilesAreFound) {
  save(10);
  const std::string name = "step-000010/model.safetensors";
  std::string good = folder.read(name);
  std::string flipped = good;
  flipped[good.size() / 2] ^= 1;
  folder.write(name, flipped);
  EXPECT_EQ(loadError(""), "DIR/step-000010/model.safetensors: its bytes are not those that were saved; the checkpoint "
                           "is damaged, use another one");
  folder.write(name, good.substr(0, good.size() / 2));
  EXPECT_NE(loadError("").find("model.safetensors"), std::string::npos);
  fs::remove(folder.at(name));
  EXPECT_NE(loadError("").find("model.safetensors"), std::string::npos);
  folder.write(name, good);
  EXPECT_EQ(loadError(""), "");
}

TEST_F(CheckpointTest, AStateThatCannotBeReadIsALine) {
  save(10);
  std::string good = folder.read("step-000010/state.json");
  for (const std::string &bad : {std::string(), good.substr(0, good.size() / 2), std::string("[]"), std::string("{}"),
                                 std::string("{\"format\":2}"), std::string(5000, '[')}) {
    folder.write("step-000010/state.json", bad);
    std::string error = loadError("");
    EXPECT_NE(error.find("state.json: cannot be understood"), std::string::npos) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos);
  }
}

TEST_F(CheckpointTest, OfAnotherModelIsRefusedByNameAndShape) {
  save(10);
  nf_model other = nf_program_table;
  std::vector<nf_state> states(other.states, other.states + other.state_count);
  other.states = states.data();
  auto loadInto = [&] {
    Context context(other, machine.pool);
    return errorOf(folder, [&] { loadParameters(context, readCheckpoint(folder.at(""))); });
  };
  states[0].name = "lm_head.weight";
  EXPECT_EQ(loadInto(),
            "DIR/step-000010: the checkpoint has no tensor 'lm_head.weight', which this model has; it is of "
            "another model ('bigram')");
  states[0].name = "bigram.weight";
  states[0].kind = NF_STATE_DERIVED;
  EXPECT_EQ(loadInto(), "DIR/step-000010: the checkpoint has a tensor 'bigram.weight', which this model does not have; "
                        "it is of another model ('bigram')");
  states[0].kind = NF_STATE_PARAMETER;
  states[0].shape[1] = 130;
  EXPECT_NE(loadInto().find("expected 'bigram.weight' to be F32 [260,130], but it is F32 [260,260]"),
            std::string::npos);
}

TEST_F(CheckpointTest, MissingOnesAreNamed) {
  EXPECT_EQ(loadError("nowhere"), "DIR/nowhere: there is no such checkpoint");
  EXPECT_NE(loadError("").find("but there is none"), std::string::npos);
}

TEST_F(CheckpointTest, SaysWhyBitsWillDiffer) {
  Provenance now = state.provenance;
  EXPECT_TRUE(bitDifferences(state.provenance, now).empty());
  now.microBatch = 2;
  now.compileHash = "01";
  now.gemm = "plain loops";
  EXPECT_EQ(bitDifferences(state.provenance, now),
            (std::vector<std::string>{"micro-batch was 4, now 2", "matrix products by was OpenBLAS, now plain loops"}));
  now = state.provenance;
  now.compileHash = "01";
  EXPECT_EQ(bitDifferences(state.provenance, now).size(), 1u);
}

TEST_F(CheckpointTest, RunFoldersAreForOneProcess) {
  RunFolder first(folder.at("run"), "", "./m", "data");
  EXPECT_EQ(errorOf(folder, [&] { RunFolder second(folder.at("run/"), "", "./m", "data"); }),
            "DIR/run: another process is training into this folder; wait for it or use another --out");
}

TEST_F(CheckpointTest, RunFoldersThatCannotBeAreALine) {
  folder.write("file", "x");
  EXPECT_NE(
      errorOf(folder, [&] { RunFolder run(folder.at("file"), "", "./m", "data"); }).find("DIR/file: cannot be created"),
      std::string::npos);
}

} // namespace
} // namespace nf::rt
