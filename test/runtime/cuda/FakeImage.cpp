// What PTX and cubins say of their kernels.
#include "test/runtime/cuda/FakeGpu.h"

#include <cstring>
#include <elf.h>

namespace fake {

static bool isElf(const void *start) { return std::memcmp(start, ELFMAG, SELFMAG) == 0; }

std::string_view imageAt(const void *start) {
  auto *bytes = static_cast<const char *>(start);
  if (!isElf(start))
    return bytes;
  Elf64_Ehdr header;
  std::memcpy(&header, start, sizeof(header));
  // What lies last in a cubin is one of its tables of headers.
  uint64_t sections = header.e_shoff + uint64_t(header.e_shentsize) * header.e_shnum;
  uint64_t segments = header.e_phoff + uint64_t(header.e_phentsize) * header.e_phnum;
  return {bytes, std::max(sections, segments)};
}

/// The parameters between the parentheses of "name(": one a ".param".
static int64_t argumentsInPtx(std::string_view text, std::string_view kernel) {
  size_t at = text.find(".visible .entry " + std::string(kernel) + "(");
  if (at == std::string_view::npos)
    return -1;
  std::string_view list = text.substr(at, text.find(')', at) - at);
  int64_t count = 0;
  for (size_t from = 0; (from = list.find(".param ", from)) != std::string_view::npos; ++from)
    ++count;
  return count;
}

/// The bytes of a kernel's parameters in its attributes (.nv.info), or -1. An attribute is its format, its number and
/// 16 bits, which with format 4 are the length of what follows.
static int64_t parameterBytes(std::string_view attributes) {
  constexpr uint8_t half = 3, sized = 4, paramSize = 0x19;
  for (size_t at = 0; at + 4 <= attributes.size();) {
    uint16_t value;
    std::memcpy(&value, attributes.data() + at + 2, sizeof(value));
    auto format = static_cast<uint8_t>(attributes[at]), number = static_cast<uint8_t>(attributes[at + 1]);
    if (format == half && number == paramSize)
      return value;
    at += 4 + (format == sized ? value : 0);
  }
  return -1;
}

static int64_t argumentsInCubin(std::string_view image, std::string_view kernel) {
  Elf64_Ehdr header;
  std::memcpy(&header, image.data(), sizeof(header));
  auto section = [&](size_t i) {
    Elf64_Shdr found;
    std::memcpy(&found, image.data() + header.e_shoff + i * header.e_shentsize, sizeof(found));
    return found;
  };
  const char *names = image.data() + section(header.e_shstrndx).sh_offset;
  std::string wanted = ".nv.info." + std::string(kernel);
  for (size_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr found = section(i);
    if (wanted != names + found.sh_name)
      continue;
    int64_t bytes = parameterBytes(image.substr(found.sh_offset, found.sh_size));
    return bytes < 0 ? -1 : bytes / int64_t(sizeof(uint64_t));
  }
  return -1;
}

int64_t argumentsOf(std::string_view image, std::string_view kernel) {
  return isElf(image.data()) ? argumentsInCubin(image, kernel) : argumentsInPtx(image, kernel);
}

} // namespace fake
