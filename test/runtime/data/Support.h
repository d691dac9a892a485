// What the tests of the data side share.
#ifndef NF_TEST_RUNTIME_DATA_SUPPORT_H
#define NF_TEST_RUNTIME_DATA_SUPPORT_H

#include "runtime/core/Error.h"
#include "runtime/train/data/DataFeed.h"
#include "runtime/train/data/Prepare.h"
#include "runtime/train/data/Shards.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sstream>

namespace nf::rt {

/// A directory that is gone after the test.
class Folder {
public:
  Folder() {
    std::string name = ::testing::TempDir() + "nf-data-XXXXXX";
    root = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(root); }

  std::string at(const std::string &name) const { return root + "/" + name; }
  std::string write(const std::string &name, std::string_view bytes) const {
    std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
    std::ofstream(at(name), std::ios::binary) << bytes;
    return at(name);
  }
  std::string read(const std::string &name) const {
    std::ifstream stream(at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  /// Names of the files and directories in it, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto &entry : std::filesystem::directory_iterator(root))
      all.push_back(entry.path().filename().string());
    std::sort(all.begin(), all.end());
    return all;
  }

private:
  std::string root;
};

/// `text` with one space for each run of spaces: tables without their column widths.
inline std::string squeezed(const std::string &text) {
  std::string result;
  for (char c : text)
    if (c != ' ' || result.empty() || result.back() != ' ')
      result += c;
  return result;
}

/// The message of the Error that `act` throws, with `folder` written as "DIR"; "" when it throws none.
template <typename Act> std::string errorOf(const Folder &folder, Act &&act) {
  try {
    act();
  } catch (const Error &error) {
    std::string message = error.what(), root = folder.at("");
    for (size_t at; (at = message.find(root)) != std::string::npos;)
      message.replace(at, root.size(), "DIR/");
    return message;
  }
  return "";
}

/// Lines of common and made-up words in a fixed pseudo-random order, about `bytes` long.
inline std::string prose(size_t bytes, uint32_t seed = 1) {
  static const char *words[] = {"the ", "cat ",    "sat ",    "on ",    "a ", "mat, ",
                                "and ", "didn't ", "move.\n", "Größe ", "42 "};
  static const char *syllables[] = {"ba", "co", "di", "fu", "gra", "hel", "mo", "nis"};
  auto draw = [&] { return (seed = seed * 1664525u + 1013904223u) >> 16; };
  std::string text;
  while (text.size() < bytes) {
    if (draw() % 3) {
      text += words[draw() % std::size(words)];
      continue;
    }
    for (uint32_t left = 2 + draw() % 3; left > 0; --left)
      text += syllables[draw() % std::size(syllables)];
    text += ' ';
  }
  return text;
}

/// Options that fit prose(): a byte tokenizer, vocabulary 512, sequence 16.
inline PrepareOptions optionsFor(const std::string &input, const std::string &output) {
  PrepareOptions options;
  options.inputs = {input};
  options.output = output;
  options.tokenizer = "bytes";
  options.vocab = 512;
  options.sequence = 16;
  options.definition = "m.toml";
  options.program = "./m";
  return options;
}

inline std::string prepared(const PrepareOptions &options) {
  std::ostringstream out;
  prepare(options, out);
  return out.str();
}

/// The bytes of a shard with these tokens.
inline std::string shardOf(const std::vector<uint16_t> &tokens) {
  return shardHeader(tokens.size()) +
         std::string(reinterpret_cast<const char *>(tokens.data()), tokens.size() * sizeof(uint16_t));
}

/// Owns what a SampleRow points to.
struct RowBuffer {
  explicit RowBuffer(int32_t length)
      : tokens(length, -1), targets(length, -1), segments(length, -1), weight(length, -1), padding(length, -1) {}
  SampleRow row() { return {tokens.data(), targets.data(), weight.data(), padding.data(), segments.data()}; }
  std::vector<int32_t> tokens, targets, segments;
  std::vector<float> weight, padding;
};

} // namespace nf::rt

#endif // NF_TEST_RUNTIME_DATA_SUPPORT_H
