// RUN: nf-opt %s --verify-diagnostics --split-input-file

// nf.reshape C1: equal counts.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+1 {{expected equal element types and counts, but got 'tensor<4x8xf32>' and 'tensor<31xf32>' (C1)}}
  %y = nf.reshape %x : (tensor<4x8xf32>) -> tensor<31xf32>
  nf.return
}

// -----

// nf.broadcast C1: shapes that broadcast.
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}) {
  // expected-error @+1 {{expected a shape that broadcasts to 'tensor<4x8xf32>', but got 'tensor<4xf32>' (C1)}}
  %y = nf.broadcast %x : (tensor<4xf32>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.transpose C1: a permutation.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+2 {{expected a permutation of 2 axes, but got [0, 0] (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.transpose %x [0, 0] : (tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.slice C1: a range inside the axis.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+2 {{expected a range inside axis 1 of 'tensor<4x8xf32>', but got from 6 size 3 (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.slice %x axis 1 from 6 size 3 : (tensor<4x8xf32>) -> tensor<4x3xf32>
  nf.return
}

// -----

// nf.slice C1: a range whose end no integer holds.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+2 {{expected a range inside axis 1 of 'tensor<4x8xf32>', but got from 9223372036854775807 size 3 (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.slice %x axis 1 from 9223372036854775807 size 3 : (tensor<4x8xf32>) -> tensor<4x3xf32>
  nf.return
}

// -----

// nf.slice C1: an axis of the tensor.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+2 {{expected a range inside axis 2 of 'tensor<4x8xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.slice %x axis 2 from 0 size 3 : (tensor<4x8xf32>) -> tensor<4x3xf32>
  nf.return
}

// -----

// nf.pad C1: widths of at least 0.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+2 {{expected an axis below 2 and widths of at least 0, but got axis 1 low -1 high 0 (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.pad %x axis 1 low -1 high 0 : (tensor<4x8xf32>) -> tensor<4x7xf32>
  nf.return
}

// -----

// nf.concat C1: at least one operand.
nf.program @p() {
  // expected-error @+2 {{expected at least one operand, but got none (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.concat axis 0 : () -> tensor<4xf32>
  nf.return
}

// -----

// nf.concat C1: equal extents off the axis.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %y: tensor<4x7xf32> {nf.name = "y"}) {
  // expected-error @+2 {{expected extents of 'tensor<4x8xf32>' off axis 0, but got 'tensor<4x7xf32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.concat %x, %y axis 0 : (tensor<4x8xf32>, tensor<4x7xf32>) -> tensor<8x8xf32>
  nf.return
}

// -----

// nf.concat C1: an axis of the tensors.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+2 {{expected an axis below 2, but got 2 (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.concat %x, %x axis 2 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<8x8xf32>
  nf.return
}

// -----

// nf.gather C1: a table of rank 2.
nf.program @p(%x: tensor<8xf32> {nf.name = "x"}, %i: tensor<4xi32> {nf.name = "i"}) {
  // expected-error @+2 {{expected a table of rank 2, but got 'tensor<8xf32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.gather %x, %i : (tensor<8xf32>, tensor<4xi32>) -> tensor<4xf32>
  nf.return
}

// -----

// nf.gather C2: indices of i32.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %i: tensor<4xi64> {nf.name = "i"}) {
  // expected-error @+1 {{operand #1 must be statically shaped tensor of 32-bit signless integer values, but got 'tensor<4xi64>'}}
  %y = nf.gather %x, %i : (tensor<4x8xf32>, tensor<4xi64>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.scatter_add C1: one row an index.
nf.program @p(%x: tensor<3x8xf32> {nf.name = "x"}, %i: tensor<4xi32> {nf.name = "i"}) {
  // expected-error @+1 {{expected rows of the shape of the indices and one more axis, but got 'tensor<3x8xf32>' and 'tensor<4xi32>' (C1)}}
  %y = nf.scatter_add %x, %i : (tensor<3x8xf32>, tensor<4xi32>) -> tensor<5x8xf32>
  nf.return
}

// -----

// nf.scatter_add C2: a table of the rows' width.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %i: tensor<4xi32> {nf.name = "i"}) {
  // expected-error @+1 {{expected a result of rank 2 with rows of 8, but got 'tensor<5x7xf32>' (C2)}}
  %y = nf.scatter_add %x, %i : (tensor<4x8xf32>, tensor<4xi32>) -> tensor<5x7xf32>
  nf.return
}
