//===- Passes.h - planned programs become LLVM -----------------------------------------------===//
#ifndef NF_PASSES_LOWER_PASSES_H
#define NF_PASSES_LOWER_PASSES_H

#include "dialect/NF.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"

namespace nf {
#define GEN_PASS_DECL
#include "passes/lower/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/lower/Passes.h.inc"

/// Elementary functions on f32 in arithmetic (ExpandMath.cpp lists them and their errors).
void populateExpandMathPatterns(mlir::RewritePatternSet &patterns);

/// Conversions between f32 and bf16 in integer arithmetic, for targets without instructions for them.
void populateExpandBF16Patterns(mlir::RewritePatternSet &patterns);

} // namespace nf

#endif // NF_PASSES_LOWER_PASSES_H
