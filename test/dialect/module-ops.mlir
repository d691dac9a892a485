// RUN: nf-opt --verify-roundtrip %s | FileCheck %s

// CHECK: nf.parameter @layers.0.attn.q.weight
nf.parameter @"layers.0.attn.q.weight" : tensor<8x8xf32> {init = "{\22kind\22:\22normal\22,\22std\22:0.02}"}
// CHECK: nf.parameter @embed.positions.weight
nf.parameter @embed.positions.weight : tensor<4x8xf32> {init = "{\22kind\22:\22sinusoidal\22}", trainable = false}
// CHECK: nf.state gradient @layers.0.attn.q.weight.grad of @layers.0.attn.q.weight
nf.state gradient @"layers.0.attn.q.weight.grad" of @"layers.0.attn.q.weight" : tensor<8x8xf32>
// CHECK: nf.state moment1 @layers.0.attn.q.weight.m of @layers.0.attn.q.weight
nf.state moment1 @"layers.0.attn.q.weight.m" of @"layers.0.attn.q.weight" : tensor<8x8xf32>
// CHECK: nf.state moment2 @layers.0.attn.q.weight.v of @layers.0.attn.q.weight
nf.state moment2 @"layers.0.attn.q.weight.v" of @"layers.0.attn.q.weight" : tensor<8x8xf32>
// CHECK: nf.state derived @folded of @layers.0.attn.q.weight
nf.state derived @folded of @"layers.0.attn.q.weight" : tensor<8xbf16>
// CHECK-LABEL: nf.program @states
nf.program @states(%accumulate: tensor<i32> {nf.name = "accumulate"}) -> (tensor<8x8xf32> {nf.name = "weight"},
    tensor<8xbf16> {nf.name = "folded"}) {
  // CHECK: get @layers.0.attn.q.weight
  %w = nf.get @"layers.0.attn.q.weight" : tensor<8x8xf32>
  // CHECK: get @folded
  %f = nf.get @folded : tensor<8xbf16>
  // CHECK: set @layers.0.attn.q.weight.m, %{{.*}}
  nf.set @"layers.0.attn.q.weight.m", %w : tensor<8x8xf32>
  // CHECK: accumulate @layers.0.attn.q.weight.grad, %{{.*}} if %{{.*}}
  nf.accumulate @"layers.0.attn.q.weight.grad", %w if %accumulate : tensor<8x8xf32>, tensor<i32>
  // CHECK: accumulate @layers.0.attn.q.weight.grad, %{{.*}}
  nf.accumulate @"layers.0.attn.q.weight.grad", %w : tensor<8x8xf32>
  // CHECK: return %{{.*}}, %{{.*}}
  nf.return %w, %f : tensor<8x8xf32>, tensor<8xbf16>
}
// CHECK-LABEL: nf.program @nothing
nf.program @nothing() {
  nf.return
}
