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
// CHECK: %[[P:.*]], %[[M:.*]], %[[V:.*]] = adamw %{{.*}}, %[[DW]], %{{.*}}, %{{.*}}, %[[NORM]], %[[C]], %lr, %beta1, %beta2, %eps, %[[DECAY]], %bias_correction1, %bias_correction2
// CHECK: set @w, %[[P]]
// CHECK: set @w.m, %[[M]]
// CHECK: set @w.v, %[[V]]
// CHECK: slice %weight_decay axis 0 from 1 size 1
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
