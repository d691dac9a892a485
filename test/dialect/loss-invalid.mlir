// RUN: nf-opt %s --verify-diagnostics --split-input-file

// nf.linear_cross_entropy C1: tokens and columns.
nf.program @p(%x: tensor<8xf32> {nf.name = "x"}, %w: tensor<11x8xf32> {nf.name = "w"},
              %t: tensor<5xi32> {nf.name = "t"}, %lw: tensor<5xf32> {nf.name = "lw"},
              %s: tensor<f32> {nf.name = "s"}) {
  // expected-error @+2 {{expected x of rank at least 2, but got 'tensor<8xf32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %l = nf.linear_cross_entropy %x, %w, %t, %lw, %s : (tensor<8xf32>, tensor<11x8xf32>, tensor<5xi32>, tensor<5xf32>,
      tensor<f32>) -> tensor<f32>
  nf.return
}

// -----

// nf.linear_cross_entropy C1: a weight [vocabulary, columns].
nf.program @p(%x: tensor<5x8xf32> {nf.name = "x"}, %w: tensor<8x11xf32> {nf.name = "w"},
              %t: tensor<5xi32> {nf.name = "t"}, %lw: tensor<5xf32> {nf.name = "lw"},
              %s: tensor<f32> {nf.name = "s"}) {
  // expected-error @+2 {{expected a weight [vocabulary, 8], but got 'tensor<8x11xf32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %l = nf.linear_cross_entropy %x, %w, %t, %lw, %s : (tensor<5x8xf32>, tensor<8x11xf32>, tensor<5xi32>,
      tensor<5xf32>, tensor<f32>) -> tensor<f32>
  nf.return
}

// -----

// nf.linear_cross_entropy C2: one target a token.
nf.program @p(%x: tensor<5x8xf32> {nf.name = "x"}, %w: tensor<11x8xf32> {nf.name = "w"},
              %t: tensor<4xi32> {nf.name = "t"}, %lw: tensor<5xf32> {nf.name = "lw"},
              %s: tensor<f32> {nf.name = "s"}) {
  // expected-error @+2 {{expected targets and loss_weight of shape [5], but got 'tensor<4xi32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %l = nf.linear_cross_entropy %x, %w, %t, %lw, %s : (tensor<5x8xf32>, tensor<11x8xf32>, tensor<4xi32>,
      tensor<5xf32>, tensor<f32>) -> tensor<f32>
  nf.return
}

// -----

// nf.linear_cross_entropy C2: one weight a token.
nf.program @p(%x: tensor<5x8xf32> {nf.name = "x"}, %w: tensor<11x8xf32> {nf.name = "w"},
              %t: tensor<5xi32> {nf.name = "t"}, %lw: tensor<5x1xf32> {nf.name = "lw"},
              %s: tensor<f32> {nf.name = "s"}) {
  // expected-error @+2 {{expected targets and loss_weight of shape [5], but got 'tensor<5x1xf32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %l = nf.linear_cross_entropy %x, %w, %t, %lw, %s : (tensor<5x8xf32>, tensor<11x8xf32>, tensor<5xi32>,
      tensor<5x1xf32>, tensor<f32>) -> tensor<f32>
  nf.return
}

// -----

// nf.linear_cross_entropy C3: one scale.
nf.program @p(%x: tensor<5x8xf32> {nf.name = "x"}, %w: tensor<11x8xf32> {nf.name = "w"},
              %t: tensor<5xi32> {nf.name = "t"}, %lw: tensor<5xf32> {nf.name = "lw"},
              %s: tensor<5xf32> {nf.name = "s"}) {
  // expected-error @+2 {{expected a scale of one element, but got 'tensor<5xf32>' (C3)}}
  // expected-error @+1 {{failed to infer returned types}}
  %l = nf.linear_cross_entropy %x, %w, %t, %lw, %s : (tensor<5x8xf32>, tensor<11x8xf32>, tensor<5xi32>,
      tensor<5xf32>, tensor<5xf32>) -> tensor<f32>
  nf.return
}

// -----

// nf.linear_cross_entropy_backward C1: tokens and columns.
nf.program @p(%x: tensor<8xf32> {nf.name = "x"}, %w: tensor<11x8xf32> {nf.name = "w"},
              %t: tensor<5xi32> {nf.name = "t"}, %lw: tensor<5xf32> {nf.name = "lw"},
              %s: tensor<f32> {nf.name = "s"}) {
  // expected-error @+2 {{expected x of rank at least 2, but got 'tensor<8xf32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %l:3 = nf.linear_cross_entropy_backward %x, %w, %t, %lw, %s : (tensor<8xf32>, tensor<11x8xf32>, tensor<5xi32>,
      tensor<5xf32>, tensor<f32>) -> (tensor<f32>, tensor<5x8xf32>, tensor<11x8xf32>)
  nf.return
}

// -----

// nf.linear_cross_entropy_backward C1: a weight [vocabulary, columns].
nf.program @p(%x: tensor<5x8xf32> {nf.name = "x"}, %w: tensor<8x11xf32> {nf.name = "w"},
              %t: tensor<5xi32> {nf.name = "t"}, %lw: tensor<5xf32> {nf.name = "lw"},
              %s: tensor<f32> {nf.name = "s"}) {
  // expected-error @+2 {{expected a weight [vocabulary, 8], but got 'tensor<8x11xf32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %l:3 = nf.linear_cross_entropy_backward %x, %w, %t, %lw, %s : (tensor<5x8xf32>, tensor<8x11xf32>, tensor<5xi32>,
      tensor<5xf32>, tensor<f32>) -> (tensor<f32>, tensor<5x8xf32>, tensor<11x8xf32>)
  nf.return
}

// -----

// nf.linear_cross_entropy_backward C2: one target a token.
nf.program @p(%x: tensor<5x8xf32> {nf.name = "x"}, %w: tensor<11x8xf32> {nf.name = "w"},
              %t: tensor<4xi32> {nf.name = "t"}, %lw: tensor<5xf32> {nf.name = "lw"},
              %s: tensor<f32> {nf.name = "s"}) {
  // expected-error @+2 {{expected targets and loss_weight of shape [5], but got 'tensor<4xi32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %l:3 = nf.linear_cross_entropy_backward %x, %w, %t, %lw, %s : (tensor<5x8xf32>, tensor<11x8xf32>, tensor<4xi32>,
      tensor<5xf32>, tensor<f32>) -> (tensor<f32>, tensor<5x8xf32>, tensor<11x8xf32>)
  nf.return
}

// -----

// nf.linear_cross_entropy_backward C2: one weight a token.
nf.program @p(%x: tensor<5x8xf32> {nf.name = "x"}, %w: tensor<11x8xf32> {nf.name = "w"},
              %t: tensor<5xi32> {nf.name = "t"}, %lw: tensor<5x1xf32> {nf.name = "lw"},
              %s: tensor<f32> {nf.name = "s"}) {
  // expected-error @+2 {{expected targets and loss_weight of shape [5], but got 'tensor<5x1xf32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %l:3 = nf.linear_cross_entropy_backward %x, %w, %t, %lw, %s : (tensor<5x8xf32>, tensor<11x8xf32>, tensor<5xi32>,
      tensor<5x1xf32>, tensor<f32>) -> (tensor<f32>, tensor<5x8xf32>, tensor<11x8xf32>)
  nf.return
}

// -----

// nf.linear_cross_entropy_backward C3: one scale.
nf.program @p(%x: tensor<5x8xf32> {nf.name = "x"}, %w: tensor<11x8xf32> {nf.name = "w"},
              %t: tensor<5xi32> {nf.name = "t"}, %lw: tensor<5xf32> {nf.name = "lw"},
              %s: tensor<5xf32> {nf.name = "s"}) {
  // expected-error @+2 {{expected a scale of one element, but got 'tensor<5xf32>' (C3)}}
  // expected-error @+1 {{failed to infer returned types}}
  %l:3 = nf.linear_cross_entropy_backward %x, %w, %t, %lw, %s : (tensor<5x8xf32>, tensor<11x8xf32>, tensor<5xi32>,
      tensor<5xf32>, tensor<5xf32>) -> (tensor<f32>, tensor<5x8xf32>, tensor<11x8xf32>)
  nf.return
}

// -----

// nf.linear_cross_entropy C4: one bias a word.
nf.program @p(%x: tensor<5x8xf32> {nf.name = "x"}, %w: tensor<11x8xf32> {nf.name = "w"},
              %t: tensor<5xi32> {nf.name = "t"}, %lw: tensor<5xf32> {nf.name = "lw"},
              %s: tensor<f32> {nf.name = "s"}, %b: tensor<8xf32> {nf.name = "b"}) {
  // expected-error @+2 {{expected a bias of 11 elements, but got 'tensor<8xf32>' (C4)}}
  // expected-error @+1 {{failed to infer returned types}}
  %l = nf.linear_cross_entropy %x, %w, %t, %lw, %s bias %b : (tensor<5x8xf32>, tensor<11x8xf32>, tensor<5xi32>,
      tensor<5xf32>, tensor<f32>, tensor<8xf32>) -> tensor<f32>
  nf.return
}

// -----

// nf.linear_cross_entropy_backward C4: one bias a word.
nf.program @p(%x: tensor<5x8xf32> {nf.name = "x"}, %w: tensor<11x8xf32> {nf.name = "w"},
              %t: tensor<5xi32> {nf.name = "t"}, %lw: tensor<5xf32> {nf.name = "lw"},
              %s: tensor<f32> {nf.name = "s"}, %b: tensor<8xf32> {nf.name = "b"}) {
  // expected-error @+2 {{expected a bias of 11 elements, but got 'tensor<8xf32>' (C4)}}
  // expected-error @+1 {{failed to infer returned types}}
  %l:4 = nf.linear_cross_entropy_backward %x, %w, %t, %lw, %s bias %b : (tensor<5x8xf32>, tensor<11x8xf32>, tensor<5xi32>,
      tensor<5xf32>, tensor<f32>, tensor<8xf32>) -> (tensor<f32>, tensor<5x8xf32>, tensor<11x8xf32>, tensor<8xf32>)
  nf.return
}
