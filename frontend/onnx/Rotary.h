// Rotary positions of queries and keys.
#ifndef NF_FRONTEND_ONNX_ROTARY_H
#define NF_FRONTEND_ONNX_ROTARY_H

#include "frontend/onnx/OpContext.h"

namespace nf::onnxfe {

/// Operands of an operator that rotates: tables of cosines and sines, [positions, half] where rows are picked by
/// `positions` (i32 or known, [1] is that of the first token, [batch, tokens] those of all), or by 0, 1, 2, … where no
/// operand of that number is there.
struct RotaryTables {
  size_t cos, sin, positions;
  bool picksRows = true; ///< false: the tables are [batch, tokens, half] themselves
};

/// Cosines and sines of each token, [batch or 1, tokens, half].
struct RotaryAngles {
  mlir::Value cos, sin;
};

/// Null values after a failure. Tables that the file determines are no parameters: what is picked is frozen.
RotaryAngles rotaryAngles(OpContext &op, const RotaryTables &tables, int64_t batch, int64_t tokens);

/// `x` of rank 4, its tokens along `tokenAxis` (1 or 2), with the first 2 · half columns of each head rotated: pairs of
/// neighbours where `interleaved`, otherwise of elements `half` apart. Null where the angles do not fit.
mlir::Value rotate(OpContext &op, mlir::Value x, const RotaryAngles &angles, int64_t tokenAxis, bool interleaved);

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_ROTARY_H
