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

// -----

// nf.matmul C7: the rows of the operand are the inner extent.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %y: tensor<8x3xf32> {nf.name = "y"}) {
  // expected-error @+1 {{expected one operand to be summed, the left one with transpose_a or the right one without transpose_b, and one product, but got 'tensor<4x8xf32>' and 'tensor<8x3xf32>' (C7)}}
  %z:2 = nf.matmul %x, %y {sum_lhs} : (tensor<4x8xf32>, tensor<8x3xf32>) -> (tensor<4x3xf32>, tensor<8xf32>)
  nf.return
}

// -----

// nf.matmul C7: one of them.
nf.program @p(%x: tensor<8x4xf32> {nf.name = "x"}, %y: tensor<8x3xf32> {nf.name = "y"}) {
  // expected-error @+1 {{(C7)}}
  %z:2 = nf.matmul %x, %y {sum_lhs, sum_rhs, transpose_a} : (tensor<8x4xf32>, tensor<8x3xf32>) -> (tensor<4x3xf32>, tensor<4xf32>)
  nf.return
}

// -----

// nf.matmul C7: no batches.
nf.program @p(%x: tensor<2x8x4xf32> {nf.name = "x"}, %y: tensor<2x8x3xf32> {nf.name = "y"}) {
  // expected-error @+1 {{(C7)}}
  %z:2 = nf.matmul %x, %y {sum_lhs, transpose_a} : (tensor<2x8x4xf32>, tensor<2x8x3xf32>) -> (tensor<2x4x3xf32>, tensor<4xf32>)
  nf.return
}

// -----

// nf.matmul C8: a sum is a result.
nf.program @p(%x: tensor<8x4xf32> {nf.name = "x"}, %y: tensor<8x3xf32> {nf.name = "y"}) {
  // expected-error @+1 {{expected two results or destinations, but got 1 and 0 (C8)}}
  %z = nf.matmul %x, %y {sum_lhs, transpose_a} : (tensor<8x4xf32>, tensor<8x3xf32>) -> tensor<4x3xf32>
  nf.return
}

// -----

// nf.matmul C8: of the operand's columns.
nf.program @p(%x: tensor<8x4xf32> {nf.name = "x"}, %y: tensor<8x3xf32> {nf.name = "y"}) {
  // expected-error @+1 {{expected a sum of shape [3], but got 'tensor<4xf32>' (C8)}}
  %z:2 = nf.matmul %x, %y {sum_rhs, transpose_a} : (tensor<8x4xf32>, tensor<8x3xf32>) -> (tensor<4x3xf32>, tensor<4xf32>)
  nf.return
}
