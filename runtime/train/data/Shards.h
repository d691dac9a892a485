// llm.c's token shards: 256 x int32 header (magic 20240520, version 1, token count, zeros), then u16 tokens,
// little-endian.
#ifndef NF_RUNTIME_TRAIN_DATA_SHARDS_H
#define NF_RUNTIME_TRAIN_DATA_SHARDS_H

#include "runtime/train/data/Files.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nf::rt {

inline constexpr int32_t kShardMagic = 20240520, kShardVersion = 1;
inline constexpr size_t kShardHeaderBytes = 256 * sizeof(int32_t);
inline constexpr int32_t kShardIds = 65536; ///< tokens are u16

/// The header of a shard of `tokens` tokens.
std::string shardHeader(size_t tokens);

/// XXH3-64 of bytes, in one part or two, as 16 hexadecimal digits.
std::string hashOf(std::string_view first, std::string_view second = {});

/// A mapped shard whose header and length were checked.
class Shard {
public:
  /// Throws Error("path: ...").
  explicit Shard(const std::string &path);
  std::span<const uint16_t> tokens() const { return view; }
  const std::string &path() const { return name; }
  /// hashOf() the whole file.
  const std::string &hash() const { return digest; }

private:
  std::string name, digest;
  MappedFile file;
  std::span<const uint16_t> view;
};

/// Highest id of a shard; -1 of none.
int32_t highestId(std::span<const uint16_t> tokens);

} // namespace nf::rt

#endif // NF_RUNTIME_TRAIN_DATA_SHARDS_H
