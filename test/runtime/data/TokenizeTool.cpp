// The tokenizer from a command line, so that compare_tokenizers.py can hold it against another implementation.
//   data-tokenize train IDS TEXT TOKENIZER_JSON     data-tokenize encode TOKENIZER_JSON TEXT
#include "runtime/core/Error.h"
#include "runtime/train/data/Files.h"
#include "runtime/train/data/Tokenizer.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

using namespace nf::rt;

static int run(const std::vector<std::string> &arguments) {
  if (arguments.size() == 4 && arguments[0] == "train") {
    MappedFile text(arguments[2]);
    std::string_view view = text.text();
    int32_t ids = std::atoi(arguments[1].c_str());
    std::string json = Tokenizer::trainBpe(std::span(&view, 1), {ids, ids - 1}).toJson();
    return (std::ofstream(arguments[3]) << json).flush() ? 0 : 1;
  }
  if (arguments.size() == 3 && arguments[0] == "encode") {
    MappedFile text(arguments[2]);
    for (int32_t id : Tokenizer::load(arguments[1]).encode(text.text()))
      std::printf("%d\n", id);
    return 0;
  }
  std::fputs("usage: data-tokenize train IDS TEXT TOKENIZER_JSON | encode TOKENIZER_JSON TEXT\n", stderr);
  return 2;
}

int main(int count, char **values) {
  try {
    return run({values + 1, values + count});
  } catch (const Error &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return error.exitCode();
  }
}
