//===- Dropout.h - recognises dropout by counted random bits -----------------------------------===//
#ifndef NF_PASSES_RAISE_DROPOUT_H
#define NF_PASSES_RAISE_DROPOUT_H

#include "passes/raise/Values.h"

namespace nf {

/// `root` = keep ? `x` / (1 − p) : 0, where keep compares random bits with p · 2³¹.
struct DropoutMatch {
  mlir::Value x;
  double p;
  RandomBitsOp bits;
  llvm::SmallVector<mlir::Operation *> ops; // root's first
};

/// The dropout that `root` is, or nothing.
std::optional<DropoutMatch> matchDropout(mlir::Value root);

} // namespace nf

#endif // NF_PASSES_RAISE_DROPOUT_H
