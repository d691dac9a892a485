// Sizes of memory as people write them.
#ifndef NF_FRONTEND_BYTESIZE_H
#define NF_FRONTEND_BYTESIZE_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nf {

/// What parseByteSize reads, for messages: "a size such as 8 GiB or 500 MB".
inline constexpr std::string_view byteSizeText = "a size such as 8 GiB or 500 MB";

/// The bytes of a number above 0 with a unit (B, KB, MB, GB, TB in powers of 1000; KiB, MiB, GiB, TiB of 1024), with or
/// without a space between them: "8 GiB", "1.5GB". Nothing for other texts, and for more than 2^62 bytes.
std::optional<int64_t> parseByteSize(std::string_view text);

/// In the unit of a megabyte, rounded up, so that a budget of that size is kept: "1264.3 MB".
std::string byteSizeAtLeast(int64_t bytes);

} // namespace nf

#endif // NF_FRONTEND_BYTESIZE_H
