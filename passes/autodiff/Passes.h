//===- Passes.h - forward programs become training programs ----------------------------------===//
#ifndef NF_PASSES_AUTODIFF_PASSES_H
#define NF_PASSES_AUTODIFF_PASSES_H

#include "dialect/NF.h"
#include "mlir/Pass/Pass.h"

namespace nf {
#define GEN_PASS_DECL
#include "passes/autodiff/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/autodiff/Passes.h.inc"
} // namespace nf

#endif // NF_PASSES_AUTODIFF_PASSES_H
