// RUN: nf-opt %s --verify-diagnostics --split-input-file

// nf.embedding C1: a weight of rank 2.
nf.program @p(%w: tensor<8xf32> {nf.name = "w"}, %i: tensor<4xi32> {nf.name = "i"}) {
  // expected-error @+2 {{expected a weight of rank 2, but got 'tensor<8xf32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.embedding %w, %i : (tensor<8xf32>, tensor<4xi32>) -> tensor<4xf32>
  nf.return
}

// -----

// nf.embedding C2: ids of i32.
nf.program @p(%w: tensor<4x8xf32> {nf.name = "w"}, %i: tensor<4xi64> {nf.name = "i"}) {
  // expected-error @+1 {{operand #1 must be statically shaped tensor of 32-bit signless integer values, but got 'tensor<4xi64>'}}
  %y = nf.embedding %w, %i : (tensor<4x8xf32>, tensor<4xi64>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.linear C1: a weight [out, in].
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %w: tensor<8x3xf32> {nf.name = "w"}) {
  // expected-error @+2 {{expected a weight [out, 8] for 'tensor<4x8xf32>', but got 'tensor<8x3xf32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.linear %x, %w : (tensor<4x8xf32>, tensor<8x3xf32>) -> tensor<4x3xf32>
  nf.return
}

// -----

// nf.linear C2: a bias [out].
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %w: tensor<3x8xf32> {nf.name = "w"},
              %b: tensor<8xf32> {nf.name = "b"}) {
  // expected-error @+2 {{expected a bias of 3 elements, but got 'tensor<8xf32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.linear %x, %w bias %b : (tensor<4x8xf32>, tensor<3x8xf32>, tensor<8xf32>) -> tensor<4x3xf32>
  nf.return
}

// -----

// nf.layer_norm C1: weight and bias of the columns.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %w: tensor<8xf32> {nf.name = "w"},
              %b: tensor<4xf32> {nf.name = "b"}) {
  // expected-error @+2 {{expected weight and bias of the last extent of 'tensor<4x8xf32>', but got 'tensor<8xf32>', 'tensor<4xf32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y:3 = nf.layer_norm %x, %w, %b {eps = 1.0e-5 : f64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<4xf32>)
      -> (tensor<4x8xf32>, tensor<4x1xf32>, tensor<4x1xf32>)
  nf.return
}

// -----

// nf.layer_norm C2: eps above 0.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %w: tensor<8xf32> {nf.name = "w"}) {
  // expected-error @+2 {{expected eps above 0, but got 0.000000e+00 (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y:3 = nf.layer_norm %x, %w, %w {eps = 0.0 : f64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>)
      -> (tensor<4x8xf32>, tensor<4x1xf32>, tensor<4x1xf32>)
  nf.return
}

// -----

// nf.normalize C1: eps above 0.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+2 {{expected eps above 0, but got -1.000000e+00 (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y:2 = nf.normalize %x {eps = -1.0 : f64} : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>)
  nf.return
}

// -----

// nf.normalize C2: an axis.
nf.program @p(%x: tensor<f32> {nf.name = "x"}) {
  // expected-error @+2 {{expected x of rank at least 1, but got 'tensor<f32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y:2 = nf.normalize %x {eps = 1.0 : f64} : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
  nf.return
}

// -----

// nf.head_scale C1: heads divide the columns.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %g: tensor<3xf32> {nf.name = "g"}) {
  // expected-error @+2 {{expected gamma of rank 1 whose extent divides 8, but got 'tensor<3xf32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.head_scale %x, %g : (tensor<4x8xf32>, tensor<3xf32>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.residual_scale C1: a scale of the columns.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %s: tensor<4xf32> {nf.name = "s"}) {
  // expected-error @+2 {{expected a scale of 8 elements, but got 'tensor<4xf32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.residual_scale %x, %s : (tensor<4x8xf32>, tensor<4xf32>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.dropout C1: p between 0 and 1.
nf.program @p(%x: tensor<2x4x8xf32> {nf.name = "x"}, %seed: tensor<i64> {nf.name = "seed"},
              %i: tensor<i32> {nf.name = "i"}) {
  // expected-error @+2 {{expected p between 0 and 1, but got 1.000000e+00 (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.dropout %x, %seed, %i, %i {p = 1.0 : f64, site = 0 : i32} : (tensor<2x4x8xf32>, tensor<i64>, tensor<i32>,
      tensor<i32>) -> tensor<2x4x8xf32>
  nf.return
}

// -----

// nf.dropout C2: [batch, sequence, columns].
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %seed: tensor<i64> {nf.name = "seed"},
              %i: tensor<i32> {nf.name = "i"}) {
  // expected-error @+2 {{expected x of rank 3, but got 'tensor<4x8xf32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.dropout %x, %seed, %i, %i {p = 0.5 : f64, site = 0 : i32} : (tensor<4x8xf32>, tensor<i64>, tensor<i32>,
      tensor<i32>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.gelu: the result is of the operand's type.
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}) {
  // expected-error @+2 {{inferred type(s) 'tensor<4xf32>' are incompatible with return type(s) of operation 'tensor<5xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.gelu %x : (tensor<4xf32>) -> tensor<5xf32>
  nf.return
}

// -----

// nf.gelu_tanh: the result is of the operand's type.
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}) {
  // expected-error @+2 {{inferred type(s) 'tensor<4xf32>' are incompatible with return type(s) of operation 'tensor<5xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.gelu_tanh %x : (tensor<4xf32>) -> tensor<5xf32>
  nf.return
}

// -----

// nf.relu: the result is of the operand's type.
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}) {
  // expected-error @+2 {{inferred type(s) 'tensor<4xf32>' are incompatible with return type(s) of operation 'tensor<5xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.relu %x : (tensor<4xf32>) -> tensor<5xf32>
  nf.return
}

// -----

// nf.relu2: the result is of the operand's type.
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}) {
  // expected-error @+2 {{inferred type(s) 'tensor<4xf32>' are incompatible with return type(s) of operation 'tensor<5xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.relu2 %x : (tensor<4xf32>) -> tensor<5xf32>
  nf.return
}

// -----

// nf.silu: the result is of the operand's type.
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}) {
  // expected-error @+2 {{inferred type(s) 'tensor<4xf32>' are incompatible with return type(s) of operation 'tensor<5xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.silu %x : (tensor<4xf32>) -> tensor<5xf32>
  nf.return
}
