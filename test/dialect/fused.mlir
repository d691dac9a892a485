// RUN: nf-opt --verify-roundtrip %s | FileCheck %s

// CHECK-LABEL: nf.program @fused
nf.program @fused(%x: tensor<4x8xf32> {nf.name = "x"}, %w: tensor<8xf32> {nf.name = "w"},
    %table: tensor<5x8xf32> {nf.name = "table"}, %ids: tensor<4xi32> {nf.name = "ids"}) {
  // CHECK: fused rows 4 cols 8 groups 2(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {gather_index = array<i64: -1, -1, 3, -1>, operand_kinds = array<i32: 0, 2, 4, 1>, result_kinds = array<i32: 0, 1, 5>}
  %0:3 = nf.fused rows 4 cols 8 groups 2(%x, %w, %table, %ids) {operand_kinds = array<i32: 0, 2, 4, 1>,
      result_kinds = array<i32: 0, 1, 5>, gather_index = array<i64: -1, -1, 3, -1>} : (tensor<4x8xf32>,
      tensor<8xf32>, tensor<5x8xf32>, tensor<4xi32>) -> (tensor<4x8xf32>, tensor<4x1xf32>, tensor<2x8xf32>) {
  ^bb0(%xr: tensor<8xf32>, %wr: tensor<8xf32>, %tr: tensor<8xf32>, %i: tensor<1xi32>):
    // CHECK: nf.mul %{{.*}}, %{{.*}}
    %1 = nf.mul %xr, %wr : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
    // CHECK: nf.reduce_sum %{{.*}} axes [0]
    %2 = nf.reduce_sum %1 axes [0] : (tensor<8xf32>) -> tensor<1xf32>
    // CHECK: nf.sub %{{.*}}, %{{.*}}
    %3 = nf.sub %tr, %2 : (tensor<8xf32>, tensor<1xf32>) -> tensor<8xf32>
    // CHECK: nf.yield %{{.*}}, %{{.*}}, %{{.*}}
    nf.yield %3, %2, %1 : tensor<8xf32>, tensor<1xf32>, tensor<8xf32>
  }
  nf.return
}
