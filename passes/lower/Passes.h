//===- Passes.h - planned programs become LLVM ------------------------------------------------------------------------------===//
#ifndef NF_PASSES_LOWER_PASSES_H
#define NF_PASSES_LOWER_PASSES_H

#include "dialect/NF.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Pass/Pass.h"

namespace nf {
#define GEN_PASS_DECL
#include "passes/lower/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/lower/Passes.h.inc"
} // namespace nf

#endif // NF_PASSES_LOWER_PASSES_H
