#include "runtime/emulation/Gemm.h"
#include "runtime/core/GpuProduct.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <string_view>
#include <vector>

using namespace nf::rt;

//===------------------------------------------------------------------------------------------===//
// Rules
//===------------------------------------------------------------------------------------------===//

/// "bias", "relu", "gelu" or "bgrad": what NF_GPU_REFUSE calls the epilogue; null for what is none.
static const char *nameOf(int32_t epilogue) {
  switch (epilogue) {
  case NF_EPILOGUE_RELU:
  case NF_EPILOGUE_RELU_BIAS:
    return "relu";
  case NF_EPILOGUE_GELU:
  case NF_EPILOGUE_GELU_BIAS:
    return "gelu";
  case NF_EPILOGUE_BIAS:
    return "bias";
  case NF_EPILOGUE_BGRAD_A:
  case NF_EPILOGUE_BGRAD_B:
    return "bgrad";
  default:
    return nullptr;
  }
}

bool nf::rt::isRefused(int32_t epilogue) {
  const char *list = std::getenv("NF_GPU_REFUSE"), *refused = nameOf(epilogue);
  for (std::string_view rest = list && refused ? list : ""; !rest.empty();) {
    std::string_view name = rest.substr(0, rest.find(','));
    if (name == refused)
      return true;
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
  }
  return false;
}

static std::string brokenRuleOf(const char *name, const nf_gpu_matrix &matrix, int64_t batch, const void *start) {
  if (matrix.rows < 1 || matrix.cols < 1)
    return fmt::format("{} to have rows and columns, but got {} x {}", name, matrix.rows, matrix.cols);
  if (matrix.ld < matrix.rows)
    return fmt::format("{}'s leading dimension to be at least its {} rows, but got {}", name, matrix.rows, matrix.ld);
  if (batch > 1 && matrix.stride < matrix.ld * (matrix.cols - 1) + matrix.rows)
    return fmt::format("the matrices {} of a batch not to overlap, but got a stride of {}", name, matrix.stride);
  int64_t element = bytesOf(matrix.dtype);
  if (matrix.alignment < element || matrix.alignment > 256 || !std::has_single_bit(uint32_t(matrix.alignment)))
    return fmt::format("{}'s alignment to be a power of two from {} to 256 bytes, but got {}", name, element,
                       matrix.alignment);
  if (reinterpret_cast<uintptr_t>(start) % matrix.alignment)
    return fmt::format("{} to start at a multiple of {} bytes, but got {}", name, matrix.alignment, start);
  if (batch > 1 && matrix.stride * element % matrix.alignment)
    return fmt::format("the matrices {} of a batch to start at multiples of {} bytes, but got a stride of {} elements",
                       name, matrix.alignment, matrix.stride);
  return "";
}

std::string nf::rt::brokenRule(const nf_gpu_gemm &gemm, void *const *buffers) {
  const nf_gpu_matrix &a = gemm.a, &b = gemm.b, &d = gemm.d;
  int64_t m = gemm.transpose_a ? a.cols : a.rows, k = gemm.transpose_a ? a.rows : a.cols;
  int64_t inner = gemm.transpose_b ? b.cols : b.rows, n = gemm.transpose_b ? b.rows : b.cols;
  if (inner != k)
    return fmt::format("op(B) to have the {} rows that op(A) has columns, but got {}", k, inner);
  if (d.rows != m || d.cols != n)
    return fmt::format("D to be {} x {}, but got {} x {}", m, n, d.rows, d.cols);
  bool isFloat = a.dtype == NF_F32 && b.dtype == NF_F32 && d.dtype == NF_F32;
  bool isBf16 = a.dtype == NF_BF16 && b.dtype == NF_BF16 && (d.dtype == NF_BF16 || d.dtype == NF_F32);
  if (!isFloat && !isBf16)
    return fmt::format("f32 matrices, or bf16 with a D of bf16 or f32, but got the types {}, {} and {}", a.dtype,
                       b.dtype, d.dtype);
  if (gemm.batch < 1)
    return fmt::format("a batch of at least 1, but got {}", gemm.batch);
  const char *names[] = {"A", "B", "D"};
  const nf_gpu_matrix *matrices[] = {&a, &b, &d};
  for (int i = 0; i < 3; ++i)
    if (std::string rule = brokenRuleOf(names[i], *matrices[i], gemm.batch, buffers[i]); !rule.empty())
      return rule;
  if (gemm.epilogue != NF_EPILOGUE_NONE && !nameOf(gemm.epilogue))
    return fmt::format("an epilogue that cuBLASLt has, but got {}", gemm.epilogue);
  if (hasVector(gemm.epilogue) && gemm.batch > 1)
    return "an epilogue with a vector on one product, but got a batch of " + std::to_string(gemm.batch);
  if (const void *vector = buffers[vectorBuffer(gemm)];
      hasVector(gemm.epilogue) && reinterpret_cast<uintptr_t>(vector) % 16)
    return fmt::format("the epilogue's vector to start at a multiple of 16 bytes, but got {}", vector);
  return "";
}

//===------------------------------------------------------------------------------------------===//
// Numbers
//===------------------------------------------------------------------------------------------===//

static float widen(uint16_t half) { return std::bit_cast<float>(uint32_t(half) << 16); }

static uint16_t round(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  if (std::isnan(x))
    return uint16_t(bits >> 16 | 1 << 6);
  return uint16_t((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static float load(const void *start, int64_t i, int32_t dtype) {
  return dtype == NF_BF16 ? widen(static_cast<const uint16_t *>(start)[i]) : static_cast<const float *>(start)[i];
}

static void store(void *start, int64_t i, int32_t dtype, float x) {
  if (dtype == NF_BF16)
    static_cast<uint16_t *>(start)[i] = round(x);
  else
    static_cast<float *>(start)[i] = x;
}

namespace {
/// A matrix as fp32, of all products of a batch: itself, or a copy.
class Widened {
public:
  Widened(const nf_gpu_matrix &matrix, int64_t batch, const void *start) : matrix(matrix) {
    if (matrix.dtype == NF_F32) {
      first = static_cast<const float *>(start);
      return;
    }
    copy.resize((batch - 1) * matrix.stride + matrix.ld * (matrix.cols - 1) + matrix.rows);
    for (size_t i = 0; i < copy.size(); ++i)
      copy[i] = load(start, i, NF_BF16);
    first = copy.data();
  }
  const float *of(int64_t product) const { return first + product * matrix.stride; }

private:
  const nf_gpu_matrix &matrix;
  const float *first;
  std::vector<float> copy;
};

/// What the tasks of a product share. A task computes some columns of D.
struct Product {
  const nf_gpu_gemm &gemm;
  const Widened &a, &b;
  void *const *buffers;
  bool withEpilogue;

  static constexpr int64_t columnsPerTask = 128;
  int64_t tasksPerProduct() const { return (gemm.d.cols + columnsPerTask - 1) / columnsPerTask; }
  void *vector() const { return buffers[vectorBuffer(gemm)]; }

  bool adds() const {
    return isAddedTo(gemm, [&] { return *static_cast<const int32_t *>(buffers[flagBuffer]); });
  }

  void run(int64_t task) const {
    const nf_gpu_matrix &d = gemm.d;
    int64_t product = task / tasksPerProduct(), from = task % tasksPerProduct() * columnsPerTask;
    int64_t columns = std::min(columnsPerTask, d.cols - from), inner = gemm.transpose_a ? gemm.a.rows : gemm.a.cols;
    const float *right = b.of(product) + (gemm.transpose_b ? from : from * gemm.b.ld);
    int64_t start = product * d.stride + from * d.ld;
    std::vector<float> sums(columns * d.rows); // column-major, so row-major with the columns as rows
    if (adds())
      for (int64_t j = 0; j < columns; ++j)
        for (int64_t i = 0; i < d.rows; ++i)
          sums[j * d.rows + i] = load(buffers[2], start + j * d.ld + i, d.dtype);
    nf_gemm_f32(gemm.transpose_b, gemm.transpose_a, columns, d.rows, inner, 1, right, gemm.b.ld, a.of(product),
                gemm.a.ld, adds() ? 1 : 0, sums.data(), d.rows);
    for (int64_t j = 0; j < columns; ++j)
      for (int64_t i = 0; i < d.rows; ++i)
        store(buffers[2], start + j * d.ld + i, d.dtype, finished(sums[j * d.rows + i], i));
  }

  float finished(float x, int64_t row) const {
    if (!withEpilogue)
      return x;
    int32_t epilogue = gemm.epilogue;
    if (readsVector(epilogue))
      x += load(vector(), row, gemm.d.dtype);
    if (epilogue == NF_EPILOGUE_RELU || epilogue == NF_EPILOGUE_RELU_BIAS)
      return std::max(x, 0.0f);
    if (epilogue == NF_EPILOGUE_GELU || epilogue == NF_EPILOGUE_GELU_BIAS)
      return 0.5f * x * (1 + std::tanh(0.7978845608f * (x + 0.044715f * x * x * x)));
    return x;
  }

  /// The sums over the inner extent of op(A)'s rows or op(B)'s columns.
  void sumGradients() const {
    bool ofA = gemm.epilogue == NF_EPILOGUE_BGRAD_A;
    const nf_gpu_matrix &matrix = ofA ? gemm.a : gemm.b;
    const float *numbers = (ofA ? a : b).of(0);
    bool alongRows = ofA != bool(ofA ? gemm.transpose_a : gemm.transpose_b); // of the matrix as it is stored
    for (int64_t i = 0; i < (alongRows ? matrix.rows : matrix.cols); ++i) {
      float sum = 0;
      for (int64_t j = 0; j < (alongRows ? matrix.cols : matrix.rows); ++j)
        sum += alongRows ? numbers[j * matrix.ld + i] : numbers[i * matrix.ld + j];
      store(vector(), i, gemm.d.dtype, sum);
    }
  }
};
} // namespace

void nf::rt::runGemm(nf_context *context, const nf_gpu_gemm &gemm, void *const *buffers, bool withEpilogue,
                     const char *name) {
  Widened a(gemm.a, gemm.batch, buffers[0]), b(gemm.b, gemm.batch, buffers[1]);
  Product product{gemm, a, b, buffers, withEpilogue};
  void *args[] = {&product};
  nf_launch(
      context, [](void *const *args, int64_t task, void *) { static_cast<const Product *>(args[0])->run(task); }, args,
      gemm.batch * product.tasksPerProduct(), name);
  if (withEpilogue && (gemm.epilogue == NF_EPILOGUE_BGRAD_A || gemm.epilogue == NF_EPILOGUE_BGRAD_B))
    product.sumGradients();
}
