//===- RecomputeSteps.h - what backward can compute again for a memory budget ----------------===//
#ifndef NF_PASSES_AUTODIFF_RECOMPUTESTEPS_H
#define NF_PASSES_AUTODIFF_RECOMPUTESTEPS_H

#include "dialect/NF.h"

namespace nf {

/// What computing a value again takes, cheapest first.
enum class RecomputeTier { Rows, Attention, Matmul };

/// A value of forward that backward reads, and that could be computed again instead of kept.
struct RecomputeStep {
  mlir::Value value;
  RecomputeTier tier;
  int64_t flops, bytes;

  /// Equal for the same value of every layer.
  bool isLike(const RecomputeStep &other) const {
    return tier == other.tier && flops == other.flops && bytes == other.bytes;
  }
};

/// Floating-point operations of an op: two for each multiply-add of a product, one for each element that any other
/// primitive computes or reads.
int64_t flopsOf(mlir::Operation *op);

/// The steps of a differentiated program in the order in which a budget takes them: rows, attention, matrix products;
/// in each the fewest operations a byte first. `again` holds ops of forward that backward already computes again.
/// `loss` is the op that makes the loss.
std::vector<RecomputeStep> recomputeSteps(mlir::Operation *loss, const llvm::DenseSet<mlir::Operation *> &again);

/// Makes backward compute the values of `steps` again, each once, in front of its first reader there. The new ops have
/// the attribute nf.again, which keeps fusion from moving them in front of backward.
void computeAgain(mlir::Operation *loss, llvm::ArrayRef<RecomputeStep> steps);

/// Bytes of forward's values that backward reads, states aside.
int64_t savedBytes(mlir::Operation *loss);

} // namespace nf

#endif // NF_PASSES_AUTODIFF_RECOMPUTESTEPS_H
