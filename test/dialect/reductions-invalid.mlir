// RUN: nf-opt %s --verify-diagnostics --split-input-file

// nf.reduce_sum C1: axes in range.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+2 {{expected ascending axes below 2, but got [2] (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.reduce_sum %x axes [2] : (tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.reduce_sum C1: ascending axes, none twice.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+2 {{expected ascending axes below 2, but got [1, 1] (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.reduce_sum %x axes [1, 1] : (tensor<4x8xf32>) -> tensor<4x1xf32>
  nf.return
}

// -----

// nf.reduce_mean C1: axes in range.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+2 {{expected ascending axes below 2, but got [2] (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.reduce_mean %x axes [2] : (tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.reduce_mean C1: ascending axes, none twice.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+2 {{expected ascending axes below 2, but got [1, 1] (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.reduce_mean %x axes [1, 1] : (tensor<4x8xf32>) -> tensor<4x1xf32>
  nf.return
}

// -----

// nf.reduce_max C1: axes in range.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+2 {{expected ascending axes below 2, but got [2] (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.reduce_max %x axes [2] : (tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.reduce_max C1: ascending axes, none twice.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+2 {{expected ascending axes below 2, but got [1, 1] (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.reduce_max %x axes [1, 1] : (tensor<4x8xf32>) -> tensor<4x1xf32>
  nf.return
}

// -----

// nf.softmax C1: an axis.
nf.program @p(%x: tensor<f32> {nf.name = "x"}) {
  // expected-error @+2 {{expected rank at least 1, but got 'tensor<f32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nf.softmax %x : (tensor<f32>) -> tensor<f32>
  nf.return
}
