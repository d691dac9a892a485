// RUN: nf-opt %s --verify-diagnostics --split-input-file

// nf.fold_scale C1: one of the weight's axes.
nf.program @p(%w: tensor<4x8xf32> {nf.name = "w"}, %g: tensor<8xf32> {nf.name = "g"}) {
  // expected-error @+2 {{expected a weight of rank 1 or 2 and one of its axes, but got 'tensor<4x8xf32>' and axis 2 (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.fold_scale %w, %g {axis = 2 : i64} : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.fold_scale C1: of rank 1 or 2.
nf.program @p(%w: tensor<2x4x8xf32> {nf.name = "w"}, %g: tensor<8xf32> {nf.name = "g"}) {
  // expected-error @+2 {{expected a weight of rank 1 or 2 and one of its axes, but got 'tensor<2x4x8xf32>' and axis 2 (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.fold_scale %w, %g {axis = 2 : i64} : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  nf.return
}

// -----

// nf.fold_scale C2: equal groups.
nf.program @p(%w: tensor<4x8xf32> {nf.name = "w"}, %g: tensor<3xf32> {nf.name = "g"}) {
  // expected-error @+2 {{expected a scale of rank 1 whose extent divides 8, but got 'tensor<3xf32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.fold_scale %w, %g {axis = 1 : i64} : (tensor<4x8xf32>, tensor<3xf32>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.fold_shift C1: a shift of the input.
nf.program @p(%w: tensor<4x8xf32> {nf.name = "w"}, %b: tensor<4xf32> {nf.name = "b"}) {
  // expected-error @+2 {{expected a weight [out, in] and a shift [in], but got 'tensor<4x8xf32>' and 'tensor<4xf32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.fold_shift %w, %b : (tensor<4x8xf32>, tensor<4xf32>) -> tensor<4xf32>
  nf.return
}

// -----

// nf.fold_shift C2: a bias of the output.
nf.program @p(%w: tensor<4x8xf32> {nf.name = "w"}, %b: tensor<8xf32> {nf.name = "b"}) {
  // expected-error @+2 {{expected a bias 'tensor<4xf32>', but got 'tensor<8xf32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.fold_shift %w, %b bias %b : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4xf32>
  nf.return
}
