// RUN: nf-opt %s --pass-pipeline='builtin.module(nf.program(nf-prepare-fusion))' --split-input-file | FileCheck %s

// Linear has a kernel in matmul with a bias; attention is a kernel; gelu is rows.
// CHECK-LABEL: program @composites
// CHECK: matmul %x, {{.*}} bias {{.*}} {transpose_b}
// CHECK: attention
// CHECK-NOT: gelu
// CHECK: erf
nf.program @composites(%x: tensor<2x4x8xf32> {nf.name = "x"}, %w: tensor<8x8xf32> {nf.name = "w"},
    %b: tensor<8xf32> {nf.name = "b"}) -> (tensor<2x4x8xf32> {nf.name = "y"}) {
  %l = nf.linear %x, %w bias %b : (tensor<2x4x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %a:2 = nf.attention %l, %l, %l {heads = 2 : i64, scale = 0.5 : f64, causal}
      : (tensor<2x4x8xf32>, tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>, tensor<2x2x4xf32>)
  %y = nf.gelu %a#0 : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  nf.return %y : tensor<2x4x8xf32>
}

// -----

// A matrix product and a column sum can be added in place; another value cannot.
// CHECK-LABEL: program @accumulates
// CHECK: matmul
// CHECK: accumulate @w.grad
// CHECK: accumulate @b.grad
// CHECK: %[[C:.*]] = exp %y
// CHECK: %[[OLD:.*]] = get @c.grad
// CHECK: %[[SUM:.*]] = add %[[OLD]], %[[C]]
// CHECK: %[[STARTS:.*]] = compare eq %accumulate, %{{.*}}
// CHECK: %[[NEW:.*]] = where %[[STARTS]], %[[C]], %[[SUM]]
// CHECK: set @c.grad, %[[NEW]]
nf.parameter @w : tensor<8x8xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @b : tensor<8xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @c : tensor<8xf32> {init = "{\"kind\":\"ones\"}"}
nf.state gradient @w.grad of @w : tensor<8x8xf32>
nf.state gradient @b.grad of @b : tensor<8xf32>
nf.state gradient @c.grad of @c : tensor<8xf32>
nf.program @accumulates(%x: tensor<8x8xf32> {nf.name = "x"}, %y: tensor<8xf32> {nf.name = "y"},
    %flag: tensor<i32> {nf.name = "accumulate"}) {
  %w = nf.matmul %x, %x : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  nf.accumulate @w.grad, %w if %flag : tensor<8x8xf32>, tensor<i32>
  %s = nf.reduce_sum %x axes [0] : (tensor<8x8xf32>) -> tensor<1x8xf32>
  %b = nf.reshape %s : (tensor<1x8xf32>) -> tensor<8xf32>
  nf.accumulate @b.grad, %b if %flag : tensor<8xf32>, tensor<i32>
  %c = nf.exp %y : (tensor<8xf32>) -> tensor<8xf32>
  nf.accumulate @c.grad, %c if %flag : tensor<8xf32>, tensor<i32>
  nf.return
}

// -----

// A sum over an inner axis becomes one over the last; operands that repeat over an inner axis are broadcast.
// CHECK-LABEL: program @shapes
// CHECK: transpose %x [0, 2, 1]
// CHECK: reduce_sum {{.*}} axes [1] : (tensor<16x4xf32>) -> tensor<16x1xf32>
// CHECK: broadcast %p : (tensor<4x8xf32>) -> tensor<2x4x8xf32>
// CHECK: add
nf.program @shapes(%x: tensor<2x4x8xf32> {nf.name = "x"}, %p: tensor<4x8xf32> {nf.name = "p"})
    -> (tensor<2x1x8xf32> {nf.name = "s"}, tensor<2x4x8xf32> {nf.name = "y"}) {
  %s = nf.reduce_sum %x axes [1] : (tensor<2x4x8xf32>) -> tensor<2x1x8xf32>
  %y = nf.add %x, %p : (tensor<2x4x8xf32>, tensor<4x8xf32>) -> tensor<2x4x8xf32>
  nf.return %s, %y : tensor<2x1x8xf32>, tensor<2x4x8xf32>
}

// -----

// No-op: primitives on rows.
// CHECK-LABEL: program @rows
// CHECK-NEXT: %[[Y:.*]] = exp %x
// CHECK-NEXT: return %[[Y]]
nf.program @rows(%x: tensor<8x8xf32> {nf.name = "x"}) -> (tensor<8x8xf32> {nf.name = "y"}) {
  %y = nf.exp %x : (tensor<8x8xf32>) -> tensor<8x8xf32>
  nf.return %y : tensor<8x8xf32>
}

// -----

// bf16 values are widened where they are read, not stored a second time in f32; rounding is done once.
// CHECK-LABEL: program @widening
// CHECK-NEXT: %[[N:.*]] = cast %x : (tensor<4x8xf32>) -> tensor<4x8xbf16>
// CHECK-NEXT: %[[A:.*]] = cast %[[N]] : (tensor<4x8xbf16>) -> tensor<4x8xf32>
// CHECK-NEXT: %[[B:.*]] = cast %[[N]] : (tensor<4x8xbf16>) -> tensor<4x8xf32>
// CHECK-NEXT: exp %[[B]]
// CHECK-NEXT: neg %[[A]]
nf.program @widening(%x: tensor<4x8xf32> {nf.name = "x"})
    -> (tensor<4x8xf32> {nf.name = "y"}, tensor<4x8xf32> {nf.name = "z"}) {
  %n = nf.cast %x : (tensor<4x8xf32>) -> tensor<4x8xbf16>
  %w = nf.cast %n : (tensor<4x8xbf16>) -> tensor<4x8xf32>
  %y = nf.exp %w : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %z = nf.neg %w : (tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y, %z : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// What a cheap op makes of one state is computed for each reader, and never stored: the factored gradient for its norm
// and again for the step. Of two states, or with a costly op, it is kept.
// CHECK-LABEL: program @of_one_state
// CHECK: %[[M:.*]] = get @m
// CHECK-COUNT-2: mul %[[M]], %g
// CHECK-NOT: mul %[[M]]
// CHECK-LABEL: program @of_two_states
// CHECK-COUNT-1: add %m, %n
// CHECK-NOT: add
// CHECK-COUNT-1: exp
// CHECK-NOT: exp
// CHECK: return
nf.parameter @m : tensor<4x8xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @n : tensor<4x8xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @g : tensor<8xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @of_one_state() -> (tensor<4x8xf32> {nf.name = "r"}, tensor<4x8xf32> {nf.name = "s"}) {
  %m = nf.get @m : tensor<4x8xf32>
  %g = nf.get @g : tensor<8xf32>
  %d = nf.mul %m, %g : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %r = nf.neg %d : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %s = nf.exp %d : (tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %r, %s : tensor<4x8xf32>, tensor<4x8xf32>
}
nf.program @of_two_states() -> (tensor<4x8xf32> {nf.name = "r"}, tensor<4x8xf32> {nf.name = "s"},
                                tensor<4x8xf32> {nf.name = "t"}, tensor<4x8xf32> {nf.name = "u"}) {
  %m = nf.get @m : tensor<4x8xf32>
  %n = nf.get @n : tensor<4x8xf32>
  %d = nf.add %m, %n : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = nf.neg %d : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %s = nf.sqrt %d : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %e = nf.exp %m : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %t = nf.neg %e : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %u = nf.sqrt %e : (tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %r, %s, %t, %u : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}
