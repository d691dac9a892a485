// The command line of a compiled model: train | eval | generate | info | prepare.
#ifndef NF_RUNTIME_TRAIN_COMMANDLINE_H
#define NF_RUNTIME_TRAIN_COMMANDLINE_H

#include "runtime/abi/nf_abi.h"

namespace nf::rt {

/// Runs the command that argv names on `model` and returns the exit code. Every failure ends here as one line
/// "error: ..." on stderr.
int runCommandLine(const nf_model &model, int argc, char **argv);

} // namespace nf::rt

#endif
