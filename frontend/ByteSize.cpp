#include "frontend/ByteSize.h"

#include <charconv>
#include <cmath>
#include <fmt/format.h>

using namespace nf;

std::optional<int64_t> nf::parseByteSize(std::string_view text) {
  static constexpr std::pair<std::string_view, double> units[] = {{"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30},
                                                                  {"TiB", 0x1p40}, {"KB", 1e3},     {"MB", 1e6},
                                                                  {"GB", 1e9},     {"TB", 1e12},    {"B", 1}};
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc())
    return std::nullopt;
  std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  if (unit.starts_with(' '))
    unit.remove_prefix(1);
  for (auto [name, bytes] : units)
    if (unit == name) {
      double size = std::floor(number * bytes);
      return size >= 1 && size <= 0x1p62 ? std::optional(static_cast<int64_t>(size)) : std::nullopt;
    }
  return std::nullopt;
}

std::string nf::byteSizeAtLeast(int64_t bytes) {
  return fmt::format("{:.1f} MB", std::ceil(static_cast<double>(bytes) / 1e5) / 10);
}
