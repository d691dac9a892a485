// Copies and scattered sums off and on every tile and vector, larger than a block of a GPU.
// RUN: nf-check %s --against=cpu | FileCheck %s
// RUN: nf-check %s --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s

// CHECK-LABEL: @transposes{{$}}
// CHECK-NEXT: a: largest error 0
// CHECK-NEXT: b: largest error 0
// CHECK-NEXT: c: largest error 0
// CHECK-NEXT: d: largest error 0
nf.program @transposes(%x: tensor<2x37x69xf32> {nf.name = "x"}, %y: tensor<3x64x96xbf16> {nf.name = "y"},
                       %i: tensor<33x65xi32> {nf.name = "i", nf.below = 1000 : i64})
    -> (tensor<2x69x37xf32> {nf.name = "a"}, tensor<96x64x3xbf16> {nf.name = "b"}, tensor<65x33xi32> {nf.name = "c"},
        tensor<37x2x69xf32> {nf.name = "d"}) {
  %a = nf.transpose %x [0, 2, 1] : (tensor<2x37x69xf32>) -> tensor<2x69x37xf32>
  %b = nf.transpose %y [2, 1, 0] : (tensor<3x64x96xbf16>) -> tensor<96x64x3xbf16>
  %c = nf.transpose %i [1, 0] : (tensor<33x65xi32>) -> tensor<65x33xi32>
  %d = nf.transpose %x [1, 0, 2] : (tensor<2x37x69xf32>) -> tensor<37x2x69xf32>
  nf.return %a, %b, %c, %d : tensor<2x69x37xf32>, tensor<96x64x3xbf16>, tensor<65x33xi32>, tensor<37x2x69xf32>
}

// CHECK-LABEL: @pieces{{$}}
// CHECK-NEXT: a: largest error 0
// CHECK-NEXT: b: largest error 0
// CHECK-NEXT: c: largest error 0
// CHECK-NEXT: d: largest error 0
nf.program @pieces(%x: tensor<5x70xf32> {nf.name = "x"}, %y: tensor<5x33xf32> {nf.name = "y"},
                   %column: tensor<9x1xf32> {nf.name = "column"}, %row: tensor<40xbf16> {nf.name = "row"})
    -> (tensor<5x103xf32> {nf.name = "a"}, tensor<5x75xf32> {nf.name = "b"}, tensor<9x520xf32> {nf.name = "c"},
        tensor<3x40xbf16> {nf.name = "d"}) {
  %a = nf.concat %y, %x axis 1 : (tensor<5x33xf32>, tensor<5x70xf32>) -> tensor<5x103xf32>
  %b = nf.pad %x axis 1 low 2 high 3 : (tensor<5x70xf32>) -> tensor<5x75xf32>
  %c = nf.broadcast %column : (tensor<9x1xf32>) -> tensor<9x520xf32>
  %d = nf.broadcast %row : (tensor<40xbf16>) -> tensor<3x40xbf16>
  nf.return %a, %b, %c, %d : tensor<5x103xf32>, tensor<5x75xf32>, tensor<9x520xf32>, tensor<3x40xbf16>
}

// Every index several times, the first and last row among them; a table with rows that none names.
// CHECK-LABEL: @scatter{{$}}
// CHECK-NEXT: a: largest error
// CHECK-NEXT: b: largest error
nf.program @scatter(%x: tensor<2x37x72xf32> {nf.name = "x"}, %i: tensor<2x37xi32> {nf.name = "i", nf.below = 9 : i64},
                    %y: tensor<64x5xf32> {nf.name = "y"}, %j: tensor<64xi32> {nf.name = "j", nf.below = 100 : i64})
    -> (tensor<11x72xf32> {nf.name = "a"}, tensor<100x5xf32> {nf.name = "b"}) {
  %a = nf.scatter_add %x, %i : (tensor<2x37x72xf32>, tensor<2x37xi32>) -> tensor<11x72xf32>
  %b = nf.scatter_add %y, %j : (tensor<64x5xf32>, tensor<64xi32>) -> tensor<100x5xf32>
  nf.return %a, %b : tensor<11x72xf32>, tensor<100x5xf32>
}
