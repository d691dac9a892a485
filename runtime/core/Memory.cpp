#include "runtime/core/Memory.h"

#include "runtime/core/Error.h"

#include <sys/mman.h>

namespace nf::rt {

Segment::Segment(int64_t bytes) : size(bytes) {
  if (bytes <= 0) {
    size = 0;
    return;
  }
  void *address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED)
    fail("cannot reserve {:.1f} MB of memory; free memory or compile with a smaller train.micro_batch", bytes / 1e6);
  // Large pages spare most TLB misses of the big, streamed buffers; a refusal changes nothing else.
  madvise(address, bytes, MADV_HUGEPAGE);
  base = static_cast<uint8_t *>(address);
}

Segment::~Segment() {
  if (base)
    munmap(base, size);
}

} // namespace nf::rt
