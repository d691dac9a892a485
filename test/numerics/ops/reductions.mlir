// RUN: nf-check %s --against=decomposed | FileCheck %s
// RUN: nf-check %s --against=cpu | FileCheck %s
// RUN: nf-check %s --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s
// RUN: nf-check %s --against=finite-differences | FileCheck %s --check-prefixes=CHECK,GRADIENT

nf.parameter @x : tensor<2x3x17xf32> {init = "zeros"}
nf.parameter @wide : tensor<2x70xf32> {init = "zeros"}
nf.parameter @one : tensor<4x1xf32> {init = "zeros"}

// CHECK-LABEL: @reduce_sum_2{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_sum_2(%g: tensor<2x3x1xf32> {nf.name = "g"}) -> (tensor<2x3x1xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_sum %x axes [2] : (tensor<2x3x17xf32>) -> tensor<2x3x1xf32>
  %r = nf.mul %y, %g : (tensor<2x3x1xf32>, tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  nf.return %r : tensor<2x3x1xf32>
}

// CHECK-LABEL: @reduce_sum_0{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_sum_0(%g: tensor<1x3x17xf32> {nf.name = "g"}) -> (tensor<1x3x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_sum %x axes [0] : (tensor<2x3x17xf32>) -> tensor<1x3x17xf32>
  %r = nf.mul %y, %g : (tensor<1x3x17xf32>, tensor<1x3x17xf32>) -> tensor<1x3x17xf32>
  nf.return %r : tensor<1x3x17xf32>
}

// CHECK-LABEL: @reduce_sum_1{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_sum_1(%g: tensor<2x1x17xf32> {nf.name = "g"}) -> (tensor<2x1x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_sum %x axes [1] : (tensor<2x3x17xf32>) -> tensor<2x1x17xf32>
  %r = nf.mul %y, %g : (tensor<2x1x17xf32>, tensor<2x1x17xf32>) -> tensor<2x1x17xf32>
  nf.return %r : tensor<2x1x17xf32>
}

// CHECK-LABEL: @reduce_sum_01{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_sum_01(%g: tensor<1x1x17xf32> {nf.name = "g"}) -> (tensor<1x1x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_sum %x axes [0, 1] : (tensor<2x3x17xf32>) -> tensor<1x1x17xf32>
  %r = nf.mul %y, %g : (tensor<1x1x17xf32>, tensor<1x1x17xf32>) -> tensor<1x1x17xf32>
  nf.return %r : tensor<1x1x17xf32>
}

// CHECK-LABEL: @reduce_sum_012{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_sum_012(%g: tensor<1x1x1xf32> {nf.name = "g"}) -> (tensor<1x1x1xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_sum %x axes [0, 1, 2] : (tensor<2x3x17xf32>) -> tensor<1x1x1xf32>
  %r = nf.mul %y, %g : (tensor<1x1x1xf32>, tensor<1x1x1xf32>) -> tensor<1x1x1xf32>
  nf.return %r : tensor<1x1x1xf32>
}

// CHECK-LABEL: @reduce_sum_02{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_sum_02(%g: tensor<1x3x1xf32> {nf.name = "g"}) -> (tensor<1x3x1xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_sum %x axes [0, 2] : (tensor<2x3x17xf32>) -> tensor<1x3x1xf32>
  %r = nf.mul %y, %g : (tensor<1x3x1xf32>, tensor<1x3x1xf32>) -> tensor<1x3x1xf32>
  nf.return %r : tensor<1x3x1xf32>
}

// CHECK-LABEL: @reduce_mean_2{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_mean_2(%g: tensor<2x3x1xf32> {nf.name = "g"}) -> (tensor<2x3x1xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_mean %x axes [2] : (tensor<2x3x17xf32>) -> tensor<2x3x1xf32>
  %r = nf.mul %y, %g : (tensor<2x3x1xf32>, tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  nf.return %r : tensor<2x3x1xf32>
}

// CHECK-LABEL: @reduce_mean_0{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_mean_0(%g: tensor<1x3x17xf32> {nf.name = "g"}) -> (tensor<1x3x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_mean %x axes [0] : (tensor<2x3x17xf32>) -> tensor<1x3x17xf32>
  %r = nf.mul %y, %g : (tensor<1x3x17xf32>, tensor<1x3x17xf32>) -> tensor<1x3x17xf32>
  nf.return %r : tensor<1x3x17xf32>
}

// CHECK-LABEL: @reduce_mean_1{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_mean_1(%g: tensor<2x1x17xf32> {nf.name = "g"}) -> (tensor<2x1x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_mean %x axes [1] : (tensor<2x3x17xf32>) -> tensor<2x1x17xf32>
  %r = nf.mul %y, %g : (tensor<2x1x17xf32>, tensor<2x1x17xf32>) -> tensor<2x1x17xf32>
  nf.return %r : tensor<2x1x17xf32>
}

// CHECK-LABEL: @reduce_mean_01{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_mean_01(%g: tensor<1x1x17xf32> {nf.name = "g"}) -> (tensor<1x1x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_mean %x axes [0, 1] : (tensor<2x3x17xf32>) -> tensor<1x1x17xf32>
  %r = nf.mul %y, %g : (tensor<1x1x17xf32>, tensor<1x1x17xf32>) -> tensor<1x1x17xf32>
  nf.return %r : tensor<1x1x17xf32>
}

// CHECK-LABEL: @reduce_mean_012{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_mean_012(%g: tensor<1x1x1xf32> {nf.name = "g"}) -> (tensor<1x1x1xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_mean %x axes [0, 1, 2] : (tensor<2x3x17xf32>) -> tensor<1x1x1xf32>
  %r = nf.mul %y, %g : (tensor<1x1x1xf32>, tensor<1x1x1xf32>) -> tensor<1x1x1xf32>
  nf.return %r : tensor<1x1x1xf32>
}

// CHECK-LABEL: @reduce_mean_02{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_mean_02(%g: tensor<1x3x1xf32> {nf.name = "g"}) -> (tensor<1x3x1xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_mean %x axes [0, 2] : (tensor<2x3x17xf32>) -> tensor<1x3x1xf32>
  %r = nf.mul %y, %g : (tensor<1x3x1xf32>, tensor<1x3x1xf32>) -> tensor<1x3x1xf32>
  nf.return %r : tensor<1x3x1xf32>
}

// CHECK-LABEL: @reduce_max_2{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_max_2(%g: tensor<2x3x1xf32> {nf.name = "g"}) -> (tensor<2x3x1xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_max %x axes [2] : (tensor<2x3x17xf32>) -> tensor<2x3x1xf32>
  %r = nf.mul %y, %g : (tensor<2x3x1xf32>, tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  nf.return %r : tensor<2x3x1xf32>
}

// CHECK-LABEL: @reduce_max_0{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_max_0(%g: tensor<1x3x17xf32> {nf.name = "g"}) -> (tensor<1x3x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_max %x axes [0] : (tensor<2x3x17xf32>) -> tensor<1x3x17xf32>
  %r = nf.mul %y, %g : (tensor<1x3x17xf32>, tensor<1x3x17xf32>) -> tensor<1x3x17xf32>
  nf.return %r : tensor<1x3x17xf32>
}

// CHECK-LABEL: @reduce_max_1{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_max_1(%g: tensor<2x1x17xf32> {nf.name = "g"}) -> (tensor<2x1x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_max %x axes [1] : (tensor<2x3x17xf32>) -> tensor<2x1x17xf32>
  %r = nf.mul %y, %g : (tensor<2x1x17xf32>, tensor<2x1x17xf32>) -> tensor<2x1x17xf32>
  nf.return %r : tensor<2x1x17xf32>
}

// CHECK-LABEL: @reduce_max_01{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_max_01(%g: tensor<1x1x17xf32> {nf.name = "g"}) -> (tensor<1x1x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_max %x axes [0, 1] : (tensor<2x3x17xf32>) -> tensor<1x1x17xf32>
  %r = nf.mul %y, %g : (tensor<1x1x17xf32>, tensor<1x1x17xf32>) -> tensor<1x1x17xf32>
  nf.return %r : tensor<1x1x17xf32>
}

// CHECK-LABEL: @reduce_max_012{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_max_012(%g: tensor<1x1x1xf32> {nf.name = "g"}) -> (tensor<1x1x1xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_max %x axes [0, 1, 2] : (tensor<2x3x17xf32>) -> tensor<1x1x1xf32>
  %r = nf.mul %y, %g : (tensor<1x1x1xf32>, tensor<1x1x1xf32>) -> tensor<1x1x1xf32>
  nf.return %r : tensor<1x1x1xf32>
}

// CHECK-LABEL: @reduce_max_02{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_max_02(%g: tensor<1x3x1xf32> {nf.name = "g"}) -> (tensor<1x3x1xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.reduce_max %x axes [0, 2] : (tensor<2x3x17xf32>) -> tensor<1x3x1xf32>
  %r = nf.mul %y, %g : (tensor<1x3x1xf32>, tensor<1x3x1xf32>) -> tensor<1x3x1xf32>
  nf.return %r : tensor<1x3x1xf32>
}

// CHECK-LABEL: @softmax_x{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @softmax_x(%g: tensor<2x3x17xf32> {nf.name = "g"}) -> (tensor<2x3x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %y = nf.softmax %x : (tensor<2x3x17xf32>) -> tensor<2x3x17xf32>
  %r = nf.mul %y, %g : (tensor<2x3x17xf32>, tensor<2x3x17xf32>) -> tensor<2x3x17xf32>
  nf.return %r : tensor<2x3x17xf32>
}

// CHECK-LABEL: @softmax_wide{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d wide: largest error
nf.program @softmax_wide(%g: tensor<2x70xf32> {nf.name = "g"}) -> (tensor<2x70xf32> {nf.name = "r"}) {
  %wide = nf.get @wide : tensor<2x70xf32>
  %y = nf.softmax %wide : (tensor<2x70xf32>) -> tensor<2x70xf32>
  %r = nf.mul %y, %g : (tensor<2x70xf32>, tensor<2x70xf32>) -> tensor<2x70xf32>
  nf.return %r : tensor<2x70xf32>
}

// CHECK-LABEL: @softmax_one{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d one: largest error
nf.program @softmax_one(%g: tensor<4x1xf32> {nf.name = "g"}) -> (tensor<4x1xf32> {nf.name = "r"}) {
  %one = nf.get @one : tensor<4x1xf32>
  %y = nf.softmax %one : (tensor<4x1xf32>) -> tensor<4x1xf32>
  %r = nf.mul %y, %g : (tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<4x1xf32>
  nf.return %r : tensor<4x1xf32>
}

// Equal maxima share the gradient: every element is there twice.
// CHECK-LABEL: @reduce_max_equal{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reduce_max_equal(%g: tensor<2x3x1xf32> {nf.name = "g"}) -> (tensor<2x3x1xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x17xf32>
  %twice = nf.concat %x, %x axis 2 : (tensor<2x3x17xf32>, tensor<2x3x17xf32>) -> tensor<2x3x34xf32>
  %y = nf.reduce_max %twice axes [2] : (tensor<2x3x34xf32>) -> tensor<2x3x1xf32>
  %r = nf.mul %y, %g : (tensor<2x3x1xf32>, tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  nf.return %r : tensor<2x3x1xf32>
}
