// RUN: nf-check %s --against=decomposed | FileCheck %s
// RUN: nf-check %s --against=cpu | FileCheck %s
// RUN: nf-check %s --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s
// RUN: nf-check %s --against=finite-differences | FileCheck %s --check-prefixes=CHECK,GRADIENT

nf.parameter @x : tensor<3x17xf32> {init = "zeros", nf.range = [-2.0, 2.0]}
nf.parameter @positive : tensor<3x17xf32> {init = "zeros", nf.range = [0.2, 3.0]}

// CHECK-LABEL: @neg{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @neg(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<3x17xf32>
  %y = nf.neg %x : (tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @exp{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @exp(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<3x17xf32>
  %y = nf.exp %x : (tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @log{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d positive: largest error
nf.program @log(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %positive = nf.get @positive : tensor<3x17xf32>
  %y = nf.log %positive : (tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @tanh{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @tanh(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<3x17xf32>
  %y = nf.tanh %x : (tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @erf{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @erf(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<3x17xf32>
  %y = nf.erf %x : (tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @sqrt{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d positive: largest error
nf.program @sqrt(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %positive = nf.get @positive : tensor<3x17xf32>
  %y = nf.sqrt %positive : (tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @rsqrt{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d positive: largest error
nf.program @rsqrt(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %positive = nf.get @positive : tensor<3x17xf32>
  %y = nf.rsqrt %positive : (tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}
