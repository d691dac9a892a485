// Matrix instructions of a warp, by the fragments that the PTX ISA gives to its lanes.
#include "runtime/emulation/Block.h"

#include <cmath>
#include <cstring>

using namespace nf::rt;

static float fromBits(int32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

static int32_t toBits(float value) {
  int32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// Half `which` of a register of two bf16.
static float half(int32_t word, int which) {
  return fromBits(which ? word & static_cast<int32_t>(0xFFFF0000) : word << 16);
}

/// Lane 4 g + t has of A, in register r: row g + 8 (r mod 2), columns 2 t + 8 (r / 2) and the next; of B: column g,
/// rows 2 t + 8 r and the next; of C and D: row g + 8 (r / 2), column 2 t + r mod 2.
static void multiply(void *const *lanes) {
  float a[16][16], b[16][8];
  for (int lane = 0; lane < warpSize; ++lane) {
    auto *words = static_cast<const int32_t *>(lanes[lane]);
    int g = lane / 4, t = lane % 4;
    for (int r = 0; r < 4; ++r)
      for (int i = 0; i < 2; ++i)
        a[g + 8 * (r % 2)][2 * t + 8 * (r / 2) + i] = half(words[r], i);
    for (int r = 0; r < 2; ++r)
      for (int i = 0; i < 2; ++i)
        b[2 * t + 8 * r + i][g] = half(words[4 + r], i);
  }
  for (int lane = 0; lane < warpSize; ++lane) {
    auto *words = static_cast<int32_t *>(lanes[lane]);
    int g = lane / 4, t = lane % 4;
    for (int r = 0; r < 4; ++r) {
      int row = g + 8 * (r / 2), column = 2 * t + r % 2;
      float sum = fromBits(words[6 + r]);
      for (int k = 0; k < 16; ++k)
        sum += a[row][k] * b[k][column];
      words[r] = toBits(sum);
    }
  }
}

namespace {
struct MatrixRow {
  const void *address;
  int32_t *result;
};
} // namespace

/// Lane 4 g + t gets of matrix m row g, columns 2 t and the next, whose rows lanes 8 m … point to; transposed: column
/// g, rows 2 t and the next.
template <int Matrices, bool Transposed> static void loadMatrices(void *const *lanes) {
  auto element = [&](int matrix, int row, int column) {
    auto *from = static_cast<const MatrixRow *>(lanes[8 * matrix + row])->address;
    return static_cast<uint32_t>(static_cast<const uint16_t *>(from)[column]);
  };
  for (int lane = 0; lane < warpSize; ++lane)
    for (int m = 0; m < Matrices; ++m) {
      int g = lane / 4, t = lane % 4;
      uint32_t low = Transposed ? element(m, 2 * t, g) : element(m, g, 2 * t);
      uint32_t high = Transposed ? element(m, 2 * t + 1, g) : element(m, g, 2 * t + 1);
      static_cast<const MatrixRow *>(lanes[lane])->result[m] = static_cast<int32_t>(low | high << 16);
    }
}

void nf_emulated_mma_bf16(int32_t *words) {
  static constexpr Block::WarpOp op = {"mma.sync", multiply};
  Block::current().countProduct();
  Block::current().inWarp(op, words);
}

void nf_emulated_ldmatrix(const void *row, int32_t matrices, int32_t transposed, int32_t *result) {
  static constexpr Block::WarpOp ops[3][2] = {
      {{"ldmatrix", loadMatrices<1, false>}, {"ldmatrix", loadMatrices<1, true>}},
      {{"ldmatrix", loadMatrices<2, false>}, {"ldmatrix", loadMatrices<2, true>}},
      {{"ldmatrix", loadMatrices<4, false>}, {"ldmatrix", loadMatrices<4, true>}}};
  Block &block = Block::current();
  if (block.thread() % warpSize < 8 * matrices) // other lanes' addresses are not used
    block.checkShared(row, 16);
  MatrixRow lane = {row, result};
  block.inWarp(ops[matrices / 2][transposed], &lane);
}

float nf_emulated_exp2(float x) { return std::exp2(x); }
