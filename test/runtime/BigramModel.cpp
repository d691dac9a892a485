// A model written by hand in the place of a compiled one: logits of the next token = weight[token] + bias, trained with
// AdamW. It lets everything of the runtime be tested without the compiler. Environment variables break it on purpose:
// BIGRAM_NAN_LOSS=n and BIGRAM_NAN_GRADIENT=n at step n, BIGRAM_SLOW=ms makes every micro-batch slow.
#include "runtime/abi/nf_abi.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <thread>

#ifndef BIGRAM_MICRO_BATCH
#define BIGRAM_MICRO_BATCH 4
#endif
#ifndef BIGRAM_SEQUENCE
#define BIGRAM_SEQUENCE 16
#endif
#ifndef BIGRAM_VOCAB
#define BIGRAM_VOCAB 260
#endif
#define BIGRAM_TEXT_(x) #x
#define BIGRAM_TEXT(x) BIGRAM_TEXT_(x)
#ifdef BIGRAM_ENCODER
#define BIGRAM_KIND "\"kind\":\"encoder\",\"objective\":\"masked\""
#define BIGRAM_OBJECTIVE                                                                                               \
  ",\"objective.mask_rate\":{\"value\":0.15,\"origin\":\"default\"},"                                                  \
  "\"objective.mask_token\":{\"value\":0.8,\"origin\":\"default\"},"                                                   \
  "\"objective.random_token\":{\"value\":0.1,\"origin\":\"default\"},"                                                 \
  "\"objective.mask_id\":{\"value\":259,\"origin\":\"default\"}"
#else
#define BIGRAM_KIND "\"kind\":\"decoder\",\"objective\":\"causal\""
#define BIGRAM_OBJECTIVE ""
#endif

namespace {

constexpr int64_t B = BIGRAM_MICRO_BATCH, T = BIGRAM_SEQUENCE, V = BIGRAM_VOCAB, rows = B * T;

constexpr int64_t aligned(int64_t bytes) { return (bytes + NF_ALIGNMENT - 1) / NF_ALIGNMENT * NF_ALIGNMENT; }

// The persistent segment: weight and bias with m, v and gradient each.
constexpr int64_t weightBytes = V * V * 4, biasBytes = V * 4;
constexpr int64_t weightAt(int64_t which) { return which * aligned(weightBytes); }
constexpr int64_t biasAt(int64_t which) { return weightAt(4) + which * aligned(biasBytes); }

#define BIGRAM_WEIGHT(which, init, kind)                                                                               \
  {"bigram.weight", init, weightAt(which), weightBytes, {V, V}, 2, NF_F32, kind, 0}
#define BIGRAM_BIAS(which, init, kind) {"bigram.bias", init, biasAt(which), biasBytes, {V}, 1, NF_F32, kind, 1}
constexpr nf_state states[] = {
    BIGRAM_WEIGHT(0, "{\"kind\":\"normal\",\"std\":0.02}", NF_STATE_PARAMETER),
    BIGRAM_BIAS(0, "{\"kind\":\"zeros\"}", NF_STATE_PARAMETER),
    BIGRAM_WEIGHT(1, "", NF_STATE_MOMENT1),
    BIGRAM_BIAS(1, "", NF_STATE_MOMENT1),
    BIGRAM_WEIGHT(2, "", NF_STATE_MOMENT2),
    BIGRAM_BIAS(2, "", NF_STATE_MOMENT2),
    BIGRAM_WEIGHT(3, "", NF_STATE_GRADIENT),
    BIGRAM_BIAS(3, "", NF_STATE_GRADIENT),
};

float *weight(nf_context *context, int64_t which) {
  return reinterpret_cast<float *>(context->persistent + weightAt(which));
}
float *bias(nf_context *context, int64_t which) {
  return reinterpret_cast<float *>(context->persistent + biasAt(which));
}

// The transient arena: the batch, one cache line a scalar, then the row losses and the logits.
constexpr int64_t batchAt(int64_t which) { return which * aligned(rows * 4); }
constexpr int64_t scalarAt(int64_t which) { return batchAt(4) + which * NF_ALIGNMENT; }
constexpr int64_t lossesAt = scalarAt(16), logitsAt = lossesAt + aligned(rows * 4);
constexpr int64_t arenaBytes = logitsAt + aligned(rows * V * 4);

template <typename T_> T_ *at(nf_context *context, int64_t offset) {
  return reinterpret_cast<T_ *>(context->transient + offset);
}

#define BIGRAM_BATCH(name, which, type) {name, batchAt(which), rows * 4, {B, T}, 2, type, NF_IN, 0}
#define BIGRAM_SCALAR(name, which, type, direction) {name, scalarAt(which), 4, {}, 0, type, direction, 0}
constexpr nf_argument trainArguments[] = {
    BIGRAM_BATCH("tokens", 0, NF_I32),
    BIGRAM_BATCH("targets", 1, NF_I32),
    BIGRAM_BATCH("loss_weight", 2, NF_F32),
    BIGRAM_SCALAR("inv_count", 0, NF_F32, NF_IN),
    BIGRAM_SCALAR("accumulate", 1, NF_I32, NF_IN),
    BIGRAM_SCALAR("step", 2, NF_I32, NF_IN),
    BIGRAM_SCALAR("loss", 3, NF_F32, NF_OUT),
};
constexpr nf_argument evalArguments[] = {
    BIGRAM_BATCH("tokens", 0, NF_I32),
    BIGRAM_BATCH("targets", 1, NF_I32),
    BIGRAM_BATCH("loss_weight", 2, NF_F32),
    BIGRAM_SCALAR("loss_sum", 3, NF_F32, NF_OUT),
};
constexpr nf_argument logitsArguments[] = {
    {"tokens", batchAt(0), T * 4, {1, T}, 2, NF_I32, NF_IN, 0},
    BIGRAM_SCALAR("index", 0, NF_I32, NF_IN),
    {"logits", logitsAt, V * 4, {V}, 1, NF_F32, NF_OUT, 0},
};
constexpr nf_argument updateArguments[] = {
    BIGRAM_SCALAR("lr", 0, NF_F32, NF_IN),
    BIGRAM_SCALAR("beta1", 1, NF_F32, NF_IN),
    BIGRAM_SCALAR("beta2", 2, NF_F32, NF_IN),
    BIGRAM_SCALAR("eps", 3, NF_F32, NF_IN),
    BIGRAM_SCALAR("clip", 4, NF_F32, NF_IN),
    BIGRAM_SCALAR("bias_correction1", 5, NF_F32, NF_IN),
    BIGRAM_SCALAR("bias_correction2", 6, NF_F32, NF_IN),
    {"weight_decay", scalarAt(7), 8, {2}, 1, NF_F32, NF_IN, 0},
    BIGRAM_SCALAR("grad_norm", 8, NF_F32, NF_OUT),
    {"grad_sqnorm", scalarAt(9), 8, {2}, 1, NF_F32, NF_OUT, 0},
};

int64_t environment(const char *name) {
  const char *value = std::getenv(name);
  return value ? std::atoll(value) : -1;
}

// Kernel: loss of one row, and its logits turned into (softmax - one hot) * weight * scale.
void rowKernel(void *const *args, int64_t row, void *) {
  auto tokens = static_cast<const int32_t *>(args[0]), targets = static_cast<const int32_t *>(args[1]);
  auto lossWeight = static_cast<const float *>(args[2]);
  auto weights = static_cast<const float *>(args[3]), biases = static_cast<const float *>(args[4]);
  float scale = *static_cast<const float *>(args[5]);
  float *logits = static_cast<float *>(args[7]) + row * V;
  float largest = -std::numeric_limits<float>::infinity(), sum = 0;
  for (int64_t v = 0; v < V; ++v) {
    logits[v] = weights[tokens[row] * V + v] + biases[v];
    largest = std::max(largest, logits[v]);
  }
  for (int64_t v = 0; v < V; ++v)
    sum += std::exp(logits[v] - largest);
  float logSum = largest + std::log(sum);
  static_cast<float *>(args[6])[row] = lossWeight[row] * (logSum - logits[targets[row]]);
  for (int64_t v = 0; v < V; ++v)
    logits[v] = (std::exp(logits[v] - logSum) - (v == targets[row] ? 1.0f : 0.0f)) * lossWeight[row] * scale;
}

float forward(nf_context *context, const float *scale) {
  float *losses = at<float>(context, lossesAt);
  void *args[] = {at<int32_t>(context, batchAt(0)),
                  at<int32_t>(context, batchAt(1)),
                  at<float>(context, batchAt(2)),
                  weight(context, 0),
                  bias(context, 0),
                  const_cast<float *>(scale),
                  losses,
                  at<float>(context, logitsAt)};
  nf_launch(context, rowKernel, args, rows, "bigram.forward");
  float sum = 0;
  for (int64_t row = 0; row < rows; ++row)
    sum += losses[row];
  return sum;
}

void forwardBackward(nf_context *context) {
  if (int64_t milliseconds = environment("BIGRAM_SLOW"); milliseconds > 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  const float *inverse = at<float>(context, scalarAt(0));
  float sum = forward(context, inverse);
  int32_t step = *at<int32_t>(context, scalarAt(2));
  float *gradW = weight(context, 3), *gradB = bias(context, 3);
  if (*at<int32_t>(context, scalarAt(1)) == 0) {
    std::fill_n(gradW, V * V, 0.0f);
    std::fill_n(gradB, V, 0.0f);
  }
  const int32_t *tokens = at<int32_t>(context, batchAt(0));
  const float *logits = at<float>(context, logitsAt);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t v = 0; v < V; ++v) {
      gradW[tokens[row] * V + v] += logits[row * V + v];
      gradB[v] += logits[row * V + v];
    }
  if (step == environment("BIGRAM_NAN_GRADIENT"))
    gradB[1] = std::numeric_limits<float>::infinity();
  float nan = std::numeric_limits<float>::quiet_NaN();
  *at<float>(context, scalarAt(3)) = step == environment("BIGRAM_NAN_LOSS") ? nan : sum * *inverse;
}

void update(nf_context *context) {
  auto scalar = [&](int64_t which) { return *at<float>(context, scalarAt(which)); };
  float *tensors[2][4];
  for (int64_t which = 0; which < 4; ++which) {
    tensors[0][which] = weight(context, which);
    tensors[1][which] = bias(context, which);
  }
  const int64_t sizes[2] = {V * V, V};
  float *squares = at<float>(context, scalarAt(9)), total = 0;
  for (int p = 0; p < 2; ++p) {
    squares[p] = 0;
    for (int64_t i = 0; i < sizes[p]; ++i)
      squares[p] += tensors[p][3][i] * tensors[p][3][i];
    total += squares[p];
  }
  float norm = std::sqrt(total), clip = scalar(4);
  *at<float>(context, scalarAt(8)) = norm;
  if (!std::isfinite(norm))
    return;
  float scale = clip > 0 ? std::min(1.0f, clip / (norm + 1e-6f)) : 1.0f;
  const float *decay = at<float>(context, scalarAt(7));
  for (int p = 0; p < 2; ++p)
    for (int64_t i = 0; i < sizes[p]; ++i) {
      float &value = tensors[p][0][i], &m = tensors[p][1][i], &v = tensors[p][2][i], g = tensors[p][3][i] * scale;
      value *= 1 - scalar(0) * decay[p];
      m = scalar(1) * m + (1 - scalar(1)) * g;
      v = scalar(2) * v + (1 - scalar(2)) * g * g;
      value -= scalar(0) / scalar(5) * m / (std::sqrt(v) / std::sqrt(scalar(6)) + scalar(3));
    }
}

void evaluate(nf_context *context) {
  const float one = 1;
  *at<float>(context, scalarAt(3)) = forward(context, &one);
}

void logits(nf_context *context) {
  int32_t token = at<int32_t>(context, batchAt(0))[*at<int32_t>(context, scalarAt(0))];
  for (int64_t v = 0; v < V; ++v)
    at<float>(context, logitsAt)[v] = weight(context, 0)[token * V + v] + bias(context, 0)[v];
}

#define BIGRAM_PROGRAM(name, entry, arguments) {name, entry, arguments, std::size(arguments), arenaBytes}
constexpr nf_program programs[] = {
    BIGRAM_PROGRAM("forward_backward", forwardBackward, trainArguments),
    BIGRAM_PROGRAM("update", update, updateArguments),
    BIGRAM_PROGRAM("eval", evaluate, evalArguments),
    BIGRAM_PROGRAM("logits", logits, logitsArguments),
};

constexpr const char *metadata =
    "{\"model\":{\"name\":\"bigram\"," BIGRAM_KIND ",\"layers\":1,\"d_model\":1,\"heads\":1,\"d_ffn\":1,"
    "\"vocab\":" BIGRAM_TEXT(BIGRAM_VOCAB) ",\"context\":64,\"sequence\":" BIGRAM_TEXT(
        BIGRAM_SEQUENCE) ","
                         "\"micro_batch\":" BIGRAM_TEXT(
                             BIGRAM_MICRO_BATCH) ",\"precision\":\"fp32\",\"dropout\":false},"
                                                 "\"definition_file\":\"models/"
                                                 "bigram.toml\",\"definition\":\"[model]\\n\","
                                                 "\"compile_keys\":{\"model.layers\":{\"value\":1,\"origin\":"
                                                 "\"definition\"},"
                                                 "\"train.micro_batch\":{\"value\":" BIGRAM_TEXT(
                                                     BIGRAM_MICRO_BATCH) ",\"origin\":\"definition\"}},"
                                                                         "\"run_keys\":{\"train.global_batch\":{"
                                                                         "\"value\":6,\"origin\":\"definition\","
                                                                         "\"line\":9},"
                                                                         "\"train.steps\":{\"value\":20,\"origin\":"
                                                                         "\"definition\",\"line\":10},"
                                                                         "\"train.tokens\":{\"value\":0,\"origin\":"
                                                                         "\"default\"},"
                                                                         "\"train.lr\":{\"value\":0.05,\"origin\":"
                                                                         "\"definition\",\"line\":12},"
                                                                         "\"train.beta1\":{\"value\":0.9,\"origin\":"
                                                                         "\"default\"},\"train.beta2\":{\"value\":0.95,"
                                                                         "\"origin\":\"default\"},"
                                                                         "\"train.eps\":{\"value\":1e-8,\"origin\":"
                                                                         "\"default\"},\"train.weight_decay\":{"
                                                                         "\"value\":0.1,\"origin\":\"default\"},"
                                                                         "\"train.decay\":{\"value\":\"matrices\","
                                                                         "\"origin\":\"default\"},\"train.clip\":{"
                                                                         "\"value\":1.0,\"origin\":\"default\"},"
                                                                         "\"train.schedule\":{\"value\":\"linear\","
                                                                         "\"origin\":\"default\"},\"train.warmup\":{"
                                                                         "\"value\":0.1,\"origin\":\"default\"},"
                                                                         "\"train.min_lr_ratio\":{\"value\":0.1,"
                                                                         "\"origin\":\"default\"},\"train.wsd_decay\":{"
                                                                         "\"value\":0.2,\"origin\":\"default\"},"
                                                                         "\"train.ramp\":{\"value\":0.0,\"origin\":"
                                                                         "\"default\"},\"train.seed\":{\"value\":1,"
                                                                         "\"origin\":\"default\"}" BIGRAM_OBJECTIVE "},"
                                                                         "\"parameters\":67860,\"flops_per_token\":"
                                                                         "1560,"
                                                                         "\"memory\":{\"persistent\":1085760,"
                                                                         "\"transient\":{\"forward_backward\":70000},"
                                                                         "\"peak\":1155760,\"bound\":1155760,"
                                                                         "\"ratio\":1.0},\"target\":{\"cpu\":\"x86-"
                                                                         "64\",\"features\":[\"sse2\"]},\"compiler\":"
                                                                         "\"none (a test model)\"}";

constexpr const char *features[] = {"sse2"};

} // namespace

extern "C" const nf_model nf_program_table = {NF_ABI_VERSION,
                                              std::size(features),
                                              0x1234 + B + 256 * T,
                                              features,
                                              metadata,
                                              states,
                                              std::size(states),
                                              programs,
                                              std::size(programs),
                                              biasAt(4),
                                              256,
                                              NF_TARGET_CPU,
                                              0,
                                              nullptr};
