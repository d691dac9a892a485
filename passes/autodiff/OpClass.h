//===- OpClass.h - what it takes to compute an op again --------------------------------------===//
#ifndef NF_PASSES_AUTODIFF_OPCLASS_H
#define NF_PASSES_AUTODIFF_OPCLASS_H

#include "dialect/NF.h"

namespace nf {

/// Free: no arithmetic (states, constants, views). Elements: element by element. Rows: also sums over rows or columns,
/// which add in an order that depends on what else the region computes. Both fuse with what stands beside them.
/// Product: also matrix products or attention. None: must not be done twice, or cannot be.
enum class OpClass { Free, Elements, Rows, Product, None };

/// Asks the op, or what it is written in; names no op of a model.
OpClass classOf(mlir::Operation *op);

} // namespace nf

#endif // NF_PASSES_AUTODIFF_OPCLASS_H
