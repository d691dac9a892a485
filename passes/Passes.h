//===- Passes.h - all passes of ours ---------------------------------------------------------===//
#ifndef NF_PASSES_PASSES_H
#define NF_PASSES_PASSES_H

#include "mlir/Pass/Pass.h"

#include "passes/autodiff/Passes.h"
#include "passes/cpu/Passes.h"
#include "passes/fold/Passes.h"
#include "passes/fuse/Passes.h"
#include "passes/gpu/Passes.h"
#include "passes/lower/Passes.h"
#include "passes/plan/Passes.h"
#include "passes/raise/Passes.h"

namespace nf {
#define GEN_PASS_DECL
#include "passes/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"

/// Registers every pass of ours by its flag, and every stage as a pipeline (--nf-stage-lower).
void registerPasses();

} // namespace nf

#endif // NF_PASSES_PASSES_H
