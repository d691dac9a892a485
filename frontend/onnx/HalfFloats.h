// Elements of float16 and bfloat16, which are float32 here.
#ifndef NF_FRONTEND_ONNX_HALFFLOATS_H
#define NF_FRONTEND_ONNX_HALFFLOATS_H

#include <cstdint>
#include <optional>

namespace nf::onnxfe {

enum class Half { F16, BF16 };

/// The half type that a TensorProto.DataType is, if any.
std::optional<Half> halfOf(int32_t dataType);

/// The number that 16 bits stand for; every one is a float32.
float widen(Half type, uint16_t bits);

/// The number that a model's code has for a constant which its file holds rounded to a half type: √2, √(2/π), 1e-5 and
/// others that activations, norms and scales of attention are made of; any other `rounded` as it is.
double unrounded(Half type, double rounded);

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_HALFFLOATS_H
