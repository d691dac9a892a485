// RUN: nf-check %s --against=decomposed
// RUN: nf-check %s --against=finite-differences

nf.parameter @x : tensor<2x3x5xf32> {init = "{}"}
nf.parameter @weight : tensor<5xf32> {init = "{}"}
nf.parameter @bias : tensor<5xf32> {init = "{}"}
nf.program @main(%g: tensor<2x3x5xf32> {nf.name = "g"}) -> (tensor<2x3x5xf32> {nf.name = "y"}) {
  %x = nf.get @x : tensor<2x3x5xf32>
  %w = nf.get @weight : tensor<5xf32>
  %b = nf.get @bias : tensor<5xf32>
  %y, %mean, %rstd = nf.layer_norm %x, %w, %b {eps = 1.0e-5 : f64}
    : (tensor<2x3x5xf32>, tensor<5xf32>, tensor<5xf32>) -> (tensor<2x3x5xf32>, tensor<2x3x1xf32>, tensor<2x3x1xf32>)
  %z = nf.mul %y, %g : (tensor<2x3x5xf32>, tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  nf.return %z : tensor<2x3x5xf32>
}
