module {
nf.parameter @w : tensor<8x8xf32> {init = "zeros"}
nf.parameter @g : tensor<8xf32> {init = "zeros"}
nf.program @forward(%x: tensor<2x4x8xf32> {nf.name = "x"}) -> (tensor<2x4x8xf32> {nf.name = "y"}) {
  %w = nf.get @w : tensor<8x8xf32>
  %g = nf.get @g : tensor<8xf32>
  %yn, %ynmean, %ynrstd = nf.layer_norm %x, %g, %g {eps = 1.0e-5 : f64}
    : (tensor<2x4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x4x8xf32>, tensor<2x4x1xf32>, tensor<2x4x1xf32>)
  %ym, %ymmean, %ymrstd = nf.layer_norm %x, %g, %g {eps = 1.0e-5 : f64}
    : (tensor<2x4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x4x8xf32>, tensor<2x4x1xf32>, tensor<2x4x1xf32>)
  %yq = nf.linear %yn, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %yk = nf.linear %yn, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %yv = nf.linear %yn, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %ya, %ylse = nf.attention %yq, %yk, %yv {heads = 2 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x4x8xf32>, tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>, tensor<2x2x4xf32>)
  %yo = nf.linear %ya, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %yh = nf.linear %ym, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %yf = nf.linear %yh, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %ys = nf.add %yf, %yo : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %y = nf.add %x, %ys : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  nf.return %y : tensor<2x4x8xf32>
}
}
