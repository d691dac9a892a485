// RUN: nf-opt %s --pass-pipeline='builtin.module(nf.program(nf-expand-loss{chunk-bytes=192 min-rows=4}))' --split-input-file | FileCheck %s

// 12 rows of 12 logits: 576 bytes, three chunks of 4 rows; one projection a chunk, dW added to its state chunk by chunk.
// CHECK-LABEL: program @forward_backward
// CHECK: slice {{.*}} axis 0 from 0 size 4 : (tensor<12x16xf32>)
// CHECK: matmul {{.*}} {transpose_b} : (tensor<4x16xf32>, tensor<12x16xf32>) -> tensor<4x12xf32>
// CHECK: matmul {{.*}} : (tensor<4x12xf32>, tensor<12x16xf32>) -> tensor<4x16xf32>
// CHECK: matmul {{.*}} {transpose_a} : (tensor<4x12xf32>, tensor<4x16xf32>) -> tensor<12x16xf32>
// CHECK: accumulate @v.grad, {{.*}} if %accumulate
// CHECK: slice {{.*}} axis 0 from 4 size 4
// CHECK: accumulate @v.grad, {{[^ ]*}} : tensor<12x16xf32>
// CHECK: slice {{.*}} axis 0 from 8 size 4
// CHECK: accumulate @v.grad, {{[^ ]*}} : tensor<12x16xf32>
// CHECK: concat {{.*}} axis 0 : (tensor<4x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>)
// CHECK-NOT: linear_cross_entropy
nf.parameter @v : tensor<12x16xf32> {init = "{\"kind\":\"ones\"}"}
nf.state gradient @v.grad of @v : tensor<12x16xf32>
nf.program @forward_backward(%x: tensor<3x4x16xf32> {nf.name = "x"}, %targets: tensor<3x4xi32> {nf.name = "targets"},
    %weight: tensor<3x4xf32> {nf.name = "loss_weight"}, %scale: tensor<f32> {nf.name = "inv_count"},
    %accumulate: tensor<i32> {nf.name = "accumulate"})
    -> (tensor<f32> {nf.name = "loss"}, tensor<3x4x16xf32> {nf.name = "dx"}) {
  %v = nf.get @v : tensor<12x16xf32>
  %loss, %dx, %dw = nf.linear_cross_entropy_backward %x, %v, %targets, %weight, %scale : (tensor<3x4x16xf32>,
      tensor<12x16xf32>, tensor<3x4xi32>, tensor<3x4xf32>, tensor<f32>)
      -> (tensor<f32>, tensor<3x4x16xf32>, tensor<12x16xf32>)
  nf.accumulate @v.grad, %dw if %accumulate : tensor<12x16xf32>, tensor<i32>
  nf.return %loss, %dx : tensor<f32>, tensor<3x4x16xf32>
}

// -----

// Forward only, within one chunk: no slice, one product.
// CHECK-LABEL: program @eval
// CHECK-NOT: slice
// CHECK: matmul
// CHECK-NOT: matmul
nf.parameter @v : tensor<12x16xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @eval(%x: tensor<4x16xf32> {nf.name = "x"}, %targets: tensor<4xi32> {nf.name = "targets"},
    %weight: tensor<4xf32> {nf.name = "loss_weight"}, %scale: tensor<f32> {nf.name = "scale"})
    -> (tensor<f32> {nf.name = "loss_sum"}) {
  %v = nf.get @v : tensor<12x16xf32>
  %loss = nf.linear_cross_entropy %x, %v, %targets, %weight, %scale
      : (tensor<4x16xf32>, tensor<12x16xf32>, tensor<4xi32>, tensor<4xf32>, tensor<f32>) -> tensor<f32>
  nf.return %loss : tensor<f32>
}

// -----

// Forward only, in chunks that lie next to each other, the last one shorter.
// CHECK-LABEL: program @eval_in_chunks
// CHECK: slice %x axis 0 from 0 size 4 : (tensor<11x16xf32>)
// CHECK: slice %targets axis 0 from 0 size 4
// CHECK: slice %x axis 0 from 4 size 4
// CHECK: slice %targets axis 0 from 4 size 4
// CHECK: slice %x axis 0 from 8 size 3
// CHECK: slice %targets axis 0 from 8 size 3
// CHECK-NOT: slice %x
nf.parameter @v : tensor<12x16xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @eval_in_chunks(%x: tensor<11x16xf32> {nf.name = "x"}, %targets: tensor<11xi32> {nf.name = "targets"},
    %weight: tensor<11xf32> {nf.name = "loss_weight"}, %scale: tensor<f32> {nf.name = "scale"})
    -> (tensor<f32> {nf.name = "loss_sum"}) {
  %v = nf.get @v : tensor<12x16xf32>
  %loss = nf.linear_cross_entropy %x, %v, %targets, %weight, %scale
      : (tensor<11x16xf32>, tensor<12x16xf32>, tensor<11xi32>, tensor<11xf32>, tensor<f32>) -> tensor<f32>
  nf.return %loss : tensor<f32>
}

// -----

// No-op: a program without a loss.
// CHECK-LABEL: program @logits
// CHECK-NEXT: %[[Y:.*]] = matmul
// CHECK-NEXT: return %[[Y]]
nf.program @logits(%x: tensor<8x8xf32> {nf.name = "x"}) -> (tensor<8x8xf32> {nf.name = "y"}) {
  %y = nf.matmul %x, %x : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  nf.return %y : tensor<8x8xf32>
}

// -----

// The bias is added to each chunk's logits, its gradient accumulated chunk by chunk; what is read elsewhere is added up.
// CHECK-LABEL: program @forward_backward
// CHECK: matmul {{.*}} bias %[[B:.*]] {transpose_b}
// CHECK: reduce_sum
// CHECK: accumulate @b.grad, {{.*}} if %accumulate
// CHECK: matmul {{.*}} bias %[[B]] {transpose_b}
// CHECK: %[[DW:.*]] = add {{.*}} -> tensor<12x16xf32>
// CHECK: accumulate @b.grad, {{[^ ]*}} : tensor<12xf32>
// CHECK: return {{.*}}, %[[DW]]
nf.parameter @b : tensor<12xf32> {init = "{\"kind\":\"zeros\"}"}
nf.state gradient @b.grad of @b : tensor<12xf32>
nf.program @forward_backward(%x: tensor<8x16xf32> {nf.name = "x"}, %w: tensor<12x16xf32> {nf.name = "w"},
    %targets: tensor<8xi32> {nf.name = "targets"}, %weight: tensor<8xf32> {nf.name = "loss_weight"},
    %scale: tensor<f32> {nf.name = "inv_count"}, %accumulate: tensor<i32> {nf.name = "accumulate"})
    -> (tensor<f32> {nf.name = "loss"}, tensor<12x16xf32> {nf.name = "dw"}) {
  %b = nf.get @b : tensor<12xf32>
  %loss, %dx, %dw, %db = nf.linear_cross_entropy_backward %x, %w, %targets, %weight, %scale bias %b : (tensor<8x16xf32>,
      tensor<12x16xf32>, tensor<8xi32>, tensor<8xf32>, tensor<f32>, tensor<12xf32>)
      -> (tensor<f32>, tensor<8x16xf32>, tensor<12x16xf32>, tensor<12xf32>)
  nf.accumulate @b.grad, %db if %accumulate : tensor<12xf32>, tensor<i32>
  nf.return %loss, %dw : tensor<f32>, tensor<12x16xf32>
}
