// Blocks in fairseq's order, see docs/model-definition.md:
//   pre:   x1 = x + drop(post_ln(head_scale(attention(ln(x)))))
//          x2 = residual_scale * x1 + drop(fc2(act_ln(activation(fc1(ln(x1))))))
//   post:  the same without the inner ln, and ln around each sum
// Activations are `elementType` wherever a product or the backward pass reads them, and fp32 in between: narrow and
// wide are the places where a bf16 model rounds. Parameters are fp32 and read as they are. Dropout sites: 0 the
// embeddings; 3 n + 1, 3 n + 2 and 3 n + 3 the attention probabilities, the output of attention and the output of the
// feed-forward network of layer n.
#include "frontend/ForwardBuilder.h"

#include <cmath>

using namespace mlir;
using namespace nf;

Location nf::locationOf(MLIRContext *context, const ModelConfig &config, StringRef path, std::string_view key) {
  const SourceLocation &place = config.locationOf(key);
  auto file = FileLineColLoc::get(context, place.file, place.line, place.column);
  return NameLoc::get(StringAttr::get(context, path), file);
}

ForwardBuilder::ForwardBuilder(const ModelConfig &config, ModuleOp module, ProgramOp program, bool isTraining)
    : c(config), program(program), isTraining(isTraining),
      b(module.getLoc(), OpBuilder::atBlockEnd(&program.getBody().front())),
      elementType(config.precision == "bf16" ? Type(b.getBF16Type()) : Type(b.getF32Type())) {
  for (auto parameter : module.getOps<ParameterOp>())
    parameters[parameter.getSymName()] = parameter;
}

void ForwardBuilder::at(const Twine &path, std::string_view key) {
  b.setLoc(locationOf(b.getContext(), c, path.str(), key));
}

//===------------------------------------------------------------------------------------------===//
// Pieces
//===------------------------------------------------------------------------------------------===//

static Type elementTypeOf(Value x) { return cast<RankedTensorType>(x.getType()).getElementType(); }

/// `x` in fp32. One cast for all readers, so that their gradients are added before they are rounded.
Value ForwardBuilder::wide(Value x) {
  if (elementTypeOf(x).isF32())
    return x;
  Value &value = widened[x];
  if (!value)
    value = CastOp::create(b, cast<RankedTensorType>(x.getType()).clone(b.getF32Type()), x);
  return value;
}

/// `x` in the definition's precision.
Value ForwardBuilder::narrow(Value x) {
  if (elementTypeOf(x) == elementType)
    return x;
  return b.createOrFold<CastOp>(cast<RankedTensorType>(x.getType()).clone(elementType), x);
}

/// The value of a parameter, read once a program.
Value ForwardBuilder::parameter(const std::string &name) {
  Value &value = loaded[name];
  if (!value) {
    ParameterOp symbol = parameters.lookup(name);
    value = GetOp::create(b, symbol.getType(), symbol.getSymName());
  }
  return value;
}

Value ForwardBuilder::linear(Value x, const std::string &path, std::string_view key) {
  at(path, key);
  Value weight = parameter(path + ".weight");
  return LinearOp::create(b, narrow(x), weight, c.bias ? parameter(path + ".bias") : Value());
}

Value ForwardBuilder::layerNorm(Value x, const std::string &path, std::string_view key) {
  at(path, key);
  Value weight = parameter(path + ".weight"), bias = parameter(path + ".bias");
  return LayerNormOp::create(b, wide(narrow(x)), weight, bias, b.getF64FloatAttr(c.normEps)).getY();
}

/// HeadScale, if this is the place where the definition wants it.
Value ForwardBuilder::headScale(Value x, const std::string &path, const char *placement) {
  if (c.headScale != placement)
    return x;
  at(path + ".head_scale", "norm.head_scale");
  return HeadScaleOp::create(b, wide(x), parameter(path + ".head_scale"));
}

Value ForwardBuilder::dropout(Value x, const std::string &path, int32_t site) {
  if (!isTraining || c.dropout == 0)
    return x;
  at(path + ".dropout", "model.dropout");
  return DropoutOp::create(b, wide(x), program.findArgument("seed"), program.findArgument("step"),
                           program.findArgument("sample_offset"), b.getF64FloatAttr(c.dropout),
                           b.getI32IntegerAttr(site));
}

Value ForwardBuilder::activation(Value x) {
  x = wide(x);
  if (c.activation == "gelu")
    return GeluOp::create(b, x);
  if (c.activation == "gelu_tanh")
    return GeluTanhOp::create(b, x);
  if (c.activation == "relu")
    return ReluOp::create(b, x);
  if (c.activation == "relu2")
    return Relu2Op::create(b, x);
  return SiluOp::create(b, x);
}

//===------------------------------------------------------------------------------------------===//
// Layers
//===------------------------------------------------------------------------------------------===//

Value ForwardBuilder::embed() {
  at("embed.tokens", "model.vocab");
  Value x = EmbeddingOp::create(b, parameter("embed.tokens.weight"), program.findArgument("tokens"));
  if (c.embeddingScale != 1) {
    at("embed.scale", "model.embedding_scale");
    x = MulOp::create(b, x, splat(b, b.getLoc(), b.getF32Type(), c.embeddingScale));
  }
  at("embed.positions", "model.positions");
  Value positions = EmbeddingOp::create(b, parameter("embed.positions.weight"), program.findArgument("positions"));
  x = AddOp::create(b, x, positions);
  if (c.isEncoder() || c.isPostNorm())
    x = layerNorm(x, "embed.ln", "norm.placement");
  return narrow(dropout(x, "embed", 0));
}

Value ForwardBuilder::attention(Value x, const std::string &path, int32_t site) {
  Value q = linear(x, path + ".q", "model.d_model");
  Value k = linear(x, path + ".k", "model.d_model");
  Value v = linear(x, path + ".v", "model.d_model");
  at(path, "model.heads");
  auto type = cast<RankedTensorType>(q.getType());
  auto lseType = RankedTensorType::get({type.getDimSize(0), c.heads, type.getDimSize(1)}, b.getF32Type());
  double rate = isTraining ? c.attentionDropout : 0;
  auto ifRandom = [&](StringRef name) { return rate > 0 ? Value(program.findArgument(name)) : Value(); };
  auto attend = AttentionOp::create(
      b, TypeRange{type, lseType}, q, k, v, program.findArgument("key_padding"), program.findArgument("segments"),
      /*key_length=*/Value(), /*query_offset=*/Value(), ifRandom("seed"), ifRandom("step"), ifRandom("sample_offset"),
      /*outs=*/ValueRange(), b.getI64IntegerAttr(c.heads),
      b.getF64FloatAttr(1 / std::sqrt(static_cast<double>(c.headDim()))), c.isEncoder() ? UnitAttr() : b.getUnitAttr(),
      b.getF64FloatAttr(rate), b.getI32IntegerAttr(rate > 0 ? site : 0));
  Value heads = headScale(attend->getResult(0), path, "pre_proj");
  Value out = linear(heads, path + ".out", "model.d_model");
  return headScale(out, path, "post_proj");
}

/// The sum that ends a block of the layer, and Post-LN's LayerNorm of it.
Value ForwardBuilder::residual(Value x, Value y, const std::string &path) {
  at(path + ".residual", "norm.placement");
  x = AddOp::create(b, wide(x), wide(y));
  return narrow(c.isPostNorm() ? layerNorm(x, path + ".ln", "norm.placement") : x);
}

Value ForwardBuilder::attentionBlock(Value x, int64_t layer) {
  std::string path = "layers." + std::to_string(layer) + ".attn";
  int32_t site = static_cast<int32_t>(3 * layer + 1);
  Value y = attention(c.isPostNorm() ? x : layerNorm(x, path + ".ln", "norm.placement"), path, site);
  if (c.attentionLayernorm)
    y = layerNorm(y, path + ".post_ln", "norm.attention_layernorm");
  y = dropout(y, path, site + 1);
  return residual(x, y, path);
}

Value ForwardBuilder::feedForward(Value x, const std::string &path) {
  Value u = linear(x, path + ".fc1", "model.d_ffn");
  at(path + ".activation", "model.activation");
  u = activation(u);
  if (c.ffnLayernorm)
    u = layerNorm(u, path + ".act_ln", "norm.ffn_layernorm");
  return linear(u, path + ".fc2", "model.d_ffn");
}

Value ForwardBuilder::feedForwardBlock(Value x, int64_t layer) {
  std::string path = "layers." + std::to_string(layer) + ".ffn";
  Value y = feedForward(c.isPostNorm() ? x : layerNorm(x, path + ".ln", "norm.placement"), path);
  y = dropout(y, path, static_cast<int32_t>(3 * layer + 3));
  if (c.residualScale) {
    at(path + ".residual_scale", "norm.residual_scale");
    x = ResidualScaleOp::create(b, wide(x), parameter(path + ".residual_scale"));
  }
  return residual(x, y, path);
}

Value ForwardBuilder::hidden() {
  Value x = embed();
  for (int64_t layer = 0; layer < c.layers; ++layer)
    x = feedForwardBlock(attentionBlock(x, layer), layer);
  return x;
}

Value ForwardBuilder::finalNorm(Value x) {
  if (!c.isPostNorm())
    x = layerNorm(x, "final_ln", "norm.placement");
  return wide(x);
}

Value ForwardBuilder::vocabularyWeight() {
  at("lm_head", "model.tie_embeddings");
  return parameter(c.tieEmbeddings ? "embed.tokens.weight" : "lm_head.weight");
}
