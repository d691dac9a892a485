#include "runtime/train/data/Shards.h"
#include "runtime/core/Error.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <xxhash.h>

namespace nf::rt {

static_assert(std::endian::native == std::endian::little, "shards are read in place");

std::string shardHeader(size_t tokens) {
  std::array<int32_t, 256> header{kShardMagic, kShardVersion, int32_t(tokens)};
  return std::string(reinterpret_cast<const char *>(header.data()), sizeof header);
}

std::string hashOf(std::string_view first, std::string_view second) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  for (std::string_view part : {first, second})
    XXH3_64bits_update(&state, part.data(), part.size());
  return fmt::format("{:016x}", XXH3_64bits_digest(&state));
}

Shard::Shard(const std::string &path) : name(path), file(path) {
  std::string_view bytes = file.text();
  if (bytes.size() < kShardHeaderBytes)
    fail("{}: expected a token shard with a header of {} bytes, but got a file of {} bytes", path, kShardHeaderBytes,
         bytes.size());
  std::array<int32_t, 3> header;
  std::memcpy(header.data(), bytes.data(), sizeof header);
  if (header[0] != kShardMagic)
    fail("{}: expected a token shard (magic {}), but got magic {}", path, kShardMagic, header[0]);
  if (header[1] != kShardVersion)
    fail("{}: expected version {} of a token shard (u16 tokens), but got version {}", path, kShardVersion, header[1]);
  size_t length = bytes.size() - kShardHeaderBytes;
  if (header[2] < 0 || length != size_t(header[2]) * sizeof(uint16_t))
    fail("{}: expected {} tokens as its header says, but got {} bytes of them; the file is cut or damaged", path,
         header[2], length);
  digest = hashOf(bytes);
  view = {reinterpret_cast<const uint16_t *>(bytes.data() + kShardHeaderBytes), size_t(header[2])};
}

int32_t highestId(std::span<const uint16_t> tokens) {
  return tokens.empty() ? -1 : *std::max_element(tokens.begin(), tokens.end());
}

} // namespace nf::rt
