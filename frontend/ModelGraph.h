// The parameters of a model and what follows from their shapes alone: counts, and the work of a training step.
#ifndef NF_FRONTEND_MODELGRAPH_H
#define NF_FRONTEND_MODELGRAPH_H

#include "frontend/ModelConfig.h"

namespace nf {

/// One parameter, or one constant table (`trainable` false: sinusoidal positions).
struct ParameterSpec {
  std::string name;           ///< "layers.3.attn.q.weight"; the same in checkpoints
  std::vector<int64_t> shape; ///< weights of linears are [out, in]
  std::string init;           ///< init rule as JSON, see runtime/abi/nf_abi.h
  bool trainable = true;
  std::string_view key; ///< the definition's key that it exists for: "norm.head_scale"
};

/// Every parameter, in canonical order: embeddings, layers ascending, final LayerNorm, lm_head.
std::vector<ParameterSpec> parameterList(const ModelConfig &config);

/// Elements of all trainable parameters.
int64_t parameterCount(const ModelConfig &config);

/// Buffers of the size of all trained parameters that the gradients of a step need: log2(reduction slots) + 1.
int64_t gradientBuffers(const ModelConfig &config);

/// Floating-point operations of a training step a token: 6 N + 12 L d T c, where N counts the weights that are
/// multiplied with every token (linears and the vocabulary projection), T is the training sequence, and c is 1/2 for
/// causal attention (half of the scores are masked), else 1. Forward is a third of it.
double flopsPerToken(const ModelConfig &config);

} // namespace nf

#endif // NF_FRONTEND_MODELGRAPH_H
