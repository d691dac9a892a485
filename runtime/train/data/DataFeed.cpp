#include "runtime/train/data/DataFeed.h"
#include "runtime/core/Error.h"
#include "runtime/core/Philox.h"
#include "runtime/train/data/Manifest.h"
#include "runtime/train/data/Masking.h"
#include "runtime/train/data/Permutation.h"
#include "runtime/train/data/Shards.h"

#include <algorithm>
#include <filesystem>

namespace nf::rt {

namespace fs = std::filesystem;

namespace {

/// The tokens of one sequence as it lies in its shard.
struct Sequence {
  const uint16_t *tokens;
  int32_t positions; ///< T, or fewer for the last one of a shard; causal: one more token follows them
};

/// The sequences of a split, numbered through its shards.
class Split {
public:
  std::vector<Shard> shards;

  /// `lookahead`: tokens needed after a sequence (causal: 1). `partial`: count a shard's last, short sequence.
  void number(int32_t length, int32_t lookahead, bool partial) {
    sequence = length;
    int64_t first = 0;
    for (const Shard &shard : shards) {
      int64_t usable = std::max<int64_t>(0, int64_t(shard.tokens().size()) - lookahead);
      firstOf.push_back(first);
      usableOf.push_back(usable);
      first += usable / length + (partial && usable % length != 0);
    }
    count = first;
  }

  Sequence at(int64_t index) const {
    size_t s = size_t(std::upper_bound(firstOf.begin(), firstOf.end(), index) - firstOf.begin()) - 1;
    int64_t start = (index - firstOf[s]) * sequence;
    return {shards[s].tokens().data() + start, int32_t(std::min<int64_t>(sequence, usableOf[s] - start))};
  }

  int64_t sequences() const { return count; }

  int64_t tokens() const {
    int64_t total = 0;
    for (const Shard &shard : shards)
      total += int64_t(shard.tokens().size());
    return total;
  }

  std::vector<std::span<const uint16_t>> spans() const {
    std::vector<std::span<const uint16_t>> all;
    for (const Shard &shard : shards)
      all.push_back(shard.tokens());
    return all;
  }

private:
  std::vector<int64_t> firstOf, usableOf; // of each shard: its first sequence's number, its positions
  int64_t count = 0;
  int32_t sequence = 1;
};

} // namespace

struct DataFeed::Impl {
  Split train, validation;
  int32_t sequence;
  std::optional<Tokenizer> tokenizer;
  std::optional<Masking> masking;
  int32_t endOfText = -1;            ///< no id without a tokenizer
  std::vector<uint16_t> byteLengths; ///< of each id, empty without a tokenizer
  std::string tokenizerHash, dataHash;
  std::vector<std::string> notes;

  void openPrepared(const DataFeedOptions &options);
  void openForeign(const DataFeedOptions &options);
  void checkIds(const DataFeedOptions &options) const;
  void checkEnough(const DataFeedOptions &options) const;
  void setDocuments(const DataFeedOptions &options);
  void setMasking(const DataFeedOptions &options);
  void readByteLengths();

  MaskDraw drawAt(uint64_t seed, int64_t position) const;
  int32_t fill(const Sequence &from, const MaskDraw &draw, SampleRow row) const;
  void numberDocuments(const Sequence &from, int32_t *segments) const;
  int32_t countValid(const Sequence &from, const MaskDraw &draw) const;
};

DataFeed::DataFeed(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
DataFeed::DataFeed(DataFeed &&) noexcept = default;
DataFeed &DataFeed::operator=(DataFeed &&) noexcept = default;
DataFeed::~DataFeed() = default;

// ---- Opening

static std::string join(const std::string &directory, const std::string &file) {
  return (fs::path(directory) / file).string();
}

static void openShards(Split &split, const ManifestSplit &listed, const std::string &directory) {
  for (const ManifestShard &entry : listed.shards) {
    if (entry.file.find('/') != std::string::npos)
      fail("{}: expected file names in manifest.json, but got {}", directory, entry.file);
    Shard shard(join(directory, entry.file));
    if (int64_t(shard.tokens().size()) != entry.tokens || shard.hash() != entry.hash)
      fail(
          "{}: expected {} tokens with hash {} as manifest.json says, but got {} with hash {}; the file was changed or "
          "damaged, run prepare again",
          shard.path(), entry.tokens, entry.hash, shard.tokens().size(), shard.hash());
    split.shards.push_back(std::move(shard));
  }
}

void DataFeed::Impl::openPrepared(const DataFeedOptions &options) {
  std::string path = join(options.directory, kManifestFile);
  Manifest manifest = readManifest(MappedFile(path).text(), path);
  tokenizer = Tokenizer::load(join(options.directory, kTokenizerFile));
  tokenizerHash = tokenizer->hashText();
  if (tokenizerHash != manifest.tokenizerHash)
    fail("{}: expected the tokenizer of hash {} as manifest.json says, but got {}; the file was changed, run prepare "
         "again",
         join(options.directory, kTokenizerFile), manifest.tokenizerHash, tokenizerHash);
  openShards(train, manifest.train, options.directory);
  openShards(validation, manifest.validation, options.directory);
}

/// Shards of llm.c's scripts: *train*.bin and *val*.bin in order of name, with a tokenizer.json if there is one.
void DataFeed::Impl::openForeign(const DataFeedOptions &options) {
  std::vector<std::string> names;
  std::error_code code;
  for (fs::directory_iterator entry(options.directory, code), end; !code && entry != end; entry.increment(code))
    if (std::string name = entry->path().filename().string(); name.ends_with(".bin"))
      names.push_back(name);
  if (code)
    fail("{}: cannot read: {}; expected a directory that prepare wrote", options.directory, code.message());
  std::sort(names.begin(), names.end());
  for (const std::string &name : names)
    if (name.find("train") != std::string::npos)
      train.shards.emplace_back(join(options.directory, name));
    else if (name.find("val") != std::string::npos)
      validation.shards.emplace_back(join(options.directory, name));
  if (train.shards.empty())
    fail("{}: expected a directory that prepare wrote, or shards named *train*.bin and *val*.bin, but found no "
         "manifest.json and no such shards",
         options.directory);
  notes.push_back(fmt::format("{} has no manifest.json: its {} shards are taken as they are", options.directory,
                              train.shards.size() + validation.shards.size()));
  if (fs::exists(join(options.directory, kTokenizerFile), code)) {
    tokenizer = Tokenizer::load(join(options.directory, kTokenizerFile));
    tokenizerHash = tokenizer->hashText();
  }
}

void DataFeed::Impl::checkIds(const DataFeedOptions &options) const {
  for (const Split *split : {&train, &validation})
    for (const Shard &shard : split->shards)
      if (int32_t highest = highestId(shard.tokens()); highest >= options.vocab)
        fail("{}: expected token ids below the model's vocabulary of {}, but got {}; prepare the data with this "
             "executable, or compile with --set model.vocab={}",
             shard.path(), options.vocab, highest, highest + 1);
}

void DataFeed::Impl::checkEnough(const DataFeedOptions &options) const {
  if (train.sequences() > 0)
    return;
  int64_t longest = 0;
  for (const Shard &shard : train.shards)
    longest = std::max(longest, int64_t(shard.tokens().size()));
  int32_t lookahead = options.masked ? 0 : 1;
  if (longest <= lookahead)
    fail("{}: expected training tokens, but its shards are empty; run prepare on more text", options.directory);
  fail(
      "{}: expected at least {} training tokens for one sequence, but got {}; prepare more text, or compile with --set "
      "train.sequence={}",
      options.directory, options.sequence + lookahead, longest, longest - lookahead);
}

/// The mask id that the objective and the tokenizer agree on.
static int32_t chooseMaskId(int32_t wanted, const Tokenizer *tokenizer, const std::string &directory) {
  std::optional<int32_t> own = tokenizer ? tokenizer->maskId() : std::nullopt;
  if (wanted < 0 && !own)
    fail("{}: expected a tokenizer with a token <|mask|>, but there is none; prepare the data with this executable",
         directory);
  if (wanted >= 0 && own && *own != wanted)
    fail("{}: expected objective.mask_id {}, its tokenizer's mask token, but got {}; give --set objective.mask_id={}",
         directory, *own, wanted, *own);
  if (wanted >= 0 && tokenizer && !own && (!tokenizer->bytesOf(wanted).empty() || wanted == tokenizer->endOfText()))
    fail("{}: expected an objective.mask_id that is no token of its tokenizer, but got {}; prepare the data with this "
         "executable",
         directory, wanted);
  return wanted < 0 ? *own : wanted;
}

void DataFeed::Impl::setDocuments(const DataFeedOptions &options) {
  if (tokenizer)
    endOfText = tokenizer->endOfText();
  else if (options.documents)
    notes.push_back(fmt::format("{} has no tokenizer.json, which names the token between documents: each sequence is "
                                "taken as one document (objective.document_mask)",
                                options.directory));
}

void DataFeed::Impl::setMasking(const DataFeedOptions &options) {
  if (!options.masked)
    return;
  MaskedObjective objective = *options.masked;
  objective.maskId = chooseMaskId(objective.maskId, tokenizer ? &*tokenizer : nullptr, options.directory);
  std::vector<int32_t> ordinary;
  for (int32_t id = 0; id < options.vocab; ++id)
    if (tokenizer ? !tokenizer->bytesOf(id).empty() : id != objective.maskId)
      ordinary.push_back(id);
  masking.emplace(objective, std::move(ordinary), endOfText, options.vocab);
}

void DataFeed::Impl::readByteLengths() {
  if (!tokenizer)
    return;
  for (int32_t id = 0; id < kShardIds; ++id) // every u16 has an entry, so that a lookup needs no check
    byteLengths.push_back(uint16_t(std::min<size_t>(tokenizer->bytesOf(id).size(), UINT16_MAX)));
}

static std::string hashOfData(const Split &train, const Split &validation) {
  std::string content;
  for (const Split *split : {&train, &validation}) {
    for (const Shard &shard : split->shards)
      content += shard.hash() + ' ';
    content += '\n';
  }
  return hashOf(content);
}

DataFeed DataFeed::open(const DataFeedOptions &options) {
  auto impl = std::make_unique<Impl>();
  impl->sequence = options.sequence;
  std::error_code code;
  if (!fs::is_directory(options.directory, code))
    fail("{}: expected a directory that prepare wrote, but {}", options.directory,
         fs::exists(options.directory, code) ? "got a file" : "there is none");
  if (fs::exists(join(options.directory, kManifestFile), code))
    impl->openPrepared(options);
  else
    impl->openForeign(options);
  impl->checkIds(options);
  int32_t lookahead = options.masked ? 0 : 1;
  impl->train.number(options.sequence, lookahead, false);
  impl->validation.number(options.sequence, lookahead, true);
  impl->checkEnough(options);
  impl->setDocuments(options);
  impl->setMasking(options);
  impl->readByteLengths();
  impl->dataHash = hashOfData(impl->train, impl->validation);
  return DataFeed(std::move(impl));
}

// ---- Reading

/// The epoch of a position, and the sequence that the epoch's order puts there.
MaskDraw DataFeed::Impl::drawAt(uint64_t seed, int64_t position) const {
  static constexpr uint64_t kOrderStream = 0x6f726465722d6f66u; // apart from other uses of the seed
  uint64_t count = uint64_t(train.sequences()), epoch = uint64_t(position) / count;
  PhiloxCounter words = philox(seed ^ kOrderStream, {uint32_t(epoch), uint32_t(epoch >> 32), 0, 0});
  Permutation order(count, uint64_t(words[0]) << 32 | words[1]);
  return {seed, epoch, order(uint64_t(position) % count)};
}

int32_t DataFeed::Impl::fill(const Sequence &from, const MaskDraw &draw, SampleRow row) const {
  int32_t valid = 0;
  for (int32_t t = 0; t < from.positions; ++t) {
    int32_t token = from.tokens[t];
    row.targets[t] = masking ? token : from.tokens[t + 1];
    bool counts = !masking || masking->apply(draw, t, token);
    row.tokens[t] = token;
    row.lossWeight[t] = counts ? 1.0f : 0.0f;
    valid += counts;
  }
  for (int32_t t = from.positions; t < sequence; ++t) {
    row.tokens[t] = row.targets[t] = 0;
    row.lossWeight[t] = 0.0f;
  }
  if (row.keyPadding)
    for (int32_t t = 0; t < sequence; ++t)
      row.keyPadding[t] = t < from.positions ? 1.0f : 0.0f;
  if (row.segments)
    numberDocuments(from, row.segments);
  return valid;
}

/// Padding belongs to the last document.
void DataFeed::Impl::numberDocuments(const Sequence &from, int32_t *segments) const {
  int32_t document = 0;
  for (int32_t t = 0; t < sequence; ++t) {
    document += t < from.positions && from.tokens[t] == endOfText;
    segments[t] = document;
  }
}

int32_t DataFeed::Impl::countValid(const Sequence &from, const MaskDraw &draw) const {
  if (!masking)
    return from.positions;
  int32_t valid = 0;
  for (int32_t t = 0; t < from.positions; ++t) {
    int32_t token = from.tokens[t];
    valid += masking->apply(draw, t, token);
  }
  return valid;
}

int64_t DataFeed::trainCount() const { return impl->train.sequences(); }

int32_t DataFeed::train(uint64_t seed, int64_t position, SampleRow row) const {
  MaskDraw draw = impl->drawAt(seed, position);
  return impl->fill(impl->train.at(int64_t(draw.sequence)), draw, row);
}

int32_t DataFeed::trainValid(uint64_t seed, int64_t position) const {
  MaskDraw draw = impl->drawAt(seed, position);
  return impl->countValid(impl->train.at(int64_t(draw.sequence)), draw);
}

int64_t DataFeed::validationCount() const { return impl->validation.sequences(); }

int32_t DataFeed::validation(uint64_t seed, int64_t index, SampleRow row) const {
  return impl->fill(impl->validation.at(index), {seed, 0, uint64_t(index)}, row);
}

int64_t DataFeed::validationBytes(uint64_t seed, int64_t index) const {
  if (impl->byteLengths.empty())
    return 0;
  Sequence from = impl->validation.at(index);
  int64_t bytes = 0;
  for (int32_t t = 0; t < from.positions; ++t) {
    int32_t token = from.tokens[t];
    if (!impl->masking)
      bytes += impl->byteLengths[from.tokens[t + 1]];
    else if (impl->masking->apply({seed, 0, uint64_t(index)}, t, token))
      bytes += impl->byteLengths[from.tokens[t]];
  }
  return bytes;
}

int64_t DataFeed::trainTokens() const { return impl->train.tokens(); }
int64_t DataFeed::validationTokens() const { return impl->validation.tokens(); }
std::vector<std::span<const uint16_t>> DataFeed::trainShards() const { return impl->train.spans(); }
std::vector<std::span<const uint16_t>> DataFeed::validationShards() const { return impl->validation.spans(); }
const Tokenizer *DataFeed::tokenizer() const { return impl->tokenizer ? &*impl->tokenizer : nullptr; }
const std::string &DataFeed::tokenizerHash() const { return impl->tokenizerHash; }
const std::string &DataFeed::dataHash() const { return impl->dataHash; }
const std::vector<std::string> &DataFeed::notes() const { return impl->notes; }

} // namespace nf::rt
