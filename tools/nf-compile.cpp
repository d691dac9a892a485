//===- nf-compile.cpp - from a model definition to a program that trains it ------------------===//
#include "tools/Compile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <CLI/CLI.hpp>

using namespace nf;

/// ../lib of the folder that this program lies in, in the build tree and where it was installed.
static std::string libraryFolder(const char *argv0) {
  std::string self = llvm::sys::fs::getMainExecutable(argv0, reinterpret_cast<void *>(&libraryFolder));
  llvm::SmallString<128> folder(llvm::sys::path::parent_path(llvm::sys::path::parent_path(self)));
  llvm::sys::path::append(folder, "lib");
  return folder.str().str();
}

static std::string stageNames() {
  std::string names;
  for (Stage stage : allStages())
    names += (names.empty() ? "" : " ") + stageName(stage).str();
  return names;
}

int main(int argc, char **argv) {
  CompileOptions options;
  std::string emit, remarks;
  CLI::App app("Compiles a model definition to one program that trains it, evaluates it and generates text.",
               "nf-compile");
  app.footer("Examples:\n"
             "  nf-compile models/gpt2-124m.toml -o gpt2\n"
             "  nf-compile models/gpt2-124m.toml --set norm.preset=normformer -o gpt2-nf\n"
             "  nf-compile model.toml --emit=fuse -o -");
  app.add_option("input", options.input, "model definition (.toml), or module (.mlir) that --emit wrote; - is stdin")
      ->required();
  app.add_option("-o,--output", options.output,
                 "the program, or with --emit what the stage gives: text, or with\nlocations where the name ends in "
                 ".mlirbc (bytecode); - is stdout");
  app.add_option("--set", options.sets, "key=value of the definition, such as model.layers=6; repeatable")
      ->allow_extra_args(false);
  app.add_option("--emit", emit, "stop after a stage and write what it gives: " + stageNames())
      ->check([](const std::string &name) {
        return parseStage(name) ? std::string() : "expected one of " + stageNames() + ", but got " + name;
      });
  app.add_option("--target", options.target, "what to compile for: cpu")->capture_default_str();
  app.add_option("--cpu", options.cpu, "processor by LLVM's name: host, x86-64-v3, znver4, ...")->capture_default_str();
  app.add_option("--remarks", remarks, "say what a stage did: fuse")->check(CLI::IsMember({"fuse"}));
  app.add_option("--verify-stages", options.verifyStages,
                 "check after each stage that only what may leave it is there (docs/compiler.md); false: do not")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
    if (!emit.empty())
      options.emit = parseStage(emit);
    if (options.output.empty()) {
      if (!options.emit)
        throw CLI::RequiredError("-o");
      options.output = "-";
    }
    if (options.output == "-" && !options.emit)
      throw CLI::ValidationError("-o", "expected a file for the program, but got -; --emit writes to stdout");
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  options.fuseRemarks = remarks == "fuse";
  options.libraries = libraryFolder(argv[0]);
  return compile(options) ? 0 : 1;
}
