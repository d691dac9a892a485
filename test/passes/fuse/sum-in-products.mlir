// RUN: nf-opt %s --pass-pipeline='builtin.module(nf.program(nf-sum-in-products))' --split-input-file | FileCheck %s
// RUN: nf-opt %s --pass-pipeline='builtin.module(nf.program(nf-sum-in-products),nf-plan-memory)' --split-input-file | FileCheck %s --check-prefix=PLAN

// A bias's gradient beside that of its weight, through reshapes and from bf16; both are added to their states under one
// flag, in the kernel.
// CHECK-LABEL: program @bias
// CHECK: %[[P:.*]]:2 = matmul %{{.*}}, %x {sum_lhs, transpose_a} : (tensor<32x16xbf16>, tensor<32x8xf32>) -> (tensor<16x8xf32>, tensor<16xf32>)
// CHECK-NOT: fused
// CHECK: accumulate @w.grad, %[[P]]#0 if %accumulate
// CHECK: return
// PLAN-LABEL: program @bias
// PLAN: matmul {{.*}} accumulate {{.*}} outs({{.*}}, {{.*}}) {sum_lhs, transpose_a}
// PLAN-NOT: fused
// PLAN: return
nf.parameter @w : tensor<16x8xf32> {init = "zeros"}
nf.parameter @b : tensor<16xf32> {init = "zeros"}
nf.state gradient @w.grad of @w : tensor<16x8xf32>
nf.state gradient @b.grad of @b : tensor<16xf32>
nf.program @bias(%dy: tensor<2x16x16xbf16> {nf.name = "dy"}, %x: tensor<32x8xf32> {nf.name = "x"},
    %flag: tensor<i32> {nf.name = "accumulate"}) {
  %rows = nf.reshape %dy : (tensor<2x16x16xbf16>) -> tensor<32x16xbf16>
  %dw = nf.matmul %rows, %x {transpose_a} : (tensor<32x16xbf16>, tensor<32x8xf32>) -> tensor<16x8xf32>
  %s = nf.fused rows 32 cols 16 (%dy)
      {operand_kinds = array<i32: 0>, result_kinds = array<i32: 5>, gather_index = array<i64: -1>}
      : (tensor<2x16x16xbf16>) -> tensor<1x1x16xf32> {
  ^bb0(%row: tensor<16xbf16>):
    %wide = nf.cast %row : (tensor<16xbf16>) -> tensor<16xf32>
    nf.yield %wide : tensor<16xf32>
  }
  %db = nf.reshape %s : (tensor<1x1x16xf32>) -> tensor<16xf32>
  nf.accumulate @w.grad, %dw if %flag : tensor<16x8xf32>, tensor<i32>
  nf.accumulate @b.grad, %db if %flag : tensor<16xf32>, tensor<i32>
  nf.return
}

// -----

// A right operand; the sum of %a leaves its region, whose other result keeps what it reads, a gathered table included.
// CHECK-LABEL: program @region_that_goes_on
// CHECK: %[[P:.*]]:2 = matmul %x, %a {sum_rhs, transpose_a}
// CHECK: fused rows 32 cols 16(%c, %index, %table)
// CHECK-SAME: {gather_index = array<i64: -1, -1, 1>, operand_kinds = array<i32: 0, 1, 4>, result_kinds = array<i32: 0>}
// CHECK: return %[[P]]#0, %[[P]]#1,
nf.program @region_that_goes_on(%x: tensor<32x8xf32> {nf.name = "x"}, %a: tensor<32x16xf32> {nf.name = "a"},
    %c: tensor<32x16xf32> {nf.name = "c"}, %index: tensor<32xi32> {nf.name = "index"},
    %table: tensor<5x16xf32> {nf.name = "table"})
    -> (tensor<8x16xf32> {nf.name = "p"}, tensor<16xf32> {nf.name = "s"}, tensor<32x16xf32> {nf.name = "y"}) {
  %p = nf.matmul %x, %a {transpose_a} : (tensor<32x8xf32>, tensor<32x16xf32>) -> tensor<8x16xf32>
  %r:2 = nf.fused rows 32 cols 16 (%a, %c, %index, %table)
      {operand_kinds = array<i32: 0, 0, 1, 4>, result_kinds = array<i32: 5, 0>,
       gather_index = array<i64: -1, -1, -1, 2>}
      : (tensor<32x16xf32>, tensor<32x16xf32>, tensor<32xi32>, tensor<5x16xf32>)
      -> (tensor<16xf32>, tensor<32x16xf32>) {
  ^bb0(%ar: tensor<16xf32>, %cr: tensor<16xf32>, %i: tensor<1xi32>, %entry: tensor<16xf32>):
    %y = nf.add %cr, %entry : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
    nf.yield %ar, %y : tensor<16xf32>, tensor<16xf32>
  }
  nf.return %p, %r#0, %r#1 : tensor<8x16xf32>, tensor<16xf32>, tensor<32x16xf32>
}

// -----

// The region reads %a in any case: nothing is gained.
// CHECK-LABEL: program @read_anyway
// CHECK: matmul {{.*}} {transpose_a}
// CHECK: fused
nf.program @read_anyway(%x: tensor<32x8xf32> {nf.name = "x"}, %a: tensor<32x16xf32> {nf.name = "a"})
    -> (tensor<16x8xf32> {nf.name = "p"}, tensor<16xf32> {nf.name = "s"}, tensor<32x16xf32> {nf.name = "y"}) {
  %p = nf.matmul %a, %x {transpose_a} : (tensor<32x16xf32>, tensor<32x8xf32>) -> tensor<16x8xf32>
  %r:2 = nf.fused rows 32 cols 16 (%a)
      {operand_kinds = array<i32: 0>, result_kinds = array<i32: 5, 0>, gather_index = array<i64: -1>}
      : (tensor<32x16xf32>) -> (tensor<16xf32>, tensor<32x16xf32>) {
  ^bb0(%ar: tensor<16xf32>):
    %y = nf.exp %ar : (tensor<16xf32>) -> tensor<16xf32>
    nf.yield %ar, %y : tensor<16xf32>, tensor<16xf32>
  }
  nf.return %p, %r#0, %r#1 : tensor<16x8xf32>, tensor<16xf32>, tensor<32x16xf32>
}

// -----

// Squares are not what the product reads.
// CHECK-LABEL: program @computed
// CHECK: matmul {{.*}} {transpose_a}
// CHECK: fused
nf.program @computed(%x: tensor<32x8xf32> {nf.name = "x"}, %a: tensor<32x16xf32> {nf.name = "a"})
    -> (tensor<16x8xf32> {nf.name = "p"}, tensor<16xf32> {nf.name = "s"}) {
  %p = nf.matmul %a, %x {transpose_a} : (tensor<32x16xf32>, tensor<32x8xf32>) -> tensor<16x8xf32>
  %s = nf.fused rows 32 cols 16 (%a)
      {operand_kinds = array<i32: 0>, result_kinds = array<i32: 5>, gather_index = array<i64: -1>}
      : (tensor<32x16xf32>) -> tensor<16xf32> {
  ^bb0(%ar: tensor<16xf32>):
    %y = nf.mul %ar, %ar : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
    nf.yield %y : tensor<16xf32>
  }
  nf.return %p, %s : tensor<16x8xf32>, tensor<16xf32>
}

// -----

// Products that read %a along its rows, one for each batch, or after the sum has been read, cannot give it.
// CHECK-LABEL: program @other_products
// CHECK-NOT: sum_
// CHECK: fused
// CHECK-NOT: sum_
// CHECK: return
nf.program @other_products(%x: tensor<8x16xf32> {nf.name = "x"}, %a: tensor<2x16x16xf32> {nf.name = "a"})
    -> (tensor<32x8xf32> {nf.name = "p"}, tensor<2x16x16xf32> {nf.name = "q"}, tensor<16xf32> {nf.name = "e"},
        tensor<16x16xf32> {nf.name = "r"}) {
  %rows = nf.reshape %a : (tensor<2x16x16xf32>) -> tensor<32x16xf32>
  %p = nf.matmul %rows, %x {transpose_b} : (tensor<32x16xf32>, tensor<8x16xf32>) -> tensor<32x8xf32>
  %q = nf.matmul %a, %a {transpose_a} : (tensor<2x16x16xf32>, tensor<2x16x16xf32>) -> tensor<2x16x16xf32>
  %s = nf.fused rows 32 cols 16 (%a)
      {operand_kinds = array<i32: 0>, result_kinds = array<i32: 5>, gather_index = array<i64: -1>}
      : (tensor<2x16x16xf32>) -> tensor<16xf32> {
  ^bb0(%ar: tensor<16xf32>):
    nf.yield %ar : tensor<16xf32>
  }
  %e = nf.fused rows 1 cols 16 (%s)
      {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>, gather_index = array<i64: -1>}
      : (tensor<16xf32>) -> tensor<16xf32> {
  ^bb0(%sr: tensor<16xf32>):
    %y = nf.exp %sr : (tensor<16xf32>) -> tensor<16xf32>
    nf.yield %y : tensor<16xf32>
  }
  %r = nf.matmul %rows, %rows {transpose_a} : (tensor<32x16xf32>, tensor<32x16xf32>) -> tensor<16x16xf32>
  nf.return %p, %q, %e, %r : tensor<32x8xf32>, tensor<2x16x16xf32>, tensor<16xf32>, tensor<16x16xf32>
}

// -----

// The product goes into a state under a flag, the sum always: one kernel could not add both.
// CHECK-LABEL: program @other_flag
// CHECK: matmul {{.*}} {transpose_a}
// CHECK: fused
nf.parameter @w : tensor<16x8xf32> {init = "zeros"}
nf.parameter @b : tensor<16xf32> {init = "zeros"}
nf.state gradient @w.grad of @w : tensor<16x8xf32>
nf.state gradient @b.grad of @b : tensor<16xf32>
nf.program @other_flag(%dy: tensor<32x16xf32> {nf.name = "dy"}, %x: tensor<32x8xf32> {nf.name = "x"},
    %flag: tensor<i32> {nf.name = "accumulate"}) {
  %dw = nf.matmul %dy, %x {transpose_a} : (tensor<32x16xf32>, tensor<32x8xf32>) -> tensor<16x8xf32>
  %db = nf.fused rows 32 cols 16 (%dy)
      {operand_kinds = array<i32: 0>, result_kinds = array<i32: 5>, gather_index = array<i64: -1>}
      : (tensor<32x16xf32>) -> tensor<16xf32> {
  ^bb0(%row: tensor<16xf32>):
    nf.yield %row : tensor<16xf32>
  }
  nf.accumulate @w.grad, %dw if %flag : tensor<16x8xf32>, tensor<i32>
  nf.accumulate @b.grad, %db : tensor<16xf32>
  nf.return
}
