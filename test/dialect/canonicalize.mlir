// RUN: nf-opt %s --canonicalize | FileCheck %s

// Widening and back is the value itself; rounding and back is not.
// CHECK-LABEL: program @casts
// CHECK-NEXT: %[[R:.*]] = cast %y : (tensor<4xf32>) -> tensor<4xbf16>
// CHECK-NEXT: %[[W:.*]] = cast %[[R]] : (tensor<4xbf16>) -> tensor<4xf32>
// CHECK-NEXT: return %x, %[[W]]
nf.program @casts(%x: tensor<4xbf16> {nf.name = "x"}, %y: tensor<4xf32> {nf.name = "y"})
    -> (tensor<4xbf16> {nf.name = "a"}, tensor<4xf32> {nf.name = "b"}) {
  %0 = nf.cast %x : (tensor<4xbf16>) -> tensor<4xf32>
  %1 = nf.cast %0 : (tensor<4xf32>) -> tensor<4xbf16>
  %2 = nf.cast %y : (tensor<4xf32>) -> tensor<4xbf16>
  %3 = nf.cast %2 : (tensor<4xbf16>) -> tensor<4xf32>
  nf.return %1, %3 : tensor<4xbf16>, tensor<4xf32>
}

// scatter_add widens its rows itself; it does not round them.
// CHECK-LABEL: program @scattered
// CHECK-NEXT: scatter_add %x, %i : (tensor<3x4xbf16>, tensor<3xi32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[N:.*]] = cast %y : (tensor<3x4xf32>) -> tensor<3x4xbf16>
// CHECK-NEXT: scatter_add %[[N]], %i : (tensor<3x4xbf16>, tensor<3xi32>) -> tensor<8x4xbf16>
nf.program @scattered(%x: tensor<3x4xbf16> {nf.name = "x"}, %y: tensor<3x4xf32> {nf.name = "y"},
    %i: tensor<3xi32> {nf.name = "i"}) -> (tensor<8x4xf32> {nf.name = "a"}, tensor<8x4xbf16> {nf.name = "b"}) {
  %0 = nf.cast %x : (tensor<3x4xbf16>) -> tensor<3x4xf32>
  %1 = nf.scatter_add %0, %i : (tensor<3x4xf32>, tensor<3xi32>) -> tensor<8x4xf32>
  %2 = nf.cast %y : (tensor<3x4xf32>) -> tensor<3x4xbf16>
  %3 = nf.scatter_add %2, %i : (tensor<3x4xbf16>, tensor<3xi32>) -> tensor<8x4xbf16>
  nf.return %1, %3 : tensor<8x4xf32>, tensor<8x4xbf16>
}
