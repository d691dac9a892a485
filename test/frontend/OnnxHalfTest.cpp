// Half types in ONNX files: every number is a float32, and some constants are what code has for them.
#include "frontend/onnx/HalfFloats.h"
#include "frontend/onnx/TensorData.h"

#include "onnx.pb.h"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>

using namespace nf::onnxfe;
using ::onnx::TensorProto;

/// sign · 2^exponent · mantissa of a half type with `bits` bits of mantissa.
static double numberOf(uint16_t word, int bits) {
  int exponent = word >> bits & ((1 << (15 - bits)) - 1), bias = (1 << (14 - bits)) - 1;
  double mantissa = word & ((1 << bits) - 1);
  double magnitude = exponent ? std::ldexp(std::ldexp(1, bits) + mantissa, exponent - bias - bits)
                              : std::ldexp(mantissa, 1 - bias - bits);
  return word >> 15 ? -magnitude : magnitude;
}

TEST(OnnxHalf, EveryNumberIsAFloat) {
  for (uint32_t word = 0; word < 1 << 16; ++word)
    for (auto [type, bits] : {std::pair(Half::F16, 10), std::pair(Half::BF16, 7)}) {
      int largest = (1 << (15 - bits)) - 1;
      float value = widen(type, static_cast<uint16_t>(word));
      if ((word >> bits & largest) == static_cast<uint32_t>(largest))
        EXPECT_EQ(std::isnan(value), (word & ((1 << bits) - 1)) != 0);
      else
        EXPECT_EQ(value, numberOf(static_cast<uint16_t>(word), bits));
    }
}

TEST(OnnxHalf, ConstantsOfModels) {
  for (double number : {std::sqrt(2.0), std::sqrt(0.125), std::pow(128, -0.25), 0.044715, 1.702, 1e-5})
    for (double sign : {1.0, -1.0}) {
      EXPECT_EQ(unrounded(Half::F16, sign * static_cast<double>(static_cast<_Float16>(number))), sign * number);
      uint32_t bits = std::bit_cast<uint32_t>(static_cast<float>(number)) + 0x8000; // none of these is a tie
      EXPECT_EQ(unrounded(Half::BF16, sign * std::bit_cast<float>(bits & 0xffff0000u)), sign * number);
    }
  for (double number : {0.0, 1.0, -65504.0, 0.7, 3.0, 1.4140625 + 0.0009765625})
    EXPECT_EQ(unrounded(Half::F16, number), number);
  EXPECT_EQ(unrounded(Half::BF16, -INFINITY), -INFINITY);
}

TEST(OnnxHalf, BytesAndFields) {
  ExternalFiles none("");
  TensorProto tensor;
  tensor.set_data_type(TensorProto::FLOAT16);
  tensor.add_dims(2);
  for (int bits : {0x3c00, 0xfbff}) // 1 and the lowest number
    tensor.add_int32_data(bits);
  auto typed = decodeFloats(tensor, none);
  ASSERT_TRUE(bool(typed));
  EXPECT_EQ(*typed, (std::vector<float>{1, -65504}));
  tensor.clear_int32_data();
  tensor.set_data_type(TensorProto::BFLOAT16);
  tensor.set_raw_data(std::string("\x80\x3f\x20\xc0", 4));
  auto raw = decodeFloats(tensor, none);
  ASSERT_TRUE(bool(raw));
  EXPECT_EQ(*raw, (std::vector<float>{1, -2.5}));
  tensor.set_raw_data(std::string(8, '\0'));
  EXPECT_EQ(llvm::toString(decodeFloats(tensor, none).takeError()),
            "expected 2 elements of 2 bytes, but got 8 bytes of data");
}
