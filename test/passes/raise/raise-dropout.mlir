// RUN: nf-opt --nf-raise-dropout %s | FileCheck %s
// RUN: nf-check %s --program=tenth --against='pass:nf.program(nf-raise-dropout)' --tolerance=1e-6

// 0.1 · 2³¹, rounded down.
// CHECK-LABEL: program @tenth
// CHECK-NEXT: %[[Y:.*]] = dropout %x, %seed, %step, %at {p = 1.000000e-01 : f64, site = 3 : i32}
// CHECK-NEXT: return %[[Y]]
nf.program @tenth(%x: tensor<2x4x8xf32> {nf.name = "x"}, %seed: tensor<i64> {nf.name = "seed", nf.below = 9 : i64},
    %step: tensor<i32> {nf.name = "step", nf.below = 9 : i64}, %at: tensor<i32> {nf.name = "at", nf.below = 9 : i64})
    -> (tensor<2x4x8xf32> {nf.name = "y"}) {
  %bits = nf.random_bits %seed, %step, %at {site = 3 : i32, rows_per_sample = 4 : i64} : (tensor<i64>, tensor<i32>, tensor<i32>) -> tensor<2x4x8xi32>
  %t = nf.constant dense<214748364> : tensor<1xi32>
  %f = nf.constant dense<1.11111116> : tensor<1xf32>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %keep = nf.compare ge %bits, %t : (tensor<2x4x8xi32>, tensor<1xi32>) -> tensor<2x4x8xi1>
  %s = nf.mul %x, %f : (tensor<2x4x8xf32>, tensor<1xf32>) -> tensor<2x4x8xf32>
  %y = nf.where %keep, %s, %zero : (tensor<2x4x8xi1>, tensor<2x4x8xf32>, tensor<1xf32>) -> tensor<2x4x8xf32>
  nf.return %y : tensor<2x4x8xf32>
}

// Near misses: another factor, another value where it drops, rows that are counted otherwise, the rest kept.

// CHECK-LABEL: program @factor
// CHECK-NOT: dropout
// CHECK: return
nf.program @factor(%x: tensor<2x4x8xf32> {nf.name = "x"}, %seed: tensor<i64> {nf.name = "seed", nf.below = 9 : i64},
    %step: tensor<i32> {nf.name = "step", nf.below = 9 : i64}, %at: tensor<i32> {nf.name = "at", nf.below = 9 : i64})
    -> (tensor<2x4x8xf32> {nf.name = "y"}) {
  %bits = nf.random_bits %seed, %step, %at {site = 3 : i32, rows_per_sample = 4 : i64} : (tensor<i64>, tensor<i32>, tensor<i32>) -> tensor<2x4x8xi32>
  %t = nf.constant dense<214748364> : tensor<1xi32>
  %f = nf.constant dense<1.2> : tensor<1xf32>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %keep = nf.compare ge %bits, %t : (tensor<2x4x8xi32>, tensor<1xi32>) -> tensor<2x4x8xi1>
  %s = nf.mul %x, %f : (tensor<2x4x8xf32>, tensor<1xf32>) -> tensor<2x4x8xf32>
  %y = nf.where %keep, %s, %zero : (tensor<2x4x8xi1>, tensor<2x4x8xf32>, tensor<1xf32>) -> tensor<2x4x8xf32>
  nf.return %y : tensor<2x4x8xf32>
}

// CHECK-LABEL: program @value
// CHECK-NOT: dropout
// CHECK: return
nf.program @value(%x: tensor<2x4x8xf32> {nf.name = "x"}, %seed: tensor<i64> {nf.name = "seed", nf.below = 9 : i64},
    %step: tensor<i32> {nf.name = "step", nf.below = 9 : i64}, %at: tensor<i32> {nf.name = "at", nf.below = 9 : i64})
    -> (tensor<2x4x8xf32> {nf.name = "y"}) {
  %bits = nf.random_bits %seed, %step, %at {site = 3 : i32, rows_per_sample = 4 : i64} : (tensor<i64>, tensor<i32>, tensor<i32>) -> tensor<2x4x8xi32>
  %t = nf.constant dense<214748364> : tensor<1xi32>
  %f = nf.constant dense<1.11111116> : tensor<1xf32>
  %zero = nf.constant dense<1.0> : tensor<1xf32>
  %keep = nf.compare ge %bits, %t : (tensor<2x4x8xi32>, tensor<1xi32>) -> tensor<2x4x8xi1>
  %s = nf.mul %x, %f : (tensor<2x4x8xf32>, tensor<1xf32>) -> tensor<2x4x8xf32>
  %y = nf.where %keep, %s, %zero : (tensor<2x4x8xi1>, tensor<2x4x8xf32>, tensor<1xf32>) -> tensor<2x4x8xf32>
  nf.return %y : tensor<2x4x8xf32>
}

// CHECK-LABEL: program @rows
// CHECK-NOT: dropout
// CHECK: return
nf.program @rows(%x: tensor<2x4x8xf32> {nf.name = "x"}, %seed: tensor<i64> {nf.name = "seed", nf.below = 9 : i64},
    %step: tensor<i32> {nf.name = "step", nf.below = 9 : i64}, %at: tensor<i32> {nf.name = "at", nf.below = 9 : i64})
    -> (tensor<2x4x8xf32> {nf.name = "y"}) {
  %bits = nf.random_bits %seed, %step, %at {site = 3 : i32, rows_per_sample = 8 : i64} : (tensor<i64>, tensor<i32>, tensor<i32>) -> tensor<2x4x8xi32>
  %t = nf.constant dense<214748364> : tensor<1xi32>
  %f = nf.constant dense<1.11111116> : tensor<1xf32>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %keep = nf.compare ge %bits, %t : (tensor<2x4x8xi32>, tensor<1xi32>) -> tensor<2x4x8xi1>
  %s = nf.mul %x, %f : (tensor<2x4x8xf32>, tensor<1xf32>) -> tensor<2x4x8xf32>
  %y = nf.where %keep, %s, %zero : (tensor<2x4x8xi1>, tensor<2x4x8xf32>, tensor<1xf32>) -> tensor<2x4x8xf32>
  nf.return %y : tensor<2x4x8xf32>
}

// CHECK-LABEL: program @inverse
// CHECK-NOT: dropout
// CHECK: return
nf.program @inverse(%x: tensor<2x4x8xf32> {nf.name = "x"}, %seed: tensor<i64> {nf.name = "seed", nf.below = 9 : i64},
    %step: tensor<i32> {nf.name = "step", nf.below = 9 : i64}, %at: tensor<i32> {nf.name = "at", nf.below = 9 : i64})
    -> (tensor<2x4x8xf32> {nf.name = "y"}) {
  %bits = nf.random_bits %seed, %step, %at {site = 3 : i32, rows_per_sample = 4 : i64} : (tensor<i64>, tensor<i32>, tensor<i32>) -> tensor<2x4x8xi32>
  %t = nf.constant dense<214748364> : tensor<1xi32>
  %f = nf.constant dense<1.11111116> : tensor<1xf32>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %keep = nf.compare lt %bits, %t : (tensor<2x4x8xi32>, tensor<1xi32>) -> tensor<2x4x8xi1>
  %s = nf.mul %x, %f : (tensor<2x4x8xf32>, tensor<1xf32>) -> tensor<2x4x8xf32>
  %y = nf.where %keep, %s, %zero : (tensor<2x4x8xi1>, tensor<2x4x8xf32>, tensor<1xf32>) -> tensor<2x4x8xf32>
  nf.return %y : tensor<2x4x8xf32>
}

// No-op.
// CHECK-LABEL: program @composite
// CHECK-NEXT: %[[Y:.*]] = dropout %x
// CHECK-NEXT: return %[[Y]]
nf.program @composite(%x: tensor<2x4x8xf32> {nf.name = "x"}, %seed: tensor<i64> {nf.name = "seed", nf.below = 9 : i64},
    %step: tensor<i32> {nf.name = "step", nf.below = 9 : i64}, %at: tensor<i32> {nf.name = "at", nf.below = 9 : i64})
    -> (tensor<2x4x8xf32> {nf.name = "y"}) {
  %y = nf.dropout %x, %seed, %step, %at {p = 0.5 : f64, site = 3 : i32}
    : (tensor<2x4x8xf32>, tensor<i64>, tensor<i32>, tensor<i32>) -> tensor<2x4x8xf32>
  nf.return %y : tensor<2x4x8xf32>
}
