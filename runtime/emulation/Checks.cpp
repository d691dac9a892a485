#include "runtime/emulation/Checks.h"

#include <algorithm>
#include <fmt/format.h>

using namespace nf::rt;

/// That of the program before where it is the same memory: the clock makes it old.
Shadow &Checks::segment(Shadow::Kind kind, Buffer memory) {
  for (Shadow &known : segments)
    if (known.isOf(kind, memory.data, memory.bytes))
      return known;
  return segments.emplace_back(clock, kind, memory.data, memory.bytes);
}

void Checks::beginProgram(Buffer persistent, Buffer transient, Buffer constants) {
  clock.beginProgram();
  current = {&segment(Shadow::Kind::Persistent, persistent), &segment(Shadow::Kind::Transient, transient),
             &segment(Shadow::Kind::Persistent, constants)};
  segments.remove_if(
      [&](const Shadow &old) { return std::find(current.begin(), current.end(), &old) == current.end(); });
}

Shadow *Checks::shadowOf(const void *address) const {
  for (Shadow *segment : current)
    if (segment->contains(address))
      return segment;
  return nullptr;
}

void Checks::fill(const void *data, int64_t bytes) {
  if (Shadow *segment = shadowOf(data))
    segment->fill(static_cast<const uint8_t *>(data) - segment->begin(), bytes);
}

bool Checks::isWritten(const void *data, int64_t bytes) const {
  const Shadow *segment = shadowOf(data);
  for (int64_t i = 0; segment && i < bytes; ++i)
    if (!segment->isWritten(static_cast<const uint8_t *>(data) - segment->begin() + i))
      return false;
  return true;
}

void Checks::beginLaunch(std::span<const Buffer> of) {
  clock.beginLaunch();
  buffers = of;
}

void Checks::beginBlock(int64_t number, const void *base, int64_t bytes) {
  clock.beginBlock(number);
  if (!shared || !shared->isOf(Shadow::Kind::Shared, base, bytes))
    shared.emplace(clock, Shadow::Kind::Shared, base, bytes);
}

/// What the address may reach: the buffer or array that it follows from.
std::optional<Checks::Range> Checks::rangeOf(const nf_emulated_site &site, const uint8_t *address) const {
  if (site.is_shared) {
    if (site.bytes > 0)
      return Range{-1, shared->begin() + site.first, site.bytes};
    return Range{-1, shared->begin(), shared->size()};
  }
  auto range = [&](int64_t i) { return Range{i, static_cast<const uint8_t *>(buffers[i].data), buffers[i].bytes}; };
  auto count = static_cast<int64_t>(buffers.size());
  if (site.argument >= 0 && site.argument < count)
    return range(site.argument);
  for (int64_t i = 0; i < count; ++i)
    if (address >= range(i).data && address < range(i).data + range(i).bytes)
      return range(i);
  return std::nullopt;
}

static const char *verb(int32_t use) {
  switch (use) {
  case NF_USE_STORE:
    return "writes";
  case NF_USE_COPY:
    return "copies to";
  default:
    return "reads";
  }
}

std::string Checks::access(const nf_emulated_site &site, const void *address, int64_t bytes, Accessor who) {
  auto *at = static_cast<const uint8_t *>(address);
  if (bytes == 0)
    return "";
  std::optional<Range> range = rangeOf(site, at);
  if (!range)
    return fmt::format("an address lies in a buffer of the launch, but it {} {} bytes outside of all", verb(site.use),
                       bytes);
  int64_t offset = at - range->data;
  auto what = [&] {
    std::string name = range->buffer < 0 ? "its array in shared memory" : fmt::format("buffer {}", range->buffer);
    return fmt::format("it {} {} bytes at byte {} of {}", verb(site.use), bytes, offset, name);
  };
  if (offset < 0 || offset + bytes > range->bytes)
    return fmt::format("accesses stay inside of their buffer, but {}, which has {}", what(), range->bytes);
  if (reinterpret_cast<uintptr_t>(at) % site.alignment)
    return fmt::format("the address is a multiple of {} bytes, but {}", site.alignment, what());
  Shadow *shadow = site.is_shared ? &*shared : shadowOf(at);
  std::string broken = shadow ? note(site, *shadow, at - shadow->begin(), bytes, who) : "";
  return broken.empty() ? broken : fmt::format("{}; {}", broken, what());
}

std::string Checks::note(const nf_emulated_site &site, Shadow &shadow, int64_t offset, int64_t bytes, Accessor who) {
  switch (site.use) {
  case NF_USE_STORE:
    return shadow.write(offset, bytes, who.thread, &site);
  case NF_USE_COPY:
    return shadow.beginCopy(offset, bytes, who.thread, &site);
  default:
    return shadow.read(offset, bytes, who.thread, who.lanes, &site);
  }
}

void Checks::land(const void *address, int64_t bytes, int32_t thread) {
  shared->land(static_cast<const uint8_t *>(address) - shared->begin(), bytes, thread);
}
