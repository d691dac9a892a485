#include "runtime/emulation/ProductMemory.h"

#include <fmt/format.h>

using namespace nf::rt;

/// Calls f(offset, bytes) for each column of each matrix of a batch.
template <typename F> static void forEachColumn(const nf_gpu_matrix &matrix, int64_t batch, F f) {
  int64_t bytes = bytesOf(matrix.dtype);
  for (int64_t i = 0; i < batch; ++i)
    for (int64_t column = 0; column < matrix.cols; ++column)
      f((i * matrix.stride + column * matrix.ld) * bytes, matrix.rows * bytes);
}

std::string ProductMemory::brokenBy(const char *name, const nf_gpu_matrix &matrix, const Checks::Buffer &buffer,
                                    bool isRead) const {
  std::string broken;
  forEachColumn(matrix, gemm.batch, [&](int64_t offset, int64_t bytes) {
    if (!broken.empty())
      return;
    if (offset + bytes > buffer.bytes)
      broken = fmt::format("{} inside of its buffer of {} bytes, but got a column up to byte {}", name, buffer.bytes,
                           offset + bytes);
    else if (isRead && !checks.isWritten(static_cast<const uint8_t *>(buffer.data) + offset, bytes))
      broken = fmt::format("{} to be written before it is read, but nothing has written all of its bytes {} to {}",
                           name, offset, offset + bytes - 1);
  });
  return broken;
}

int64_t ProductMemory::vectorBytes() const {
  return (gemm.epilogue == NF_EPILOGUE_BGRAD_B ? gemm.d.cols : gemm.d.rows) * bytesOf(gemm.d.dtype);
}

std::string ProductMemory::brokenRule() const {
  bool adds = isAddedTo(gemm, [&] { return *static_cast<const int32_t *>(buffers[flagBuffer].data); });
  std::string broken = brokenBy("A", gemm.a, buffers[0], true);
  if (broken.empty())
    broken = brokenBy("B", gemm.b, buffers[1], true);
  if (broken.empty())
    broken = brokenBy("D", gemm.d, buffers[2], adds);
  if (broken.empty() && withEpilogue && readsVector(gemm.epilogue))
    broken = brokenBy("the epilogue's vector", {gemm.d.rows, 1, gemm.d.rows, 0, gemm.d.dtype, 0}, vector(), true);
  return broken;
}

void ProductMemory::fill() const {
  forEachColumn(gemm.d, gemm.batch, [&](int64_t offset, int64_t bytes) {
    checks.fill(static_cast<const uint8_t *>(buffers[2].data) + offset, bytes);
  });
  if (withEpilogue && hasVector(gemm.epilogue) && !readsVector(gemm.epilogue))
    checks.fill(vector().data, vectorBytes());
}
