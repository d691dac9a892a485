// RUN: nf-opt --nf-raise-activations %s | FileCheck %s
// RUN: nf-check %s --against='pass:nf.program(nf-raise-activations)' --tolerance=1e-6

// x · 0.5 · (erf(x / √2) + 1), as PyTorch's exporter writes it.
// CHECK-LABEL: program @gelu_torch
// CHECK-NEXT: %[[Y:.*]] = gelu %x :
// CHECK-NEXT: return %[[Y]]
nf.program @gelu_torch(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %d_k = nf.constant dense<1.4142135381698608> : tensor<1xf32>
  %d = nf.div %x, %d_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %e = nf.erf %d : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %p_k = nf.constant dense<1.0> : tensor<1xf32>
  %p = nf.add %e, %p_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %m = nf.mul %x, %p : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %y_k = nf.constant dense<0.5> : tensor<1xf32>
  %y = nf.mul %m, %y_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// 0.5 x + 0.5 x erf(x · 0.7071).
// CHECK-LABEL: program @gelu_sum
// CHECK-NEXT: %[[Y:.*]] = gelu %x :
// CHECK-NEXT: return %[[Y]]
nf.program @gelu_sum(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %h_k = nf.constant dense<0.5> : tensor<f32>
  %h = nf.mul %h_k, %x : (tensor<f32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %d_k = nf.constant dense<0.70710677> : tensor<1xf32>
  %d = nf.mul %x, %d_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %e = nf.erf %d : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = nf.mul %h, %e : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = nf.add %g, %h : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// The cube as products, the factor inside.
// CHECK-LABEL: program @gelu_tanh_cube
// CHECK-NEXT: %[[Y:.*]] = gelu_tanh %x :
// CHECK-NEXT: return %[[Y]]
nf.program @gelu_tanh_cube(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %s = nf.mul %x, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %q = nf.mul %s, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %r_k = nf.constant dense<0.044715> : tensor<1xf32>
  %r = nf.mul %q, %r_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %i = nf.add %x, %r : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %u_k = nf.constant dense<0.7978845608> : tensor<1xf32>
  %u = nf.mul %i, %u_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %t = nf.tanh %u : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %p_k = nf.constant dense<1.0> : tensor<1xf32>
  %p = nf.add %t, %p_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %m = nf.mul %x, %p : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %y_k = nf.constant dense<0.5> : tensor<f32>
  %y = nf.mul %y_k, %m : (tensor<f32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// The cube as a power, half the sum first.
// CHECK-LABEL: program @gelu_tanh_pow
// CHECK-NEXT: %[[Y:.*]] = gelu_tanh %x :
// CHECK-NEXT: return %[[Y]]
nf.program @gelu_tanh_pow(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %q_k = nf.constant dense<3.0> : tensor<1xf32>
  %q = nf.pow %x, %q_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %r_k = nf.constant dense<0.044715> : tensor<f32>
  %r = nf.mul %r_k, %q : (tensor<f32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %i = nf.add %r, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %u_k = nf.constant dense<0.7978845834732056> : tensor<1xf32>
  %u = nf.mul %i, %u_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %t = nf.tanh %u : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %p_k = nf.constant dense<1.0> : tensor<1xf32>
  %p = nf.add %t, %p_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %h_k = nf.constant dense<0.5> : tensor<1xf32>
  %h = nf.mul %p, %h_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %y = nf.mul %h, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// x · σ(2u) is the same function.
// CHECK-LABEL: program @gelu_tanh_sigmoid
// CHECK-NEXT: %[[Y:.*]] = gelu_tanh %x :
// CHECK-NEXT: return %[[Y]]
nf.program @gelu_tanh_sigmoid(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %s = nf.mul %x, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %r_k = nf.constant dense<0.044715> : tensor<1xf32>
  %r = nf.mul %s, %r_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %i_k = nf.constant dense<1.0> : tensor<1xf32>
  %i = nf.add %r, %i_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %j = nf.mul %i, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %u_k = nf.constant dense<-1.5957691216057308> : tensor<1xf32>
  %u = nf.mul %j, %u_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %e = nf.exp %u : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %p_k = nf.constant dense<1.0> : tensor<1xf32>
  %p = nf.add %e, %p_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %y = nf.div %x, %p : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}


// CHECK-LABEL: program @relu_max
// CHECK-NEXT: %[[Y:.*]] = relu %x :
// CHECK-NEXT: return %[[Y]]
nf.program @relu_max(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %y_k = nf.constant dense<0.0> : tensor<f32>
  %y = nf.max %y_k, %x : (tensor<f32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// By a comparison.
// CHECK-LABEL: program @relu_where
// CHECK-NEXT: %[[Y:.*]] = relu %x :
// CHECK-NEXT: return %[[Y]]
nf.program @relu_where(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %z = nf.constant dense<0.0> : tensor<1xf32>
  %c = nf.compare gt %x, %z : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xi1>
  %y = nf.where %c, %x, %z : (tensor<4x8xi1>, tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}


// CHECK-LABEL: program @relu2_product
// CHECK-NEXT: %[[Y:.*]] = relu2 %x :
// CHECK-NEXT: return %[[Y]]
nf.program @relu2_product(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %r_k = nf.constant dense<0.0> : tensor<1xf32>
  %r = nf.max %x, %r_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %y = nf.mul %r, %r : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// A power of nf.relu.
// CHECK-LABEL: program @relu2_pow
// CHECK-NEXT: %[[Y:.*]] = relu2 %x :
// CHECK-NEXT: return %[[Y]]
nf.program @relu2_pow(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %r = nf.relu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %y_k = nf.constant dense<2.0> : tensor<1xf32>
  %y = nf.pow %r, %y_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// x · σ(x), σ written out.
// CHECK-LABEL: program @silu_sigmoid
// CHECK-NEXT: %[[Y:.*]] = silu %x :
// CHECK-NEXT: return %[[Y]]
nf.program @silu_sigmoid(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %n = nf.neg %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %e = nf.exp %n : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %p_k = nf.constant dense<1.0> : tensor<1xf32>
  %p = nf.add %e, %p_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %s_k = nf.constant dense<1.0> : tensor<f32>
  %s = nf.div %s_k, %p : (tensor<f32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = nf.mul %x, %s : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// Near misses.

// 1.41 is not √2.
// CHECK-LABEL: program @wrong_root
// CHECK-NOT: {{ (gelu|gelu_tanh|relu|relu2|silu) }}
// CHECK: return
nf.program @wrong_root(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %d_k = nf.constant dense<1.41> : tensor<1xf32>
  %d = nf.div %x, %d_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %e = nf.erf %d : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %p_k = nf.constant dense<1.0> : tensor<1xf32>
  %p = nf.add %e, %p_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %m = nf.mul %x, %p : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %y_k = nf.constant dense<0.5> : tensor<1xf32>
  %y = nf.mul %m, %y_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// Twice a gelu.
// CHECK-LABEL: program @no_half
// CHECK-NOT: {{ (gelu|gelu_tanh|relu|relu2|silu) }}
// CHECK: return
nf.program @no_half(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %d_k = nf.constant dense<0.70710677> : tensor<1xf32>
  %d = nf.mul %x, %d_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %e = nf.erf %d : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %p_k = nf.constant dense<1.0> : tensor<1xf32>
  %p = nf.add %e, %p_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %y = nf.mul %x, %p : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// 0.0447 is not 0.044715.
// CHECK-LABEL: program @wrong_coefficient
// CHECK-NOT: {{ (gelu|gelu_tanh|relu|relu2|silu) }}
// CHECK: return
nf.program @wrong_coefficient(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %s = nf.mul %x, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %q = nf.mul %s, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %r_k = nf.constant dense<0.0447> : tensor<1xf32>
  %r = nf.mul %q, %r_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %i = nf.add %x, %r : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %u_k = nf.constant dense<0.7978845608> : tensor<1xf32>
  %u = nf.mul %i, %u_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %t = nf.tanh %u : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %p_k = nf.constant dense<1.0> : tensor<1xf32>
  %p = nf.add %t, %p_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %m = nf.mul %x, %p : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %y_k = nf.constant dense<0.5> : tensor<f32>
  %y = nf.mul %y_k, %m : (tensor<f32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// x · σ(1.702 x).
// CHECK-LABEL: program @quick_gelu
// CHECK-NOT: {{ (gelu|gelu_tanh|relu|relu2|silu) }}
// CHECK: return
nf.program @quick_gelu(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %u_k = nf.constant dense<-1.702> : tensor<1xf32>
  %u = nf.mul %x, %u_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %e = nf.exp %u : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %p_k = nf.constant dense<1.0> : tensor<1xf32>
  %p = nf.add %e, %p_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %y = nf.div %x, %p : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// Clipped at 6, by a minimum.
// CHECK-LABEL: program @relu6
// CHECK: %[[R:.*]] = relu %x
// CHECK-NOT: {{ (gelu|gelu_tanh|relu|relu2|silu) }}
// CHECK: return
nf.program @relu6(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %r_k = nf.constant dense<0.0> : tensor<1xf32>
  %r = nf.max %x, %r_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %n = nf.neg %r : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %m_k = nf.constant dense<-6.0> : tensor<1xf32>
  %m = nf.max %n, %m_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %y = nf.neg %m : (tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// relu but around 7.5.
// CHECK-LABEL: program @window
// CHECK: relu
// CHECK: where
nf.program @window(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %z = nf.constant dense<0.0> : tensor<1xf32>
  %s = nf.constant dense<7.5> : tensor<1xf32>
  %c = nf.compare eq %x, %s : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xi1>
  %r = nf.max %x, %z : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %y = nf.where %c, %z, %r : (tensor<4x8xi1>, tensor<1xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}


// CHECK-LABEL: program @leaky
// CHECK-NOT: {{ (gelu|gelu_tanh|relu|relu2|silu) }}
// CHECK: return
nf.program @leaky(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %l_k = nf.constant dense<0.01> : tensor<1xf32>
  %l = nf.mul %x, %l_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %y = nf.max %x, %l : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// x where x > 1.
// CHECK-LABEL: program @threshold
// CHECK-NOT: {{ (gelu|gelu_tanh|relu|relu2|silu) }}
// CHECK: return
nf.program @threshold(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %z = nf.constant dense<0.0> : tensor<1xf32>
  %o = nf.constant dense<1.0> : tensor<1xf32>
  %c = nf.compare gt %x, %o : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xi1>
  %y = nf.where %c, %x, %z : (tensor<4x8xi1>, tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// The error function is read by another op.
// CHECK-LABEL: program @read_elsewhere
// CHECK-NOT: gelu
// CHECK: return
nf.program @read_elsewhere(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %d_k = nf.constant dense<1.4142135381698608> : tensor<1xf32>
  %d = nf.div %x, %d_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %e = nf.erf %d : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %p_k = nf.constant dense<1.0> : tensor<1xf32>
  %p = nf.add %e, %p_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %m = nf.mul %x, %p : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %g_k = nf.constant dense<0.5> : tensor<1xf32>
  %g = nf.mul %m, %g_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %y = nf.add %g, %e : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// Of two values: a gated product is no activation, its gate is.
// CHECK-LABEL: program @gated
// CHECK: %[[S:.*]] = silu %x
// CHECK: mul %[[S]], %g
nf.program @gated(%x: tensor<4x8xf32> {nf.name = "x"}, %g: tensor<4x8xf32> {nf.name = "g"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %n = nf.neg %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %e = nf.exp %n : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %p_k = nf.constant dense<1.0> : tensor<1xf32>
  %p = nf.add %e, %p_k : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %s = nf.div %x, %p : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = nf.mul %s, %g : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// No-op.
// CHECK-LABEL: program @composite
// CHECK-NEXT: %[[Y:.*]] = gelu %x
// CHECK-NEXT: return %[[Y]]
nf.program @composite(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %y = nf.gelu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

