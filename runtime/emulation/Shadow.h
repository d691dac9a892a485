// What is known of each byte of an emulated GPU's memory: who wrote and read it, and when.
#ifndef NF_RUNTIME_EMULATION_SHADOW_H
#define NF_RUNTIME_EMULATION_SHADOW_H

#include "runtime/abi/nf_emulation.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace nf::rt {

inline constexpr int32_t warpSize = 32;

/// When things happen on a GPU whose blocks run one after another. An instant is what a block does between two
/// barriers: later instants of one block are ordered, those of two blocks in one launch never are, and launches always
/// are. Within an instant only barriers of warps order two threads.
class GpuClock {
public:
  void beginProgram();
  void beginLaunch();
  void beginBlock(int64_t number);
  void passBarrier();
  void passWarpBarrier(int32_t warp, uint32_t mask);

  uint32_t now() const { return instant; }
  bool isInProgram(uint32_t then) const { return then >= program; }
  bool isInLaunch(uint32_t then) const { return then >= launch; }
  bool isInBlock(uint32_t then) const { return then >= block; }
  /// Of an instant in this launch.
  int64_t blockOf(uint32_t then) const;

  /// The number of warp barriers that the warp of `thread` has passed in this instant.
  uint16_t count(int32_t thread) const { return warps[thread / warpSize].count; }
  /// Whether what `before` did in this instant when its warp's count was `count` comes before what `after` does now.
  bool isOrdered(int32_t before, uint16_t count, int32_t after) const;

  static constexpr int32_t mostWarps = 32;

private:
  void beginInstant();

  struct Warp {
    uint16_t count;
    bool isFresh; ///< no barrier in this instant
    /// knows[a][b]: a barrier that orders b's accesses at lower counts before what a does now.
    std::array<std::array<uint16_t, warpSize>, warpSize> knows;
  };
  struct BlockStart {
    uint32_t instant;
    int64_t number;
  };
  uint32_t instant = 1, program = 1, launch = 1, block = 1;
  std::array<Warp, mostWarps> warps{};
  std::vector<BlockStart> blocks; ///< of this launch
};

/// The shadow of one stretch of memory.
class Shadow {
public:
  enum class Kind {
    Persistent, ///< written before the program begins
    Transient,  ///< written since the program began, or not at all
    Shared      ///< a block's
  };

  /// Shadow of `bytes` bytes from `base` on; the clock outlives it.
  Shadow(const GpuClock &clock, Kind kind, const void *base, int64_t bytes);

  bool isOf(Kind other, const void *otherBase, int64_t otherBytes) const {
    return kind == other && base == otherBase && bytes == otherBytes;
  }
  const uint8_t *begin() const { return base; }
  int64_t size() const { return bytes; }
  bool contains(const void *address) const {
    auto *at = static_cast<const uint8_t *>(address);
    return at >= base && at < base + bytes;
  }

  /// Counts bytes as written by someone before the launch.
  void fill(int64_t offset, int64_t count);
  bool isWritten(int64_t offset) const;

  /// Notes an access of `thread`, or of several lanes of its warp at once (`lanes`: their bits), to bytes that lie
  /// inside. Returns what an error says after "expected that", empty where nothing is wrong.
  std::string read(int64_t offset, int64_t count, int32_t thread, uint32_t lanes, const nf_emulated_site *site);
  std::string write(int64_t offset, int64_t count, int32_t thread, const nf_emulated_site *site);

  /// An asynchronous copy: bytes that nobody may use until it lands.
  std::string beginCopy(int64_t offset, int64_t count, int32_t thread, const nf_emulated_site *site);
  void land(int64_t offset, int64_t count, int32_t thread);

private:
  static constexpr uint16_t nobody = 0xFFFF;
  /// Zeros, where nothing happened: instants begin with 1.
  struct Cell {
    const nf_emulated_site *writer, *reader;
    uint32_t written, read; ///< the last instant of each
    uint32_t firstRead;     ///< the first one in its launch
    uint32_t readLanes;     ///< of the warp of readThread that read in instant `read`
    uint16_t writeThread, writeCount;
    uint16_t readThread, readCount;
    uint16_t otherReader; ///< of another warp in instant `read`, or nobody
    uint16_t firstReader; ///< in instant firstRead
    bool isInFlight;      ///< written by a copy that has not landed
  };

  std::string checkAgainstWrite(const Cell &cell, int32_t thread, uint32_t lanes) const;
  std::string checkAgainstReads(const Cell &cell, int32_t thread) const;
  std::string race(const char *what, uint32_t then, int32_t other, const nf_emulated_site *site) const;
  void noteRead(Cell &cell, int32_t thread, uint32_t lanes, const nf_emulated_site *site) const;
  void noteWrite(Cell &cell, int32_t thread, const nf_emulated_site *site) const;
  bool isWritten(const Cell &cell) const;

  struct Free {
    void operator()(void *cells) const;
  };
  const GpuClock &clock;
  Kind kind;
  const uint8_t *base;
  int64_t bytes;
  std::unique_ptr<Cell[], Free> cells; ///< pages that nobody touches take no memory
};

} // namespace nf::rt

#endif // NF_RUNTIME_EMULATION_SHADOW_H
