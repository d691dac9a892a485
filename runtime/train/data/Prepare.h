#ifndef NF_RUNTIME_TRAIN_DATA_PREPARE_H
#define NF_RUNTIME_TRAIN_DATA_PREPARE_H

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace nf::rt {

struct PrepareOptions {
  std::vector<std::string> inputs; ///< text files, or directories whose .txt files are taken in order of name
  std::string output;              ///< directory to create; an earlier prepared one is replaced as a whole
  std::string tokenizer = "bpe";   ///< "bytes", "bpe" (trained from the inputs), or the path of a tokenizer.json
  double validation = 0.05;        ///< share of the text, in [0, 1)
  uint64_t seed = 1;               ///< chooses which documents or blocks are validation
  int32_t vocab = 0;               ///< of the compiled model
  bool vocabIsOfGraph = false;     ///< the model was imported, and its definition has no vocabulary
  int32_t sequence = 0;            ///< of the compiled model
  bool masked = false;             ///< the model's objective is masked: the tokenizer needs a mask id
  int32_t maskId = -1;             ///< objective.mask_id, reserved in a tokenizer made here; -1: 257
  std::string definition;          ///< path of the model definition, for messages; may be empty
  std::string program;             ///< argv[0], for the printed next command
};

/// "5%" or "0.05" to 0.05. Throws Error.
double parseShare(const std::string &text);

/// Tokenizes the inputs and writes output/{train-NNNNN.bin, validation-NNNNN.bin, tokenizer.json, manifest.json}
/// (docs/data.md) under a temporary name beside `output`, fsynced and renamed; prints a summary to `out`. Throws
/// Error, and then leaves nothing behind.
void prepare(const PrepareOptions &options, std::ostream &out);

/// The subcommand data-stats: prints token counts, bytes a token, and the perplexity of a unigram and of a bigram model
/// on the validation tokens, as lines "unigram perplexity 312.41" and "bigram perplexity 98.20".
void printDataStats(const std::string &directory, std::ostream &out);

} // namespace nf::rt

#endif // NF_RUNTIME_TRAIN_DATA_PREPARE_H
