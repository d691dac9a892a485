// RUN: nf-check %s --against=cpu | FileCheck %s
// RUN: nf-check %s --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s

// A number that all rows share, changed before it meets them, and one value for every row as a result.
// CHECK-LABEL: @shared{{$}}
// CHECK-NEXT: root: largest error
// CHECK-NEXT: y: largest error
nf.program @shared(%x: tensor<4x9xf32> {nf.name = "x"}, %s: tensor<f32> {nf.name = "s", nf.range = [0.5, 2.0]})
    -> (tensor<4x9xf32> {nf.name = "y"}, tensor<4x1xf32> {nf.name = "root"}) {
  %y, %root = nf.fused rows 4 cols 9 (%x, %s)
      {operand_kinds = array<i32: 0, 3>, result_kinds = array<i32: 0, 1>, gather_index = array<i64: -1, -1>}
      : (tensor<4x9xf32>, tensor<f32>) -> (tensor<4x9xf32>, tensor<4x1xf32>) {
  ^bb0(%a: tensor<9xf32>, %b: tensor<1xf32>):
    %r = nf.rsqrt %b : (tensor<1xf32>) -> tensor<1xf32>
    %m = nf.mul %a, %r : (tensor<9xf32>, tensor<1xf32>) -> tensor<9xf32>
    nf.yield %m, %r : tensor<9xf32>, tensor<1xf32>
  }
  nf.return %y, %root : tensor<4x9xf32>, tensor<4x1xf32>
}

// Gathered rows, two dependent row reductions, column sums in groups of unequal height.
// CHECK-LABEL: @all_kinds{{$}}
// CHECK-NEXT: sums: largest error
// CHECK-NEXT: y: largest error
nf.program @all_kinds(%x: tensor<5x3x9xf32> {nf.name = "x"}, %w: tensor<9xf32> {nf.name = "w"},
                      %table: tensor<7x9xf32> {nf.name = "table"}, %ids: tensor<5x3xi32> {nf.name = "ids",
                      nf.below = 7 : i64}) -> (tensor<5x3x9xf32> {nf.name = "y"}, tensor<4x9xf32> {nf.name = "sums"}) {
  %y, %sums = nf.fused rows 15 cols 9 groups 4 (%x, %w, %table, %ids)
      {operand_kinds = array<i32: 0, 2, 4, 1>, result_kinds = array<i32: 0, 5>,
       gather_index = array<i64: -1, -1, 3, -1>}
      : (tensor<5x3x9xf32>, tensor<9xf32>, tensor<7x9xf32>, tensor<5x3xi32>) -> (tensor<5x3x9xf32>, tensor<4x9xf32>) {
  ^bb0(%a: tensor<9xf32>, %b: tensor<9xf32>, %t: tensor<9xf32>, %i: tensor<1xi32>):
    %s = nf.add %a, %t : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
    %max = nf.reduce_max %s axes [0] : (tensor<9xf32>) -> tensor<1xf32>
    %d = nf.sub %s, %max : (tensor<9xf32>, tensor<1xf32>) -> tensor<9xf32>
    %e = nf.exp %d : (tensor<9xf32>) -> tensor<9xf32>
    %sum = nf.reduce_sum %e axes [0] : (tensor<9xf32>) -> tensor<1xf32>
    %p = nf.div %e, %sum : (tensor<9xf32>, tensor<1xf32>) -> tensor<9xf32>
    %r = nf.mul %p, %b : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
    nf.yield %r, %r : tensor<9xf32>, tensor<9xf32>
  }
  nf.return %y, %sums : tensor<5x3x9xf32>, tensor<4x9xf32>
}
