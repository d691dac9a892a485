// The commands as a user runs them, on the hand-written bigram model.
#include "runtime/train/Safetensors.h"
#include "test/runtime/data/Support.h"

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace nf::rt {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  int code; ///< exit code, or 1000 + signal
  std::string out, err;
};

class CommandTest : public ::testing::Test {
protected:
  CommandTest() {
    std::string text;
    for (int i = 0; i < 4000; ++i)
      text += "the quick brown fox number " + std::to_string(i * i % 97) + " jumps over the lazy dog\n";
    folder.write("text.txt", text);
    Outcome prepared = run("prepare text.txt -o data --tokenizer bytes");
    EXPECT_EQ(prepared.code, 0) << prepared.err;
  }

  /// Starts a model with these arguments (split at spaces) in the test's folder.
  pid_t start(const std::string &arguments, const std::string &model = "bigram-model",
              const std::vector<std::string> &environment = {}) {
    std::vector<std::string> words{std::string(NF_MODELS) + "/" + model};
    std::istringstream stream(arguments);
    for (std::string word; stream >> word;)
      words.push_back(word);
    pid_t child = fork();
    if (child == 0) {
      std::vector<char *> argv;
      for (std::string &word : words)
        argv.push_back(word.data());
      argv.push_back(nullptr);
      for (const std::string &variable : environment)
        putenv(const_cast<char *>(variable.c_str()));
      if (chdir(folder.at("").c_str()) != 0)
        _exit(99);
      for (auto [descriptor, name] : {std::pair{1, "stdout"}, {2, "stderr"}})
        dup2(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666), descriptor);
      execv(argv[0], argv.data());
      _exit(99);
    }
    return child;
  }
  Outcome finish(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status), folder.read("stdout"),
            folder.read("stderr")};
  }
  Outcome run(const std::string &arguments, const std::string &model = "bigram-model",
              const std::vector<std::string> &environment = {}) {
    return finish(start(arguments, model, environment));
  }

  std::string hashOf(const std::string &checkpoint, const char *file = "model.safetensors") {
    return SafetensorsFile(folder.at(checkpoint + "/" + file)).hash();
  }
  void expectSameCheckpoint(const std::string &a, const std::string &b) {
    for (const char *file : {"model.safetensors", "optimizer.safetensors"})
      EXPECT_EQ(hashOf(a, file), hashOf(b, file)) << file;
  }
  std::vector<nlohmann::json> metrics(const std::string &run) {
    std::vector<nlohmann::json> records;
    std::istringstream lines(folder.read(run + "/metrics.jsonl"));
    for (std::string line; std::getline(lines, line);)
      records.push_back(nlohmann::json::parse(line));
    return records;
  }
  void waitForStep(const std::string &run, int64_t step) {
    for (int i = 0; i < 2000; ++i, std::this_thread::sleep_for(std::chrono::milliseconds(5))) {
      std::string text = folder.read(run + "/metrics.jsonl");
      if (std::count(text.begin(), text.end(), '\n') >= step)
        return;
    }
    FAIL() << "step " << step << " was never reached";
  }
  /// The message is one line that starts with "error: " and holds `part`.
  void expectError(const Outcome &outcome, int code, const std::string &part) {
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
    size_t begin = outcome.err.find("error: ");
    ASSERT_NE(begin, std::string::npos) << outcome.err;
    EXPECT_EQ(std::count(outcome.err.begin() + begin, outcome.err.end(), '\n'), 1) << outcome.err;
  }

  Folder folder;
};

TEST_F(CommandTest, TrainingLearns) {
  Outcome trained = run("train --data data --out run --steps 150 --eval-every 50");
  ASSERT_EQ(trained.code, 0) << trained.err;
  auto records = metrics("run");
  EXPECT_EQ(records.size(), 153u);
  EXPECT_GT(records.front()["loss"], 5.4);
  EXPECT_LT(records[records.size() - 2]["loss"], 2.5);
  EXPECT_TRUE(records.back().contains("validation_loss"));
  EXPECT_TRUE(records.back()["grad_norms"].contains("bigram.weight"));
  EXPECT_NE(trained.out.find("step 150/150  loss "), std::string::npos) << trained.out;
  EXPECT_EQ(folder.read("run/latest"), "step-000150\n");

  Outcome evaluated = run("eval --data data --checkpoint run");
  EXPECT_EQ(evaluated.code, 0);
  EXPECT_NE(evaluated.out.find("\nperplexity bigram "), std::string::npos) << evaluated.out;
  EXPECT_NE(evaluated.out.find("\nbits per byte "), std::string::npos);
  Outcome untrained = run("eval --data data --untrained");
  EXPECT_NE(untrained.out.find("\nperplexity bigram 26"), std::string::npos) << untrained.out;

  Outcome generated = run("generate --checkpoint run/step-000150 --prompt the --tokens 6 --temperature 0");
  EXPECT_EQ(generated.code, 0) << generated.err;
  EXPECT_EQ(generated.out.rfind("the", 0), 0u);
  EXPECT_EQ(generated.out.size(), 3u + 6 + 1);
  Outcome longer = run("generate --checkpoint run --prompt the --tokens 100 --seed 3");
  EXPECT_NE(longer.err.find("note: stopped after 14 tokens: the model was compiled for a sequence of 16"),
            std::string::npos)
      << longer.err;
  EXPECT_EQ(run("generate --checkpoint run --prompt the --tokens 8 --seed 3").out, longer.out.substr(0, 11) + "\n");
}

TEST_F(CommandTest, AnyNumberOfThreadsGivesTheSameBits) {
  for (const char *threads : {"1", "2", "4"})
    ASSERT_EQ(
        run(std::string("train --data data --steps 12 --quiet --out run") + threads + " --threads " + threads).code, 0);
  expectSameCheckpoint("run1/step-000012", "run2/step-000012");
  expectSameCheckpoint("run1/step-000012", "run4/step-000012");
}

TEST_F(CommandTest, EvaluationLeavesTheBitsAsTheyAre) {
  ASSERT_EQ(run("train --data data --steps 12 --quiet --out with --eval-every 1").code, 0);
  ASSERT_EQ(run("train --data data --steps 12 --quiet --out without").code, 0);
  expectSameCheckpoint("with/step-000012", "without/step-000012");
}

TEST_F(CommandTest, AResumedRunEqualsAnUninterruptedOne) {
  ASSERT_EQ(run("train --data data --steps 24 --quiet --out whole --seed 5 --set train.schedule=cosine").code, 0);
  ASSERT_EQ(run("train --data data --steps 24 --quiet --out parts --seed 5 --set train.schedule=cosine --save-every 9 "
                "--keep 0")
                .code,
            0);
  expectSameCheckpoint("whole/step-000024", "parts/step-000024");
  // From step 9 into another folder; seed, schedule and steps are the checkpoint's.
  Outcome resumed = run("train --data data --out again --resume parts/step-000009");
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.out.find("resuming after step 9"), std::string::npos);
  EXPECT_EQ(resumed.out.find("bits will differ"), std::string::npos);
  expectSameCheckpoint("whole/step-000024", "again/step-000024");
}

TEST_F(CommandTest, SignalsSaveAndTheRunGoesOnWithTheSameBits) {
  ASSERT_EQ(run("train --data data --steps 16 --quiet --out whole").code, 0);
  for (int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    fs::remove_all(folder.at("run"));
    pid_t child = start("train --data data --steps 16 --out run", "bigram-model", {"BIGRAM_SLOW=20"});
    waitForStep("run", 3);
    kill(child, signal);
    Outcome stopped = finish(child);
    EXPECT_EQ(stopped.code, 75) << stopped.err;
    EXPECT_NE(stopped.out.find("--resume auto"), std::string::npos) << stopped.out;
    Outcome resumed = run("train --data data --out run --resume auto");
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    expectSameCheckpoint("whole/step-000016", "run/step-000016");
    auto records = metrics("run");
    ASSERT_EQ(records.size(), 17u); // no step is missing or there twice
    for (int step = 1; step <= 16; ++step)
      EXPECT_EQ(records[step - 1]["step"], step);
    EXPECT_EQ(records[5]["loss"], metrics("whole")[5]["loss"]);
  }
}

TEST_F(CommandTest, ASecondSignalExitsAtOnce) {
  pid_t child = start("train --data data --steps 100 --out run", "bigram-model", {"BIGRAM_SLOW=800"});
  for (int i = 0; i < 1000 && !fs::exists(folder.at("run/metrics.jsonl")); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  auto begin = std::chrono::steady_clock::now();
  kill(child, SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  kill(child, SIGINT);
  EXPECT_EQ(finish(child).code, 128 + SIGINT);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(600));
  EXPECT_FALSE(fs::exists(folder.at("run/latest")));
}

TEST_F(CommandTest, AKillAtAnyInstantLeavesARunThatResumes) {
  ASSERT_EQ(run("train --data data --steps 40 --quiet --out whole").code, 0);
  pid_t child = 0;
  for (int attempt = 0; attempt < 12; ++attempt) {
    child = start("train --data data --steps 40 --quiet --save-every 1 --out run --resume auto");
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + attempt * 7));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  Outcome last = run("train --data data --steps 40 --quiet --out run --resume auto");
  ASSERT_EQ(last.code, 0) << last.err;
  expectSameCheckpoint("whole/step-000040", "run/step-000040");
}

TEST_F(CommandTest, MaxTimeSavesAndSaysResumeMe) {
  Outcome stopped = run("train --data data --steps 1000 --out run --max-time 0.2s", "bigram-model", {"BIGRAM_SLOW=20"});
  EXPECT_EQ(stopped.code, 75);
  EXPECT_NE(stopped.out.find("stopped by --max-time after step "), std::string::npos) << stopped.out;
  EXPECT_TRUE(fs::exists(folder.at("run/latest")));
  expectError(run("train --data data --out run2 --max-time soon"), 2, "--max-time soon: expected a time such as");
}

TEST_F(CommandTest, AnExistingRunIsNotOverwritten) {
  ASSERT_EQ(run("train --data data --steps 3 --quiet --out run").code, 0);
  expectError(run("train --data data --steps 3 --out run"), 1, "--out run --resume auto");
  Outcome anew = run("train --data data --steps 4 --out run --resume never");
  EXPECT_EQ(anew.code, 0) << anew.err;
  EXPECT_NE(anew.out.find("the earlier run is now run.1"), std::string::npos);
  EXPECT_TRUE(fs::exists(folder.at("run.1/step-000003")));
  EXPECT_FALSE(fs::exists(folder.at("run/step-000003")));
  // A finished run can be made longer.
  Outcome longer = run("train --data data --steps 6 --out run --resume auto");
  EXPECT_EQ(longer.code, 0) << longer.err;
  EXPECT_EQ(folder.read("run/latest"), "step-000006\n");
  Outcome done = run("train --data data --out run --resume auto");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.out.find("already has its 6 steps"), std::string::npos) << done.out;
}

TEST_F(CommandTest, AnotherMicroBatchResumesAndSaysThatBitsDiffer) {
  ASSERT_EQ(run("train --data data --steps 4 --quiet --out run").code, 0);
  Outcome resumed = run("train --data data --steps 6 --out run --resume auto", "bigram-model-batch2");
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.out.find("bits will differ: micro-batch was 4, now 2\n"), std::string::npos) << resumed.out;
}

TEST_F(CommandTest, CheckpointsOfAnotherModelOrTokenizerAreRefused) {
  ASSERT_EQ(run("train --data data --steps 2 --quiet --out run").code, 0);
  expectError(run("train --data data --out run --resume auto", "bigram-model-vocab300"), 1,
              "expected 'bigram.weight' to be F32 [300,300], but it is F32 [260,260]");
  expectError(run("eval --data data --checkpoint run", "bigram-model-vocab300"), 1, "expected 'bigram.weight'");
  ASSERT_EQ(run("prepare text.txt -o data2 --tokenizer bpe").code, 0);
  expectError(run("train --data data2 --out run --resume auto"), 1, "was prepared with another tokenizer");
  expectError(run("eval --data data2 --checkpoint run"), 1, "was prepared with another tokenizer");
}

TEST_F(CommandTest, ANanStopsAndNamesStepAndTensor) {
  expectError(run("train --data data --steps 9 --quiet --save-every 2 --out a", "bigram-model", {"BIGRAM_NAN_LOSS=6"}),
              1, "step 6: the loss is nan; first bad tensor: the loss; no parameter was changed; resume from step 4");
  EXPECT_EQ(folder.read("a/latest"), "step-000004\n");
  expectError(run("train --data data --steps 9 --quiet --out b", "bigram-model", {"BIGRAM_NAN_GRADIENT=3"}), 1,
              "step 3: the gradient norm is inf; first bad tensor: the gradient of bigram.bias");
  EXPECT_FALSE(fs::exists(folder.at("b/latest")));
  // The good checkpoint goes on to where the run would have come without the accident.
  ASSERT_EQ(run("train --data data --quiet --out a --resume auto").code, 0);
  ASSERT_EQ(run("train --data data --steps 9 --quiet --out whole").code, 0);
  expectSameCheckpoint("whole/step-000009", "a/step-000009");
}

TEST_F(CommandTest, PrintConfigShowsValueAndOrigin) {
  Outcome printed = run("train --print-config --lr 0.5 --set train.clip=2");
  std::string table = squeezed(printed.out);
  EXPECT_EQ(printed.code, 0) << printed.err;
  EXPECT_NE(table.find("train.lr 0.5 flag"), std::string::npos) << table;
  EXPECT_NE(table.find("train.micro_batch 4 definition compile time"), std::string::npos);
  ASSERT_EQ(run("train --data data --steps 2 --quiet --out run --lr 0.5").code, 0);
  EXPECT_NE(squeezed(run("train --print-config --out run --resume auto").out).find("train.lr 0.5 checkpoint"),
            std::string::npos);
}

TEST_F(CommandTest, UsageErrorsExitWith2) {
  expectError(run("train --data data --out run --set train.micro_batch=2"), 2, "nf-compile models/bigram.toml --set");
  expectError(run("train --data data --out run --set train.lrr=2"), 2, "the nearest is train.lr");
  expectError(run("train --out run"), 2, "train needs --data DIR");
  expectError(run("train --data data"), 2, "train needs --out DIR");
  expectError(run("train --dta data"), 2, "--dta");
  expectError(run("train --data data --out run --threads 0"), 2, "--threads");
  expectError(run("fly"), 2, "");
  expectError(run(""), 2, "subcommand");
  expectError(run("eval --data data"), 2, "either --checkpoint RUN or --untrained");
  expectError(run("generate --untrained"), 2, "--untrained needs --data");
  EXPECT_EQ(run("--help").code, 0);
  EXPECT_EQ(run("train --help").code, 0);
}

TEST_F(CommandTest, BadInputExitsWith1) {
  expectError(run("train --data nowhere --out run"), 1, "nowhere");
  expectError(run("train --data data --out run --lr -1"), 1, "train.lr = -1 (flag): expected a number of at least 0");
  expectError(run("eval --data data --checkpoint nowhere"), 1, "nowhere: there is no such checkpoint");
  expectError(run("generate --checkpoint data --prompt x"), 1, "expected a checkpoint");
  folder.write("file", "x");
  expectError(run("train --data data --out file"), 1, "file: cannot be created");
  ASSERT_EQ(run("train --data data --steps 2 --quiet --out run").code, 0);
  expectError(run("generate --checkpoint run --prompt aaaaaaaaaaaaaaaaaaaaaaa"), 1,
              "the prompt has 23 tokens, but the model was compiled for a sequence of 16");
  fs::resize_file(folder.at("run/step-000002/optimizer.safetensors"), 1000);
  expectError(run("train --data data --steps 4 --out run --resume auto"), 1, "optimizer.safetensors");
  EXPECT_EQ(run("eval --data data --checkpoint run").code, 0); // which needs no moments
}

TEST_F(CommandTest, MetricsThatCannotBeWrittenWarnOnce) {
  fs::create_directories(folder.at("run"));
  fs::create_symlink("/dev/full", folder.at("run/metrics.jsonl.tmp"));
  Outcome trained = run("train --data data --steps 4 --out run");
  EXPECT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(trained.err.find("warning: run/metrics.jsonl"), std::string::npos) << trained.err;
  EXPECT_EQ(trained.err.find("warning"), trained.err.rfind("warning"));
  EXPECT_EQ(folder.read("run/latest"), "step-000004\n");
}

TEST_F(CommandTest, AnOutputThatCannotBeWrittenDoesNotStopTheRun) {
  std::string command = "cd " + folder.at("") + " && " NF_MODELS "/bigram-model train --data data --steps 4 --out run ";
  EXPECT_EQ(std::system((command + "> /dev/full 2> /dev/full").c_str()), 0);
  EXPECT_EQ(folder.read("run/latest"), "step-000004\n");
}

TEST_F(CommandTest, AnEncoderHasPseudoPerplexityAndDoesNotGenerate) {
  ASSERT_EQ(run("prepare text.txt -o masked --tokenizer bytes", "bigram-model-encoder").code, 0);
  Outcome trained = run("train --data masked --steps 5 --out run", "bigram-model-encoder");
  ASSERT_EQ(trained.code, 0) << trained.err;
  Outcome first = run("eval --data masked --checkpoint run", "bigram-model-encoder");
  EXPECT_NE(first.out.find("\npseudo-perplexity bigram "), std::string::npos) << first.out;
  EXPECT_EQ(first.out.find("\nperplexity"), std::string::npos);
  EXPECT_EQ(run("eval --data masked --checkpoint run", "bigram-model-encoder").out, first.out);
  expectError(run("generate --checkpoint run --prompt the", "bigram-model-encoder"), 1, "bigram is an encoder");
}

TEST_F(CommandTest, InfoTellsWhatItIs) {
  Outcome told = run("info");
  EXPECT_EQ(told.code, 0);
  for (const char *part : {"bigram (decoder, causal objective)", "67860", "1.56k", "micro-batch 4 x 16", "ratio 1.000",
                           "x86-64", "none (a test model)"})
    EXPECT_NE(told.out.find(part), std::string::npos) << part << "\n" << told.out;
}

TEST_F(CommandTest, DumpAndStepReplayATraining) {
  ASSERT_EQ(run("dump --seed 3 -o weights.safetensors").code, 0);
  SafetensorsFile weights(folder.at("weights.safetensors"));
  ASSERT_EQ(weights.tensors().size(), 2u);
  constexpr int64_t n = 6, size = n * 4 * 16;
  std::vector<int32_t> tokens(size), targets(size);
  std::vector<float> lossWeight(size, 1.0f);
  for (int64_t i = 0; i < size; ++i) {
    tokens[i] = int32_t(i * 13 % 260);
    targets[i] = int32_t(i * 13 % 257);
  }
  const std::vector<int64_t> shape = {n, 4, 16};
  writeSafetensors(folder.at("batch.safetensors"), std::vector<TensorView>{{"tokens", "I32", shape, tokens.data()},
                                                                           {"targets", "I32", shape, targets.data()},
                                                                           viewF32("loss_weight", shape, lossWeight)});
  for (const char *threads : {"1", "2"}) {
    Outcome stepped = run(std::string("step --weights weights.safetensors --batch batch.safetensors --steps 3 -o out") +
                          threads + " --threads " + threads);
    ASSERT_EQ(stepped.code, 0) << stepped.err;
  }
  EXPECT_EQ(SafetensorsFile(folder.at("out1")).hash(), SafetensorsFile(folder.at("out2")).hash());
  SafetensorsFile out(folder.at("out1"));
  std::vector<double> losses(3);
  out.read("loss", "F64", std::vector<int64_t>{3}, losses.data());
  EXPECT_NEAR(losses[0], std::log(260.0), 0.05);
  EXPECT_LT(losses[2], losses[0]);
  EXPECT_NE(out.find("grad.bigram.weight"), nullptr);
  EXPECT_NE(out.find("grad_norm"), nullptr);
  EXPECT_NE(out.find("bigram.weight"), nullptr);
  expectError(run("step --weights weights.safetensors --batch batch.safetensors --steps 4 -o x"), 1,
              "has 6 micro-batches, which 4 steps cannot share evenly");
  tokens[5] = 260;
  writeSafetensors(folder.at("batch.safetensors"), std::vector<TensorView>{{"tokens", "I32", shape, tokens.data()},
                                                                           {"targets", "I32", shape, targets.data()},
                                                                           viewF32("loss_weight", shape, lossWeight)});
  expectError(run("step --weights weights.safetensors --batch batch.safetensors -o x"), 1, "the token id 260");
}

TEST_F(CommandTest, TheExecutableNeedsTheBasicLibrariesOnly) {
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "sanitizers link more";
#endif
  std::string command = "ldd " NF_MODELS "/bigram-model > " + folder.at("ldd");
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::istringstream lines(folder.read("ldd"));
  for (std::string line; std::getline(lines, line);) {
    bool basic = false;
    for (const char *name : {"libc.so", "libm.so", "libstdc++.so", "libgcc_s.so", "linux-vdso", "ld-linux"})
      basic |= line.find(name) != std::string::npos;
    EXPECT_TRUE(basic) << line;
  }
}

} // namespace
} // namespace nf::rt
