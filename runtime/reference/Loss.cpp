// Vocabulary projection and cross entropy. x is [..., d], weight is [vocabulary, d]; targets and loss_weight are [...].
#include "runtime/reference/Tables.h"

#include <algorithm>
#include <cmath>

namespace nf::rt::reference {

namespace {
/// The softmax of one token's logits x·Wᵀ + bias.
template <typename T> struct TokenSoftmax {
  std::vector<T> logits;
  T lse = 0; // log Σ e^logits

  TokenSoftmax(const Call<T> &call, int64_t token) : logits(call.in(1).rows()) {
    const Tensor<T> &x = call.in(0), &weight = call.in(1);
    if (call.has(5))
      logits = call.in(5).floats;
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

/// x, weight, targets, loss_weight, scale, bias or none -> loss [].
template <typename T> static void linearCrossEntropy(Call<T> &call) {
  const Tensor<T> &lossWeight = call.in(3);
  for (int64_t token = 0; token < call.in(0).rows(); ++token) {
    TokenSoftmax<T> softmax(call, token);
    T nll = softmax.lse - softmax.logits[call.in(2).integers[token]];
    call.out()[0] += call.in(4)[0] * lossWeight[token] * nll;
  }
}

/// x, weight, targets, loss_weight, scale, bias or none -> loss [], dx, dweight, dbias with a bias.
template <typename T> static void linearCrossEntropyBackward(Call<T> &call) {
  linearCrossEntropy(call);
  const Tensor<T> &x = call.in(0), &weight = call.in(1), &lossWeight = call.in(3);
  Tensor<T> &dx = call.out(1), &dWeight = call.out(2);
  for (int64_t token = 0; token < x.rows(); ++token) {
    TokenSoftmax<T> softmax(call, token);
    for (int64_t word = 0; word < weight.rows(); ++word) {
      T isTarget = word == call.in(2).integers[token] ? T(1) : T(0);
      T dLogit = call.in(4)[0] * lossWeight[token] * (std::exp(softmax.logits[word] - softmax.lse) - isTarget);
      if (call.has(5))
        call.out(3)[word] += dLogit;
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
