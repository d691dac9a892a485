#include "frontend/onnx/HalfFloats.h"

#include <array>
#include <bit>
#include <cmath>
#include <numbers>

using namespace nf::onnxfe;

/// TensorProto.DataType's numbers of the half types.
static constexpr int32_t float16 = 10, bfloat16 = 16;

std::optional<Half> nf::onnxfe::halfOf(int32_t dataType) {
  if (dataType == float16)
    return Half::F16;
  return dataType == bfloat16 ? std::optional(Half::BF16) : std::nullopt;
}

float nf::onnxfe::widen(Half type, uint16_t bits) {
  if (type == Half::BF16)
    return std::bit_cast<float>(uint32_t(bits) << 16);
  return static_cast<float>(std::bit_cast<_Float16>(bits));
}

/// To the nearest number of the type, of two the even one; for finite values.
static double rounded(Half type, double value) {
  if (type == Half::F16)
    return static_cast<double>(static_cast<_Float16>(value));
  auto bits = std::bit_cast<uint32_t>(static_cast<float>(value));
  bits += 0x7fff + (bits >> 16 & 1);
  return std::bit_cast<float>(bits & 0xffff0000u);
}

double nf::onnxfe::unrounded(Half type, double value) {
  static const std::array numbers{std::sqrt(2 / std::numbers::pi), 0.044715, 1.702, 1e-5, 1e-6, 1e-12};
  double magnitude = std::fabs(value);
  if (magnitude == 0 || !std::isfinite(value))
    return value;
  for (double number : numbers)
    if (rounded(type, number) == magnitude)
      return std::copysign(number, value);
  // Roots of powers of two: 1/√2, and what scores of heads as wide as 2^k are scaled by, at once or on both sides.
  double power = std::exp2(std::round(std::log2(magnitude) * 4) / 4);
  return rounded(type, power) == magnitude ? std::copysign(power, value) : value;
}
