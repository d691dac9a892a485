// RUN: nf-opt --verify-roundtrip %s | FileCheck %s

// CHECK-LABEL: nf.program @products
nf.program @products(%x: tensor<2x5x7xf32> {nf.name = "x"}, %w: tensor<3x7xf32> {nf.name = "w"},
    %b: tensor<3xf32> {nf.name = "b"}, %y: tensor<2x5x3xf32> {nf.name = "y"},
    %u: tensor<5x7xf32> {nf.name = "u"}, %v: tensor<5x3xf32> {nf.name = "v"}) {
  // CHECK: matmul %{{.*}}, %{{.*}} bias %{{.*}} {transpose_b}
  %0 = nf.matmul %x, %w bias %b {transpose_b} : (tensor<2x5x7xf32>, tensor<3x7xf32>, tensor<3xf32>)
      -> tensor<2x5x3xf32>
  // CHECK: matmul %{{.*}}, %{{.*}} {transpose_a}
  %1 = nf.matmul %x, %y {transpose_a} : (tensor<2x5x7xf32>, tensor<2x5x3xf32>) -> tensor<2x7x3xf32>
  // CHECK: matmul %{{.*}}, %{{.*}} {sum_lhs, transpose_a}
  %2:2 = nf.matmul %u, %v {sum_lhs, transpose_a} : (tensor<5x7xf32>, tensor<5x3xf32>) -> (tensor<7x3xf32>, tensor<7xf32>)
  // CHECK: matmul %{{.*}}, %{{.*}} {sum_rhs, transpose_a}
  %3:2 = nf.matmul %u, %v {sum_rhs, transpose_a} : (tensor<5x7xf32>, tensor<5x3xf32>) -> (tensor<7x3xf32>, tensor<3xf32>)
  nf.return
}
