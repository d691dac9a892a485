// RUN: nf-check %s --against=decomposed | FileCheck %s
// RUN: nf-check %s --against=cpu | FileCheck %s
// RUN: nf-check %s --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s
// RUN: nf-check %s --against=finite-differences | FileCheck %s --check-prefixes=CHECK,GRADIENT

nf.parameter @w : tensor<8x12xf32> {init = "zeros"}
nf.parameter @g : tensor<12xf32> {init = "zeros"}
nf.parameter @heads : tensor<4xf32> {init = "zeros"}
nf.parameter @c : tensor<8xf32> {init = "zeros"}

// CHECK-LABEL: @columns{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d w: largest error
// GRADIENT-NEXT: d/d g: largest error
nf.program @columns(%m: tensor<8x12xf32> {nf.name = "m"}) -> (tensor<8x12xf32> {nf.name = "r"}) {
  %w = nf.get @w : tensor<8x12xf32>
  %g = nf.get @g : tensor<12xf32>
  %y = nf.fold_scale %w, %g {axis = 1 : i64} : (tensor<8x12xf32>, tensor<12xf32>) -> tensor<8x12xf32>
  %r = nf.mul %y, %m : (tensor<8x12xf32>, tensor<8x12xf32>) -> tensor<8x12xf32>
  nf.return %r : tensor<8x12xf32>
}

// CHECK-LABEL: @groups_of_columns{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d w: largest error
// GRADIENT-NEXT: d/d heads: largest error
nf.program @groups_of_columns(%m: tensor<8x12xf32> {nf.name = "m"}) -> (tensor<8x12xf32> {nf.name = "r"}) {
  %w = nf.get @w : tensor<8x12xf32>
  %g = nf.get @heads : tensor<4xf32>
  %y = nf.fold_scale %w, %g {axis = 1 : i64} : (tensor<8x12xf32>, tensor<4xf32>) -> tensor<8x12xf32>
  %r = nf.mul %y, %m : (tensor<8x12xf32>, tensor<8x12xf32>) -> tensor<8x12xf32>
  nf.return %r : tensor<8x12xf32>
}

// CHECK-LABEL: @groups_of_rows{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d w: largest error
// GRADIENT-NEXT: d/d heads: largest error
nf.program @groups_of_rows(%m: tensor<8x12xf32> {nf.name = "m"}) -> (tensor<8x12xf32> {nf.name = "r"}) {
  %w = nf.get @w : tensor<8x12xf32>
  %g = nf.get @heads : tensor<4xf32>
  %y = nf.fold_scale %w, %g {axis = 0 : i64} : (tensor<8x12xf32>, tensor<4xf32>) -> tensor<8x12xf32>
  %r = nf.mul %y, %m : (tensor<8x12xf32>, tensor<8x12xf32>) -> tensor<8x12xf32>
  nf.return %r : tensor<8x12xf32>
}

// CHECK-LABEL: @groups_of_a_bias{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d heads: largest error
// GRADIENT-NEXT: d/d c: largest error
nf.program @groups_of_a_bias(%m: tensor<8xf32> {nf.name = "m"}) -> (tensor<8xf32> {nf.name = "r"}) {
  %c = nf.get @c : tensor<8xf32>
  %g = nf.get @heads : tensor<4xf32>
  %y = nf.fold_scale %c, %g {axis = 0 : i64} : (tensor<8xf32>, tensor<4xf32>) -> tensor<8xf32>
  %r = nf.mul %y, %m : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  nf.return %r : tensor<8xf32>
}

// CHECK-LABEL: @shift{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d w: largest error
// GRADIENT-NEXT: d/d g: largest error
// GRADIENT-NEXT: d/d c: largest error
nf.program @shift(%m: tensor<8xf32> {nf.name = "m"}) -> (tensor<8xf32> {nf.name = "r"}) {
  %w = nf.get @w : tensor<8x12xf32>
  %b = nf.get @g : tensor<12xf32>
  %c = nf.get @c : tensor<8xf32>
  %y = nf.fold_shift %w, %b bias %c : (tensor<8x12xf32>, tensor<12xf32>, tensor<8xf32>) -> tensor<8xf32>
  %r = nf.mul %y, %m : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  nf.return %r : tensor<8xf32>
}

// CHECK-LABEL: @shift_without_bias{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d w: largest error
// GRADIENT-NEXT: d/d g: largest error
nf.program @shift_without_bias(%m: tensor<8xf32> {nf.name = "m"}) -> (tensor<8xf32> {nf.name = "r"}) {
  %w = nf.get @w : tensor<8x12xf32>
  %b = nf.get @g : tensor<12xf32>
  %y = nf.fold_shift %w, %b : (tensor<8x12xf32>, tensor<12xf32>) -> tensor<8xf32>
  %r = nf.mul %y, %m : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  nf.return %r : tensor<8xf32>
}
