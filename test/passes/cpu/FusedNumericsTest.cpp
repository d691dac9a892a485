// Kernels of random fused regions against the reference, which evaluates the same region op by op in double. NF_SEED
// runs one region.
#include "FusedCase.h"
#include "PlannedProgram.h"
#include "tools/Interpreter.h"

#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace nf::test;
using Tensor = nf::rt::reference::Tensor<double>;

static uint16_t toBf16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static void write(uint8_t *to, const std::string &element, int64_t i, double value) {
  if (element == "f32") {
    float x = static_cast<float>(value);
    std::memcpy(to + 4 * i, &x, 4);
  } else if (element == "bf16") {
    uint16_t x = toBf16(static_cast<float>(value));
    std::memcpy(to + 2 * i, &x, 2);
  } else if (element == "i32") {
    auto x = static_cast<int32_t>(value);
    std::memcpy(to + 4 * i, &x, 4);
  } else if (element == "i64") {
    auto x = static_cast<int64_t>(value);
    std::memcpy(to + 8 * i, &x, 8);
  } else {
    to[i] = value != 0;
  }
}

static double read(const uint8_t *from, const std::string &element, int64_t i) {
  if (element == "bf16") {
    uint16_t half;
    std::memcpy(&half, from + 2 * i, 2);
    uint32_t bits = uint32_t(half) << 16;
    float x;
    std::memcpy(&x, &bits, 4);
    return x;
  }
  if (element == "i32") {
    int32_t x;
    std::memcpy(&x, from + 4 * i, 4);
    return x;
  }
  if (element == "i1")
    return from[i];
  float x;
  std::memcpy(&x, from + 4 * i, 4);
  return x;
}

static Tensor toTensor(const Buffer &buffer, const std::vector<uint8_t> &memory) {
  using nf::rt::reference::Element;
  Element element = buffer.element == "i32"   ? Element::I32
                    : buffer.element == "i64" ? Element::I64
                    : buffer.element == "i1"  ? Element::I1
                                              : Element::Float;
  Tensor tensor({buffer.count}, element);
  for (int64_t i = 0; i < buffer.count; ++i) {
    if (tensor.isFloat())
      tensor.floats[i] = read(memory.data() + buffer.offset, buffer.element, i);
    else if (element == Element::I64)
      std::memcpy(&tensor.integers[i], memory.data() + buffer.offset + 8 * i, 8);
    else
      tensor.integers[i] = static_cast<int64_t>(read(memory.data() + buffer.offset, buffer.element, i));
  }
  return tensor;
}

static void fill(const FusedCase &c, std::mt19937_64 &random, uint8_t *memory) {
  std::memset(memory, 0xff, c.bytes); // what nobody wrote reads as NaN
  std::uniform_real_distribution<double> numbers(-2, 2);
  for (const Buffer &buffer : c.inputs)
    for (int64_t i = 0; i < buffer.count; ++i) {
      double value = buffer.limit > 0 ? double(random() % buffer.limit) : numbers(random);
      write(memory + buffer.offset, buffer.element, i, value);
    }
  for (const Buffer &buffer : c.outs)
    if (buffer.sum && (c.always || c.hasFlag))
      for (int64_t i = 0; i < buffer.count; ++i)
        write(memory + buffer.offset, buffer.element, i, numbers(random));
}

static void check(MLIRContext &context, const FusedCase &c, int64_t lanes, uint64_t seed) {
  std::mt19937_64 random(seed);
  PlannedProgram program(c.bufferForm(), "nf-lower-fused{vector-width=" + std::to_string(lanes) + "}");
  uint8_t *memory = program.at<uint8_t>(0);
  fill(c, random, memory);
  std::vector<uint8_t> before(memory, memory + c.bytes);

  auto module = parseSourceString<ModuleOp>(c.tensorForm(), ParserConfig(&context));
  ASSERT_TRUE(module) << c.tensorForm();
  nf::Interpreter<double> interpreter;
  interpreter.roundsToBf16 = true;
  std::vector<Tensor> arguments;
  for (const Buffer &buffer : c.inputs)
    arguments.push_back(toTensor(buffer, before));
  auto expected = interpreter.run(*module->getOps<nf::ProgramOp>().begin(), arguments);
  ASSERT_TRUE(succeeded(expected));
  bool adds = c.always || (c.hasFlag && arguments.back().integers[0] != 0);

  program.run();
  for (auto [o, buffer] : llvm::enumerate(c.outs))
    for (int64_t i = 0; i < buffer.count; ++i) {
      const Tensor &tensor = (*expected)[o];
      double want = tensor.isFloat() ? tensor.floats[i] : static_cast<double>(tensor.integers[i]);
      if (buffer.sum && adds)
        want += read(before.data() + buffer.offset, buffer.element, i);
      double got = read(memory + buffer.offset, buffer.element, i);
      double relative = buffer.element == "bf16" ? 0x1p-7 : 3e-5;
      if (!(std::fabs(got - want) <= relative * (buffer.bound + std::fabs(want))))
        FAIL() << "result " << o << " element " << i << " is " << got << " instead of " << want << " with " << lanes
               << " lanes, seed " << seed << "\n"
               << c.bufferForm();
    }
}

TEST(LowerFused, RandomRegions) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<nf::NFDialect>();
  uint64_t first = 0, last = 200;
  if (const char *seed = std::getenv("NF_SEED"))
    first = std::strtoull(seed, nullptr, 10), last = first + 1;
  for (uint64_t seed = first; seed < last && !::testing::Test::HasFailure(); ++seed)
    check(context, randomCase(seed), seed % 3 == 0 ? 16 : seed % 3 == 1 ? 8 : 4, seed);
}
