// What each layer of a definition has is found in its IR again, and in its primitives raised.
// RUN: nf-compile %models/normformer-demo.toml --emit=import -o %t.mlirbc
// RUN: nf-opt %t.mlirbc --pass-pipeline='builtin.module(nf-detect-normformer{remarks})' 2>&1 | FileCheck %s --check-prefixes=DEMO,REMARK
// RUN: nf-opt %t.mlirbc --nf-decompose --nf-stage-raise=verify=false --nf-detect-normformer | FileCheck %s --check-prefix=DEMO
// RUN: nf-compile %models/preln-demo.toml --set norm.placement=post --set norm.head_scale=post_proj --set norm.residual_scale=true --emit=import -o - | nf-opt --nf-detect-normformer | FileCheck %s --check-prefix=POST
// RUN: nf-compile %models/preln-demo.toml --set train.precision=bf16 --emit=import -o - | nf-opt --nf-detect-normformer | FileCheck %s --check-prefix=PRE
// RUN: nf-compile %models/normformer-demo.toml --explain | FileCheck %s --check-prefix=EXPLAIN
// RUN: nf-opt %s --nf-detect-normformer | FileCheck %s

// REMARK: normformer-demo.toml:{{.*}}: remark: layer 0, placement pre: LayerNorm after attention, HeadScale (pre_proj), LayerNorm after the activation
// DEMO: nf.layers = [{activation = "gelu{{[_a-z]*}}", attention_layernorm = true, ffn_layernorm = true, head_scale = "pre_proj", path = "layers.0.attn", placement = "pre", residual_scale = false}, {
// POST: nf.layers = [{activation = "gelu{{[_a-z]*}}", attention_layernorm = false, ffn_layernorm = false, head_scale = "post_proj", path = {{.*}}, placement = "post", residual_scale = true}
// PRE: nf.layers = [{activation = "gelu{{[_a-z]*}}", attention_layernorm = false, ffn_layernorm = false, head_scale = "none", path = {{.*}}, placement = "pre", residual_scale = false}

// EXPLAIN: layer  attention      placement  attention LN           HeadScale                            FFN LN               ResScale  activation
// EXPLAIN-NEXT: 0      layers.0.attn  pre        layers.0.attn.post_ln  layers.0.attn.head_scale (pre_proj)  layers.0.ffn.act_ln  -         gelu
// EXPLAIN: layers.0-5.attn.head_scale: folded: it saves
// EXPLAIN-NOT: layers.0.attn.head_scale:
// EXPLAIN: parameter shape role trained tied to in the file
// EXPLAIN-NEXT: embed.tokens.weight 1024x128 embedding trained lm_head
// EXPLAIN: layers.0.attn.head_scale 4 HeadScale trained

// RUN: nf-opt %S/Inputs/parallel.mlir --nf-detect-normformer | FileCheck %s --check-prefix=PARALLEL
// RUN: nf-opt %S/Inputs/parallel-linear.mlir --nf-detect-normformer | FileCheck %s --check-prefix=LINEAR
// Attention and a feed-forward network of the same value, added to it together, with LayerNorms of their own or one.
// PARALLEL: nf.layers = [{activation = "gelu", attention_layernorm = false, ffn_layernorm = false, head_scale = "none", path = {{.*}}, placement = "parallel", residual_scale = false}, {activation = "relu", {{.*}}placement = "parallel"{{.*}}}]
// A branch without an activation is no feed-forward network.
// LINEAR: nf.layers = [{activation = "other", {{.*}}placement = "other"

// Near misses: a LayerNorm of q before attention, or before the output projection, is none after it, and a scale of the
// branch is no ResScale. No layer is claimed to have what it has not.
// CHECK: nf.layers = [{activation = "other", attention_layernorm = false, ffn_layernorm = false, head_scale = "none", path = {{.*}}, placement = "post", residual_scale = false}]
module {
nf.parameter @w : tensor<8x8xf32> {init = "zeros"}
nf.parameter @g : tensor<8xf32> {init = "zeros"}
nf.program @forward(%x: tensor<2x4x8xf32> {nf.name = "x"}) -> (tensor<2x4x8xf32> {nf.name = "y"}) {
  %w = nf.get @w : tensor<8x8xf32>
  %g = nf.get @g : tensor<8xf32>
  %q = nf.linear %x, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %n, %m, %r = nf.layer_norm %q, %g, %g {eps = 1.0e-5 : f64}
    : (tensor<2x4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x4x8xf32>, tensor<2x4x1xf32>, tensor<2x4x1xf32>)
  %a, %lse = nf.attention %n, %n, %q {heads = 2 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x4x8xf32>, tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>, tensor<2x2x4xf32>)
  %i, %mi, %ri = nf.layer_norm %a, %g, %g {eps = 1.0e-5 : f64}
    : (tensor<2x4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x4x8xf32>, tensor<2x4x1xf32>, tensor<2x4x1xf32>)
  %o = nf.linear %i, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %b = nf.mul %o, %g : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %y = nf.add %x, %b : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  nf.return %y : tensor<2x4x8xf32>
}
}
