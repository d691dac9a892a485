// RUN: nf-opt --nf-differentiate --split-input-file %s | FileCheck %s

// A parameter used twice: its first contribution starts the sum, the second is added.
// CHECK: nf.parameter @w
// CHECK: nf.state gradient @w.grad of @w : tensor<4xf32>
// CHECK-LABEL: nf.program @forward_backward
// CHECK-SAME: %accumulate: tensor<i32> {nf.name = "accumulate"}
// CHECK-DAG: %[[W:.*]] = get @w
// CHECK: %[[Y:.*]] = mul %[[W]], %x
// CHECK: %[[Z:.*]] = mul %[[Y]], %[[W]]
// CHECK: %[[L:.*]] = reduce_sum %[[Z]] axes [0]
// CHECK: %[[SEED:.*]] = constant dense<1.000000e+00> : tensor<1xf32>
// CHECK: %[[DZ:.*]] = broadcast %[[SEED]] : (tensor<1xf32>) -> tensor<4xf32>
// CHECK-DAG: %[[DY:.*]] = mul %[[DZ]], %[[W]]
// CHECK-DAG: %[[DW1:.*]] = mul %[[DZ]], %[[Y]]
// CHECK: accumulate @w.grad, %[[DW1]] if %accumulate : tensor<4xf32>, tensor<i32>
// CHECK: %[[DW2:.*]] = mul %[[DY]], %x
// CHECK: accumulate @w.grad, %[[DW2]] : tensor<4xf32>
// CHECK: return %[[L]]
nf.parameter @w : tensor<4xf32> {init = "zeros"}
nf.program @forward_backward(%x: tensor<4xf32> {nf.name = "x"}) -> (tensor<1xf32> {nf.name = "loss"}) {
  %w = nf.get @w : tensor<4xf32>
  %y = nf.mul %w, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %z = nf.mul %y, %w : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %l = nf.reduce_sum %z axes [0] : (tensor<4xf32>) -> tensor<1xf32>
  nf.return %l : tensor<1xf32>
}

// -----

// Two reads of one parameter have one gradient state, whose sum is started once.
// CHECK-LABEL: nf.program @forward_backward
// CHECK: accumulate @w.grad, %{{.*}} if %accumulate
// CHECK-NOT: if %accumulate
// CHECK: accumulate @w.grad, %{{.*}} : tensor<4xf32>
nf.parameter @w : tensor<4xf32> {init = "zeros"}
nf.program @forward_backward() -> (tensor<4xf32> {nf.name = "loss"}) {
  %a = nf.get @w : tensor<4xf32>
  %b = nf.get @w : tensor<4xf32>
  %z = nf.mul %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  nf.return %z : tensor<4xf32>
}

// -----

// No gradient that nothing uses: not of a constant, not of an argument, not of what only they reach.
// CHECK-NOT: nf.state gradient @positions
// CHECK-LABEL: nf.program @forward_backward
// CHECK: exp
// CHECK: %[[P:.*]] = mul %{{.*}}, %{{.*}}
// CHECK: add
// CHECK: %[[SEED:.*]] = constant dense<1.000000e+00> : tensor<4xf32>
// CHECK-NEXT: accumulate @w.grad, %[[SEED]] if %accumulate
// CHECK-NEXT: return
nf.parameter @w : tensor<4xf32> {init = "zeros"}
nf.parameter @positions : tensor<4xf32> {init = "sinusoidal", trainable = false}
nf.program @forward_backward(%x: tensor<4xf32> {nf.name = "x"}) -> (tensor<4xf32> {nf.name = "loss"}) {
  %w = nf.get @w : tensor<4xf32>
  %p = nf.get @positions : tensor<4xf32>
  %e = nf.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %y = nf.mul %p, %e : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %z = nf.add %w, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  nf.return %z : tensor<4xf32>
}

// -----

// The loss ends the graph: loss and gradients come from one op, and one projection.
// CHECK-LABEL: nf.program @forward_backward
// CHECK-NOT: linear_cross_entropy %
// CHECK: %[[LOSS:.*]], %[[DX:.*]], %[[DW:.*]] = linear_cross_entropy_backward
// CHECK-NOT: linear_cross_entropy
// CHECK: accumulate @head.grad, %[[DW]] if %accumulate
// CHECK: return %[[LOSS]]
nf.parameter @head : tensor<11x8xf32> {init = "zeros"}
nf.parameter @scale : tensor<8xf32> {init = "zeros"}
nf.program @forward_backward(%x: tensor<5x8xf32> {nf.name = "x"}, %targets: tensor<5xi32> {nf.name = "targets"},
                             %weight: tensor<5xf32> {nf.name = "loss_weight"},
                             %count: tensor<f32> {nf.name = "inv_count"}) -> (tensor<f32> {nf.name = "loss"}) {
  %w = nf.get @head : tensor<11x8xf32>
  %s = nf.get @scale : tensor<8xf32>
  %y = nf.residual_scale %x, %s : (tensor<5x8xf32>, tensor<8xf32>) -> tensor<5x8xf32>
  %l = nf.linear_cross_entropy %y, %w, %targets, %weight, %count
      : (tensor<5x8xf32>, tensor<11x8xf32>, tensor<5xi32>, tensor<5xf32>, tensor<f32>) -> tensor<f32>
  nf.return %l : tensor<f32>
}

// -----

// Backward of attention recomputes from q, k, v and the log-sum-exp: nothing of T × T is kept.
// CHECK-LABEL: nf.program @forward_backward
// CHECK: %[[A:.*]]:2 = attention %[[Q:.*]], %[[Q]], %[[Q]]
// CHECK: attention_backward %[[Q]], %[[Q]], %[[Q]], %[[A]]#0, %[[A]]#1, %{{.*}} {causal, heads = 2 : i64, scale = 5.000000e-01 : f64}
nf.parameter @q : tensor<1x4x8xf32> {init = "zeros"}
nf.program @forward_backward() -> (tensor<1x4x8xf32> {nf.name = "loss"}) {
  %q = nf.get @q : tensor<1x4x8xf32>
  %y, %lse = nf.attention %q, %q, %q {heads = 2 : i64, causal, scale = 0.5 : f64}
      : (tensor<1x4x8xf32>, tensor<1x4x8xf32>, tensor<1x4x8xf32>) -> (tensor<1x4x8xf32>, tensor<1x2x4xf32>)
  nf.return %y : tensor<1x4x8xf32>
}

// -----

// No-op: only forward_backward is differentiated.
// CHECK-NOT: nf.state
// CHECK-LABEL: nf.program @eval
// CHECK-NOT: accumulate
nf.parameter @w : tensor<4xf32> {init = "zeros"}
nf.program @eval() -> (tensor<4xf32> {nf.name = "loss_sum"}) {
  %w = nf.get @w : tensor<4xf32>
  nf.return %w : tensor<4xf32>
}

// -----

// So does the gradient of an output bias.
// CHECK-LABEL: nf.program @forward_backward
// CHECK: %[[LOSS:[^,]*]], %{{[^,]*}}, %{{[^,]*}}, %[[DB:[^,]*]] = linear_cross_entropy_backward {{.*}} bias
// CHECK: accumulate @bias.grad, %[[DB]] if %accumulate
nf.parameter @bias : tensor<11xf32> {init = "zeros"}
nf.program @forward_backward(%x: tensor<5x8xf32> {nf.name = "x"}, %w: tensor<11x8xf32> {nf.name = "w"},
                             %targets: tensor<5xi32> {nf.name = "targets"},
                             %weight: tensor<5xf32> {nf.name = "loss_weight"},
                             %count: tensor<f32> {nf.name = "inv_count"}) -> (tensor<f32> {nf.name = "loss"}) {
  %b = nf.get @bias : tensor<11xf32>
  %l = nf.linear_cross_entropy %x, %w, %targets, %weight, %count bias %b
      : (tensor<5x8xf32>, tensor<11x8xf32>, tensor<5xi32>, tensor<5xf32>, tensor<f32>, tensor<11xf32>) -> tensor<f32>
  nf.return %l : tensor<f32>
}

// -----

// A second term of the loss reads the first: loss and gradients stand where the loss did.
// CHECK-LABEL: nf.program @forward_backward
// CHECK: %[[LOSS:.*]], %[[DX:.*]], %[[DW:.*]] = linear_cross_entropy_backward
// CHECK: %[[SUM:.*]] = add %[[LOSS]], %{{.*}}
// CHECK: accumulate @head.grad, %[[DW]]
// CHECK: return %[[SUM]]
nf.parameter @head : tensor<11x8xf32> {init = "zeros"}
nf.parameter @extra : tensor<1xf32> {init = "zeros"}
nf.program @forward_backward(%x: tensor<5x8xf32> {nf.name = "x"}, %targets: tensor<5xi32> {nf.name = "targets"},
                             %weight: tensor<5xf32> {nf.name = "loss_weight"},
                             %count: tensor<f32> {nf.name = "inv_count"}) -> (tensor<f32> {nf.name = "loss"}) {
  %w = nf.get @head : tensor<11x8xf32>
  %l = nf.linear_cross_entropy %x, %w, %targets, %weight, %count
      : (tensor<5x8xf32>, tensor<11x8xf32>, tensor<5xi32>, tensor<5xf32>, tensor<f32>) -> tensor<f32>
  %p = nf.get @extra : tensor<1xf32>
  %e = nf.reshape %p : (tensor<1xf32>) -> tensor<f32>
  %sum = nf.add %l, %e : (tensor<f32>, tensor<f32>) -> tensor<f32>
  nf.return %sum : tensor<f32>
}

// -----

// Gradients have the precision of what they are of: bf16 of activations, f32 of parameters, whose sums over tokens are
// never rounded.
// CHECK-LABEL: nf.program @forward_backward
// CHECK: %[[DY:.*]] = cast %{{.*}} : (tensor<2x3x3xf32>) -> tensor<2x3x3xbf16>
// CHECK: matmul %[[DY]], %w : (tensor<2x3x3xbf16>, tensor<3x4xf32>) -> tensor<2x3x4xbf16>
// CHECK: matmul %{{.*}}, %{{.*}} {transpose_a} : (tensor<6x3xbf16>, tensor<6x4xbf16>) -> tensor<3x4xf32>
// CHECK: %[[WIDE:.*]] = cast %[[DY]] : (tensor<2x3x3xbf16>) -> tensor<2x3x3xf32>
// CHECK: reduce_sum %[[WIDE]] axes [0, 1] : (tensor<2x3x3xf32>) -> tensor<1x1x3xf32>
// CHECK: return
nf.parameter @e : tensor<5x4xf32> {init = "zeros"}
nf.parameter @w : tensor<3x4xf32> {init = "zeros"}
nf.parameter @b : tensor<3xf32> {init = "zeros"}
nf.program @forward_backward(%ids: tensor<2x3xi32> {nf.name = "tokens"}) -> (tensor<1x1x1xf32> {nf.name = "loss"}) {
  %e = nf.get @e : tensor<5x4xf32>
  %w = nf.get @w : tensor<3x4xf32>
  %b = nf.get @b : tensor<3xf32>
  %x = nf.embedding %e, %ids : (tensor<5x4xf32>, tensor<2x3xi32>) -> tensor<2x3x4xf32>
  %n = nf.cast %x : (tensor<2x3x4xf32>) -> tensor<2x3x4xbf16>
  %y = nf.linear %n, %w bias %b : (tensor<2x3x4xbf16>, tensor<3x4xf32>, tensor<3xf32>) -> tensor<2x3x3xbf16>
  %z = nf.cast %y : (tensor<2x3x3xbf16>) -> tensor<2x3x3xf32>
  %l = nf.reduce_sum %z axes [0, 1, 2] : (tensor<2x3x3xf32>) -> tensor<1x1x1xf32>
  nf.return %l : tensor<1x1x1xf32>
}

// -----

// The gradient of a folded weight is summed as it is; unfold_gradients, once a step, takes it apart. A parameter that is
// also used directly adds what its own state holds.
// CHECK: nf.state folded @w.folded.0.grad of @w : tensor<3x4xf32>
// CHECK: nf.state gradient @w.grad of @w : tensor<3x4xf32>
// CHECK-NOT: nf.state
// CHECK-LABEL: nf.program @forward_backward
// CHECK: accumulate @w.folded.0.grad, %{{.*}} if %accumulate : tensor<3x4xf32>, tensor<i32>
// CHECK: accumulate @w.grad, %{{.*}} if %accumulate : tensor<3x4xf32>, tensor<i32>
// CHECK-NOT: accumulate @
// CHECK-LABEL: nf.program @unfold_gradients() -> (tensor<3x4xf32> {nf.name = "w"}, tensor<4xf32> {nf.name = "g"})
// CHECK-DAG: %[[M:.*]] = get @w.folded.0.grad
// CHECK-DAG: %[[DW:.*]] = fold_scale %[[M]], %g {axis = 1 : i64}
// CHECK-DAG: mul %[[M]], %w
// CHECK-DAG: %[[OWN:.*]] = get @w.grad
// CHECK-DAG: %[[SUM:.*]] = add %[[OWN]], %[[DW]]
// CHECK: return %[[SUM]],
nf.parameter @w : tensor<3x4xf32> {init = "zeros"}
nf.parameter @g : tensor<4xf32> {init = "zeros"}
nf.program @forward_backward(%x: tensor<5x4xf32> {nf.name = "x"}) -> (tensor<1x1xf32> {nf.name = "loss"}) {
  %w = nf.get @w : tensor<3x4xf32>
  %g = nf.get @g : tensor<4xf32>
  %y = nf.linear %x, %w : (tensor<5x4xf32>, tensor<3x4xf32>) -> tensor<5x3xf32>
  %f = nf.fold_scale %w, %g {axis = 1 : i64} : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  %z = nf.linear %x, %f : (tensor<5x4xf32>, tensor<3x4xf32>) -> tensor<5x3xf32>
  %p = nf.mul %y, %z : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %l = nf.reduce_sum %p axes [0, 1] : (tensor<5x3xf32>) -> tensor<1x1xf32>
  nf.return %l : tensor<1x1xf32>
}

// -----

// Forward rounds a normalized value for a product: backward reads the rounded one, which is saved anyway.
// CHECK-LABEL: nf.program @forward_backward
// CHECK: %[[Y:.*]], %[[RSTD:.*]] = normalize
// CHECK: %[[N:.*]] = cast %[[Y]] : (tensor<4x8xf32>) -> tensor<4x8xbf16>
// CHECK: %[[WIDE:.*]] = cast %[[N]] : (tensor<4x8xbf16>) -> tensor<4x8xf32>
// CHECK: linear %[[N]]
// CHECK-NOT: %[[Y]]
// CHECK: mul %{{.*}}, %[[WIDE]]
// CHECK-NOT: %[[Y]]
// CHECK: return
nf.parameter @e : tensor<4x8xf32> {init = "zeros"}
nf.parameter @w : tensor<3x8xf32> {init = "zeros"}
nf.program @forward_backward() -> (tensor<1x1xf32> {nf.name = "loss"}) {
  %e = nf.get @e : tensor<4x8xf32>
  %w = nf.get @w : tensor<3x8xf32>
  %y, %rstd = nf.normalize %e {eps = 1.0e-5 : f64} : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>)
  %n = nf.cast %y : (tensor<4x8xf32>) -> tensor<4x8xbf16>
  %z = nf.linear %n, %w : (tensor<4x8xbf16>, tensor<3x8xf32>) -> tensor<4x3xbf16>
  %f = nf.cast %z : (tensor<4x3xbf16>) -> tensor<4x3xf32>
  %l = nf.reduce_sum %f axes [0, 1] : (tensor<4x3xf32>) -> tensor<1x1xf32>
  nf.return %l : tensor<1x1xf32>
}

// -----

// The gradient of a maximum asks which element it was: that value is not read rounded.
// CHECK-LABEL: nf.program @forward_backward
// CHECK: %[[X:.*]] = mul
// CHECK: cast %[[X]] : (tensor<4x8xf32>) -> tensor<4x8xbf16>
// CHECK-NOT: cast {{.*}}bf16>) -> tensor<4x8xf32>
// CHECK: reduce_max %[[X]]
// CHECK: compare eq %[[X]]
nf.parameter @e : tensor<4x8xf32> {init = "zeros"}
nf.parameter @w : tensor<3x8xf32> {init = "zeros"}
nf.program @forward_backward() -> (tensor<1x1xf32> {nf.name = "loss"}) {
  %e = nf.get @e : tensor<4x8xf32>
  %w = nf.get @w : tensor<3x8xf32>
  %x = nf.mul %e, %e : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %n = nf.cast %x : (tensor<4x8xf32>) -> tensor<4x8xbf16>
  %z = nf.linear %n, %w : (tensor<4x8xbf16>, tensor<3x8xf32>) -> tensor<4x3xbf16>
  %f = nf.cast %z : (tensor<4x3xbf16>) -> tensor<4x3xf32>
  %m = nf.reduce_max %x axes [1] : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %p = nf.mul %f, %m : (tensor<4x3xf32>, tensor<4x1xf32>) -> tensor<4x3xf32>
  %l = nf.reduce_sum %p axes [0, 1] : (tensor<4x3xf32>) -> tensor<1x1xf32>
  nf.return %l : tensor<1x1xf32>
}

// -----

// Backward of a normalized activation makes its rows of x again, since the activation's gradient reads what x is made
// of; that of a sum (%y2) reads forward's rows.
// CHECK-LABEL: nf.program @forward_backward
// CHECK: %[[A:.*]] = gelu
// CHECK: %[[Y1:.*]], %[[R1:.*]] = normalize %[[A]]
// CHECK: %[[Y2:.*]], %[[R2:.*]] = normalize
// CHECK: mul %{{.*}}, %[[Y2]]
// CHECK: %[[MEAN:.*]] = reduce_mean %[[A]] axes [1]
// CHECK: %[[CENTRED:.*]] = sub %[[A]], %[[MEAN]]
// CHECK: mul %[[CENTRED]], %[[R1]]
// CHECK: return
nf.parameter @e : tensor<4x8xf32> {init = "zeros"}
nf.program @forward_backward(%w: tensor<4x8xf32> {nf.name = "w"}) -> (tensor<1x1xf32> {nf.name = "loss"}) {
  %e = nf.get @e : tensor<4x8xf32>
  %a = nf.gelu %e : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %y1, %r1 = nf.normalize %a {eps = 1.0e-5 : f64} : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>)
  %s = nf.add %y1, %e : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %y2, %r2 = nf.normalize %s {eps = 1.0e-5 : f64} : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>)
  %p = nf.mul %y2, %w : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %l = nf.reduce_sum %p axes [0, 1] : (tensor<4x8xf32>) -> tensor<1x1xf32>
  nf.return %l : tensor<1x1xf32>
}
