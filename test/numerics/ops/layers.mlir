// RUN: nf-check %s --against=decomposed | FileCheck %s
// RUN: nf-check %s --against=cpu | FileCheck %s
// RUN: nf-check %s --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s
// RUN: env NF_GPU_REFUSE=bias nf-check %s --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s
// RUN: nf-check %s --against=finite-differences | FileCheck %s --check-prefixes=CHECK,GRADIENT

nf.parameter @x : tensor<2x3x12xf32> {init = "zeros"}
nf.parameter @weight : tensor<12xf32> {init = "zeros"}
nf.parameter @bias : tensor<12xf32> {init = "zeros"}
nf.parameter @gamma : tensor<4xf32> {init = "zeros"}
nf.parameter @w : tensor<5x12xf32> {init = "zeros"}
nf.parameter @c : tensor<5xf32> {init = "zeros"}
nf.parameter @x2 : tensor<4x12xf32> {init = "zeros"}
nf.parameter @one : tensor<3x1xf32> {init = "zeros"}
nf.parameter @w1 : tensor<1xf32> {init = "zeros"}
nf.parameter @b1 : tensor<1xf32> {init = "zeros"}
nf.parameter @positions : tensor<7xf32> {init = "zeros"}

// CHECK-LABEL: @layer_norm{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
// GRADIENT-NEXT: d/d weight: largest error
// GRADIENT-NEXT: d/d bias: largest error
nf.program @layer_norm(%g: tensor<2x3x12xf32> {nf.name = "g"}) -> (tensor<2x3x12xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x12xf32>
  %weight = nf.get @weight : tensor<12xf32>
  %bias = nf.get @bias : tensor<12xf32>
  %y, %mean, %rstd = nf.layer_norm %x, %weight, %bias {eps = 1.0e-5 : f64}
    : (tensor<2x3x12xf32>, tensor<12xf32>, tensor<12xf32>) -> (tensor<2x3x12xf32>, tensor<2x3x1xf32>,
        tensor<2x3x1xf32>)
  %r = nf.mul %y, %g : (tensor<2x3x12xf32>, tensor<2x3x12xf32>) -> tensor<2x3x12xf32>
  nf.return %r : tensor<2x3x12xf32>
}

// One column: the result is the bias.
// CHECK-LABEL: @layer_norm_of_one{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d one: largest error
// GRADIENT-NEXT: d/d w1: largest error
// GRADIENT-NEXT: d/d b1: largest error
nf.program @layer_norm_of_one(%g: tensor<3x1xf32> {nf.name = "g"}) -> (tensor<3x1xf32> {nf.name = "r"}) {
  %one = nf.get @one : tensor<3x1xf32>
  %w1 = nf.get @w1 : tensor<1xf32>
  %b1 = nf.get @b1 : tensor<1xf32>
  %y, %mean, %rstd = nf.layer_norm %one, %w1, %b1 {eps = 1.0e-5 : f64}
    : (tensor<3x1xf32>, tensor<1xf32>, tensor<1xf32>) -> (tensor<3x1xf32>, tensor<3x1xf32>, tensor<3x1xf32>)
  %r = nf.mul %y, %g : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  nf.return %r : tensor<3x1xf32>
}

// CHECK-LABEL: @normalize{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @normalize(%g: tensor<2x3x12xf32> {nf.name = "g"}) -> (tensor<2x3x12xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x12xf32>
  %y, %rstd = nf.normalize %x {eps = 1.0e-3 : f64} : (tensor<2x3x12xf32>) -> (tensor<2x3x12xf32>, tensor<2x3x1xf32>)
  %r = nf.mul %y, %g : (tensor<2x3x12xf32>, tensor<2x3x12xf32>) -> tensor<2x3x12xf32>
  nf.return %r : tensor<2x3x12xf32>
}

// CHECK-LABEL: @head_scale{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
// GRADIENT-NEXT: d/d gamma: largest error
nf.program @head_scale(%g: tensor<2x3x12xf32> {nf.name = "g"}) -> (tensor<2x3x12xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x12xf32>
  %gamma = nf.get @gamma : tensor<4xf32>
  %y = nf.head_scale %x, %gamma : (tensor<2x3x12xf32>, tensor<4xf32>) -> tensor<2x3x12xf32>
  %r = nf.mul %y, %g : (tensor<2x3x12xf32>, tensor<2x3x12xf32>) -> tensor<2x3x12xf32>
  nf.return %r : tensor<2x3x12xf32>
}

// CHECK-LABEL: @head_scale_of_rows{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d gamma: largest error
// GRADIENT-NEXT: d/d x2: largest error
nf.program @head_scale_of_rows(%g: tensor<4x12xf32> {nf.name = "g"}) -> (tensor<4x12xf32> {nf.name = "r"}) {
  %x2 = nf.get @x2 : tensor<4x12xf32>
  %gamma = nf.get @gamma : tensor<4xf32>
  %y = nf.head_scale %x2, %gamma : (tensor<4x12xf32>, tensor<4xf32>) -> tensor<4x12xf32>
  %r = nf.mul %y, %g : (tensor<4x12xf32>, tensor<4x12xf32>) -> tensor<4x12xf32>
  nf.return %r : tensor<4x12xf32>
}

// CHECK-LABEL: @residual_scale{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
// GRADIENT-NEXT: d/d weight: largest error
nf.program @residual_scale(%g: tensor<2x3x12xf32> {nf.name = "g"}) -> (tensor<2x3x12xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x12xf32>
  %weight = nf.get @weight : tensor<12xf32>
  %y = nf.residual_scale %x, %weight : (tensor<2x3x12xf32>, tensor<12xf32>) -> tensor<2x3x12xf32>
  %r = nf.mul %y, %g : (tensor<2x3x12xf32>, tensor<2x3x12xf32>) -> tensor<2x3x12xf32>
  nf.return %r : tensor<2x3x12xf32>
}

// CHECK-LABEL: @linear{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
// GRADIENT-NEXT: d/d w: largest error
nf.program @linear(%g: tensor<2x3x5xf32> {nf.name = "g"}) -> (tensor<2x3x5xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x12xf32>
  %w = nf.get @w : tensor<5x12xf32>
  %y = nf.linear %x, %w : (tensor<2x3x12xf32>, tensor<5x12xf32>) -> tensor<2x3x5xf32>
  %r = nf.mul %y, %g : (tensor<2x3x5xf32>, tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  nf.return %r : tensor<2x3x5xf32>
}

// CHECK-LABEL: @linear_with_bias{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
// GRADIENT-NEXT: d/d w: largest error
// GRADIENT-NEXT: d/d c: largest error
nf.program @linear_with_bias(%g: tensor<2x3x5xf32> {nf.name = "g"}) -> (tensor<2x3x5xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x12xf32>
  %w = nf.get @w : tensor<5x12xf32>
  %c = nf.get @c : tensor<5xf32>
  %y = nf.linear %x, %w bias %c : (tensor<2x3x12xf32>, tensor<5x12xf32>, tensor<5xf32>) -> tensor<2x3x5xf32>
  %r = nf.mul %y, %g : (tensor<2x3x5xf32>, tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  nf.return %r : tensor<2x3x5xf32>
}

// CHECK-LABEL: @linear_of_rows{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d w: largest error
// GRADIENT-NEXT: d/d c: largest error
// GRADIENT-NEXT: d/d x2: largest error
nf.program @linear_of_rows(%g: tensor<4x5xf32> {nf.name = "g"}) -> (tensor<4x5xf32> {nf.name = "r"}) {
  %x2 = nf.get @x2 : tensor<4x12xf32>
  %w = nf.get @w : tensor<5x12xf32>
  %c = nf.get @c : tensor<5xf32>
  %y = nf.linear %x2, %w bias %c : (tensor<4x12xf32>, tensor<5x12xf32>, tensor<5xf32>) -> tensor<4x5xf32>
  %r = nf.mul %y, %g : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  nf.return %r : tensor<4x5xf32>
}

// CHECK-LABEL: @dropout{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @dropout(%seed: tensor<i64> {nf.name = "seed", nf.below = 1000 : i64},
                    %step: tensor<i32> {nf.name = "step", nf.below = 1000 : i64},
                    %offset: tensor<i32> {nf.name = "offset", nf.below = 9 : i64},
                    %g: tensor<2x3x12xf32> {nf.name = "g"}) -> (tensor<2x3x12xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x12xf32>
  %y = nf.dropout %x, %seed, %step, %offset {p = 0.3 : f64, site = 2 : i32}
    : (tensor<2x3x12xf32>, tensor<i64>, tensor<i32>, tensor<i32>) -> tensor<2x3x12xf32>
  %r = nf.mul %y, %g : (tensor<2x3x12xf32>, tensor<2x3x12xf32>) -> tensor<2x3x12xf32>
  nf.return %r : tensor<2x3x12xf32>
}

// One parameter as embedding and as projection: its gradients add up.
// CHECK-LABEL: @tied{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d w: largest error
nf.program @tied(%i: tensor<2x3xi32> {nf.name = "i", nf.below = 5 : i64}, %g: tensor<2x3x5xf32> {nf.name = "g"})
    -> (tensor<2x3x5xf32> {nf.name = "r"}) {
  %w = nf.get @w : tensor<5x12xf32>
  %e = nf.embedding %w, %i : (tensor<5x12xf32>, tensor<2x3xi32>) -> tensor<2x3x12xf32>
  %y = nf.linear %e, %w : (tensor<2x3x12xf32>, tensor<5x12xf32>) -> tensor<2x3x5xf32>
  %r = nf.mul %y, %g : (tensor<2x3x5xf32>, tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  nf.return %r : tensor<2x3x5xf32>
}
