// RUN: nf-check %s --against=cpu | FileCheck %s

// The sum of an operand beside the product: slices of columns that several tasks share, with and without a rest, and
// an inner extent of several blocks.
// CHECK-LABEL: @operand_sums{{$}}
// CHECK-NEXT: left: largest error
// CHECK-NEXT: left_sum: largest error
// CHECK-NEXT: right: largest error
// CHECK-NEXT: right_sum: largest error
nf.program @operand_sums(%x: tensor<2100x330xf32> {nf.name = "x"}, %y: tensor<2100x201xf32> {nf.name = "y"})
    -> (tensor<330x201xf32> {nf.name = "left"}, tensor<330xf32> {nf.name = "left_sum"},
        tensor<330x201xf32> {nf.name = "right"}, tensor<201xf32> {nf.name = "right_sum"}) {
  %l:2 = nf.matmul %x, %y {sum_lhs, transpose_a}
      : (tensor<2100x330xf32>, tensor<2100x201xf32>) -> (tensor<330x201xf32>, tensor<330xf32>)
  %r:2 = nf.matmul %x, %y {sum_rhs, transpose_a}
      : (tensor<2100x330xf32>, tensor<2100x201xf32>) -> (tensor<330x201xf32>, tensor<201xf32>)
  nf.return %l#0, %l#1, %r#0, %r#1 : tensor<330x201xf32>, tensor<330xf32>, tensor<330x201xf32>, tensor<201xf32>
}
