// Page-aligned anonymous memory with an owner.
#ifndef NF_RUNTIME_CORE_MEMORY_H
#define NF_RUNTIME_CORE_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <utility>

namespace nf::rt {

/// A zeroed, page-aligned range of memory. Pages are backed by the system when they are first touched. Throws Error
/// when the address space cannot be had.
class Segment {
public:
  Segment() = default;
  explicit Segment(int64_t bytes);
  ~Segment();
  Segment(Segment &&other) noexcept : base(std::exchange(other.base, nullptr)), size(std::exchange(other.size, 0)) {}
  Segment &operator=(Segment &&other) noexcept {
    std::swap(base, other.base);
    std::swap(size, other.size);
    return *this;
  }

  uint8_t *data() const { return base; }
  int64_t bytes() const { return size; }

private:
  uint8_t *base = nullptr;
  int64_t size = 0;
};

} // namespace nf::rt

#endif
