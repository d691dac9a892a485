#include "frontend/onnx/OpContext.h"

#include "llvm/ADT/StringSwitch.h"

using namespace nf::onnxfe;

OpBuilderFunction nf::onnxfe::findBuilder(llvm::StringRef domain, llvm::StringRef type) {
  static const OpTable table = [] {
    OpTable all;
    addMathOps(all);
    addMovementOps(all);
    addProductOps(all);
    addFusedOps(all);
    addAttentionOps(all);
    addRotaryOps(all);
    addLossOps(all);
    return all;
  }();
  auto found = table.find(domain.empty() ? type.str() : (domain + "." + type).str());
  return found == table.end() ? nullptr : found->getValue();
}

/// Of ONNX Runtime's own operators.
static std::string insteadOfFusion(llvm::StringRef type) {
  return llvm::StringSwitch<std::string>(type)
      .Cases({"DecoderMaskedMultiHeadAttention", "DecoderMaskedSelfAttention", "DecoderAttention", "PagedAttention",
              "SparseAttention"},
             "MultiHeadAttention or GroupQueryAttention without a cache (use_cache=False)")
      .Cases({"PackedAttention", "PackedMultiHeadAttention", "RemovePadding", "RestorePadding"},
             "MultiHeadAttention of whole sequences")
      .Cases({"LongformerAttention", "RelativePositionBias", "GatedRelativePositionBias", "MRotaryEmbedding",
              "GemmaRotaryEmbedding"},
             "a model exported without a fusion of attention")
      .Cases({"MatMulNBits", "MatMulBnb4", "MatMulFpQ4", "QAttention", "QMoE", "GatherBlockQuantized",
              "DynamicQuantizeMatMul", "MatMulIntegerToFloat"},
             "a model in float32")
      .Cases({"BiasSplitGelu", "GroupNorm", "SkipGroupNorm", "BiasAdd", "NhwcConv", "FusedConv"},
             "a language model; these are of image models")
      .Cases({"BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch"}, "the model without its search")
      .Default("the graph before ONNX Runtime's optimizer");
}

std::string nf::onnxfe::insteadOf(llvm::StringRef domain, llvm::StringRef type) {
  if (!domain.empty() && domain != "com.microsoft")
    return "export with ONNX's own operators";
  if (!domain.empty())
    return insteadOfFusion(type);
  return llvm::StringSwitch<std::string>(type)
      .Cases({"Loop", "Scan", "If"}, "a model whose steps do not depend on the data")
      .Cases({"LSTM", "GRU", "RNN"}, "attention")
      .Cases({"Conv", "ConvTranspose", "MaxPool", "AveragePool"}, "Linear layers over tokens")
      .Cases({"BatchNormalization", "InstanceNormalization", "GroupNormalization"}, "LayerNorm")
      .Cases({"QuantizeLinear", "DequantizeLinear", "MatMulInteger", "QLinearMatMul"}, "a model in float32")
      .Cases({"RandomNormal", "RandomUniform", "Bernoulli"},
             "a model in eval mode; train.* and model.dropout set training")
      .Default("");
}
