// RUN: nf-opt --nf-append-update --split-input-file %s | FileCheck %s

// CHECK: nf.state gradient @w.grad of @w
// CHECK: nf.state moment1 @w.m of @w : tensor<4x2xf32>
// CHECK: nf.state moment2 @w.v of @w : tensor<4x2xf32>
// CHECK-LABEL: nf.program @update(
// CHECK-SAME: %lr: tensor<f32> {nf.name = "lr"}
// CHECK-SAME: %weight_decay: tensor<2xf32> {nf.name = "weight_decay"}
// CHECK-SAME: -> (tensor<f32> {nf.name = "grad_norm"}, tensor<2xf32> {nf.name = "grad_sqnorm"})
// CHECK: %[[DW:.*]] = get @w.grad
// CHECK: %[[NW:.*]] = square_norm %[[DW]]
// CHECK: %[[DB:.*]] = get @b.grad
// CHECK: %[[NB:.*]] = square_norm %[[DB]]
// CHECK: %[[PARTS:.*]] = concat %[[NW]], %[[NB]] axis 0
// CHECK: %[[NORM:.*]] = sqrt
// CHECK: %[[C:.*]] = clip_coefficient %[[NORM]], %clip
// CHECK: %[[DECAY:.*]] = slice %weight_decay axis 0 from 0 size 1
// CHECK: %[[OLD_P:.*]] = get @w :
// CHECK: %[[OLD_M:.*]] = get @w.m
// CHECK: %[[OLD_V:.*]] = get @w.v
// CHECK: %[[P:.*]], %[[M:.*]], %[[V:.*]] = adamw %[[OLD_P]], %[[DW]], %[[OLD_M]], %[[OLD_V]], %[[NORM]], %[[C]], %lr, %beta1, %beta2, %eps, %[[DECAY]], %bias_correction1, %bias_correction2
// CHECK: slice %weight_decay axis 0 from 1 size 1
// CHECK: set @w, %[[P]]
// CHECK: set @w.m, %[[M]]
// CHECK: set @w.v, %[[V]]
// CHECK: set @b,
// CHECK: return %{{.*}}, %[[PARTS]]
nf.parameter @w : tensor<4x2xf32> {init = "zeros"}
nf.parameter @unused : tensor<4xf32> {init = "zeros", trainable = false}
nf.parameter @b : tensor<2xf32> {init = "zeros"}
nf.state gradient @w.grad of @w : tensor<4x2xf32>
nf.state gradient @b.grad of @b : tensor<2xf32>

// -----

// No-op: nothing is trained.
// CHECK-NOT: nf.program
nf.parameter @w : tensor<4xf32> {init = "zeros"}

// -----

// Folded weights: unfold_gradients becomes the beginning of update. A parameter that is only folded has moments, but no
// gradient of its own; one that is also used directly has its own gradient added.
// CHECK: nf.parameter @g
// CHECK-NEXT: nf.state moment1 @g.m of @g
// CHECK-NEXT: nf.state moment2 @g.v of @g
// CHECK: nf.state gradient @w.grad of @w
// CHECK: nf.state moment1 @w.m of @w
// CHECK-NOT: unfold_gradients
// CHECK-LABEL: nf.program @update(
// CHECK: %[[M:.*]] = get @w.folded.0.grad
// CHECK: %[[DW:.*]] = fold_scale %[[M]]
// CHECK: %[[DG:.*]] = reshape
// CHECK: %[[SUM:.*]] = add %{{.*}}, %[[DW]]
// CHECK: square_norm %[[SUM]]
// CHECK: square_norm %[[DG]]
// CHECK: adamw %{{.*}}, %[[SUM]],
// CHECK: adamw %{{.*}}, %[[DG]],
nf.parameter @w : tensor<2x4xf32> {init = "zeros"}
nf.parameter @g : tensor<4xf32> {init = "zeros"}
nf.state gradient @w.grad of @w : tensor<2x4xf32>
nf.state folded @w.folded.0.grad of @w : tensor<2x4xf32>
nf.program @unfold_gradients() -> (tensor<2x4xf32> {nf.name = "w"}, tensor<4xf32> {nf.name = "g"}) {
  %w = nf.get @w : tensor<2x4xf32>
  %g = nf.get @g : tensor<4xf32>
  %m = nf.get @w.folded.0.grad : tensor<2x4xf32>
  %dw = nf.fold_scale %m, %g {axis = 1 : i64} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %p = nf.mul %m, %w : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %s = nf.reduce_sum %p axes [0] : (tensor<2x4xf32>) -> tensor<1x4xf32>
  %dg = nf.reshape %s : (tensor<1x4xf32>) -> tensor<4xf32>
  %own = nf.get @w.grad : tensor<2x4xf32>
  %sum = nf.add %own, %dw : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  nf.return %sum, %dg : tensor<2x4xf32>, tensor<4xf32>
}
