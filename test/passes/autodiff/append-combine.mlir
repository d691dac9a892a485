// RUN: nf-opt --nf-append-combine --split-input-file --verify-diagnostics %s | FileCheck %s

// Four slots: two partial sums, and a program a level. The attribute is used up.
// CHECK: module {
// CHECK: nf.state gradient @w.grad of @w
// CHECK-NEXT: nf.state partial @w.grad.0 of @w : tensor<4x2xf32>
// CHECK-NEXT: nf.state partial @w.grad.1 of @w : tensor<4x2xf32>
// CHECK: nf.state moment1 @w.m
// CHECK-LABEL: nf.program @combine_0()
// CHECK-NEXT: %[[G:.*]] = get @w.grad
// CHECK-NEXT: set @w.grad.0, %[[G]]
// CHECK-NEXT: return
// CHECK-LABEL: nf.program @combine_1()
// CHECK-NEXT: %[[G:.*]] = get @w.grad
// CHECK-NEXT: %[[P0:.*]] = get @w.grad.0
// CHECK-NEXT: %[[S:.*]] = add %[[P0]], %[[G]]
// CHECK-NEXT: set @w.grad.1, %[[S]]
// CHECK-LABEL: nf.program @combine_2()
// CHECK: %[[S:.*]] = add
// CHECK-NEXT: %[[P1:.*]] = get @w.grad.1
// CHECK-NEXT: %[[T:.*]] = add %[[P1]], %[[S]]
// CHECK-NEXT: set @w.grad, %[[T]]
// CHECK-NOT: nf.program
module attributes {nf.reduction_slots = 4 : i64} {
  nf.parameter @w : tensor<4x2xf32> {init = "zeros"}
  nf.parameter @constant : tensor<4xf32> {init = "zeros", trainable = false}
  nf.state gradient @w.grad of @w : tensor<4x2xf32>
  nf.state moment1 @w.m of @w : tensor<4x2xf32>
}

// -----

// No-op: one slot is the gradient itself.
// CHECK: module {
// CHECK-NOT: partial
// CHECK-NOT: nf.program
module attributes {nf.reduction_slots = 1 : i64} {
  nf.parameter @w : tensor<4xf32> {init = "zeros"}
  nf.state gradient @w.grad of @w : tensor<4xf32>
}

// -----

// No-op: a module that says nothing of slots.
// CHECK: module {
// CHECK-NOT: nf.program
module {
  nf.parameter @w : tensor<4xf32> {init = "zeros"}
  nf.state gradient @w.grad of @w : tensor<4xf32>
}

// -----

// expected-error @below {{expected nf.reduction_slots to be a power of two, but got 6}}
module attributes {nf.reduction_slots = 6 : i64} {
}
