#include "runtime/emulation/Shadow.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <fmt/format.h>
#include <new>

using namespace nf::rt;

//===------------------------------------------------------------------------------------------===//
// Time
//===------------------------------------------------------------------------------------------===//

void GpuClock::beginInstant() {
  ++instant;
  for (Warp &warp : warps) {
    warp.count = 0;
    warp.isFresh = true;
  }
}

void GpuClock::beginProgram() {
  beginInstant();
  program = instant;
}

void GpuClock::beginLaunch() {
  beginInstant();
  launch = block = instant;
  blocks.clear();
}

void GpuClock::beginBlock(int64_t number) {
  beginInstant();
  block = instant;
  blocks.push_back({instant, number});
}

void GpuClock::passBarrier() { beginInstant(); }

void GpuClock::passWarpBarrier(int32_t warp, uint32_t mask) {
  Warp &own = warps[warp];
  if (own.isFresh)
    own.knows = {};
  own.isFresh = false;
  std::array<uint16_t, warpSize> all{};
  ++own.count;
  for (int32_t lane = 0; lane < warpSize; ++lane)
    if (mask >> lane & 1)
      for (int32_t other = 0; other < warpSize; ++other)
        all[other] = std::max(all[other], mask >> other & 1 ? own.count : own.knows[lane][other]);
  for (int32_t lane = 0; lane < warpSize; ++lane)
    if (mask >> lane & 1)
      own.knows[lane] = all;
}

int64_t GpuClock::blockOf(uint32_t then) const {
  auto after = std::upper_bound(blocks.begin(), blocks.end(), then,
                                [](uint32_t instant, const BlockStart &start) { return instant < start.instant; });
  return after == blocks.begin() ? 0 : std::prev(after)->number;
}

bool GpuClock::isOrdered(int32_t before, uint16_t count, int32_t after) const {
  if (before == after)
    return true;
  const Warp &warp = warps[after / warpSize];
  return before / warpSize == after / warpSize && !warp.isFresh &&
         warp.knows[after % warpSize][before % warpSize] > count;
}

//===------------------------------------------------------------------------------------------===//
// Bytes
//===------------------------------------------------------------------------------------------===//

void Shadow::Free::operator()(void *cells) const { std::free(cells); }

Shadow::Shadow(const GpuClock &clock, Kind kind, const void *base, int64_t bytes)
    : clock(clock), kind(kind), base(static_cast<const uint8_t *>(base)), bytes(bytes),
      cells(static_cast<Cell *>(std::calloc(std::max<int64_t>(1, bytes), sizeof(Cell)))) {
  if (!cells)
    throw std::bad_alloc();
}

void Shadow::fill(int64_t offset, int64_t count) {
  for (int64_t i = offset; i < offset + count; ++i)
    cells[i].written = clock.now();
}

bool Shadow::isWritten(const Cell &cell) const {
  switch (kind) {
  case Kind::Persistent:
    return true;
  case Kind::Transient:
    return clock.isInProgram(cell.written);
  default:
    return clock.isInBlock(cell.written);
  }
}

bool Shadow::isWritten(int64_t offset) const { return isWritten(cells[offset]); }

std::string Shadow::race(const char *what, uint32_t then, int32_t other, const nf_emulated_site *site) const {
  std::string block = clock.isInBlock(then) ? "" : fmt::format("block {}, ", clock.blockOf(then));
  std::string place = site && *site->source ? fmt::format(", the last time at {}", site->source) : "";
  return fmt::format("a barrier orders what two threads do to one byte, but {}thread {} {} it too{}", block, other,
                     what, place);
}

/// An access of `lanes` now, after the last write.
std::string Shadow::checkAgainstWrite(const Cell &cell, int32_t thread, uint32_t lanes) const {
  if (cell.isInFlight && clock.isInBlock(cell.written))
    return fmt::format("an asynchronous copy has been waited for before its bytes are used, but that of thread {} has "
                       "not",
                       cell.writeThread);
  if (!clock.isInLaunch(cell.written))
    return "";
  if (!clock.isInBlock(cell.written))
    return kind == Kind::Shared ? "" : race("wrote", cell.written, cell.writeThread, cell.writer);
  if (cell.written != clock.now())
    return "";
  int32_t warp = thread - thread % warpSize;
  for (uint32_t rest = lanes; rest; rest &= rest - 1)
    if (!clock.isOrdered(cell.writeThread, cell.writeCount, warp + std::countr_zero(rest)))
      return race("wrote", cell.written, cell.writeThread, cell.writer);
  return "";
}

/// A write now, after all reads.
std::string Shadow::checkAgainstReads(const Cell &cell, int32_t thread) const {
  if (kind != Kind::Shared && clock.isInLaunch(cell.firstRead) && !clock.isInBlock(cell.firstRead))
    return race("read", cell.firstRead, cell.firstReader, cell.reader);
  if (cell.read != clock.now())
    return "";
  int32_t warp = thread / warpSize;
  if (cell.readThread / warpSize != warp)
    return race("read", cell.read, cell.readThread, cell.reader);
  if (cell.otherReader != nobody)
    return race("read", cell.read, cell.otherReader, cell.reader);
  for (uint32_t rest = cell.readLanes; rest; rest &= rest - 1) {
    int32_t reader = warp * warpSize + std::countr_zero(rest);
    if (!clock.isOrdered(reader, cell.readCount, thread))
      return race("read", cell.read, reader, cell.reader);
  }
  return "";
}

void Shadow::noteRead(Cell &cell, int32_t thread, uint32_t lanes, const nf_emulated_site *site) const {
  if (!clock.isInLaunch(cell.firstRead)) {
    cell.firstRead = clock.now();
    cell.firstReader = thread;
  }
  cell.reader = site;
  if (cell.read != clock.now()) {
    cell.read = clock.now();
    cell.readThread = thread;
    cell.readLanes = lanes;
    cell.readCount = clock.count(thread);
    cell.otherReader = nobody;
  } else if (cell.readThread / warpSize == thread / warpSize) {
    cell.readLanes |= lanes;
    cell.readCount = clock.count(thread);
  } else {
    cell.otherReader = thread;
  }
}

void Shadow::noteWrite(Cell &cell, int32_t thread, const nf_emulated_site *site) const {
  cell.written = clock.now();
  cell.writeThread = thread;
  cell.writeCount = clock.count(thread);
  cell.writer = site;
}

std::string Shadow::read(int64_t offset, int64_t count, int32_t thread, uint32_t lanes, const nf_emulated_site *site) {
  for (Cell *cell = &cells[offset]; cell < &cells[offset] + count; ++cell) {
    if (std::string broken = checkAgainstWrite(*cell, thread, lanes); !broken.empty())
      return broken;
    if (!isWritten(*cell))
      return "memory is written before it is read, but nothing has written it";
    noteRead(*cell, thread, lanes, site);
  }
  return "";
}

std::string Shadow::write(int64_t offset, int64_t count, int32_t thread, const nf_emulated_site *site) {
  uint32_t lane = 1u << thread % warpSize;
  for (Cell *cell = &cells[offset]; cell < &cells[offset] + count; ++cell) {
    std::string broken = checkAgainstWrite(*cell, thread, lane);
    if (broken.empty())
      broken = checkAgainstReads(*cell, thread);
    if (!broken.empty())
      return broken;
    noteWrite(*cell, thread, site);
    cell->isInFlight = false;
  }
  return "";
}

std::string Shadow::beginCopy(int64_t offset, int64_t count, int32_t thread, const nf_emulated_site *site) {
  std::string broken = write(offset, count, thread, site);
  for (int64_t i = offset; broken.empty() && i < offset + count; ++i)
    cells[i].isInFlight = true;
  return broken;
}

void Shadow::land(int64_t offset, int64_t count, int32_t thread) {
  for (int64_t i = offset; i < offset + count; ++i) {
    noteWrite(cells[i], thread, cells[i].writer);
    cells[i].isInFlight = false;
  }
}
