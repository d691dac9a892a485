// RUN: nf-opt %s --verify-diagnostics --split-input-file

// nf.matmul C1: ranks.
nf.program @p(%x: tensor<8xf32> {nf.name = "x"}, %y: tensor<8x3xf32> {nf.name = "y"}) {
  // expected-error @+1 {{expected a left side of rank 2 to 4 and a right side of rank 2 or that rank, but got 'tensor<8xf32>' and 'tensor<8x3xf32>' (C1)}}
  %z = nf.matmul %x, %y : (tensor<8xf32>, tensor<8x3xf32>) -> tensor<3xf32>
  nf.return
}

// -----

// nf.matmul C2: equal leading axes.
nf.program @p(%x: tensor<2x4x8xf32> {nf.name = "x"}, %y: tensor<3x8x3xf32> {nf.name = "y"}) {
  // expected-error @+1 {{expected equal leading axes, but got 'tensor<2x4x8xf32>' and 'tensor<3x8x3xf32>' (C2)}}
  %z = nf.matmul %x, %y : (tensor<2x4x8xf32>, tensor<3x8x3xf32>) -> tensor<2x4x3xf32>
  nf.return
}

// -----

// nf.matmul C3: equal inner extents.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %y: tensor<3x8xf32> {nf.name = "y"}) {
  // expected-error @+1 {{expected equal inner extents, but got 'tensor<4x8xf32>' and 'tensor<3x8xf32>' (C3)}}
  %z = nf.matmul %x, %y : (tensor<4x8xf32>, tensor<3x8xf32>) -> tensor<4x3xf32>
  nf.return
}

// -----

// nf.matmul C4: a bias of the columns.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %y: tensor<8x3xf32> {nf.name = "y"},
              %b: tensor<4xf32> {nf.name = "b"}) {
  // expected-error @+1 {{expected a bias of 3 elements, but got 'tensor<4xf32>' (C4)}}
  %z = nf.matmul %x, %y bias %b : (tensor<4x8xf32>, tensor<8x3xf32>, tensor<4xf32>) -> tensor<4x3xf32>
  nf.return
}

// -----

// nf.matmul C5: the result's shape.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %y: tensor<8x3xf32> {nf.name = "y"}) {
  // expected-error @+1 {{expected a result of shape [4, 3], but got 'tensor<4x4xf32>' (C5)}}
  %z = nf.matmul %x, %y : (tensor<4x8xf32>, tensor<8x3xf32>) -> tensor<4x4xf32>
  nf.return
}

// -----

// nf.matmul C5: one result.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %y: tensor<8x3xf32> {nf.name = "y"}) {
  // expected-error @+1 {{expected one result or one destination, but got 0 and 0 (C5)}}
  nf.matmul %x, %y : (tensor<4x8xf32>, tensor<8x3xf32>) -> ()
  nf.return
}

// -----

// nf.matmul C6: transpose_a needs equal ranks.
nf.program @p(%x: tensor<2x8x4xf32> {nf.name = "x"}, %y: tensor<8x3xf32> {nf.name = "y"}) {
  // expected-error @+1 {{expected equal ranks with transpose_a, but got 'tensor<2x8x4xf32>' and 'tensor<8x3xf32>' (C6)}}
  %z = nf.matmul %x, %y {transpose_a} : (tensor<2x8x4xf32>, tensor<8x3xf32>) -> tensor<2x4x3xf32>
  nf.return
}
