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
    addLossOps(all);
    return all;
  }();
  auto found = table.find(domain.empty() ? type.str() : (domain + "." + type).str());
  return found == table.end() ? nullptr : found->getValue();
}

std::string nf::onnxfe::insteadOf(llvm::StringRef domain, llvm::StringRef type) {
  if (!domain.empty() && domain != "com.microsoft")
    return "export with ONNX's own operators";
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
