// A model whose locations are gone gets the names that its definition gave it, in both placements.
// RUN: nf-compile %models/normformer-demo.toml --set model.layers=2 --set norm.residual_scale=true --emit=import -o %t.mlirbc
// RUN: nf-opt %t.mlirbc --strip-debuginfo --nf-name-layers --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s
// RUN: nf-compile %models/preln-demo.toml --set model.layers=1 --set norm.placement=post --emit=import -o - | nf-opt --strip-debuginfo --nf-name-layers --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s --check-prefix=POST
// RUN: nf-opt %S/Inputs/parallel.mlir --strip-debuginfo --nf-name-layers --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s --check-prefix=PARALLEL

// Names that say the layer stay.
// RUN: nf-opt %t.mlirbc --mlir-print-debuginfo --mlir-print-local-scope > %t.before
// RUN: nf-opt %t.mlirbc --nf-name-layers --mlir-print-debuginfo --mlir-print-local-scope | diff %t.before -

// CHECK: nf.program @forward_backward
// CHECK: embedding {{.*}} loc("embed.tokens")
// CHECK: embedding {{.*}} loc("embed.positions")
// CHECK: layer_norm {{.*}} loc("layers.0.attn.ln")
// CHECK: linear {{.*}} loc("layers.0.attn.q")
// CHECK: linear {{.*}} loc("layers.0.attn.k")
// CHECK: linear {{.*}} loc("layers.0.attn.v")
// CHECK: attention {{.*}} loc("layers.0.attn")
// CHECK: head_scale {{.*}} loc("layers.0.attn.head_scale")
// CHECK: linear {{.*}} loc("layers.0.attn.out")
// CHECK: layer_norm {{.*}} loc("layers.0.attn.post_ln")
// CHECK: add {{.*}} loc("layers.0.attn.residual")
// CHECK: layer_norm {{.*}} loc("layers.0.ffn.ln")
// CHECK: linear {{.*}} loc("layers.0.ffn.fc1")
// CHECK: gelu {{.*}} loc("layers.0.ffn.activation")
// CHECK: layer_norm {{.*}} loc("layers.0.ffn.act_ln")
// CHECK: linear {{.*}} loc("layers.0.ffn.fc2")
// CHECK: residual_scale {{.*}} loc("layers.0.ffn.residual_scale")
// CHECK: add {{.*}} loc("layers.0.ffn.residual")
// CHECK: layer_norm {{.*}} loc("layers.1.attn.ln")
// CHECK: add {{.*}} loc("layers.1.ffn.residual")
// CHECK: layer_norm {{.*}} loc("final_ln")
// CHECK: linear_cross_entropy {{.*}} loc(unknown)

// POST: layer_norm {{.*}} loc("embed.ln")
// POST: linear {{.*}} loc("layers.0.attn.q")
// POST: add {{.*}} loc("layers.0.attn.residual")
// POST: layer_norm {{.*}} loc("layers.0.attn.ln")
// POST: add {{.*}} loc("layers.0.ffn.residual")
// POST: layer_norm {{.*}} loc("layers.0.ffn.ln")

// Branches side by side end in one sum.
// PARALLEL: linear {{.*}} loc("layers.0.attn.out")
// PARALLEL: linear {{.*}} loc("layers.0.ffn.fc2")
// PARALLEL: add {{.*}} loc("layers.0.residual")

// What lies between a layer's input and its output is the layer's; a factor that only parameters decide, and that layers
// may share, is not, nor is what reads a layer's input without being a part of its output.
// RUN: nf-opt %s --nf-name-layers --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s --check-prefix=OTHERS
// OTHERS: neg {{.*}} loc("factor")
// OTHERS: mul {{.*}} loc("layers.0.attn.mul"("/attn/Mul"))
// OTHERS: attention {{.*}} loc("layers.0.attn"("/attn/MatMul_1"))
// OTHERS: add {{.*}} loc("layers.0.attn.residual"("/Add"))
// OTHERS: tanh {{.*}} loc("aside")
module {
nf.parameter @w : tensor<8x8xf32> {init = "zeros"}
nf.parameter @g : tensor<8xf32> {init = "zeros"}
nf.program @forward(%x: tensor<2x4x8xf32> {nf.name = "x"})
    -> (tensor<2x4x8xf32> {nf.name = "y"}, tensor<2x4x8xf32> {nf.name = "z"}) {
  %w = nf.get @w : tensor<8x8xf32>
  %g = nf.get @g : tensor<8xf32>
  %f = nf.neg %g : (tensor<8xf32>) -> tensor<8xf32> loc("factor")
  %n, %m, %r = nf.layer_norm %x, %g, %g {eps = 1.0e-5 : f64}
    : (tensor<2x4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x4x8xf32>, tensor<2x4x1xf32>, tensor<2x4x1xf32>)
  %q = nf.linear %n, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %s = nf.mul %q, %f : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32> loc("/attn/Mul")
  %a, %lse = nf.attention %s, %q, %q {heads = 2 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x4x8xf32>, tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>, tensor<2x2x4xf32>) loc("/attn/MatMul_1")
  %o = nf.linear %a, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %y = nf.add %x, %o : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32> loc("/Add")
  %z = nf.tanh %x : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32> loc("aside")
  nf.return %y, %z : tensor<2x4x8xf32>, tensor<2x4x8xf32>
}
}
