// RUN: nf-check %s --against=decomposed | FileCheck %s
// RUN: nf-check %s --against=cpu | FileCheck %s
// RUN: nf-check %s --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s
// RUN: nf-check %s --against=finite-differences | FileCheck %s --check-prefixes=CHECK,GRADIENT

nf.parameter @a : tensor<5x7xf32> {init = "zeros"}
nf.parameter @b : tensor<7x3xf32> {init = "zeros"}
nf.parameter @aT : tensor<7x5xf32> {init = "zeros"}
nf.parameter @bT : tensor<3x7xf32> {init = "zeros"}
nf.parameter @bias : tensor<3xf32> {init = "zeros"}
nf.parameter @a3 : tensor<2x5x7xf32> {init = "zeros"}
nf.parameter @b3 : tensor<2x7x3xf32> {init = "zeros"}
nf.parameter @a3T : tensor<2x7x5xf32> {init = "zeros"}
nf.parameter @b3T : tensor<2x3x7xf32> {init = "zeros"}
nf.parameter @a4 : tensor<2x2x5x7xf32> {init = "zeros"}
nf.parameter @b4 : tensor<2x2x7x3xf32> {init = "zeros"}
nf.parameter @b4T : tensor<2x2x3x7xf32> {init = "zeros"}
nf.parameter @vector : tensor<1x1xf32> {init = "zeros"}

// CHECK-LABEL: @plain{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d a: largest error
// GRADIENT-NEXT: d/d b: largest error
nf.program @plain(%g: tensor<5x3xf32> {nf.name = "g"}) -> (tensor<5x3xf32> {nf.name = "r"}) {
  %a = nf.get @a : tensor<5x7xf32>
  %b = nf.get @b : tensor<7x3xf32>
  %y = nf.matmul %a, %b : (tensor<5x7xf32>, tensor<7x3xf32>) -> tensor<5x3xf32>
  %r = nf.mul %y, %g : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  nf.return %r : tensor<5x3xf32>
}

// CHECK-LABEL: @transpose_a{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d b: largest error
// GRADIENT-NEXT: d/d aT: largest error
nf.program @transpose_a(%g: tensor<5x3xf32> {nf.name = "g"}) -> (tensor<5x3xf32> {nf.name = "r"}) {
  %aT = nf.get @aT : tensor<7x5xf32>
  %b = nf.get @b : tensor<7x3xf32>
  %y = nf.matmul %aT, %b {transpose_a} : (tensor<7x5xf32>, tensor<7x3xf32>) -> tensor<5x3xf32>
  %r = nf.mul %y, %g : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  nf.return %r : tensor<5x3xf32>
}

// CHECK-LABEL: @transpose_b{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d a: largest error
// GRADIENT-NEXT: d/d bT: largest error
nf.program @transpose_b(%g: tensor<5x3xf32> {nf.name = "g"}) -> (tensor<5x3xf32> {nf.name = "r"}) {
  %a = nf.get @a : tensor<5x7xf32>
  %bT = nf.get @bT : tensor<3x7xf32>
  %y = nf.matmul %a, %bT {transpose_b} : (tensor<5x7xf32>, tensor<3x7xf32>) -> tensor<5x3xf32>
  %r = nf.mul %y, %g : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  nf.return %r : tensor<5x3xf32>
}

// CHECK-LABEL: @transpose_both{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d aT: largest error
// GRADIENT-NEXT: d/d bT: largest error
nf.program @transpose_both(%g: tensor<5x3xf32> {nf.name = "g"}) -> (tensor<5x3xf32> {nf.name = "r"}) {
  %aT = nf.get @aT : tensor<7x5xf32>
  %bT = nf.get @bT : tensor<3x7xf32>
  %y = nf.matmul %aT, %bT {transpose_a, transpose_b} : (tensor<7x5xf32>, tensor<3x7xf32>) -> tensor<5x3xf32>
  %r = nf.mul %y, %g : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  nf.return %r : tensor<5x3xf32>
}

// CHECK-LABEL: @with_bias{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d a: largest error
// GRADIENT-NEXT: d/d bT: largest error
// GRADIENT-NEXT: d/d bias: largest error
nf.program @with_bias(%g: tensor<5x3xf32> {nf.name = "g"}) -> (tensor<5x3xf32> {nf.name = "r"}) {
  %a = nf.get @a : tensor<5x7xf32>
  %bT = nf.get @bT : tensor<3x7xf32>
  %bias = nf.get @bias : tensor<3xf32>
  %y = nf.matmul %a, %bT bias %bias {transpose_b} : (tensor<5x7xf32>, tensor<3x7xf32>,
      tensor<3xf32>) -> tensor<5x3xf32>
  %r = nf.mul %y, %g : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  nf.return %r : tensor<5x3xf32>
}

// CHECK-LABEL: @plain_with_bias{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d a: largest error
// GRADIENT-NEXT: d/d b: largest error
// GRADIENT-NEXT: d/d bias: largest error
nf.program @plain_with_bias(%g: tensor<5x3xf32> {nf.name = "g"}) -> (tensor<5x3xf32> {nf.name = "r"}) {
  %a = nf.get @a : tensor<5x7xf32>
  %b = nf.get @b : tensor<7x3xf32>
  %bias = nf.get @bias : tensor<3xf32>
  %y = nf.matmul %a, %b bias %bias : (tensor<5x7xf32>, tensor<7x3xf32>, tensor<3xf32>) -> tensor<5x3xf32>
  %r = nf.mul %y, %g : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  nf.return %r : tensor<5x3xf32>
}

// CHECK-LABEL: @batched{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d a3: largest error
// GRADIENT-NEXT: d/d b3: largest error
nf.program @batched(%g: tensor<2x5x3xf32> {nf.name = "g"}) -> (tensor<2x5x3xf32> {nf.name = "r"}) {
  %a3 = nf.get @a3 : tensor<2x5x7xf32>
  %b3 = nf.get @b3 : tensor<2x7x3xf32>
  %y = nf.matmul %a3, %b3 : (tensor<2x5x7xf32>, tensor<2x7x3xf32>) -> tensor<2x5x3xf32>
  %r = nf.mul %y, %g : (tensor<2x5x3xf32>, tensor<2x5x3xf32>) -> tensor<2x5x3xf32>
  nf.return %r : tensor<2x5x3xf32>
}

// CHECK-LABEL: @batched_transpose_a{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d b3: largest error
// GRADIENT-NEXT: d/d a3T: largest error
nf.program @batched_transpose_a(%g: tensor<2x5x3xf32> {nf.name = "g"}) -> (tensor<2x5x3xf32> {nf.name = "r"}) {
  %a3T = nf.get @a3T : tensor<2x7x5xf32>
  %b3 = nf.get @b3 : tensor<2x7x3xf32>
  %y = nf.matmul %a3T, %b3 {transpose_a} : (tensor<2x7x5xf32>, tensor<2x7x3xf32>) -> tensor<2x5x3xf32>
  %r = nf.mul %y, %g : (tensor<2x5x3xf32>, tensor<2x5x3xf32>) -> tensor<2x5x3xf32>
  nf.return %r : tensor<2x5x3xf32>
}

// CHECK-LABEL: @batched_transpose_b{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d a3: largest error
// GRADIENT-NEXT: d/d b3T: largest error
nf.program @batched_transpose_b(%g: tensor<2x5x3xf32> {nf.name = "g"}) -> (tensor<2x5x3xf32> {nf.name = "r"}) {
  %a3 = nf.get @a3 : tensor<2x5x7xf32>
  %b3T = nf.get @b3T : tensor<2x3x7xf32>
  %y = nf.matmul %a3, %b3T {transpose_b} : (tensor<2x5x7xf32>, tensor<2x3x7xf32>) -> tensor<2x5x3xf32>
  %r = nf.mul %y, %g : (tensor<2x5x3xf32>, tensor<2x5x3xf32>) -> tensor<2x5x3xf32>
  nf.return %r : tensor<2x5x3xf32>
}

// CHECK-LABEL: @batched_transpose_both{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d a3T: largest error
// GRADIENT-NEXT: d/d b3T: largest error
nf.program @batched_transpose_both(%g: tensor<2x5x3xf32> {nf.name = "g"}) -> (tensor<2x5x3xf32> {nf.name = "r"}) {
  %a3T = nf.get @a3T : tensor<2x7x5xf32>
  %b3T = nf.get @b3T : tensor<2x3x7xf32>
  %y = nf.matmul %a3T, %b3T {transpose_a, transpose_b} : (tensor<2x7x5xf32>, tensor<2x3x7xf32>) -> tensor<2x5x3xf32>
  %r = nf.mul %y, %g : (tensor<2x5x3xf32>, tensor<2x5x3xf32>) -> tensor<2x5x3xf32>
  nf.return %r : tensor<2x5x3xf32>
}

// CHECK-LABEL: @shared{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d b: largest error
// GRADIENT-NEXT: d/d a3: largest error
nf.program @shared(%g: tensor<2x5x3xf32> {nf.name = "g"}) -> (tensor<2x5x3xf32> {nf.name = "r"}) {
  %a3 = nf.get @a3 : tensor<2x5x7xf32>
  %b = nf.get @b : tensor<7x3xf32>
  %y = nf.matmul %a3, %b : (tensor<2x5x7xf32>, tensor<7x3xf32>) -> tensor<2x5x3xf32>
  %r = nf.mul %y, %g : (tensor<2x5x3xf32>, tensor<2x5x3xf32>) -> tensor<2x5x3xf32>
  nf.return %r : tensor<2x5x3xf32>
}

// CHECK-LABEL: @shared_transpose_b{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d bT: largest error
// GRADIENT-NEXT: d/d bias: largest error
// GRADIENT-NEXT: d/d a3: largest error
nf.program @shared_transpose_b(%g: tensor<2x5x3xf32> {nf.name = "g"}) -> (tensor<2x5x3xf32> {nf.name = "r"}) {
  %a3 = nf.get @a3 : tensor<2x5x7xf32>
  %bT = nf.get @bT : tensor<3x7xf32>
  %bias = nf.get @bias : tensor<3xf32>
  %y = nf.matmul %a3, %bT bias %bias {transpose_b} : (tensor<2x5x7xf32>, tensor<3x7xf32>,
      tensor<3xf32>) -> tensor<2x5x3xf32>
  %r = nf.mul %y, %g : (tensor<2x5x3xf32>, tensor<2x5x3xf32>) -> tensor<2x5x3xf32>
  nf.return %r : tensor<2x5x3xf32>
}

// CHECK-LABEL: @heads{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d a4: largest error
// GRADIENT-NEXT: d/d b4: largest error
nf.program @heads(%g: tensor<2x2x5x3xf32> {nf.name = "g"}) -> (tensor<2x2x5x3xf32> {nf.name = "r"}) {
  %a4 = nf.get @a4 : tensor<2x2x5x7xf32>
  %b4 = nf.get @b4 : tensor<2x2x7x3xf32>
  %y = nf.matmul %a4, %b4 : (tensor<2x2x5x7xf32>, tensor<2x2x7x3xf32>) -> tensor<2x2x5x3xf32>
  %r = nf.mul %y, %g : (tensor<2x2x5x3xf32>, tensor<2x2x5x3xf32>) -> tensor<2x2x5x3xf32>
  nf.return %r : tensor<2x2x5x3xf32>
}

// CHECK-LABEL: @heads_transpose_b{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d a4: largest error
// GRADIENT-NEXT: d/d b4T: largest error
nf.program @heads_transpose_b(%g: tensor<2x2x5x3xf32> {nf.name = "g"}) -> (tensor<2x2x5x3xf32> {nf.name = "r"}) {
  %a4 = nf.get @a4 : tensor<2x2x5x7xf32>
  %b4T = nf.get @b4T : tensor<2x2x3x7xf32>
  %y = nf.matmul %a4, %b4T {transpose_b} : (tensor<2x2x5x7xf32>, tensor<2x2x3x7xf32>) -> tensor<2x2x5x3xf32>
  %r = nf.mul %y, %g : (tensor<2x2x5x3xf32>, tensor<2x2x5x3xf32>) -> tensor<2x2x5x3xf32>
  nf.return %r : tensor<2x2x5x3xf32>
}

// CHECK-LABEL: @heads_shared{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d bT: largest error
// GRADIENT-NEXT: d/d bias: largest error
// GRADIENT-NEXT: d/d a4: largest error
nf.program @heads_shared(%g: tensor<2x2x5x3xf32> {nf.name = "g"}) -> (tensor<2x2x5x3xf32> {nf.name = "r"}) {
  %a4 = nf.get @a4 : tensor<2x2x5x7xf32>
  %bT = nf.get @bT : tensor<3x7xf32>
  %bias = nf.get @bias : tensor<3xf32>
  %y = nf.matmul %a4, %bT bias %bias {transpose_b} : (tensor<2x2x5x7xf32>, tensor<3x7xf32>,
      tensor<3xf32>) -> tensor<2x2x5x3xf32>
  %r = nf.mul %y, %g : (tensor<2x2x5x3xf32>, tensor<2x2x5x3xf32>) -> tensor<2x2x5x3xf32>
  nf.return %r : tensor<2x2x5x3xf32>
}

// CHECK-LABEL: @one_by_one{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d vector: largest error
nf.program @one_by_one(%g: tensor<1x1xf32> {nf.name = "g"}) -> (tensor<1x1xf32> {nf.name = "r"}) {
  %vector = nf.get @vector : tensor<1x1xf32>
  %y = nf.matmul %vector, %vector : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  %r = nf.mul %y, %g : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  nf.return %r : tensor<1x1xf32>
}
