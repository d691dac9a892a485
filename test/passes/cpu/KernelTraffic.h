// Counts the bytes that a lowered row kernel moves, from its loads and stores alone: runs the kernel's loops and index
// arithmetic and follows every access through a small cache. It knows nothing of nf.fused.
#ifndef NF_TEST_PASSES_CPU_KERNELTRAFFIC_H
#define NF_TEST_PASSES_CPU_KERNELTRAFFIC_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <cstdint>

namespace nf::test {

struct KernelTraffic {
  int64_t read = 0;    ///< bytes loaded that the cache did not hold
  int64_t written = 0; ///< bytes stored, counted once while the cache holds them
};

/// What `tasks` tasks of a kernel move between its first `buffers` arguments and a cache of `cacheBytes`. Elements of
/// i32 buffers hold their own place, so that gathers read a different row each. Throws std::runtime_error on an op
/// with a region that it does not know.
KernelTraffic countAccesses(mlir::func::FuncOp kernel, int64_t tasks, int64_t buffers, int64_t cacheBytes);

} // namespace nf::test

#endif
