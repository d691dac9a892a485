// What a model without parameters reaches on the same tokens: the bar that a trained one must pass.
#ifndef NF_RUNTIME_TRAIN_DATA_NGRAMS_H
#define NF_RUNTIME_TRAIN_DATA_NGRAMS_H

#include <cstdint>
#include <span>

namespace nf::rt {

struct NGramPerplexity {
  double unigram = 0, bigram = 0;
  int64_t tokens = 0; ///< predicted ones: all of validation but the first of each shard, as a causal model's targets
};

/// Counts are taken from `train`, perplexities (exp of the mean negative log-likelihood) on `validation`, over `ids`
/// ids; every token must be below it.
///   unigram: p1(w) = (c(w) + 1) / (N + ids)                                    (add one)
///   bigram:  p2(w | h) = (c(h, w) + D(h) p1(w)) / (c(h) + D(h)),  D(h) = number of different followers of h
///            (Witten-Bell; p1(w) where h was never seen)
NGramPerplexity ngramPerplexity(std::span<const std::span<const uint16_t>> train,
                                std::span<const std::span<const uint16_t>> validation, int32_t ids);

} // namespace nf::rt

#endif // NF_RUNTIME_TRAIN_DATA_NGRAMS_H
