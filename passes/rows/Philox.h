//===- Philox.h - random words in vector code ------------------------------------------------===//
#ifndef NF_PASSES_ROWS_PHILOX_H
#define NF_PASSES_ROWS_PHILOX_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <array>

namespace nf {

/// Emits Philox4x32-10 as runtime/abi/nf_abi.h uses it. The counter's words are i32, all scalars or all vectors of one
/// type (a lane is a counter of its own); `seed` is an i64 scalar. Returns the four random words in the counter's type.
std::array<mlir::Value, 4> emitPhilox(mlir::ImplicitLocOpBuilder &b, mlir::Value seed,
                                      std::array<mlir::Value, 4> counter);

/// The same on i64 lanes, which is how it is computed: counter words and random words are the low halves; the high
/// halves of counter words do not matter and those of random words mean nothing.
std::array<mlir::Value, 4> emitPhiloxInLowHalves(mlir::ImplicitLocOpBuilder &b, mlir::Value seed,
                                                 std::array<mlir::Value, 4> counter);

} // namespace nf

#endif // NF_PASSES_ROWS_PHILOX_H
