// RUN: nf-opt %s --pass-pipeline='builtin.module(nf.program(nf-fuse-rows))' --split-input-file | FileCheck %s

// A producer and its consumer become one region; the value between them is never stored.
// CHECK-LABEL: program @chain
// CHECK: %[[Z:.*]] = fused rows 8 cols 16(%x, %y) {{.*}}operand_kinds = array<i32: 0, 2>, result_kinds = array<i32: 0>
// CHECK: nf.add
// CHECK: nf.exp
// CHECK: nf.yield
// CHECK: return %[[Z]]
nf.program @chain(%x: tensor<2x4x16xf32> {nf.name = "x"}, %y: tensor<16xf32> {nf.name = "y"})
    -> (tensor<2x4x16xf32> {nf.name = "z"}) {
  %s = nf.add %x, %y : (tensor<2x4x16xf32>, tensor<16xf32>) -> tensor<2x4x16xf32>
  %z = nf.exp %s : (tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  nf.return %z : tensor<2x4x16xf32>
}

// -----

// Two row reductions, one after the other, and the map that reads both: one region. [8, 1] values live in the row.
// CHECK-LABEL: program @softmax_with_temperature
// CHECK: fused rows 8 cols 16(%x, %t) {{.*}}operand_kinds = array<i32: 0, 3>
// CHECK-NOT: fused
nf.program @softmax_with_temperature(%x: tensor<8x16xf32> {nf.name = "x"}, %t: tensor<f32> {nf.name = "t"})
    -> (tensor<8x16xf32> {nf.name = "y"}) {
  %s = nf.div %x, %t : (tensor<8x16xf32>, tensor<f32>) -> tensor<8x16xf32>
  %m = nf.reduce_max %s axes [1] : (tensor<8x16xf32>) -> tensor<8x1xf32>
  %d = nf.sub %s, %m : (tensor<8x16xf32>, tensor<8x1xf32>) -> tensor<8x16xf32>
  %e = nf.exp %d : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %n = nf.reduce_sum %e axes [1] : (tensor<8x16xf32>) -> tensor<8x1xf32>
  %y = nf.div %e, %n : (tensor<8x16xf32>, tensor<8x1xf32>) -> tensor<8x16xf32>
  nf.return %y : tensor<8x16xf32>
}

// -----

// A column sum ends a region: what reads it is another one.
// CHECK-LABEL: program @column_sum_ends_region
// CHECK: fused rows 8 cols 16(%x) {{.*}}result_kinds = array<i32: 5>
// CHECK: fused rows 1 cols 16
// CHECK: nf.exp
nf.program @column_sum_ends_region(%x: tensor<8x16xf32> {nf.name = "x"}) -> (tensor<1x16xf32> {nf.name = "y"}) {
  %q = nf.mul %x, %x : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %s = nf.reduce_sum %q axes [0] : (tensor<8x16xf32>) -> tensor<1x16xf32>
  %y = nf.exp %s : (tensor<1x16xf32>) -> tensor<1x16xf32>
  nf.return %y : tensor<1x16xf32>
}

// -----

// Readers of one tensor merge; it is read once.
// CHECK-LABEL: program @siblings
// CHECK: fused rows 8 cols 16(%x) {{.*}}result_kinds = array<i32: 0, 5>
// CHECK-NOT: fused
nf.program @siblings(%x: tensor<8x16xf32> {nf.name = "x"})
    -> (tensor<8x16xf32> {nf.name = "y"}, tensor<1x16xf32> {nf.name = "s"}) {
  %y = nf.exp %x : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %s = nf.reduce_sum %x axes [0] : (tensor<8x16xf32>) -> tensor<1x16xf32>
  nf.return %y, %s : tensor<8x16xf32>, tensor<1x16xf32>
}

// -----

// Negative: a path through another op (a matrix product) keeps them apart.
// CHECK-LABEL: program @path_through_matmul
// CHECK: fused
// CHECK: matmul
// CHECK: fused
// CHECK: nf.add
nf.program @path_through_matmul(%x: tensor<8x8xf32> {nf.name = "x"}, %w: tensor<8x8xf32> {nf.name = "w"})
    -> (tensor<8x8xf32> {nf.name = "z"}) {
  %e = nf.exp %x : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %m = nf.matmul %e, %w : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %z = nf.add %e, %m : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  nf.return %z : tensor<8x8xf32>
}

// -----

// Negative: other rows.
// CHECK-LABEL: program @other_rows
// CHECK: fused rows 8 cols 16
// CHECK: fused rows 16 cols 8
nf.program @other_rows(%x: tensor<8x16xf32> {nf.name = "x"}) -> (tensor<16x1xf32> {nf.name = "y"}) {
  %e = nf.exp %x : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %r = nf.reshape %e : (tensor<8x16xf32>) -> tensor<16x8xf32>
  %y = nf.reduce_sum %r axes [1] : (tensor<16x8xf32>) -> tensor<16x1xf32>
  nf.return %y : tensor<16x1xf32>
}

// -----

// Gathered rows, an index along the columns and a splat are part of the region.
// CHECK-LABEL: program @gather
// CHECK: fused rows 4 cols 8(%ids, %table) {{.*}}gather_index = array<i64: -1, 0>, operand_kinds = array<i32: 1, 4>
// CHECK: nf.constant
// CHECK-NOT: fused
nf.program @gather(%table: tensor<32x8xf32> {nf.name = "table"}, %ids: tensor<4xi32> {nf.name = "ids"})
    -> (tensor<4x8xf32> {nf.name = "y"}) {
  %c = nf.constant dense<2.0> : tensor<1xf32>
  %x = nf.gather %table, %ids : (tensor<32x8xf32>, tensor<4xi32>) -> tensor<4x8xf32>
  %y = nf.mul %x, %c : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// -----

// A sum over one column is the number itself, also where the region has more columns.
// CHECK-LABEL: program @sum_of_one
// CHECK: fused rows 1 cols 16(%x)
// CHECK: %[[S:.*]] = nf.reduce_sum
// CHECK-NEXT: nf.yield %[[S]]
nf.program @sum_of_one(%x: tensor<1x16xf32> {nf.name = "x"}) -> (tensor<1x1xf32> {nf.name = "y"}) {
  %s = nf.reduce_sum %x axes [1] : (tensor<1x16xf32>) -> tensor<1x1xf32>
  %y = nf.reduce_sum %s axes [1] : (tensor<1x1xf32>) -> tensor<1x1xf32>
  nf.return %y : tensor<1x1xf32>
}

// -----

// No-op: nothing row-wise.
// CHECK-LABEL: program @nothing
// CHECK-NOT: fused
// CHECK: matmul
nf.program @nothing(%x: tensor<8x8xf32> {nf.name = "x"}) -> (tensor<8x8xf32> {nf.name = "y"}) {
  %y = nf.matmul %x, %x : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  nf.return %y : tensor<8x8xf32>
}
