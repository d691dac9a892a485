//===- Passes.h - kernels for the CPU --------------------------------------------------------===//
#ifndef NF_PASSES_CPU_PASSES_H
#define NF_PASSES_CPU_PASSES_H

#include "dialect/NF.h"
#include "mlir/Pass/Pass.h"

namespace nf {
#define GEN_PASS_DECL
#include "passes/cpu/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/cpu/Passes.h.inc"
} // namespace nf

#endif // NF_PASSES_CPU_PASSES_H
