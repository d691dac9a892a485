//===- Passes.h - primitives into composites, names and roles ---------------------------------===//
#ifndef NF_PASSES_RAISE_PASSES_H
#define NF_PASSES_RAISE_PASSES_H

#include "dialect/NF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace nf {
#define GEN_PASS_DECL
#include "passes/raise/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/raise/Passes.h.inc"
} // namespace nf

#endif // NF_PASSES_RAISE_PASSES_H
