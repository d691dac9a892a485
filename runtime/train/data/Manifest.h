// manifest.json: what prepare wrote, so that what is read later is the same (docs/data.md).
#ifndef NF_RUNTIME_TRAIN_DATA_MANIFEST_H
#define NF_RUNTIME_TRAIN_DATA_MANIFEST_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nf::rt {

inline constexpr char kManifestFile[] = "manifest.json", kTokenizerFile[] = "tokenizer.json";

struct ManifestShard {
  std::string file;
  int64_t tokens = 0;
  std::string hash; ///< XXH3-64 of the whole file
};

struct ManifestSplit {
  int64_t pieces = 0; ///< runs of text, an end-of-text token before each
  int64_t bytes = 0;  ///< of text
  int64_t tokens = 0; ///< end-of-text tokens included
  std::vector<ManifestShard> shards;
};

struct Manifest {
  std::string tokenizerKind, tokenizerHash;
  int32_t tokenizerIds = 0;
  uint64_t seed = 0;
  double validationShare = 0;
  std::string splitBy; ///< "documents" or "blocks"
  int64_t documents = 0;
  ManifestSplit train, validation;
};

std::string writeManifest(const Manifest &manifest);

/// Throws Error("path: ...").
Manifest readManifest(std::string_view json, const std::string &path);

} // namespace nf::rt

#endif // NF_RUNTIME_TRAIN_DATA_MANIFEST_H
