// Printing that never fails a run: a reader of our output may leave, a log's disk may be full.
#ifndef NF_RUNTIME_CORE_PRINT_H
#define NF_RUNTIME_CORE_PRINT_H

#include <cstdio>
#include <fmt/format.h>
#include <utility>

namespace nf::rt {

/// As fmt::print and a flush, with errors of the stream ignored.
template <typename... Args> void say(std::FILE *stream, fmt::format_string<Args...> format, Args &&...args) {
  std::string text = fmt::format(format, std::forward<Args>(args)...);
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

} // namespace nf::rt

#endif
