//===- Compile.h - definition or module -> executable ----------------------------------------===//
#ifndef NF_TOOLS_COMPILE_H
#define NF_TOOLS_COMPILE_H

#include "passes/Pipelines.h"
#include "tools/EmitGpu.h"

#include <map>
#include <string>
#include <vector>

namespace nf {

struct CompileOptions {
  std::string input;                          ///< .toml, .onnx, .mlir or .mlirbc; "-" is a definition on standard input
  std::string output;                         ///< "-" is standard output (of --emit only)
  std::vector<std::string> sets;              ///< key=value
  std::string train;                          ///< recipe of an .onnx: a definition of [train] and [objective] only
  std::map<std::string, int64_t> dims;        ///< extents of an .onnx' symbolic dimensions
  std::string lossOutput;                     ///< of an .onnx that has a loss of its own; empty: one is appended
  std::vector<std::string> freeze, trainOnly; ///< patterns of an .onnx' parameters
  bool retie = true;                          ///< copies of an embedding table in an .onnx are one parameter
  std::optional<Stage> emit;                  ///< stop after this stage and write what it gives; without: an executable
  std::string target = "cpu", cpu = "host";
  std::vector<std::string> archs; ///< GPUs; empty: the usual ones
  std::optional<GpuForm> emitGpu; ///< write the GPU's kernels in this form
  std::optional<Stage> from;      ///< the stage that an input module has been through; without: as the module says
  std::string phases;             ///< folder that gets the module after each stage, or ""
  bool explain = false;           ///< print what the model is (passes/raise/Explain.h) instead of compiling it
  FoldMode fold = FoldMode::Auto;
  std::string
      memory; ///< most memory of the program (parseByteSize), in place of the definition's train.memory; "": its
  bool fuseRemarks = false, foldRemarks = false, raiseRemarks = false;
  bool verifyStages = true;  ///< check what each stage leaves
  bool checkKernels = false; ///< a program whose emulated GPU refuses mistakes of its kernels
  std::string libraries;     ///< folder of libnfrt.a and libopenblas.a
};

/// Compiles, and prints a report to standard output unless that is the output. Returns false after errors, one line
/// each and located where they have a place; the output then does not exist or is what it was.
bool compile(const CompileOptions &options);

} // namespace nf

#endif // NF_TOOLS_COMPILE_H
