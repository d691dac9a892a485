// What checked kernels are held to: the bounds of their buffers, and the shadow of all memory that they use.
#ifndef NF_RUNTIME_EMULATION_CHECKS_H
#define NF_RUNTIME_EMULATION_CHECKS_H

#include "runtime/emulation/Shadow.h"

#include <list>
#include <optional>
#include <span>

namespace nf::rt {

/// Memory of a GPU and the launch and block that run on it, one after another. An empty string means that nothing is
/// wrong; else it is what an error says after "expected that".
class Checks {
public:
  struct Buffer {
    const void *data;
    int64_t bytes;
  };
  struct Accessor {
    int32_t thread;
    uint32_t lanes; ///< those of the thread's warp that use what it points to, as bits
  };

  /// Begins a program on these segments. All of the persistent one and of the constants is written.
  void beginProgram(Buffer persistent, Buffer transient, Buffer constants);
  /// Counts bytes as written: an argument, or what a launch that is not checked writes.
  void fill(const void *data, int64_t bytes);
  /// Whether all bytes of a buffer of the segments are written.
  bool isWritten(const void *data, int64_t bytes) const;
  /// Begins a launch of a kernel with these buffers, which outlive it.
  void beginLaunch(std::span<const Buffer> buffers);
  /// Begins a block, with its shared memory.
  void beginBlock(int64_t number, const void *shared, int64_t sharedBytes);
  GpuClock &time() { return clock; }

  std::string access(const nf_emulated_site &site, const void *address, int64_t bytes, Accessor who);
  /// The copy to these bytes of shared memory lands.
  void land(const void *address, int64_t bytes, int32_t thread);

private:
  struct Range {
    int64_t buffer; ///< of the launch; -1: shared memory
    const uint8_t *data;
    int64_t bytes;
  };
  Shadow &segment(Shadow::Kind kind, Buffer memory);
  Shadow *shadowOf(const void *address) const;
  std::optional<Range> rangeOf(const nf_emulated_site &site, const uint8_t *address) const;
  std::string note(const nf_emulated_site &site, Shadow &shadow, int64_t offset, int64_t bytes, Accessor who);

  GpuClock clock;
  std::list<Shadow> segments;
  std::vector<Shadow *> current;
  std::optional<Shadow> shared;
  std::span<const Buffer> buffers;
};

} // namespace nf::rt

#endif // NF_RUNTIME_EMULATION_CHECKS_H
