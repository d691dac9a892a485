// prepare, top to bottom: read the text, hold some out, get a tokenizer, tokenize into shards, describe them in a
// manifest, and only then give the directory its name.
#include "runtime/train/data/Prepare.h"
#include "runtime/core/Error.h"
#include "runtime/train/data/Manifest.h"
#include "runtime/train/data/Shards.h"
#include "runtime/train/data/SplitText.h"
#include "runtime/train/data/TextFiles.h"
#include "runtime/train/data/Tokenizer.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace nf::rt {

static constexpr size_t kShardTokens = 100'000'000; // as llm.c's scripts, 200 MB

double parseShare(const std::string &text) {
  bool percent = text.ends_with('%');
  std::string_view digits(text.data(), text.size() - percent);
  double value = 0;
  auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (percent)
    value /= 100;
  if (code != std::errc() || end != digits.data() + digits.size() || !(value >= 0 && value < 1))
    throw UsageError(fmt::format("expected a share such as 5% or 0.05, from 0 to below 1, but got '{}'", text));
  return value;
}

// ---- The tokenizer

static std::string definitionOf(const PrepareOptions &options) {
  return options.definition.empty() ? "the model's definition" : options.definition;
}

static void checkFits(const PrepareOptions &options, int32_t ids, const std::string &tokenizer) {
  if (ids > kShardIds)
    fail("{}: expected at most {} ids, which is what a shard holds, but got {}; give a smaller tokenizer, or "
         "--tokenizer bpe",
         tokenizer, kShardIds, ids);
  if (ids <= options.vocab)
    return;
  if (options.vocabIsOfGraph)
    fail("{}: expected at most {} ids, the vocabulary of the imported graph, but got {}; give the tokenizer that the "
         "graph was made for, or import a graph with a vocabulary of at least {}",
         tokenizer, options.vocab, ids, ids);
  fail(
      "{}: expected a vocabulary of at least {} for the ids of {}, but got {}; put this line under [model] and compile "
      "again: vocab = {}",
      definitionOf(options), ids, tokenizer, options.vocab, ids);
}

static Tokenizer makeTokenizer(const PrepareOptions &options, std::span<const std::string_view> trainText,
                               std::vector<std::string> &notes) {
  const std::string &choice = options.tokenizer;
  if (choice == "bytes" || choice == "bpe") {
    int32_t fixed = Tokenizer::bytes().size() + options.masked;
    checkFits(options, fixed, "tokenizer " + choice);
    int32_t maskId = !options.masked ? -1 : options.maskId < 0 ? fixed - 1 : options.maskId;
    if (choice == "bytes")
      return Tokenizer::bytes(maskId);
    int32_t wanted = std::min(options.vocab, kShardIds);
    Tokenizer bpe = Tokenizer::trainBpe(trainText, {wanted, maskId});
    if (int32_t used = fixed + bpe.mergeCount(); used < wanted)
      notes.push_back(fmt::format(
          "the text gives {} ids, fewer than the {} asked for: no other pair of tokens occurs twice", used, wanted));
    return bpe;
  }
  std::error_code code;
  if (!std::filesystem::exists(choice, code))
    fail("{}: expected --tokenizer bytes, bpe or a tokenizer.json, but there is no such file", choice);
  Tokenizer loaded = Tokenizer::load(choice);
  checkFits(options, loaded.size(), choice);
  if (options.masked && !loaded.maskId())
    fail("{}: expected a special token <|mask|> for the masked objective, but got none; add one, or give --tokenizer "
         "bpe",
         choice);
  if (options.masked && options.maskId >= 0 && *loaded.maskId() != options.maskId)
    notes.push_back(fmt::format("{} has its mask token at id {}: train with --set objective.mask_id={}", choice,
                                *loaded.maskId(), *loaded.maskId()));
  return loaded;
}

// ---- Shards

namespace {

/// Collects the tokens of a split and writes a shard whenever one is full.
class SplitWriter {
public:
  SplitWriter(NewDirectory &directory, std::string name) : directory(directory), name(std::move(name)) {}

  void append(std::string_view text, const Tokenizer &tokenizer) {
    ids.assign(1, tokenizer.endOfText());
    tokenizer.encode(text, ids);
    split.pieces += 1;
    split.bytes += int64_t(text.size());
    split.tokens += int64_t(ids.size());
    for (int32_t id : ids) {
      buffer.push_back(uint16_t(id));
      if (buffer.size() == kShardTokens)
        writeShard();
    }
  }

  ManifestSplit finish() {
    if (!buffer.empty())
      writeShard();
    return std::move(split);
  }

private:
  void writeShard() {
    std::string file = fmt::format("{}-{:05}.bin", name, split.shards.size()), header = shardHeader(buffer.size());
    std::string_view bytes(reinterpret_cast<const char *>(buffer.data()), buffer.size() * sizeof(uint16_t));
    directory.write(file, header, bytes);
    split.shards.push_back({file, int64_t(buffer.size()), hashOf(header, bytes)});
    buffer.clear();
  }

  NewDirectory &directory;
  std::string name;
  ManifestSplit split;
  std::vector<int32_t> ids;
  std::vector<uint16_t> buffer;
};

} // namespace

static ManifestSplit writeSplit(NewDirectory &directory, const std::string &name,
                                std::span<const std::string_view> texts, const Tokenizer &tokenizer) {
  SplitWriter writer(directory, name);
  for (std::string_view text : texts)
    writer.append(text, tokenizer);
  return writer.finish();
}

static void checkEnough(const PrepareOptions &options, const ManifestSplit &train) {
  int64_t needed = options.sequence + (options.masked ? 0 : 1);
  if (train.tokens < needed)
    fail("{}: expected at least {} training tokens for one sequence of {}, but got {}; give more text, or put the "
         "sequence that fits under [train] and compile again: sequence = {}",
         options.inputs.front(), needed, options.sequence, train.tokens,
         std::max<int64_t>(1, train.tokens - (options.masked ? 0 : 1)));
}

/// The names that a prepared directory holds; one with other files in it is not replaced.
static bool isPreparedFile(std::string_view name) {
  return name == kManifestFile || name == kTokenizerFile ||
         ((name.starts_with("train-") || name.starts_with("validation-")) && name.ends_with(".bin"));
}

// ---- The summary

static std::string grouped(int64_t number) {
  std::string digits = std::to_string(number);
  for (int64_t at = int64_t(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(size_t(at), ",");
  return digits;
}

static std::string bytesForPeople(int64_t bytes) {
  return bytes < 100'000 ? grouped(bytes) + " bytes" : fmt::format("{:.1f} MB", double(bytes) / 1e6);
}

static std::string describe(const ManifestSplit &split) {
  return fmt::format("{} tokens from {} of text in {} pieces, {} shard{}", grouped(split.tokens),
                     bytesForPeople(split.bytes), grouped(split.pieces), split.shards.size(),
                     split.shards.size() == 1 ? "" : "s");
}

static void printSummary(const PrepareOptions &options, const Manifest &manifest, std::span<const std::string> notes,
                         std::ostream &out) {
  int64_t bytes = manifest.train.bytes + manifest.validation.bytes;
  int64_t textTokens =
      manifest.train.tokens + manifest.validation.tokens - manifest.train.pieces - manifest.validation.pieces;
  out << fmt::format("prepared {}: {} document{}, {} of text\n", options.output, grouped(manifest.documents),
                     manifest.documents == 1 ? "" : "s", bytesForPeople(bytes));
  out << fmt::format("  tokenizer   {}, {} ids, {:.2f} bytes a token\n", manifest.tokenizerKind,
                     grouped(manifest.tokenizerIds), double(bytes) / double(std::max<int64_t>(1, textTokens)));
  out << fmt::format("  train       {}\n", describe(manifest.train));
  if (manifest.validation.tokens > 0)
    out << fmt::format("  validation  {}\n              ({:.1f}% of the text, {} chosen by seed {})\n",
                       describe(manifest.validation), 100.0 * double(manifest.validation.bytes) / double(bytes),
                       manifest.splitBy, manifest.seed);
  else
    out << "  validation  none\n";
  out << "  files       train-*.bin, " << (manifest.validation.tokens > 0 ? "validation-*.bin, " : "") << kTokenizerFile
      << ", " << kManifestFile << "\n";
  for (const std::string &note : notes)
    out << "note: " << note << "\n";
  out << fmt::format("next: {} train --data {} --out run/\n", options.program.empty() ? "./model" : options.program,
                     options.output);
}

void prepare(const PrepareOptions &options, std::ostream &out) {
  std::vector<std::string> notes;
  std::vector<TextFile> files = openTextFiles(options.inputs, notes);
  NewDirectory directory(options.output, isPreparedFile);
  std::vector<std::string_view> documents;
  for (const TextFile &file : files)
    documents.push_back(file.text);
  TextSplit split = splitText(documents, options.validation, options.seed);
  if (split.validation.empty() && options.validation > 0)
    notes.push_back("the text is too short to hold any of it out: there is no validation data");

  Tokenizer tokenizer = makeTokenizer(options, split.train, notes);
  Manifest manifest;
  manifest.train = writeSplit(directory, "train", split.train, tokenizer);
  checkEnough(options, manifest.train);
  manifest.validation = writeSplit(directory, "validation", split.validation, tokenizer);
  manifest.tokenizerKind = tokenizer.kind();
  manifest.tokenizerHash = tokenizer.hashText();
  manifest.tokenizerIds = tokenizer.size();
  manifest.seed = options.seed;
  manifest.validationShare = options.validation;
  manifest.splitBy = split.by;
  manifest.documents = int64_t(documents.size());
  directory.write(kTokenizerFile, tokenizer.toJson(), "");
  directory.write(kManifestFile, writeManifest(manifest), "");
  directory.publish();
  printSummary(options, manifest, notes, out);
}

} // namespace nf::rt
