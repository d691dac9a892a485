// RUN: nf-check %s --against=decomposed | FileCheck %s
// RUN: nf-check %s --against=cpu | FileCheck %s
// RUN: nf-check %s --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s

// CHECK-LABEL: @bits{{$}}
// CHECK-NEXT: r: largest error
nf.program @bits(%seed: tensor<i64> {nf.name = "seed", nf.below = 1000 : i64},
                 %step: tensor<i32> {nf.name = "step", nf.below = 1000 : i64},
                 %offset: tensor<i32> {nf.name = "offset", nf.below = 9 : i64})
    -> (tensor<2x4x9xi32> {nf.name = "r"}) {
  %y = nf.random_bits %seed, %step, %offset {site = 3 : i32, rows_per_sample = 4 : i64}
    : (tensor<i64>, tensor<i32>, tensor<i32>) -> tensor<2x4x9xi32>
  nf.return %y : tensor<2x4x9xi32>
}
