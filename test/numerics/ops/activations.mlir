// RUN: nf-check %s --against=decomposed | FileCheck %s
// RUN: nf-check %s --against=cpu | FileCheck %s
// RUN: nf-check %s --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s
// RUN: nf-check %s --against=finite-differences | FileCheck %s --check-prefixes=CHECK,GRADIENT

nf.parameter @x : tensor<5x31xf32> {init = "zeros", nf.range = [-4.0, 4.0]}

// CHECK-LABEL: @gelu{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @gelu(%g: tensor<5x31xf32> {nf.name = "g"}) -> (tensor<5x31xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<5x31xf32>
  %y = nf.gelu %x : (tensor<5x31xf32>) -> tensor<5x31xf32>
  %r = nf.mul %y, %g : (tensor<5x31xf32>, tensor<5x31xf32>) -> tensor<5x31xf32>
  nf.return %r : tensor<5x31xf32>
}

// CHECK-LABEL: @gelu_tanh{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @gelu_tanh(%g: tensor<5x31xf32> {nf.name = "g"}) -> (tensor<5x31xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<5x31xf32>
  %y = nf.gelu_tanh %x : (tensor<5x31xf32>) -> tensor<5x31xf32>
  %r = nf.mul %y, %g : (tensor<5x31xf32>, tensor<5x31xf32>) -> tensor<5x31xf32>
  nf.return %r : tensor<5x31xf32>
}

// CHECK-LABEL: @relu{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @relu(%g: tensor<5x31xf32> {nf.name = "g"}) -> (tensor<5x31xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<5x31xf32>
  %y = nf.relu %x : (tensor<5x31xf32>) -> tensor<5x31xf32>
  %r = nf.mul %y, %g : (tensor<5x31xf32>, tensor<5x31xf32>) -> tensor<5x31xf32>
  nf.return %r : tensor<5x31xf32>
}

// CHECK-LABEL: @relu2{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @relu2(%g: tensor<5x31xf32> {nf.name = "g"}) -> (tensor<5x31xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<5x31xf32>
  %y = nf.relu2 %x : (tensor<5x31xf32>) -> tensor<5x31xf32>
  %r = nf.mul %y, %g : (tensor<5x31xf32>, tensor<5x31xf32>) -> tensor<5x31xf32>
  nf.return %r : tensor<5x31xf32>
}

// CHECK-LABEL: @silu{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @silu(%g: tensor<5x31xf32> {nf.name = "g"}) -> (tensor<5x31xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<5x31xf32>
  %y = nf.silu %x : (tensor<5x31xf32>) -> tensor<5x31xf32>
  %r = nf.mul %y, %g : (tensor<5x31xf32>, tensor<5x31xf32>) -> tensor<5x31xf32>
  nf.return %r : tensor<5x31xf32>
}
