// The packing buffers of our copy of OpenBLAS's sgemm: one a thread, reserved at the thread's first product and kept.
#include "runtime/core/Memory.h"

#include <cstdio>
#include <cstdlib>
#include <exception>

namespace {
// OpenBLAS's BUFFER_SIZE on x86-64 (32 << 22) and the page that it adds. Only the part that is used becomes resident.
constexpr int64_t bufferBytes = (32 << 22) + 4096;
} // namespace

extern "C" void *nf_gemm_buffer(int) {
  // No exception may pass through the library's frames.
  try {
    thread_local nf::rt::Segment buffer(bufferBytes);
    return buffer.data();
  } catch (const std::exception &error) {
    std::fprintf(stderr, "error: matrix products: %s\n", error.what());
    std::_Exit(1);
  }
}

extern "C" void nf_gemm_buffer_done(void *) {}
