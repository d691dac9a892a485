#include "runtime/train/CommandLine.h"

#include "runtime/core/CpuFeatures.h"
#include "runtime/core/Error.h"
#include "runtime/core/Print.h"
#include "runtime/train/Commands.h"
#include "runtime/train/data/Prepare.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fmt/ranges.h>
#include <iostream>
#include <vector>

namespace nf::rt {
namespace {

void checkTable(const nf_model &model) {
  if (model.abi_version != NF_ABI_VERSION)
    fail("the model was compiled for version {} of the runtime interface, but this runtime has version {}; compile it "
         "again with the nf-compile that belongs to this runtime",
         model.abi_version, NF_ABI_VERSION);
  if (auto missing = missingCpuFeatures(model); !missing.empty())
    fail("this executable needs {}, which this processor does not have; compile the model again here, or with "
         "nf-compile --cpu=x86-64-v3 or lower",
         fmt::join(missing, ", "));
}

/// Seconds of "90", "90s", "30m", "2h".
double parseDuration(const std::string &text) {
  size_t used = 0;
  double value = -1;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception &) {
  }
  std::string unit = value >= 0 ? text.substr(used) : "?";
  double seconds = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (seconds == 0)
    throw UsageError(fmt::format("--max-time {}: expected a time such as 90s, 30m or 2h", text));
  return value * seconds;
}

/// Everything that flags can set; one parse fills what its command uses.
struct Flags {
  std::vector<std::string> sets;
  std::string lr, steps, seed, maxTime, share = "5%";
  TrainOptions train;
  EvalOptions eval;
  GenerateOptions generate;
  PrepareOptions prepare;
  DumpOptions dump;
  ReplayOptions replay;
  std::string statsFolder;
  bool json = false;
};

constexpr int mostThreads = 4096;

void addThreads(CLI::App *command, int &threads) {
  command->add_option("--threads", threads, "Threads (default: the cores that this process may use)")
      ->check(CLI::Range(1, mostThreads));
}

void addSet(CLI::App *command, Flags &flags) {
  command->add_option("--set", flags.sets, "KEY=VALUE of a run-time key, such as train.clip=0.5 (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

CLI::App *addTrain(CLI::App &app, Flags &flags) {
  CLI::App *command = app.add_subcommand("train", "Train the model");
  TrainOptions &options = flags.train;
  command->add_option("--data", options.data, "Folder made by prepare, or of llm.c shards");
  command->add_option("--out", options.out, "Folder of the run: checkpoints and metrics.jsonl");
  command->add_option("--steps", flags.steps, "Steps of the whole run (train.steps)");
  command->add_option("--lr", flags.lr, "Learning rate (train.lr)");
  command->add_option("--seed", flags.seed, "Seed of parameters, data order, dropout (train.seed)");
  addThreads(command, options.threads);
  command->add_option("--eval-every", options.evalEvery, "Steps between evaluations (0: at the end)")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--eval-tokens", options.evalTokens, "Validation tokens of such an evaluation (0: all)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--save-every", options.saveEvery, "Steps between checkpoints (0: at the end)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--keep", options.keep, "Newest checkpoints that are kept (0: all)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  addSet(command, flags);
  command->add_flag("--print-config", options.printConfig, "Print all keys with value and origin, and exit");
  command->add_option("--resume", options.resume, "never, auto, or a checkpoint to continue")
      ->type_name("never|auto|PATH");
  command->add_option("--max-time", flags.maxTime, "Save and exit with 75 after this time")->type_name("90s|30m|2h");
  command->add_option("--log-every", options.logEvery, "Steps between lines where the output is no terminal")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_flag("--quiet", options.quiet, "Print warnings and errors only");
  return command;
}

CLI::App *addEval(CLI::App &app, Flags &flags) {
  CLI::App *command = app.add_subcommand("eval", "Loss, perplexity and bits per byte on the validation data");
  command->add_option("--data", flags.eval.data, "Folder made by prepare")->required();
  command->add_option("--checkpoint", flags.eval.checkpoint, "Checkpoint, or run folder (its newest one)");
  command->add_flag("--untrained", flags.eval.untrained, "The initial parameters of train.seed instead");
  command->add_option("--tokens", flags.eval.tokens, "Validation tokens (0: all)")->check(CLI::NonNegativeNumber);
  command->add_option("--seed", flags.seed, "Seed of the initial parameters (train.seed)");
  addThreads(command, flags.eval.threads);
  addSet(command, flags);
  return command;
}

CLI::App *addGenerate(CLI::App &app, Flags &flags) {
  CLI::App *command = app.add_subcommand("generate", "Continue a text");
  GenerateOptions &options = flags.generate;
  command->add_option("--checkpoint", options.checkpoint, "Checkpoint, or run folder (its newest one)");
  command->add_flag("--untrained", options.untrained, "Initial parameters instead; needs --data");
  command->add_option("--data", options.data, "Prepared folder whose tokenizer is taken where the checkpoint has none");
  command->add_option("--prompt", options.prompt, "Text to continue");
  command->add_option("--tokens", options.tokens, "Tokens to generate")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--temperature", options.temperature, "Randomness; 0 takes the likeliest token")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  command->add_option("--seed", options.seed, "Seed of the choices")->capture_default_str();
  addThreads(command, options.threads);
  return command;
}

CLI::App *addPrepare(CLI::App &app, Flags &flags) {
  CLI::App *command = app.add_subcommand("prepare", "Tokenize text into training and validation data");
  PrepareOptions &options = flags.prepare;
  command->add_option("text", options.inputs, "Text files, or folders of .txt files")->required();
  command->add_option("-o,--out", options.output, "Folder to make")->required();
  command->add_option("--tokenizer", options.tokenizer, "bytes, bpe (trained on the text), or a tokenizer.json")
      ->type_name("bytes|bpe|FILE")
      ->capture_default_str();
  command->add_option("--validation", flags.share, "Share of the text kept for validation")->capture_default_str();
  command->add_option("--seed", options.seed, "Seed that chooses the validation part")->capture_default_str();
  return command;
}

CLI::App *addDump(CLI::App &app, Flags &flags) {
  CLI::App *command = app.add_subcommand("dump", "Write the initial weights as safetensors (for tests)")->group("");
  command->add_option("--seed", flags.seed, "Seed (train.seed)");
  command->add_option("-o,--out", flags.dump.output, "File")->required();
  return command;
}

CLI::App *addReplay(CLI::App &app, Flags &flags) {
  CLI::App *command = app.add_subcommand("step", "Optimizer steps on given weights and batches (for tests)")->group("");
  ReplayOptions &options = flags.replay;
  command->add_option("--weights", options.weights, "safetensors with all parameters")->required();
  command->add_option("--batch", options.batch, "safetensors with the micro-batches of all steps")->required();
  command->add_option("--steps", options.steps, "Steps")->check(CLI::PositiveNumber)->capture_default_str();
  command->add_option("--seed", flags.seed, "Seed of dropout (train.seed)");
  command->add_option("-o,--out", options.output, "File for losses, norms, gradients of step 1 and final weights");
  command->add_flag("--time", options.time, "Print the seconds of each step, a JSON line");
  command->add_flag("--profile", options.profile, "Print the time of each kernel in all steps but the first");
  addThreads(command, options.threads);
  addSet(command, flags);
  return command;
}

void applyOverrides(Config &config, const Flags &flags) {
  for (const std::string &assignment : flags.sets)
    config.set(assignment);
  if (!flags.lr.empty())
    config.setKey("train.lr", flags.lr, "--lr");
  if (!flags.steps.empty())
    config.setKey("train.steps", flags.steps, "--steps");
  if (!flags.seed.empty())
    config.setKey("train.seed", flags.seed, "--seed");
}

int runTrain(const Invocation &invocation, Flags &flags) {
  TrainOptions &options = flags.train;
  if (!options.printConfig && options.data.empty())
    throw UsageError(fmt::format("train needs --data DIR; make it with: {} prepare TEXT -o DIR", invocation.program));
  if (!options.printConfig && options.out.empty())
    throw UsageError("train needs --out DIR, the folder of the run");
  if (!flags.maxTime.empty())
    options.maxSeconds = parseDuration(flags.maxTime);
  return train(invocation, options);
}

int runPrepare(const Invocation &invocation, Flags &flags) {
  PrepareOptions &options = flags.prepare;
  options.validation = parseShare(flags.share);
  options.vocab = static_cast<int32_t>(invocation.metadata.vocab);
  options.vocabIsOfGraph = !invocation.metadata.compileKeys.contains("model.vocab");
  options.sequence = static_cast<int32_t>(invocation.metadata.sequence);
  options.masked = invocation.metadata.masked;
  options.maskId = invocation.config.resolve().maskId;
  options.definition = invocation.metadata.definitionFile;
  options.program = invocation.program;
  prepare(options, std::cout);
  return 0;
}

int dispatch(const nf_model &model, int argc, char **argv) {
  checkTable(model);
  Metadata metadata = readMetadata(model);
  std::string program = argc > 0 ? argv[0] : metadata.name;
  CLI::App app(fmt::format("{}: a compiled {} that trains and runs itself", metadata.name,
                           metadata.encoder ? "encoder" : "decoder"),
               program);
  app.require_subcommand(1);
  app.set_version_flag("--version", metadata.compiler);
  Flags flags;
  CLI::App *trainCommand = addTrain(app, flags), *evalCommand = addEval(app, flags);
  CLI::App *generateCommand = addGenerate(app, flags), *prepareCommand = addPrepare(app, flags);
  CLI::App *infoCommand = app.add_subcommand("info", "What this executable is: model, memory plan, target");
  infoCommand->add_flag("--json", flags.json, "The metadata of docs/executable.md, for programs");
  CLI::App *statsCommand = app.add_subcommand("data-stats", "Token counts and n-gram perplexities of prepared data");
  statsCommand->add_option("--data,data", flags.statsFolder, "Folder made by prepare")->required();
  CLI::App *dumpCommand = addDump(app, flags), *replayCommand = addReplay(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success))
      return app.exit(error); // --help, --version
    throw UsageError(fmt::format("{} ({} --help lists commands and flags)", error.what(), program));
  }

  Config config(metadata, program);
  applyOverrides(config, flags);
  Invocation invocation{model, metadata, program, config};
  if (trainCommand->parsed())
    return runTrain(invocation, flags);
  if (evalCommand->parsed())
    return evaluateCheckpoint(invocation, flags.eval);
  if (generateCommand->parsed())
    return generate(invocation, flags.generate);
  if (prepareCommand->parsed())
    return runPrepare(invocation, flags);
  if (infoCommand->parsed())
    return info(invocation, flags.json);
  if (statsCommand->parsed()) {
    printDataStats(flags.statsFolder, std::cout);
    return 0;
  }
  if (dumpCommand->parsed())
    return dumpInitialWeights(invocation, flags.dump);
  if (replayCommand->parsed())
    return replaySteps(invocation, flags.replay);
  return 2;
}

} // namespace

int runCommandLine(const nf_model &model, int argc, char **argv) {
  try {
    return dispatch(model, argc, argv);
  } catch (const Error &error) {
    say(stderr, "error: {}\n", error.what());
    return error.exitCode();
  } catch (const std::bad_alloc &) {
    say(stderr, "error: out of memory\n");
  } catch (const std::exception &error) {
    say(stderr, "error: {}\n", error.what());
  }
  return 1;
}

} // namespace nf::rt
