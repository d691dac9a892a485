// RUN: nf-opt --verify-roundtrip %s | FileCheck %s

// CHECK-LABEL: nf.program @sources
nf.program @sources(%seed: tensor<i64> {nf.name = "seed"}, %step: tensor<i32> {nf.name = "step"},
    %offset: tensor<i32> {nf.name = "sample_offset"}) {
  // CHECK: constant dense<1.000000e+00>
  %0 = nf.constant dense<1.0> : tensor<1xf32>
  // CHECK: constant dense<[1, 2]>
  %1 = nf.constant dense<[1, 2]> : tensor<2xi32>
  // CHECK: iota
  %2 = nf.iota : tensor<16xi32>
  // CHECK: random_bits %{{.*}}, %{{.*}}, %{{.*}} {rows_per_sample = 64 : i64, site = 3 : i32}
  %3 = nf.random_bits %seed, %step, %offset {site = 3 : i32, rows_per_sample = 64 : i64} : (tensor<i64>,
      tensor<i32>, tensor<i32>) -> tensor<4x64x768xi32>
  nf.return
}
