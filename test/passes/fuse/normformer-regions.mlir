// RUN: nf-opt %s --nf-stage-autodiff --nf-stage-hoist --nf-stage-fuse --split-input-file | FileCheck %s

// What NormFormer adds comes out as one pass over memory each way, beside matrix products; no pass names any of it.

// Attention's projection → post-attention LayerNorm → residual sum → the next normalization.
// CHECK-LABEL: program @forward_backward
// CHECK-COUNT-2: matmul
// CHECK-NOT: fused
// CHECK: fused rows 64 cols 16(
// CHECK-COUNT-2: nf.rsqrt
// CHECK: nf.yield
// CHECK-NOT: fused
// CHECK: matmul
// The loss, and the gradients of the next linear.
// CHECK-COUNT-2: fused
// CHECK-COUNT-2: matmul
// CHECK-NOT: fused
// Backward through both normalizations and the sum, beside the sums over tokens of the LayerNorm's own weight and bias;
// a small region adds those of its groups of rows.
// CHECK: fused rows 64 cols 16 groups 8(
// CHECK: nf.yield {{.*}} : tensor<16xf32>, tensor<16xf32>, tensor<16xf32>
// CHECK: fused rows 8 cols 16(
// CHECK-NOT: fused
// CHECK: matmul
// CHECK-LABEL: program @update
nf.parameter @wo : tensor<16x16xf32> {init = "zeros"}
nf.parameter @g : tensor<16xf32> {init = "ones"}
nf.parameter @b : tensor<16xf32> {init = "zeros"}
nf.parameter @w1 : tensor<16x16xf32> {init = "zeros"}
nf.program @forward_backward(%ctx: tensor<1x64x16xf32> {nf.name = "ctx"}, %r: tensor<1x64x16xf32> {nf.name = "r"})
    -> (tensor<1x1x1xf32> {nf.name = "loss"}) {
  %wo = nf.get @wo : tensor<16x16xf32>
  %w0 = nf.get @w1 : tensor<16x16xf32>
  %h = nf.linear %ctx, %w0 : (tensor<1x64x16xf32>, tensor<16x16xf32>) -> tensor<1x64x16xf32>
  %a = nf.linear %h, %wo : (tensor<1x64x16xf32>, tensor<16x16xf32>) -> tensor<1x64x16xf32>
  %g = nf.get @g : tensor<16xf32>
  %b = nf.get @b : tensor<16xf32>
  %n:3 = nf.layer_norm %a, %g, %b {eps = 1.0e-5 : f64} : (tensor<1x64x16xf32>, tensor<16xf32>, tensor<16xf32>)
      -> (tensor<1x64x16xf32>, tensor<1x64x1xf32>, tensor<1x64x1xf32>)
  %x = nf.add %r, %n#0 : (tensor<1x64x16xf32>, tensor<1x64x16xf32>) -> tensor<1x64x16xf32>
  %y:2 = nf.normalize %x {eps = 1.0e-5 : f64} : (tensor<1x64x16xf32>) -> (tensor<1x64x16xf32>, tensor<1x64x1xf32>)
  %w1 = nf.get @w1 : tensor<16x16xf32>
  %z = nf.linear %y#0, %w1 : (tensor<1x64x16xf32>, tensor<16x16xf32>) -> tensor<1x64x16xf32>
  %q = nf.mul %z, %z : (tensor<1x64x16xf32>, tensor<1x64x16xf32>) -> tensor<1x64x16xf32>
  %l = nf.reduce_sum %q axes [0, 1, 2] : (tensor<1x64x16xf32>) -> tensor<1x1x1xf32>
  nf.return %l : tensor<1x1x1xf32>
}

// -----

// Bias → activation → FFN LayerNorm, folded into the next product; then ResScale and the sum.
// CHECK-LABEL: program @forward_backward
// CHECK-COUNT-2: matmul
// CHECK-NOT: fused
// CHECK: fused rows 64 cols 32(
// CHECK: nf.erf
// CHECK: nf.rsqrt
// CHECK: nf.yield
// CHECK-NOT: fused
// CHECK: matmul
// CHECK-NOT: fused
// ResScale and the residual sum are in the next normalization's region: h, scale and the product are read, nothing else.
// CHECK: fused rows 64 cols 16(%{{[^,]*}}, %scale, %{{[^,]*}})
// CHECK: nf.rsqrt
// CHECK: nf.yield
// CHECK-NOT: fused
// CHECK: matmul
// CHECK-COUNT-2: fused
// CHECK-COUNT-2: matmul
// CHECK-NOT: fused
// CHECK: fused rows 64 cols 16 groups 8(
// CHECK: fused rows 8 cols 16(
// CHECK-COUNT-2: matmul
// CHECK-NOT: fused
// Backward of the FFN LayerNorm and the activation, and the sum of the bias's gradient.
// CHECK: fused rows 64 cols 32 groups 8(
// CHECK: nf.erf
// CHECK: nf.yield
// CHECK: fused rows 8 cols 32(
// CHECK-COUNT-2: matmul
// CHECK-NOT: fused
// ResScale's gradient of the residual, added to that of the first product.
// CHECK: fused rows 64 cols 16(%{{[^,]*}}, %scale, %{{[^,]*}})
// CHECK-NOT: fused
// CHECK-LABEL: program @update
nf.parameter @w0 : tensor<16x16xf32> {init = "zeros"}
nf.parameter @w1 : tensor<32x16xf32> {init = "zeros"}
nf.parameter @c : tensor<32xf32> {init = "zeros"}
nf.parameter @w2 : tensor<16x32xf32> {init = "zeros"}
nf.parameter @scale : tensor<16xf32> {init = "ones"}
nf.parameter @w3 : tensor<16x16xf32> {init = "zeros"}
nf.program @forward_backward(%x: tensor<1x64x16xf32> {nf.name = "x"}) -> (tensor<1x1x1xf32> {nf.name = "loss"}) {
  %w0 = nf.get @w0 : tensor<16x16xf32>
  %h = nf.linear %x, %w0 : (tensor<1x64x16xf32>, tensor<16x16xf32>) -> tensor<1x64x16xf32>
  %w1 = nf.get @w1 : tensor<32x16xf32>
  %c = nf.get @c : tensor<32xf32>
  %p = nf.linear %h, %w1 bias %c : (tensor<1x64x16xf32>, tensor<32x16xf32>, tensor<32xf32>) -> tensor<1x64x32xf32>
  %u = nf.gelu %p : (tensor<1x64x32xf32>) -> tensor<1x64x32xf32>
  %n:2 = nf.normalize %u {eps = 1.0e-5 : f64} : (tensor<1x64x32xf32>) -> (tensor<1x64x32xf32>, tensor<1x64x1xf32>)
  %w2 = nf.get @w2 : tensor<16x32xf32>
  %f = nf.linear %n#0, %w2 : (tensor<1x64x32xf32>, tensor<16x32xf32>) -> tensor<1x64x16xf32>
  %scale = nf.get @scale : tensor<16xf32>
  %s = nf.residual_scale %h, %scale : (tensor<1x64x16xf32>, tensor<16xf32>) -> tensor<1x64x16xf32>
  %y = nf.add %s, %f : (tensor<1x64x16xf32>, tensor<1x64x16xf32>) -> tensor<1x64x16xf32>
  %o:2 = nf.normalize %y {eps = 1.0e-5 : f64} : (tensor<1x64x16xf32>) -> (tensor<1x64x16xf32>, tensor<1x64x1xf32>)
  %w3 = nf.get @w3 : tensor<16x16xf32>
  %z = nf.linear %o#0, %w3 : (tensor<1x64x16xf32>, tensor<16x16xf32>) -> tensor<1x64x16xf32>
  %q = nf.mul %z, %z : (tensor<1x64x16xf32>, tensor<1x64x16xf32>) -> tensor<1x64x16xf32>
  %l = nf.reduce_sum %q axes [0, 1, 2] : (tensor<1x64x16xf32>) -> tensor<1x1x1xf32>
  nf.return %l : tensor<1x1x1xf32>
}
