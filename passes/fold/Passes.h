//===- Passes.h - the passes of stage fold ---------------------------------------------------===//
#ifndef NF_PASSES_FOLD_PASSES_H
#define NF_PASSES_FOLD_PASSES_H

#include "dialect/NF.h"
#include "mlir/Pass/Pass.h"

namespace nf {
#define GEN_PASS_DECL
#include "passes/fold/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/fold/Passes.h.inc"
} // namespace nf

#endif // NF_PASSES_FOLD_PASSES_H
