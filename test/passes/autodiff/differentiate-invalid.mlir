// RUN: nf-opt --nf-differentiate --verify-diagnostics --split-input-file %s

nf.parameter @w : tensor<4xf32> {init = "zeros"}
// expected-error @+1 {{expected one result, the loss, but got 2}}
nf.program @forward_backward() -> (tensor<4xf32> {nf.name = "a"}, tensor<4xf32> {nf.name = "b"}) {
  %w = nf.get @w : tensor<4xf32>
  nf.return %w, %w : tensor<4xf32>, tensor<4xf32>
}

// -----

nf.parameter @w : tensor<4xf32> {init = "zeros", trainable = false}
// expected-error @+1 {{expected a loss that depends on a trainable parameter, but got one that depends on none}}
nf.program @forward_backward() -> (tensor<4xf32> {nf.name = "loss"}) {
  %w = nf.get @w : tensor<4xf32>
  nf.return %w : tensor<4xf32>
}

// -----

nf.parameter @w : tensor<4xf32> {init = "zeros"}
nf.program @forward_backward() -> (tensor<1xf32> {nf.name = "loss"}) {
  %w = nf.get @w : tensor<4xf32>
  // expected-error @+1 {{is not differentiable: it is part of the optimizer step}}
  %n = nf.square_norm %w : (tensor<4xf32>) -> tensor<1xf32>
  nf.return %n : tensor<1xf32>
}

// -----

nf.parameter @w : tensor<2x4xf32> {init = "zeros"}
nf.parameter @b : tensor<4xf32> {init = "zeros"}
nf.program @forward_backward() -> (tensor<2x1xf32> {nf.name = "loss"}) {
  %w = nf.get @w : tensor<2x4xf32>
  %b = nf.get @b : tensor<4xf32>
  // expected-error @+1 {{expected its mean and rstd to be used by gradients only}}
  %y:3 = nf.layer_norm %w, %b, %b {eps = 1.0e-5 : f64}
      : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<2x4xf32>, tensor<2x1xf32>, tensor<2x1xf32>)
  nf.return %y#1 : tensor<2x1xf32>
}

// -----

nf.parameter @w : tensor<11x8xf32> {init = "zeros"}
nf.program @forward_backward(%x: tensor<5x8xf32> {nf.name = "x"}, %targets: tensor<5xi32> {nf.name = "targets"},
                             %weight: tensor<5xf32> {nf.name = "loss_weight"},
                             %count: tensor<f32> {nf.name = "inv_count"}) -> (tensor<f32> {nf.name = "loss"}) {
  %w = nf.get @w : tensor<11x8xf32>
  // expected-error @+1 {{expected the loss to end the graph}}
  %l = nf.linear_cross_entropy %x, %w, %targets, %weight, %count
      : (tensor<5x8xf32>, tensor<11x8xf32>, tensor<5xi32>, tensor<5xf32>, tensor<f32>) -> tensor<f32>
  %e = nf.exp %l : (tensor<f32>) -> tensor<f32>
  nf.return %e : tensor<f32>
}

// -----

nf.parameter @w : tensor<4x3xf32> {init = "zeros"}
nf.program @forward_backward(%x: tensor<4x2xf32> {nf.name = "x"}) -> (tensor<1x1xf32> {nf.name = "loss"}) {
  %w = nf.get @w : tensor<4x3xf32>
  // expected-error @+1 {{expected sums of operands to come after differentiation}}
  %y, %s = nf.matmul %w, %x {sum_lhs, transpose_a} : (tensor<4x3xf32>, tensor<4x2xf32>) -> (tensor<3x2xf32>, tensor<3xf32>)
  %loss = nf.reduce_sum %y axes [0, 1] : (tensor<3x2xf32>) -> tensor<1x1xf32>
  nf.return %loss : tensor<1x1xf32>
}
