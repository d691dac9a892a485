// Vocabulary projection and cross entropy. x is [..., d], weight is [vocabulary, d]; targets and loss_weight are [...].
#include "runtime/reference/Tables.h"

#include <algorithm>
#include <cmath>

namespace nf::rt::reference {

namespace {
/// The softmax of one token's logits x·Wᵀ.
template <typename T> struct TokenSoftmax {
  std::vector<T> logits;
  T lse = 0; // log Σ e^logits

  TokenSoftmax(const Tensor<T> &x, const Tensor<T> &weight, int64_t token) : logits(weight.rows()) {
    for (int64_t word = 0; word < weight.rows(); ++word)
      for (int64_t i = 0; i < x.columns(); ++i)
        logits[word] += x.at(token, i) * weight.at(word, i);
    T maximum = *std::max_element(logits.begin(), logits.end()), sum = 0;
    for (T logit : logits)
      sum += std::exp(logit - maximum);
    lse = maximum + std::log(sum);
  }
};
} // namespace

/// x, weight, targets, loss_weight, scale -> loss [].
template <typename T> static void linearCrossEntropy(Call<T> &call) {
  const Tensor<T> &x = call.in(0), &weight = call.in(1), &lossWeight = call.in(3);
  for (int64_t token = 0; token < x.rows(); ++token) {
    TokenSoftmax<T> softmax(x, weight, token);
    T nll = softmax.lse - softmax.logits[call.in(2).integers[token]];
    call.out()[0] += call.in(4)[0] * lossWeight[token] * nll;
  }
}

/// x, weight, targets, loss_weight, scale -> loss [], dx, dweight.
template <typename T> static void linearCrossEntropyBackward(Call<T> &call) {
  linearCrossEntropy(call);
  const Tensor<T> &x = call.in(0), &weight = call.in(1), &lossWeight = call.in(3);
  Tensor<T> &dx = call.out(1), &dWeight = call.out(2);
  for (int64_t token = 0; token < x.rows(); ++token) {
    TokenSoftmax<T> softmax(x, weight, token);
    for (int64_t word = 0; word < weight.rows(); ++word) {
      T isTarget = word == call.in(2).integers[token] ? T(1) : T(0);
      T dLogit = call.in(4)[0] * lossWeight[token] * (std::exp(softmax.logits[word] - softmax.lse) - isTarget);
      for (int64_t i = 0; i < x.columns(); ++i) {
        dx.at(token, i) += dLogit * weight.at(word, i);
        dWeight.at(word, i) += dLogit * x.at(token, i);
      }
    }
  }
}

template <typename T> void addLoss(KernelTable<T> &table) {
  table["nf.linear_cross_entropy"] = linearCrossEntropy<T>;
  table["nf.linear_cross_entropy_backward"] = linearCrossEntropyBackward<T>;
}

NF_REFERENCE_TABLE(addLoss)

} // namespace nf::rt::reference
