#include "runtime/train/data/Manifest.h"
#include "runtime/core/Error.h"

#include <nlohmann/json.hpp>

namespace nf::rt {

using Json = nlohmann::ordered_json;

static constexpr char kFormat[] = "normforge-data";
static constexpr int kVersion = 1;

static Json splitToJson(const ManifestSplit &split) {
  Json shards = Json::array();
  for (const ManifestShard &shard : split.shards)
    shards.push_back({{"file", shard.file}, {"tokens", shard.tokens}, {"xxh3_64", shard.hash}});
  return {{"pieces", split.pieces}, {"bytes", split.bytes}, {"tokens", split.tokens}, {"shards", std::move(shards)}};
}

std::string writeManifest(const Manifest &manifest) {
  Json root = {{"format", kFormat}, {"version", kVersion}};
  root["tokenizer"] = {{"file", kTokenizerFile},
                       {"kind", manifest.tokenizerKind},
                       {"ids", manifest.tokenizerIds},
                       {"hash", manifest.tokenizerHash}};
  root["documents"] = manifest.documents;
  root["split"] = {{"by", manifest.splitBy}, {"validation_share", manifest.validationShare}, {"seed", manifest.seed}};
  root["train"] = splitToJson(manifest.train);
  root["validation"] = splitToJson(manifest.validation);
  return root.dump(2) + "\n";
}

static ManifestSplit splitFromJson(const Json &json) {
  ManifestSplit split;
  split.pieces = json.at("pieces").get<int64_t>();
  split.bytes = json.at("bytes").get<int64_t>();
  split.tokens = json.at("tokens").get<int64_t>();
  for (const Json &shard : json.at("shards"))
    split.shards.push_back({shard.at("file").get<std::string>(), shard.at("tokens").get<int64_t>(),
                            shard.at("xxh3_64").get<std::string>()});
  return split;
}

Manifest readManifest(std::string_view text, const std::string &path) {
  Manifest manifest;
  try {
    Json root = Json::parse(text);
    if (root.at("format") != kFormat || root.at("version") != kVersion)
      fail("{}: expected format {} version {}, but got {} version {}; run prepare again", path, kFormat, kVersion,
           root.at("format").dump(), root.at("version").dump());
    const Json &tokenizer = root.at("tokenizer"), &split = root.at("split");
    manifest.tokenizerKind = tokenizer.at("kind").get<std::string>();
    manifest.tokenizerIds = tokenizer.at("ids").get<int32_t>();
    manifest.tokenizerHash = tokenizer.at("hash").get<std::string>();
    manifest.documents = root.at("documents").get<int64_t>();
    manifest.splitBy = split.at("by").get<std::string>();
    manifest.validationShare = split.at("validation_share").get<double>();
    manifest.seed = split.at("seed").get<uint64_t>();
    manifest.train = splitFromJson(root.at("train"));
    manifest.validation = splitFromJson(root.at("validation"));
  } catch (const Json::exception &error) {
    fail("{}: expected a manifest that prepare wrote, but got a damaged one ({}); run prepare again", path,
         error.what());
  }
  return manifest;
}

} // namespace nf::rt
