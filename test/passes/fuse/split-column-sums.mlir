// RUN: nf-opt %s --pass-pipeline='builtin.module(nf.program(nf-fuse-rows,nf-split-column-sums))' --split-input-file | FileCheck %s

// 32 rows: 4 groups of 8, whose partial sums a second region adds.
// CHECK-LABEL: program @beside_row_reduction
// CHECK: %[[P:.*]]:2 = fused rows 32 cols 16 groups 4(%x) {{.*}} -> ({{.*}}tensor<4x16xf32>
// CHECK: %[[S:.*]] = fused rows 4 cols 16(%[[P]]#{{[01]}}) {{.*}}result_kinds = array<i32: 5>
// CHECK: return {{.*}}%[[S]]
nf.program @beside_row_reduction(%x: tensor<32x16xf32> {nf.name = "x"})
    -> (tensor<32x1xf32> {nf.name = "r"}, tensor<1x16xf32> {nf.name = "s"}) {
  %r = nf.reduce_sum %x axes [1] : (tensor<32x16xf32>) -> tensor<32x1xf32>
  %s = nf.reduce_sum %x axes [0] : (tensor<32x16xf32>) -> tensor<1x16xf32>
  nf.return %r, %s : tensor<32x1xf32>, tensor<1x16xf32>
}

// -----

// No-op: without a row reduction the columns are independent.
// CHECK-LABEL: program @alone
// CHECK: fused rows 32 cols 16(%x)
// CHECK-NOT: fused
nf.program @alone(%x: tensor<32x16xf32> {nf.name = "x"}) -> (tensor<1x16xf32> {nf.name = "s"}) {
  %s = nf.reduce_sum %x axes [0] : (tensor<32x16xf32>) -> tensor<1x16xf32>
  nf.return %s : tensor<1x16xf32>
}
