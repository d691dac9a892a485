#include "runtime/train/CommandLine.h"

#include "runtime/core/CpuFeatures.h"
#include "runtime/core/Error.h"
#include "runtime/cpu/Cores.h"
#include "runtime/cpu/Gemm.h"

#include <cstdio>
#include <exception>

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

} // namespace

int runCommandLine(const nf_model &model, int argc, char **argv) {
  try {
    checkTable(model);
    GemmChoice gemm = selectGemm();
    if (!gemm.note.empty())
      fmt::print(stderr, "note: {}\n", gemm.note);
    Cores cores = availableCores();
    fmt::print("{} ({}); {}\n", cores.count, cores.why, gemm.name);
    return 0;
  } catch (const Error &error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return error.exitCode();
  } catch (const std::exception &error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}

} // namespace nf::rt
