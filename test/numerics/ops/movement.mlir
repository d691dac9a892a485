// RUN: nf-check %s --against=decomposed | FileCheck %s
// RUN: nf-check %s --against=cpu --bf16 | FileCheck %s
// RUN: nf-check %s --against=cpu --bf16 --target=cuda-emulated --check-kernels | FileCheck %s
// RUN: nf-check %s --against=finite-differences | FileCheck %s --check-prefixes=CHECK,GRADIENT

nf.parameter @x : tensor<2x3x5xf32> {init = "zeros"}
nf.parameter @y : tensor<2x4x5xf32> {init = "zeros"}
nf.parameter @row : tensor<5xf32> {init = "zeros"}
nf.parameter @column : tensor<3x1xf32> {init = "zeros"}
nf.parameter @table : tensor<7x5xf32> {init = "zeros"}
nf.parameter @rows : tensor<2x3x5xf32> {init = "zeros"}

// CHECK-LABEL: @reshape{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reshape(%g: tensor<6x5xf32> {nf.name = "g"}) -> (tensor<6x5xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x5xf32>
  %y = nf.reshape %x : (tensor<2x3x5xf32>) -> tensor<6x5xf32>
  %r = nf.mul %y, %g : (tensor<6x5xf32>, tensor<6x5xf32>) -> tensor<6x5xf32>
  nf.return %r : tensor<6x5xf32>
}

// CHECK-LABEL: @reshape_scalar{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @reshape_scalar(%g: tensor<f32> {nf.name = "g"}) -> (tensor<f32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x5xf32>
  %s = nf.reduce_sum %x axes [0, 1, 2] : (tensor<2x3x5xf32>) -> tensor<1x1x1xf32>
  %y = nf.reshape %s : (tensor<1x1x1xf32>) -> tensor<f32>
  %r = nf.mul %y, %g : (tensor<f32>, tensor<f32>) -> tensor<f32>
  nf.return %r : tensor<f32>
}

// CHECK-LABEL: @broadcast_row{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d row: largest error
nf.program @broadcast_row(%g: tensor<2x3x5xf32> {nf.name = "g"}) -> (tensor<2x3x5xf32> {nf.name = "r"}) {
  %row = nf.get @row : tensor<5xf32>
  %y = nf.broadcast %row : (tensor<5xf32>) -> tensor<2x3x5xf32>
  %r = nf.mul %y, %g : (tensor<2x3x5xf32>, tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  nf.return %r : tensor<2x3x5xf32>
}

// CHECK-LABEL: @broadcast_column{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d column: largest error
nf.program @broadcast_column(%g: tensor<2x3x5xf32> {nf.name = "g"}) -> (tensor<2x3x5xf32> {nf.name = "r"}) {
  %column = nf.get @column : tensor<3x1xf32>
  %y = nf.broadcast %column : (tensor<3x1xf32>) -> tensor<2x3x5xf32>
  %r = nf.mul %y, %g : (tensor<2x3x5xf32>, tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  nf.return %r : tensor<2x3x5xf32>
}

// CHECK-LABEL: @transpose_102{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @transpose_102(%g: tensor<3x2x5xf32> {nf.name = "g"}) -> (tensor<3x2x5xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x5xf32>
  %y = nf.transpose %x [1, 0, 2] : (tensor<2x3x5xf32>) -> tensor<3x2x5xf32>
  %r = nf.mul %y, %g : (tensor<3x2x5xf32>, tensor<3x2x5xf32>) -> tensor<3x2x5xf32>
  nf.return %r : tensor<3x2x5xf32>
}

// CHECK-LABEL: @transpose_201{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @transpose_201(%g: tensor<5x2x3xf32> {nf.name = "g"}) -> (tensor<5x2x3xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x5xf32>
  %y = nf.transpose %x [2, 0, 1] : (tensor<2x3x5xf32>) -> tensor<5x2x3xf32>
  %r = nf.mul %y, %g : (tensor<5x2x3xf32>, tensor<5x2x3xf32>) -> tensor<5x2x3xf32>
  nf.return %r : tensor<5x2x3xf32>
}

// CHECK-LABEL: @transpose_021{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @transpose_021(%g: tensor<2x5x3xf32> {nf.name = "g"}) -> (tensor<2x5x3xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x5xf32>
  %y = nf.transpose %x [0, 2, 1] : (tensor<2x3x5xf32>) -> tensor<2x5x3xf32>
  %r = nf.mul %y, %g : (tensor<2x5x3xf32>, tensor<2x5x3xf32>) -> tensor<2x5x3xf32>
  nf.return %r : tensor<2x5x3xf32>
}

// CHECK-LABEL: @slice{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @slice(%g: tensor<2x3x3xf32> {nf.name = "g"}) -> (tensor<2x3x3xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x5xf32>
  %y = nf.slice %x axis 2 from 1 size 3 : (tensor<2x3x5xf32>) -> tensor<2x3x3xf32>
  %r = nf.mul %y, %g : (tensor<2x3x3xf32>, tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  nf.return %r : tensor<2x3x3xf32>
}

// CHECK-LABEL: @slice_first_axis{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @slice_first_axis(%g: tensor<1x3x5xf32> {nf.name = "g"}) -> (tensor<1x3x5xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x5xf32>
  %y = nf.slice %x axis 0 from 1 size 1 : (tensor<2x3x5xf32>) -> tensor<1x3x5xf32>
  %r = nf.mul %y, %g : (tensor<1x3x5xf32>, tensor<1x3x5xf32>) -> tensor<1x3x5xf32>
  nf.return %r : tensor<1x3x5xf32>
}

// CHECK-LABEL: @pad{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @pad(%g: tensor<2x6x5xf32> {nf.name = "g"}) -> (tensor<2x6x5xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x5xf32>
  %y = nf.pad %x axis 1 low 2 high 1 : (tensor<2x3x5xf32>) -> tensor<2x6x5xf32>
  %r = nf.mul %y, %g : (tensor<2x6x5xf32>, tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  nf.return %r : tensor<2x6x5xf32>
}

// One part twice.
// CHECK-LABEL: @concat{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
// GRADIENT-NEXT: d/d y: largest error
nf.program @concat(%g: tensor<2x10x5xf32> {nf.name = "g"}) -> (tensor<2x10x5xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x5xf32>
  %y = nf.get @y : tensor<2x4x5xf32>
  %z = nf.concat %x, %y, %x axis 1 : (tensor<2x3x5xf32>, tensor<2x4x5xf32>, tensor<2x3x5xf32>) -> tensor<2x10x5xf32>
  %r = nf.mul %z, %g : (tensor<2x10x5xf32>, tensor<2x10x5xf32>) -> tensor<2x10x5xf32>
  nf.return %r : tensor<2x10x5xf32>
}

// Some rows more than once, some never.
// CHECK-LABEL: @gather{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d table: largest error
nf.program @gather(%i: tensor<2x3xi32> {nf.name = "i", nf.below = 4 : i64}, %g: tensor<2x3x5xf32> {nf.name = "g"})
    -> (tensor<2x3x5xf32> {nf.name = "r"}) {
  %table = nf.get @table : tensor<7x5xf32>
  %y = nf.gather %table, %i : (tensor<7x5xf32>, tensor<2x3xi32>) -> tensor<2x3x5xf32>
  %r = nf.mul %y, %g : (tensor<2x3x5xf32>, tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  nf.return %r : tensor<2x3x5xf32>
}

// CHECK-LABEL: @embedding{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d table: largest error
nf.program @embedding(%i: tensor<2x3xi32> {nf.name = "i", nf.below = 7 : i64}, %g: tensor<2x3x5xf32> {nf.name = "g"})
    -> (tensor<2x3x5xf32> {nf.name = "r"}) {
  %table = nf.get @table : tensor<7x5xf32>
  %y = nf.embedding %table, %i : (tensor<7x5xf32>, tensor<2x3xi32>) -> tensor<2x3x5xf32>
  %r = nf.mul %y, %g : (tensor<2x3x5xf32>, tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  nf.return %r : tensor<2x3x5xf32>
}

// CHECK-LABEL: @scatter_add{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d rows: largest error
nf.program @scatter_add(%i: tensor<2x3xi32> {nf.name = "i", nf.below = 4 : i64}, %g: tensor<7x5xf32> {nf.name = "g"})
    -> (tensor<7x5xf32> {nf.name = "r"}) {
  %rows = nf.get @rows : tensor<2x3x5xf32>
  %y = nf.scatter_add %rows, %i : (tensor<2x3x5xf32>, tensor<2x3xi32>) -> tensor<7x5xf32>
  %r = nf.mul %y, %g : (tensor<7x5xf32>, tensor<7x5xf32>) -> tensor<7x5xf32>
  nf.return %r : tensor<7x5xf32>
}

// CHECK-LABEL: @cast_through_bf16{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @cast_through_bf16(%g: tensor<2x3x5xf32> {nf.name = "g"}) -> (tensor<2x3x5xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x5xf32>
  %y = nf.cast %x : (tensor<2x3x5xf32>) -> tensor<2x3x5xbf16>
  %z = nf.cast %y : (tensor<2x3x5xbf16>) -> tensor<2x3x5xf32>
  %r = nf.mul %z, %g : (tensor<2x3x5xf32>, tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  nf.return %r : tensor<2x3x5xf32>
}

// CHECK-LABEL: @cast_integers{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
nf.program @cast_integers(%g: tensor<2x3x5xf32> {nf.name = "g"}) -> (tensor<2x3x5xf32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x3x5xf32>
  %i = nf.iota : tensor<5xi32>
  %f = nf.cast %i : (tensor<5xi32>) -> tensor<5xf32>
  %y = nf.mul %x, %f : (tensor<2x3x5xf32>, tensor<5xf32>) -> tensor<2x3x5xf32>
  %r = nf.mul %y, %g : (tensor<2x3x5xf32>, tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  nf.return %r : tensor<2x3x5xf32>
}
