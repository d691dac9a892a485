// main() of every compiled model. In the archive, so that linking needs the model's object and libnfrt.a only.
#include "runtime/train/CommandLine.h"

int main(int argc, char **argv) { return nf::rt::runCommandLine(nf_program_table, argc, argv); }
