// RUN: nf-opt --nf-decompose %s | FileCheck %s
// RUN: nf-opt --nf-decompose %s | nf-opt --nf-decompose | FileCheck %s

// CHECK-LABEL: nf.program @layer
// CHECK-NOT: layer_norm %
// CHECK: reduce_mean %{{.*}} axes [2]
// CHECK: rsqrt
// CHECK-NOT: linear %
// CHECK: matmul {{.*}} bias {{.*}}transpose_b
// CHECK-NOT: gelu %
// CHECK: erf
// CHECK: return
nf.program @layer(%x: tensor<2x3x4xf32> {nf.name = "x"}, %w: tensor<4xf32> {nf.name = "w"},
                  %b: tensor<4xf32> {nf.name = "b"}, %m: tensor<5x4xf32> {nf.name = "m"},
                  %c: tensor<5xf32> {nf.name = "c"}) -> (tensor<2x3x5xf32> {nf.name = "y"}) {
  %y, %mean, %rstd = nf.layer_norm %x, %w, %b {eps = 1.0e-5 : f64}
    : (tensor<2x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<2x3x4xf32>, tensor<2x3x1xf32>, tensor<2x3x1xf32>)
  %z = nf.linear %y, %m bias %c : (tensor<2x3x4xf32>, tensor<5x4xf32>, tensor<5xf32>) -> tensor<2x3x5xf32>
  %r = nf.gelu %z : (tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  nf.return %r : tensor<2x3x5xf32>
}

// Nothing to decompose: primitives stay as they are.
// CHECK-LABEL: nf.program @primitives
// CHECK-NEXT: %[[Y:.*]] = mul %x, %x
// CHECK-NEXT: return %[[Y]]
nf.program @primitives(%x: tensor<4xf32> {nf.name = "x"}) -> (tensor<4xf32> {nf.name = "y"}) {
  %y = nf.mul %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  nf.return %y : tensor<4xf32>
}

// A definition made of composites is decomposed to the end; attention keeps no op of its own.
// CHECK-LABEL: nf.program @attend
// CHECK-NOT: attention
// CHECK: compare le
// CHECK: reduce_max
// CHECK: return
nf.program @attend(%q: tensor<1x4x8xf32> {nf.name = "q"}) -> (tensor<1x4x8xf32> {nf.name = "y"}) {
  %y, %lse = nf.attention %q, %q, %q {heads = 2 : i64, causal, scale = 0.5 : f64}
    : (tensor<1x4x8xf32>, tensor<1x4x8xf32>, tensor<1x4x8xf32>) -> (tensor<1x4x8xf32>, tensor<1x2x4xf32>)
  nf.return %y : tensor<1x4x8xf32>
}
