// RUN: nf-opt %s --verify-diagnostics --split-input-file

// nf.iota C1: an axis.
nf.program @p() {
  // expected-error @+1 {{expected rank at least 1, but got 'tensor<i32>' (C1)}}
  %y = nf.iota : tensor<i32>
  nf.return
}

// -----

// nf.random_bits C1: scalars.
nf.program @p(%seed: tensor<i64> {nf.name = "seed"}, %step: tensor<i32> {nf.name = "step"},
              %offset: tensor<2xi32> {nf.name = "offset"}) {
  // expected-error @+1 {{expected seed, step and sample_offset of one element, but got 'tensor<2xi32>' (C1)}}
  %y = nf.random_bits %seed, %step, %offset {site = 0 : i32, rows_per_sample = 1 : i64} : (tensor<i64>, tensor<i32>,
      tensor<2xi32>) -> tensor<4xi32>
  nf.return
}

// -----

// nf.random_bits C2: i32.
nf.program @p(%seed: tensor<i64> {nf.name = "seed"}, %step: tensor<i32> {nf.name = "step"}) {
  // expected-error @+1 {{result #0 must be statically shaped tensor of 32-bit signless integer values, but got 'tensor<4xi64>'}}
  %y = nf.random_bits %seed, %step, %step {site = 0 : i32, rows_per_sample = 1 : i64} : (tensor<i64>, tensor<i32>,
      tensor<i32>) -> tensor<4xi64>
  nf.return
}

// -----

// nf.random_bits C2: an axis.
nf.program @p(%seed: tensor<i64> {nf.name = "seed"}, %step: tensor<i32> {nf.name = "step"}) {
  // expected-error @+1 {{expected a result of rank at least 1, but got 'tensor<i32>' (C2)}}
  %y = nf.random_bits %seed, %step, %step {site = 0 : i32, rows_per_sample = 1 : i64} : (tensor<i64>, tensor<i32>,
      tensor<i32>) -> tensor<i32>
  nf.return
}
