// RUN: nf-opt --nf-narrow-activations --split-input-file %s | FileCheck %s

// What LayerNorm and products read is rounded, once for all readers; parts of what is narrow are narrow; the projection
// to the vocabulary stays f32.
// CHECK-LABEL: module attributes {nf.model = {vocab = 16 : i64}}
// CHECK: %[[E:.*]] = embedding
// CHECK-NEXT: %[[EN:.*]] = cast %[[E]] : (tensor<2x4x8xf32>) -> tensor<2x4x8xbf16>
// CHECK-NEXT: %[[X:.*]] = cast %[[EN]] : (tensor<2x4x8xbf16>) -> tensor<2x4x8xf32>
// CHECK-NEXT: %[[N:[a-z0-9]*]], %{{.*}} = layer_norm %[[X]],
// CHECK-NEXT: %[[NN:.*]] = cast %[[N]] : (tensor<2x4x8xf32>) -> tensor<2x4x8xbf16>
// CHECK-NEXT: %[[P:.*]] = linear %[[NN]], %qkv : (tensor<2x4x8xbf16>, tensor<24x8xf32>) -> tensor<2x4x24xbf16>
// CHECK-NEXT: %[[Q:.*]] = slice %[[P]] axis 2 from 0 size 8
// CHECK-NEXT: %[[K:.*]] = slice %[[P]] axis 2 from 8 size 8
// CHECK-NEXT: %[[V:.*]] = slice %[[P]] axis 2 from 16 size 8
// CHECK-NEXT: %[[A:.*]]:2 = attention %[[Q]], %[[K]], %[[V]] {{.*}} -> (tensor<2x4x8xbf16>, tensor<2x2x4xf32>)
// CHECK-NEXT: %[[W:.*]] = cast %[[A]]#0 : (tensor<2x4x8xbf16>) -> tensor<2x4x8xf32>
// CHECK-NEXT: %[[Y:.*]] = add %[[X]], %[[W]]
// CHECK-NEXT: %[[L:.*]] = linear %[[Y]], %table : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
// CHECK-NEXT: return %[[L]]
module attributes {nf.precision = "bf16", nf.model = {vocab = 16 : i64}} {
  nf.parameter @table : tensor<16x8xf32> {init = "zeros"}
  nf.parameter @qkv : tensor<24x8xf32> {init = "zeros"}
  nf.parameter @g : tensor<8xf32> {init = "zeros"}
  nf.program @block(%tokens: tensor<2x4xi32> {nf.name = "tokens"}) -> (tensor<2x4x16xf32> {nf.name = "logits"}) {
    %t = nf.get @table : tensor<16x8xf32>
    %w = nf.get @qkv : tensor<24x8xf32>
    %g = nf.get @g : tensor<8xf32>
    %x = nf.embedding %t, %tokens : (tensor<16x8xf32>, tensor<2x4xi32>) -> tensor<2x4x8xf32>
    %n, %mean, %rstd = nf.layer_norm %x, %g, %g {eps = 1.0e-5 : f64} : (tensor<2x4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x4x8xf32>, tensor<2x4x1xf32>, tensor<2x4x1xf32>)
    %p = nf.linear %n, %w : (tensor<2x4x8xf32>, tensor<24x8xf32>) -> tensor<2x4x24xf32>
    %q = nf.slice %p axis 2 from 0 size 8 : (tensor<2x4x24xf32>) -> tensor<2x4x8xf32>
    %k = nf.slice %p axis 2 from 8 size 8 : (tensor<2x4x24xf32>) -> tensor<2x4x8xf32>
    %v = nf.slice %p axis 2 from 16 size 8 : (tensor<2x4x24xf32>) -> tensor<2x4x8xf32>
    %a, %lse = nf.attention %q, %k, %v {heads = 2 : i64, causal, scale = 0.5 : f64} : (tensor<2x4x8xf32>, tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>, tensor<2x2x4xf32>)
    %y = nf.add %x, %a : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
    %logits = nf.linear %y, %t : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
    nf.return %logits : tensor<2x4x16xf32>
  }
}

// -----

// What depends on arguments alone counts, and products of activations are scores: both stay f32.
// CHECK-LABEL: program @exact
// CHECK-NOT: bf16
module attributes {nf.precision = "bf16"} {
  nf.parameter @w : tensor<4x4xf32> {init = "zeros"}
  nf.program @exact(%tokens: tensor<2x4xi32> {nf.name = "tokens"}, %x: tensor<4x4xf32> {nf.name = "x"}) -> (tensor<2x4xf32> {nf.name = "n"}, tensor<4x4xf32> {nf.name = "y"}) {
    %w = nf.get @w : tensor<4x4xf32>
    %f = nf.cast %tokens : (tensor<2x4xi32>) -> tensor<2x4xf32>
    %n = nf.matmul %f, %x : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
    %a = nf.add %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %y = nf.matmul %a, %a {transpose_b} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    nf.return %n, %y : tensor<2x4xf32>, tensor<4x4xf32>
  }
}

// -----

// Without the attribute nothing changes.
// CHECK-LABEL: program @in_f32
// CHECK-NOT: bf16
nf.parameter @w : tensor<8x8xf32> {init = "zeros"}
nf.program @in_f32(%tokens: tensor<2x4xi32> {nf.name = "tokens"}) -> (tensor<2x4x8xf32> {nf.name = "y"}) {
  %w = nf.get @w : tensor<8x8xf32>
  %x = nf.embedding %w, %tokens : (tensor<8x8xf32>, tensor<2x4xi32>) -> tensor<2x4x8xf32>
  %y = nf.linear %x, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  nf.return %y : tensor<2x4x8xf32>
}
