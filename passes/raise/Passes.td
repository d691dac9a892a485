//===- Passes.td - raise: primitives into composite ops ------------------------------------------------------*- tablegen -*-===//
#ifndef NF_PASSES_RAISE_PASSES_TD
#define NF_PASSES_RAISE_PASSES_TD

include "mlir/Pass/PassBase.td"

def Simplify : Pass<"nf-simplify", "::nf::ProgramOp"> {
  let summary = "takes away what hides a formula: arithmetic that does nothing, chains of movement";
  let description = [{
    Products with 1, sums with 0 and movement of everything vanish; chains of reshapes and transposes become the fewest
    ops that end in the same order; slices move in front of them and products with a number behind them; transposes of
    rows move behind layers that work on each row, and a linear in front of a reshape of its rows; a transposed operand of a matrix product becomes its flag, and a product over an inner extent of 1 an elementwise one.

    ```mlir
    %a = nf.transpose %x [0, 2, 1] : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
    %b = nf.transpose %a [0, 2, 1] : (tensor<2x4x3xf32>) -> tensor<2x3x4xf32>
    %y = nf.exp %b : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
    ```
    becomes
    ```mlir
    %y = nf.exp %x : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
    ```
  }];
}

def RaiseLinear : Pass<"nf-raise-linear", "::mlir::ModuleOp"> {
  let summary = "products with weights into nf.linear";
  let description = [{
    A product whose right side depends on parameters alone is a linear, an added vector of weights its bias. A weight
    that a file holds as [in, out], and that all programs multiply from the right, is declared [out, in] and its init
    rule says `transposed`; other such weights are transposed where they are read.

    ```mlir
    nf.parameter @w : tensor<4x8xf32> {init = "{\"kind\":\"file\",\"name\":\"w\"}"}
    %w = nf.get @w : tensor<4x8xf32>
    %b = nf.get @b : tensor<8xf32>
    %p = nf.matmul %x, %w : (tensor<2x3x4xf32>, tensor<4x8xf32>) -> tensor<2x3x8xf32>
    %y = nf.add %p, %b : (tensor<2x3x8xf32>, tensor<8xf32>) -> tensor<2x3x8xf32>
    ```
    becomes
    ```mlir
    nf.parameter @w : tensor<8x4xf32> {init = "{\"kind\":\"file\",\"name\":\"w\",\"transposed\":true}"}
    %w = nf.get @w : tensor<8x4xf32>
    %b = nf.get @b : tensor<8xf32>
    %y = nf.linear %x, %w bias %b : (tensor<2x3x4xf32>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<2x3x8xf32>
    ```
  }];
}

def RaiseEmbedding : Pass<"nf-raise-embedding", "::nf::ProgramOp"> {
  let summary = "rows of a parameter into nf.embedding";
  let description = [{
    ```mlir
    %w = nf.get @"embed.tokens.weight" : tensor<32x8xf32>
    %y = nf.gather %w, %ids : (tensor<32x8xf32>, tensor<2x4xi32>) -> tensor<2x4x8xf32>
    ```
    becomes
    ```mlir
    %w = nf.get @"embed.tokens.weight" : tensor<32x8xf32>
    %y = nf.embedding %w, %ids : (tensor<32x8xf32>, tensor<2x4xi32>) -> tensor<2x4x8xf32>
    ```
  }];
}

def RaiseLayerNorm : Pass<"nf-raise-layer-norm", "::nf::ProgramOp"> {
  let summary = "LayerNorm in primitives into nf.layer_norm or nf.normalize";
  let description = [{
    Recognises (x − mean) / √(variance + eps) · weight + bias by its values: any spelling of it over the last axis, with
    the population variance and eps inside the root. A missing weight or bias is a constant; without both it is
    nf.normalize. A value in between that something else reads prevents it. An nf.layer_norm that has no weight of its
    own takes in the one that follows it, which may be computed of a parameter (1 + gamma).

    ```mlir
    %mean = nf.reduce_mean %x axes [1] : (tensor<4x8xf32>) -> tensor<4x1xf32>
    %c = nf.sub %x, %mean : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
    %s = nf.mul %c, %c : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %v = nf.reduce_mean %s axes [1] : (tensor<4x8xf32>) -> tensor<4x1xf32>
    %eps = nf.constant dense<1.0e-5> : tensor<1xf32>
    %e = nf.add %v, %eps : (tensor<4x1xf32>, tensor<1xf32>) -> tensor<4x1xf32>
    %d = nf.sqrt %e : (tensor<4x1xf32>) -> tensor<4x1xf32>
    %y = nf.div %c, %d : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
    ```
    becomes
    ```mlir
    %y, %rstd = nf.normalize %x {eps = 1.0e-5 : f64} : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>)
    ```
  }];
}

def RaiseActivations : Pass<"nf-raise-activations", "::nf::ProgramOp"> {
  let summary = "activations in primitives into nf.gelu, gelu_tanh, relu, relu2, silu";
  let description = [{
    An elementwise function of one value is compared with each activation at points over the whole range of floats.

    ```mlir
    %zero = nf.constant dense<0.0> : tensor<1xf32>
    %r = nf.max %x, %zero : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
    %y = nf.mul %r, %r : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    ```
    becomes
    ```mlir
    %y = nf.relu2 %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
    ```
  }];
}

def RaiseSoftmax : Pass<"nf-raise-softmax", "::nf::ProgramOp"> {
  let summary = "softmax over the last axis in primitives into nf.softmax";
  let description = [{
    ```mlir
    %e = nf.exp %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %s = nf.reduce_sum %e axes [1] : (tensor<4x8xf32>) -> tensor<4x1xf32>
    %y = nf.div %e, %s : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
    ```
    becomes
    ```mlir
    %y = nf.softmax %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
    ```
  }];
}

def RaiseDropout : Pass<"nf-raise-dropout", "::nf::ProgramOp"> {
  let summary = "masks of random bits into nf.dropout";
  let description = [{
    With a threshold of p · 2³¹ and a factor of 1 / (1 − p):

    ```mlir
    %bits = nf.random_bits %seed, %step, %offset {site = 3 : i32, rows_per_sample = 4 : i64}
        : (tensor<i64>, tensor<i32>, tensor<i32>) -> tensor<2x4x8xi32>
    %threshold = nf.constant dense<1073741824> : tensor<1xi32>
    %factor = nf.constant dense<2.0> : tensor<1xf32>
    %zero = nf.constant dense<0.0> : tensor<1xf32>
    %keep = nf.compare ge %bits, %threshold : (tensor<2x4x8xi32>, tensor<1xi32>) -> tensor<2x4x8xi1>
    %s = nf.mul %x, %factor : (tensor<2x4x8xf32>, tensor<1xf32>) -> tensor<2x4x8xf32>
    %y = nf.where %keep, %s, %zero : (tensor<2x4x8xi1>, tensor<2x4x8xf32>, tensor<1xf32>) -> tensor<2x4x8xf32>
    ```
    becomes
    ```mlir
    %y = nf.dropout %x, %seed, %step, %offset {p = 0.5 : f64, site = 3 : i32}
        : (tensor<2x4x8xf32>, tensor<i64>, tensor<i32>, tensor<i32>) -> tensor<2x4x8xf32>
    ```
  }];
}

def RaiseAttention : Pass<"nf-raise-attention", "::nf::ProgramOp"> {
  let summary = "products, masks and softmax into nf.attention";
  let description = [{
    softmax(scale · Q Kᵀ + masks) V with the scale before or after the product, or as a root on both sides; masks added
    or chosen by conditions, constant or computed, that are exactly causal, hide keys by padding, or keep segments
    apart; heads as an axis, or joined with the batch. Any other mask, or probabilities that something else reads,
    leaves the primitives, which a remark can say. Expects nf-simplify before it, and after it to remove the movement of heads.

    ```mlir
    %scale = nf.constant dense<0.25> : tensor<1xf32>
    %s = nf.matmul %q, %k {transpose_b} : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x8xf32>
    %t = nf.mul %s, %scale : (tensor<2x4x8x8xf32>, tensor<1xf32>) -> tensor<2x4x8x8xf32>
    %p = nf.softmax %t : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
    %y = nf.matmul %p, %v : (tensor<2x4x8x8xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
    ```
    becomes, with movement to and from [batch, tokens, heads · width],
    ```mlir
    %qt = nf.transpose %q [0, 2, 1, 3] : (tensor<2x4x8x16xf32>) -> tensor<2x8x4x16xf32>
    %qs = nf.reshape %qt : (tensor<2x8x4x16xf32>) -> tensor<2x8x64xf32>
    %kt = nf.transpose %k [0, 2, 1, 3] : (tensor<2x4x8x16xf32>) -> tensor<2x8x4x16xf32>
    %ks = nf.reshape %kt : (tensor<2x8x4x16xf32>) -> tensor<2x8x64xf32>
    %vt = nf.transpose %v [0, 2, 1, 3] : (tensor<2x4x8x16xf32>) -> tensor<2x8x4x16xf32>
    %vs = nf.reshape %vt : (tensor<2x8x4x16xf32>) -> tensor<2x8x64xf32>
    %out, %lse = nf.attention %qs, %ks, %vs {heads = 4 : i64, scale = 0.25 : f64}
        : (tensor<2x8x64xf32>, tensor<2x8x64xf32>, tensor<2x8x64xf32>) -> (tensor<2x8x64xf32>, tensor<2x4x8xf32>)
    %o = nf.reshape %out : (tensor<2x8x64xf32>) -> tensor<2x8x4x16xf32>
    %y = nf.transpose %o [0, 2, 1, 3] : (tensor<2x8x4x16xf32>) -> tensor<2x4x8x16xf32>
    ```
  }];
  let options = [Option<"remarks", "remarks", "bool", "false", "say where attention stays in primitives, and why">];
}

def RaiseHeadScale : Pass<"nf-raise-head-scale", "::nf::ProgramOp"> {
  let summary = "a factor a head into nf.head_scale";
  let description = [{
    A product with a tensor that repeats one parameter along the axis of heads, wherever that axis is, or along the
    columns in runs of the width of a head.

    ```mlir
    %h = nf.reshape %x : (tensor<2x8x64xf32>) -> tensor<2x8x4x16xf32>
    %g = nf.get @gamma : tensor<4x1xf32>
    %s = nf.mul %h, %g : (tensor<2x8x4x16xf32>, tensor<4x1xf32>) -> tensor<2x8x4x16xf32>
    %y = nf.reshape %s : (tensor<2x8x4x16xf32>) -> tensor<2x8x64xf32>
    ```
    becomes, with nf-simplify after it,
    ```mlir
    %g = nf.get @gamma : tensor<4x1xf32>
    %v = nf.reshape %g : (tensor<4x1xf32>) -> tensor<4xf32>
    %y = nf.head_scale %x, %v : (tensor<2x8x64xf32>, tensor<4xf32>) -> tensor<2x8x64xf32>
    ```
  }];
}

def RaiseResidualScale : Pass<"nf-raise-residual-scale", "::nf::ProgramOp"> {
  let summary = "a factor a channel of the residual into nf.residual_scale";
  let description = [{
    Only where the sum that reads the product adds a value computed from the same x: a factor of the branch stays.

    ```mlir
    %s = nf.get @s : tensor<8xf32>
    %r = nf.mul %x, %s : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
    %f = nf.gelu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %y = nf.add %r, %f : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    ```
    becomes
    ```mlir
    %s = nf.get @s : tensor<8xf32>
    %r = nf.residual_scale %x, %s : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
    %f = nf.gelu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %y = nf.add %r, %f : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    ```
  }];
}

def RaiseCrossEntropy : Pass<"nf-raise-cross-entropy", "::nf::ProgramOp"> {
  let summary = "a loss written out into nf.linear_cross_entropy";
  let description = [{
    A sum over tokens of log Σ e^logits − logits[target] times weights, where the logits are a linear that nothing else
    reads: projection and loss become one op. Expects linears to be raised.

    ```mlir
    %w = nf.get @head : tensor<16x8xf32>
    %zero = nf.constant dense<0.0> : tensor<1xf32>
    %logits = nf.linear %x, %w : (tensor<4x8xf32>, tensor<16x8xf32>) -> tensor<4x16xf32>
    %e = nf.exp %logits : (tensor<4x16xf32>) -> tensor<4x16xf32>
    %s = nf.reduce_sum %e axes [1] : (tensor<4x16xf32>) -> tensor<4x1xf32>
    %lse = nf.log %s : (tensor<4x1xf32>) -> tensor<4x1xf32>
    %t = nf.reshape %targets : (tensor<4xi32>) -> tensor<4x1xi32>
    %j = nf.iota : tensor<16xi32>
    %hot = nf.compare eq %j, %t : (tensor<16xi32>, tensor<4x1xi32>) -> tensor<4x16xi1>
    %at = nf.where %hot, %logits, %zero : (tensor<4x16xi1>, tensor<4x16xf32>, tensor<1xf32>) -> tensor<4x16xf32>
    %picked = nf.reduce_sum %at axes [1] : (tensor<4x16xf32>) -> tensor<4x1xf32>
    %nll = nf.sub %lse, %picked : (tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<4x1xf32>
    %mean = nf.reduce_mean %nll axes [0, 1] : (tensor<4x1xf32>) -> tensor<1x1xf32>
    %loss = nf.reshape %mean : (tensor<1x1xf32>) -> tensor<f32>
    ```
    becomes
    ```mlir
    %w = nf.get @head : tensor<16x8xf32>
    %ones = nf.constant dense<1.0> : tensor<4xf32>
    %scale = nf.constant dense<0.25> : tensor<1xf32>
    %loss = nf.linear_cross_entropy %x, %w, %targets, %ones, %scale
        : (tensor<4x8xf32>, tensor<16x8xf32>, tensor<4xi32>, tensor<4xf32>, tensor<1xf32>) -> tensor<f32>
    ```
  }];
}

def NameParameters : Pass<"nf-name-parameters", "::mlir::ModuleOp"> {
  let summary = "names and trains the parameters of a file by their roles";
  let description = [{
    A parameter whose name an exporter made up gets the name of its role (docs/parameters.md); one that no linear,
    embedding, norm or scale reads is not trained.

    ```mlir
    nf.parameter @"onnx::Gather_34" : tensor<32x8xf32> {init = "{\"kind\":\"file\",\"name\":\"onnx::Gather_34\"}"}
    nf.parameter @sines : tensor<4x8xf32> {init = "{\"kind\":\"file\",\"name\":\"sines\"}"}
    nf.program @forward(%tokens: tensor<2x4xi32> {nf.name = "tokens"}) -> (tensor<2x4x8xf32> {nf.name = "y"}) {
      %w = nf.get @"onnx::Gather_34" : tensor<32x8xf32>
      %s = nf.get @sines : tensor<4x8xf32>
      %e = nf.embedding %w, %tokens : (tensor<32x8xf32>, tensor<2x4xi32>) -> tensor<2x4x8xf32>
      %y = nf.add %e, %s : (tensor<2x4x8xf32>, tensor<4x8xf32>) -> tensor<2x4x8xf32>
      nf.return %y : tensor<2x4x8xf32>
    }
    ```
    becomes
    ```mlir
    nf.parameter @embed.tokens.weight : tensor<32x8xf32> {init = "{\"kind\":\"file\",\"name\":\"onnx::Gather_34\"}"}
    nf.parameter @sines : tensor<4x8xf32> {init = "{\"kind\":\"file\",\"name\":\"sines\"}", trainable = false}
    nf.program @forward(%tokens: tensor<2x4xi32> {nf.name = "tokens"}) -> (tensor<2x4x8xf32> {nf.name = "y"}) {
      %w = nf.get @embed.tokens.weight : tensor<32x8xf32>
      %s = nf.get @sines : tensor<4x8xf32>
      %e = nf.embedding %w, %tokens : (tensor<32x8xf32>, tensor<2x4xi32>) -> tensor<2x4x8xf32>
      %y = nf.add %e, %s : (tensor<2x4x8xf32>, tensor<4x8xf32>) -> tensor<2x4x8xf32>
      nf.return %y : tensor<2x4x8xf32>
    }
    ```
  }];
}

def FreezeParameters : Pass<"nf-freeze-parameters", "::mlir::ModuleOp"> {
  let summary = "trains or freezes parameters whose names match";
  let description = [{
    Overrides what nf-name-parameters decided. Patterns are globs (`*`, `?`, `[a-z]`) on a parameter's name or its name in
    the file that holds it; each has to match something.

    ```mlir
    nf.parameter @head.bias : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
    ```
    becomes, with `freeze=*.bias`,
    ```mlir
    nf.parameter @head.bias : tensor<4xf32> {init = "{\"kind\":\"ones\"}", trainable = false}
    ```
  }];
  let options = [ListOption<"freeze", "freeze", "std::string", "patterns of parameters that are not trained">,
                 ListOption<"trainOnly", "train-only", "std::string",
                            "patterns of the only parameters that are trained; freeze wins over it">];
}

def DetectNormformer : Pass<"nf-detect-normformer", "::mlir::ModuleOp"> {
  let summary = "notes which of NormFormer's operations each layer has";
  let description = [{
    A layer is an attention op and the feed-forward network after it. What it has is noted in the module attribute
    nf.layers, one dictionary a layer; nothing is changed.

    ```mlir
    nf.program @forward(%x: tensor<2x4x8xf32> {nf.name = "x"}) -> (tensor<2x4x8xf32> {nf.name = "y"}) {
      %w = nf.get @w : tensor<8x8xf32>
      %g = nf.get @g : tensor<2xf32>
      %b = nf.get @b : tensor<8xf32>
      %n, %nm, %nr = nf.layer_norm %x, %b, %b {eps = 1.0e-5 : f64} : (tensor<2x4x8xf32>, tensor<8xf32>, tensor<8xf32>)
          -> (tensor<2x4x8xf32>, tensor<2x4x1xf32>, tensor<2x4x1xf32>)
      %q = nf.linear %n, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
      %k = nf.linear %n, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
      %v = nf.linear %n, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
      %a, %lse = nf.attention %q, %k, %v {heads = 2 : i64, causal, scale = 0.5 : f64}
          : (tensor<2x4x8xf32>, tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>, tensor<2x2x4xf32>)
      %s = nf.head_scale %a, %g : (tensor<2x4x8xf32>, tensor<2xf32>) -> tensor<2x4x8xf32>
      %o = nf.linear %s, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
      %r = nf.add %x, %o : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
      %m, %mm, %mr = nf.layer_norm %r, %b, %b {eps = 1.0e-5 : f64} : (tensor<2x4x8xf32>, tensor<8xf32>, tensor<8xf32>)
          -> (tensor<2x4x8xf32>, tensor<2x4x1xf32>, tensor<2x4x1xf32>)
      %h = nf.linear %m, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
      %act = nf.gelu %h : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
      %f = nf.linear %act, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
      %y = nf.add %r, %f : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
      nf.return %y : tensor<2x4x8xf32>
    }
    nf.parameter @w : tensor<8x8xf32> {init = "{\"kind\":\"ones\"}"}
    nf.parameter @b : tensor<8xf32> {init = "{\"kind\":\"ones\"}"}
    nf.parameter @g : tensor<2xf32> {init = "{\"kind\":\"ones\"}"}
    ```
    becomes, among others,
    ```mlir
    module attributes {nf.layers = [{activation = "gelu", attention_layernorm = false, ffn_layernorm = false,
        head_scale = "pre_proj", path = "", placement = "pre", residual_scale = false} ]} {
    }
    ```
  }];
  let options = [Option<"remarks", "remarks", "bool", "false", "one remark a layer, at its attention">];
}

def NameLayers : Pass<"nf-name-layers", "::nf::ProgramOp"> {
  let summary = "puts the names of a model's parts over those of an imported graph's nodes";
  let description = [{
    The parts of recognised layers, and what is around the layers, get the names that they have in models of a definition
    (`layers.0.attn.q`, `final_ln`) as the outer names of their locations, so that reports count by layer; the node's
    name stays inside. What else lies between a layer's input and its output gets its branch and the kind of op
    (`layers.0.attn.slice`). What does not depend on the layer's input, such as a mask, and what has such a name, stays.

    ```mlir
    %n, %m, %r = nf.layer_norm %x, %g, %g {eps = 1.0e-5 : f64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>)
        -> (tensor<4x8xf32>, tensor<4x1xf32>, tensor<4x1xf32>) loc("/norm/LayerNormalization")
    %y = nf.linear %n, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32> loc("/head/MatMul")
    ```
    becomes, locations included,
    ```mlir
    %n, %m, %r = nf.layer_norm %x, %g, %g {eps = 1.0e-5 : f64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>)
        -> (tensor<4x8xf32>, tensor<4x1xf32>, tensor<4x1xf32>) loc("final_ln"("/norm/LayerNormalization"))
    %y = nf.linear %n, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32> loc("lm_head"("/head/MatMul"))
    ```
  }];
}

def AppendLoss : Pass<"nf-append-loss", "::mlir::ModuleOp"> {
  let summary = "makes the programs forward_backward, eval and logits of the program forward";
  let description = [{
    An imported model computes logits [batch, sequence, vocabulary] of tokens. The programs of a training executable are
    made of it as those of a definition are: the loss takes the operands of the last projection, so that logits are no
    value of a training step. Logits that are no projection are compared with the targets in primitives. Where there is
    a program @loss, the graph's own, a mean over the tokens of its batch, the programs compute it instead, times the
    number of tokens that count (Σ loss_weight) and inv_count. `logits` computes one sequence, or the whole micro-batch
    where an op mixes its sequences (a remark says which). A module without a program @forward stays as it is.

    ```mlir
    nf.parameter @w : tensor<64x16xf32> {init = "{\"kind\":\"ones\"}"}
    nf.program @forward(%tokens: tensor<2x8xi32> {nf.name = "tokens"}) -> (tensor<2x8x64xf32> {nf.name = "logits"}) {
      %w = nf.get @w : tensor<64x16xf32>
      %x = nf.embedding %w, %tokens : (tensor<64x16xf32>, tensor<2x8xi32>) -> tensor<2x8x16xf32>
      %logits = nf.linear %x, %w : (tensor<2x8x16xf32>, tensor<64x16xf32>) -> tensor<2x8x64xf32>
      nf.return %logits : tensor<2x8x64xf32>
    }
    ```
    becomes, with eval and logits among others,
    ```mlir
    nf.parameter @w : tensor<64x16xf32> {init = "{\"kind\":\"ones\"}"}
    nf.program @forward_backward(%tokens: tensor<2x8xi32> {nf.name = "tokens"},
                                 %targets: tensor<2x8xi32> {nf.name = "targets"},
                                 %loss_weight: tensor<2x8xf32> {nf.name = "loss_weight"},
                                 %inv_count: tensor<f32> {nf.name = "inv_count"}) -> (tensor<f32> {nf.name = "loss"}) {
      %w = nf.get @w : tensor<64x16xf32>
      %x = nf.embedding %w, %tokens : (tensor<64x16xf32>, tensor<2x8xi32>) -> tensor<2x8x16xf32>
      %loss = nf.linear_cross_entropy %x, %w, %targets, %loss_weight, %inv_count : (tensor<2x8x16xf32>,
          tensor<64x16xf32>, tensor<2x8xi32>, tensor<2x8xf32>, tensor<f32>) -> tensor<f32>
      nf.return %loss : tensor<f32>
    }
    ```
  }];
  let options = [Option<"remarks", "remarks", "bool", "false", "a remark where the graph's own loss stays in primitives, or logits\n"
                        "computes a whole micro-batch">];
}

def NarrowActivations : Pass<"nf-narrow-activations", "::mlir::ModuleOp"> {
  let summary = "rounds the activations of a graph that is trained in bf16";
  let description = [{
    In a module with the attribute `nf.precision = "bf16"`, which it takes away, activations are rounded where programs
    of a definition round them: products with weights and attention read and give bf16, what LayerNorm reads is rounded
    too, and everything between two such places computes in f32. A value is rounded once for all its readers. The
    vocabulary's projection (`vocab` of `nf.model`), the loss, and what depends on arguments or on parameters alone
    stay f32.

    ```mlir
    module attributes {nf.precision = "bf16"} {
      nf.parameter @w : tensor<8x8xf32> {init = "{\"kind\":\"ones\"}"}
      nf.program @eval(%tokens: tensor<2x4xi32> {nf.name = "tokens"}) -> (tensor<2x4x8xf32> {nf.name = "y"}) {
        %w = nf.get @w : tensor<8x8xf32>
        %x = nf.embedding %w, %tokens : (tensor<8x8xf32>, tensor<2x4xi32>) -> tensor<2x4x8xf32>
        %y = nf.linear %x, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
        nf.return %y : tensor<2x4x8xf32>
      }
    }
    ```
    becomes
    ```mlir
    module {
      nf.parameter @w : tensor<8x8xf32> {init = "{\"kind\":\"ones\"}"}
      nf.program @eval(%tokens: tensor<2x4xi32> {nf.name = "tokens"}) -> (tensor<2x4x8xf32> {nf.name = "y"}) {
        %w = nf.get @w : tensor<8x8xf32>
        %x = nf.embedding %w, %tokens : (tensor<8x8xf32>, tensor<2x4xi32>) -> tensor<2x4x8xf32>
        %rounded = nf.cast %x : (tensor<2x4x8xf32>) -> tensor<2x4x8xbf16>
        %narrow = nf.linear %rounded, %w : (tensor<2x4x8xbf16>, tensor<8x8xf32>) -> tensor<2x4x8xbf16>
        %y = nf.cast %narrow : (tensor<2x4x8xbf16>) -> tensor<2x4x8xf32>
        nf.return %y : tensor<2x4x8xf32>
      }
    }
    ```
  }];
}

#endif // NF_PASSES_RAISE_PASSES_TD
