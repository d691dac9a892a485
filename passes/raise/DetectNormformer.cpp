//===- DetectNormformer.cpp - which of NormFormer's operations each layer has ---------------------===//
//
// Notes for each attention op and the feed-forward network after it where its LayerNorms are, and which of NormFormer's
// four operations it has, as the module attribute nf.layers. Changes nothing else.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/ModelStructure.h"
#include "passes/raise/Passes.h"

#include "llvm/ADT/StringExtras.h"

namespace nf {
#define GEN_PASS_DEF_DETECTNORMFORMER
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static StringRef headScaleName(TransformerLayer &layer) {
  return !layer.headScale ? "none" : layer.scalesBeforeProjection ? "pre_proj" : "post_proj";
}

static bool isLayerNorm(const NormPart &norm) { return norm && !norm.isRms(); }

static DictionaryAttr describe(Builder &b, TransformerLayer &layer) {
  StringRef activation = layer.activation ? layer.activation->getName().stripDialect() : "other";
  return b.getDictionaryAttr({b.getNamedAttr("path", b.getStringAttr(partName(layer.attention.getLoc()))),
                              b.getNamedAttr("placement", b.getStringAttr(placementName(layer.placement))),
                              b.getNamedAttr("attention_layernorm", b.getBoolAttr(isLayerNorm(layer.postNorm))),
                              b.getNamedAttr("head_scale", b.getStringAttr(headScaleName(layer))),
                              b.getNamedAttr("ffn_layernorm", b.getBoolAttr(isLayerNorm(layer.activationNorm))),
                              b.getNamedAttr("residual_scale", b.getBoolAttr(layer.residualScale != nullptr)),
                              b.getNamedAttr("activation", b.getStringAttr(activation))});
}

/// One remark a layer, at its attention.
static void emitRemark(size_t index, TransformerLayer &layer) {
  SmallVector<std::string> found;
  if (isLayerNorm(layer.postNorm))
    found.push_back("LayerNorm after attention");
  if (layer.headScale)
    found.push_back(("HeadScale (" + headScaleName(layer) + ")").str());
  if (isLayerNorm(layer.activationNorm))
    found.push_back("LayerNorm after the activation");
  if (layer.residualScale)
    found.push_back("ResScale");
  layer.attention->emitRemark() << "layer " << index << ", placement " << placementName(layer.placement) << ": "
                                << (found.empty() ? "no operation of NormFormer" : llvm::join(found, ", "));
}

namespace {
struct DetectNormformer : nf::impl::DetectNormformerBase<DetectNormformer> {
  using DetectNormformerBase::DetectNormformerBase;

  void runOnOperation() override {
    ProgramOp program = structureProgram(getOperation());
    if (!program)
      return;
    ModelStructure model = readStructure(program);
    Builder b(&getContext());
    SmallVector<Attribute> layers;
    for (auto [index, layer] : llvm::enumerate(model.layers)) {
      layers.push_back(describe(b, layer));
      if (remarks)
        emitRemark(index, layer);
    }
    if (!layers.empty())
      getOperation()->setAttr("nf.layers", b.getArrayAttr(layers));
  }
};
} // namespace
