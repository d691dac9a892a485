// RUN: nf-opt %s --verify-diagnostics --split-input-file

// nf.square_norm: a result of one element.
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}) {
  // expected-error @+2 {{inferred type(s) 'tensor<1xf32>' are incompatible with return type(s) of operation 'tensor<4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.square_norm %x : (tensor<4xf32>) -> tensor<4xf32>
  nf.return
}

// -----

// nf.clip_coefficient C1: one element each.
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}, %c: tensor<f32> {nf.name = "c"}) {
  // expected-error @+2 {{expected norm and clip of one element, but got 'tensor<4xf32>', 'tensor<f32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.clip_coefficient %x, %c : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  nf.return
}

// -----

// nf.adamw C1: one shape.
nf.program @p(%p: tensor<4xf32> {nf.name = "p"}, %m: tensor<5xf32> {nf.name = "m"},
              %a: tensor<f32> {nf.name = "a"}, %s: tensor<f32> {nf.name = "s"}) {
  // expected-error @+2 {{expected parameter, gradient and moments of one type, but got 'tensor<4xf32>', 'tensor<4xf32>', 'tensor<5xf32>', 'tensor<4xf32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y:3 = nf.adamw %p, %p, %m, %p, %a, %s, %s, %s, %s, %s, %s, %s, %s : (tensor<4xf32>, tensor<4xf32>, tensor<5xf32>,
      tensor<4xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>,
      tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  nf.return
}

// -----

// nf.adamw C2: scalars.
nf.program @p(%p: tensor<4xf32> {nf.name = "p"}, %m: tensor<4xf32> {nf.name = "m"},
              %a: tensor<2xf32> {nf.name = "a"}, %s: tensor<f32> {nf.name = "s"}) {
  // expected-error @+2 {{expected scalars of one element, but got 'tensor<2xf32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y:3 = nf.adamw %p, %p, %m, %p, %a, %s, %s, %s, %s, %s, %s, %s, %s : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>,
      tensor<4xf32>, tensor<2xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>,
      tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  nf.return
}
