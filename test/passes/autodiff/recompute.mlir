// RUN: nf-opt --split-input-file --nf-differentiate --nf-recompute %s | FileCheck %s

// The LayerNorm's gradient reads gelu's result, and gelu's gradient reads z: one region, so that gelu is computed again
// there, after the product that gives its gradient.
// CHECK-LABEL: nf.program @forward_backward
// CHECK: %[[Z:.*]] = linear %x, %fc1
// CHECK: gelu %[[Z]]
// CHECK: matmul %{{.*}}, %fc2
// CHECK: %[[AGAIN:.*]] = gelu %[[Z]]
// CHECK: sub %[[AGAIN]], %mean
nf.parameter @fc1 : tensor<64x16xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @g : tensor<64xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @b : tensor<64xf32> {init = "{\"kind\":\"zeros\"}"}
nf.parameter @fc2 : tensor<16x64xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @forward_backward(%x: tensor<32x16xf32> {nf.name = "x"}) -> (tensor<1x1xf32> {nf.name = "loss"}) {
  %fc1 = nf.get @fc1 : tensor<64x16xf32>
  %g = nf.get @g : tensor<64xf32>
  %b = nf.get @b : tensor<64xf32>
  %fc2 = nf.get @fc2 : tensor<16x64xf32>
  %z = nf.linear %x, %fc1 : (tensor<32x16xf32>, tensor<64x16xf32>) -> tensor<32x64xf32>
  %act = nf.gelu %z : (tensor<32x64xf32>) -> tensor<32x64xf32>
  %n, %mean, %rstd = nf.layer_norm %act, %g, %b {eps = 1.0e-5 : f64} : (tensor<32x64xf32>, tensor<64xf32>,
      tensor<64xf32>) -> (tensor<32x64xf32>, tensor<32x1xf32>, tensor<32x1xf32>)
  %y = nf.linear %n, %fc2 : (tensor<32x64xf32>, tensor<16x64xf32>) -> tensor<32x16xf32>
  %loss = nf.reduce_sum %y axes [0, 1] : (tensor<32x16xf32>) -> tensor<1x1xf32>
  nf.return %loss : tensor<1x1xf32>
}

// -----

// A chain of primitives (relu squared), whose result a reader of the same region needs.
// CHECK-LABEL: nf.program @forward_backward
// CHECK: %[[Z:.*]] = linear %x, %fc1
// CHECK-COUNT-2: matmul
// CHECK: %[[MAX:.*]] = max %[[Z]]
// CHECK: %[[AGAIN:.*]] = mul %[[MAX]], %[[MAX]]
// CHECK: mul %{{.*}}, %[[AGAIN]]
nf.parameter @fc1 : tensor<64x16xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @scale : tensor<64xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @fc2 : tensor<16x64xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @forward_backward(%x: tensor<32x16xf32> {nf.name = "x"}) -> (tensor<1x1xf32> {nf.name = "loss"}) {
  %fc1 = nf.get @fc1 : tensor<64x16xf32>
  %scale = nf.get @scale : tensor<64xf32>
  %fc2 = nf.get @fc2 : tensor<16x64xf32>
  %z = nf.linear %x, %fc1 : (tensor<32x16xf32>, tensor<64x16xf32>) -> tensor<32x64xf32>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %max = nf.max %z, %zero : (tensor<32x64xf32>, tensor<1xf32>) -> tensor<32x64xf32>
  %act = nf.mul %max, %max : (tensor<32x64xf32>, tensor<32x64xf32>) -> tensor<32x64xf32>
  %scaled = nf.mul %act, %scale : (tensor<32x64xf32>, tensor<64xf32>) -> tensor<32x64xf32>
  %y = nf.linear %scaled, %fc2 : (tensor<32x64xf32>, tensor<16x64xf32>) -> tensor<32x16xf32>
  %loss = nf.reduce_sum %y axes [0, 1] : (tensor<32x16xf32>) -> tensor<1x1xf32>
  nf.return %loss : tensor<1x1xf32>
}

// -----

// A product reads the activation (fc2's gradient): it would have to be written again. And the residual sum is in memory
// for the second sum anyway: reading x and u in its place moves more.
// CHECK-LABEL: nf.program @forward_backward
// CHECK: %[[SUM:.*]] = add %x, %u
// CHECK: = gelu
// CHECK-NOT: = gelu
// CHECK-NOT: add %x, %u
// CHECK: sub %[[SUM]], %mean
// CHECK-NOT: = gelu
// CHECK: return
nf.parameter @fc1 : tensor<64x16xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @g : tensor<16xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @fc2 : tensor<16x64xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @forward_backward(%x: tensor<32x16xf32> {nf.name = "x"}, %u: tensor<32x16xf32> {nf.name = "u"})
    -> (tensor<1x1xf32> {nf.name = "loss"}) {
  %fc1 = nf.get @fc1 : tensor<64x16xf32>
  %g = nf.get @g : tensor<16xf32>
  %fc2 = nf.get @fc2 : tensor<16x64xf32>
  %sum = nf.add %x, %u : (tensor<32x16xf32>, tensor<32x16xf32>) -> tensor<32x16xf32>
  %n, %mean, %rstd = nf.layer_norm %sum, %g, %g {eps = 1.0e-5 : f64} : (tensor<32x16xf32>, tensor<16xf32>,
      tensor<16xf32>) -> (tensor<32x16xf32>, tensor<32x1xf32>, tensor<32x1xf32>)
  %z = nf.linear %n, %fc1 : (tensor<32x16xf32>, tensor<64x16xf32>) -> tensor<32x64xf32>
  %act = nf.gelu %z : (tensor<32x64xf32>) -> tensor<32x64xf32>
  %v = nf.linear %act, %fc2 : (tensor<32x64xf32>, tensor<16x64xf32>) -> tensor<32x16xf32>
  %y = nf.add %sum, %v : (tensor<32x16xf32>, tensor<32x16xf32>) -> tensor<32x16xf32>
  %loss = nf.reduce_sum %y axes [0, 1] : (tensor<32x16xf32>) -> tensor<1x1xf32>
  nf.return %loss : tensor<1x1xf32>
}

// -----

// No backward half: nothing to do.
// CHECK-LABEL: nf.program @eval
// CHECK-COUNT-1: gelu
// CHECK-NOT: gelu
nf.program @eval(%x: tensor<32x16xf32> {nf.name = "x"}) -> (tensor<32x16xf32> {nf.name = "y"}) {
  %y = nf.gelu %x : (tensor<32x16xf32>) -> tensor<32x16xf32>
  nf.return %y : tensor<32x16xf32>
}

// -----

// The gradient of a maximum compares with the very value that it was taken of.
// CHECK-LABEL: nf.program @forward_backward
// CHECK: %[[ACT:.*]] = gelu
// CHECK-NOT: = gelu
// CHECK: compare eq %[[ACT]]
// CHECK-NOT: = gelu
// CHECK: return
nf.parameter @fc1 : tensor<64x16xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @fc2 : tensor<16x64xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @forward_backward(%x: tensor<32x16xf32> {nf.name = "x"}) -> (tensor<1x1xf32> {nf.name = "loss"}) {
  %fc1 = nf.get @fc1 : tensor<64x16xf32>
  %fc2 = nf.get @fc2 : tensor<16x64xf32>
  %z = nf.linear %x, %fc1 : (tensor<32x16xf32>, tensor<64x16xf32>) -> tensor<32x64xf32>
  %act = nf.gelu %z : (tensor<32x64xf32>) -> tensor<32x64xf32>
  %most = nf.reduce_max %act axes [1] : (tensor<32x64xf32>) -> tensor<32x1xf32>
  %rest = nf.sub %act, %most : (tensor<32x64xf32>, tensor<32x1xf32>) -> tensor<32x64xf32>
  %y = nf.linear %rest, %fc2 : (tensor<32x64xf32>, tensor<16x64xf32>) -> tensor<32x16xf32>
  %loss = nf.reduce_sum %y axes [0, 1] : (tensor<32x16xf32>) -> tensor<1x1xf32>
  nf.return %loss : tensor<1x1xf32>
}
