// Fusion is a mechanism: layers that no pass knows, written in primitives, become one region forward and one backward.
// RUN: nf-opt %s --split-input-file --pass-pipeline='builtin.module(nf-differentiate,canonicalize,nf.program(nf-expand-loss,nf-prepare-fusion,canonicalize,nf-fuse-rows))' | FileCheck %s

// RMSNorm.
// CHECK-LABEL: program @forward_backward
// CHECK: matmul
// CHECK: fused rows 8 cols 16
// CHECK: nf.rsqrt
// CHECK: matmul
// CHECK: fused rows 8 cols 12
// CHECK: fused rows 1 cols 8
// CHECK: matmul
// CHECK: matmul
// CHECK: fused rows 8 cols 16({{.*}}result_kinds = array<i32: {{[05], [05]}}>
// CHECK-NOT: fused
// CHECK: matmul
nf.parameter @w : tensor<16x4xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @g : tensor<16xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @v : tensor<12x16xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @forward_backward(%in: tensor<8x4xf32> {nf.name = "in"}, %targets: tensor<8xi32> {nf.name = "targets"},
    %weight: tensor<8xf32> {nf.name = "loss_weight"}, %scale: tensor<f32> {nf.name = "inv_count"})
    -> (tensor<f32> {nf.name = "loss"}) {
  %w = nf.get @w : tensor<16x4xf32>
  %x = nf.matmul %in, %w {transpose_b} : (tensor<8x4xf32>, tensor<16x4xf32>) -> tensor<8x16xf32>
  %g = nf.get @g : tensor<16xf32>
  %eps = nf.constant dense<1.0e-6> : tensor<1xf32>
  %q = nf.mul %x, %x : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %m = nf.reduce_mean %q axes [1] : (tensor<8x16xf32>) -> tensor<8x1xf32>
  %e = nf.add %m, %eps : (tensor<8x1xf32>, tensor<1xf32>) -> tensor<8x1xf32>
  %r = nf.rsqrt %e : (tensor<8x1xf32>) -> tensor<8x1xf32>
  %n = nf.mul %x, %r : (tensor<8x16xf32>, tensor<8x1xf32>) -> tensor<8x16xf32>
  %y = nf.mul %n, %g : (tensor<8x16xf32>, tensor<16xf32>) -> tensor<8x16xf32>
  %v = nf.get @v : tensor<12x16xf32>
  %loss = nf.linear_cross_entropy %y, %v, %targets, %weight, %scale
      : (tensor<8x16xf32>, tensor<12x16xf32>, tensor<8xi32>, tensor<8xf32>, tensor<f32>) -> tensor<f32>
  nf.return %loss : tensor<f32>
}

// -----

// SwiGLU: silu(gate) · up, two matrix products in, two gradients out.
// CHECK-LABEL: program @forward_backward
// CHECK-COUNT-2: matmul
// CHECK: fused rows 8 cols 16
// CHECK: matmul
// CHECK: fused rows 8 cols 12
// CHECK: fused rows 1 cols 8
// CHECK-COUNT-2: matmul
// CHECK: fused rows 8 cols 16({{.*}}result_kinds = array<i32: 0, 0>
// CHECK-NOT: fused
nf.parameter @a : tensor<16x4xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @b : tensor<16x4xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @v : tensor<12x16xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @forward_backward(%in: tensor<8x4xf32> {nf.name = "in"}, %targets: tensor<8xi32> {nf.name = "targets"},
    %weight: tensor<8xf32> {nf.name = "loss_weight"}, %scale: tensor<f32> {nf.name = "inv_count"})
    -> (tensor<f32> {nf.name = "loss"}) {
  %a = nf.get @a : tensor<16x4xf32>
  %b = nf.get @b : tensor<16x4xf32>
  %one = nf.constant dense<1.0> : tensor<1xf32>
  %gate = nf.matmul %in, %a {transpose_b} : (tensor<8x4xf32>, tensor<16x4xf32>) -> tensor<8x16xf32>
  %up = nf.matmul %in, %b {transpose_b} : (tensor<8x4xf32>, tensor<16x4xf32>) -> tensor<8x16xf32>
  %n = nf.neg %gate : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %e = nf.exp %n : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %d = nf.add %e, %one : (tensor<8x16xf32>, tensor<1xf32>) -> tensor<8x16xf32>
  %s = nf.div %gate, %d : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %y = nf.mul %s, %up : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %v = nf.get @v : tensor<12x16xf32>
  %loss = nf.linear_cross_entropy %y, %v, %targets, %weight, %scale
      : (tensor<8x16xf32>, tensor<12x16xf32>, tensor<8xi32>, tensor<8xf32>, tensor<f32>) -> tensor<f32>
  nf.return %loss : tensor<f32>
}

// -----

// A softmax with temperature: two row reductions forward, one backward.
// CHECK-LABEL: program @forward_backward
// CHECK: matmul
// CHECK: fused rows 8 cols 16
// CHECK: nf.reduce_max
// CHECK: nf.reduce_sum
// CHECK: matmul
// CHECK: fused rows 8 cols 12
// CHECK: fused rows 1 cols 8
// CHECK: matmul
// CHECK: matmul
// CHECK: fused rows 8 cols 16({{.*}}result_kinds = array<i32: 0>
// CHECK-NOT: fused
// CHECK: matmul
nf.parameter @w : tensor<16x4xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @v : tensor<12x16xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @forward_backward(%in: tensor<8x4xf32> {nf.name = "in"}, %targets: tensor<8xi32> {nf.name = "targets"},
    %weight: tensor<8xf32> {nf.name = "loss_weight"}, %scale: tensor<f32> {nf.name = "inv_count"})
    -> (tensor<f32> {nf.name = "loss"}) {
  %w = nf.get @w : tensor<16x4xf32>
  %x = nf.matmul %in, %w {transpose_b} : (tensor<8x4xf32>, tensor<16x4xf32>) -> tensor<8x16xf32>
  %t = nf.constant dense<0.7> : tensor<1xf32>
  %a = nf.mul %x, %t : (tensor<8x16xf32>, tensor<1xf32>) -> tensor<8x16xf32>
  %h = nf.reduce_max %a axes [1] : (tensor<8x16xf32>) -> tensor<8x1xf32>
  %c = nf.sub %a, %h : (tensor<8x16xf32>, tensor<8x1xf32>) -> tensor<8x16xf32>
  %e = nf.exp %c : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %s = nf.reduce_sum %e axes [1] : (tensor<8x16xf32>) -> tensor<8x1xf32>
  %y = nf.div %e, %s : (tensor<8x16xf32>, tensor<8x1xf32>) -> tensor<8x16xf32>
  %v = nf.get @v : tensor<12x16xf32>
  %loss = nf.linear_cross_entropy %y, %v, %targets, %weight, %scale
      : (tensor<8x16xf32>, tensor<12x16xf32>, tensor<8xi32>, tensor<8xf32>, tensor<f32>) -> tensor<f32>
  nf.return %loss : tensor<f32>
}
