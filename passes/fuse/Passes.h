//===- Passes.h - composites into primitives, primitives into regions ------------------------===//
#ifndef NF_PASSES_FUSE_PASSES_H
#define NF_PASSES_FUSE_PASSES_H

#include "dialect/NF.h"
#include "mlir/Pass/Pass.h"

namespace nf {
#define GEN_PASS_DECL
#include "passes/fuse/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/fuse/Passes.h.inc"
} // namespace nf

#endif // NF_PASSES_FUSE_PASSES_H
