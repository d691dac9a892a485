//===- Passes.h - values become memory -------------------------------------------------------===//
#ifndef NF_PASSES_PLAN_PASSES_H
#define NF_PASSES_PLAN_PASSES_H

#include "dialect/NF.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Pass/Pass.h"

namespace nf {
#define GEN_PASS_DECL
#include "passes/plan/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/plan/Passes.h.inc"
} // namespace nf

#endif // NF_PASSES_PLAN_PASSES_H
