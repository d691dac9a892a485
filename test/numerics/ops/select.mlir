// RUN: nf-check %s --against=decomposed | FileCheck %s
// RUN: nf-check %s --against=cpu | FileCheck %s
// RUN: nf-check %s --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s
// RUN: nf-check %s --against=finite-differences | FileCheck %s --check-prefixes=CHECK,GRADIENT

nf.parameter @x : tensor<3x17xf32> {init = "zeros"}
nf.parameter @y : tensor<3x17xf32> {init = "zeros"}
nf.parameter @row : tensor<17xf32> {init = "zeros"}
nf.parameter @one : tensor<1xf32> {init = "zeros"}

// CHECK-LABEL: @compare_eq{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
// GRADIENT-NEXT: d/d y: largest error
nf.program @compare_eq(%i: tensor<3x17xi32> {nf.name = "i", nf.below = 3 : i64},
                       %j: tensor<3x1xi32> {nf.name = "j", nf.below = 3 : i64}, %g: tensor<3x17xf32> {nf.name = "g"})
    -> (tensor<3x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<3x17xf32>
  %y = nf.get @y : tensor<3x17xf32>
  %c = nf.compare eq %i, %j : (tensor<3x17xi32>, tensor<3x1xi32>) -> tensor<3x17xi1>
  %z = nf.where %c, %x, %y : (tensor<3x17xi1>, tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %z, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @compare_ne{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
// GRADIENT-NEXT: d/d y: largest error
nf.program @compare_ne(%i: tensor<3x17xi32> {nf.name = "i", nf.below = 3 : i64},
                       %j: tensor<3x1xi32> {nf.name = "j", nf.below = 3 : i64}, %g: tensor<3x17xf32> {nf.name = "g"})
    -> (tensor<3x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<3x17xf32>
  %y = nf.get @y : tensor<3x17xf32>
  %c = nf.compare ne %i, %j : (tensor<3x17xi32>, tensor<3x1xi32>) -> tensor<3x17xi1>
  %z = nf.where %c, %x, %y : (tensor<3x17xi1>, tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %z, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @compare_lt{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
// GRADIENT-NEXT: d/d y: largest error
nf.program @compare_lt(%i: tensor<3x17xi32> {nf.name = "i", nf.below = 3 : i64},
                       %j: tensor<3x1xi32> {nf.name = "j", nf.below = 3 : i64}, %g: tensor<3x17xf32> {nf.name = "g"})
    -> (tensor<3x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<3x17xf32>
  %y = nf.get @y : tensor<3x17xf32>
  %c = nf.compare lt %i, %j : (tensor<3x17xi32>, tensor<3x1xi32>) -> tensor<3x17xi1>
  %z = nf.where %c, %x, %y : (tensor<3x17xi1>, tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %z, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @compare_le{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
// GRADIENT-NEXT: d/d y: largest error
nf.program @compare_le(%i: tensor<3x17xi32> {nf.name = "i", nf.below = 3 : i64},
                       %j: tensor<3x1xi32> {nf.name = "j", nf.below = 3 : i64}, %g: tensor<3x17xf32> {nf.name = "g"})
    -> (tensor<3x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<3x17xf32>
  %y = nf.get @y : tensor<3x17xf32>
  %c = nf.compare le %i, %j : (tensor<3x17xi32>, tensor<3x1xi32>) -> tensor<3x17xi1>
  %z = nf.where %c, %x, %y : (tensor<3x17xi1>, tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %z, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @compare_gt{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
// GRADIENT-NEXT: d/d y: largest error
nf.program @compare_gt(%i: tensor<3x17xi32> {nf.name = "i", nf.below = 3 : i64},
                       %j: tensor<3x1xi32> {nf.name = "j", nf.below = 3 : i64}, %g: tensor<3x17xf32> {nf.name = "g"})
    -> (tensor<3x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<3x17xf32>
  %y = nf.get @y : tensor<3x17xf32>
  %c = nf.compare gt %i, %j : (tensor<3x17xi32>, tensor<3x1xi32>) -> tensor<3x17xi1>
  %z = nf.where %c, %x, %y : (tensor<3x17xi1>, tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %z, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @compare_ge{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
// GRADIENT-NEXT: d/d y: largest error
nf.program @compare_ge(%i: tensor<3x17xi32> {nf.name = "i", nf.below = 3 : i64},
                       %j: tensor<3x1xi32> {nf.name = "j", nf.below = 3 : i64}, %g: tensor<3x17xf32> {nf.name = "g"})
    -> (tensor<3x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<3x17xf32>
  %y = nf.get @y : tensor<3x17xf32>
  %c = nf.compare ge %i, %j : (tensor<3x17xi32>, tensor<3x1xi32>) -> tensor<3x17xi1>
  %z = nf.where %c, %x, %y : (tensor<3x17xi1>, tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %z, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// Both sides broadcast.
// CHECK-LABEL: @compare_floats{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d row: largest error
// GRADIENT-NEXT: d/d one: largest error
nf.program @compare_floats(%a: tensor<3x17xf32> {nf.name = "a"}, %b: tensor<17xf32> {nf.name = "b"},
                           %g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<3x17xf32>
  %row = nf.get @row : tensor<17xf32>
  %one = nf.get @one : tensor<1xf32>
  %c = nf.compare lt %a, %b : (tensor<3x17xf32>, tensor<17xf32>) -> tensor<3x17xi1>
  %z = nf.where %c, %row, %one : (tensor<3x17xi1>, tensor<17xf32>, tensor<1xf32>) -> tensor<3x17xf32>
  %r = nf.mul %z, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @where_condition_row{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
// GRADIENT-NEXT: d/d y: largest error
nf.program @where_condition_row(%c: tensor<17xi1> {nf.name = "c"}, %g: tensor<3x17xf32> {nf.name = "g"})
    -> (tensor<3x17xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<3x17xf32>
  %y = nf.get @y : tensor<3x17xf32>
  %z = nf.where %c, %x, %y : (tensor<17xi1>, tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %z, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}
