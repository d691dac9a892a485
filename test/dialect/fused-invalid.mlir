// RUN: nf-opt %s --verify-diagnostics --split-input-file

// nf.fused C1: one kind an operand.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+1 {{expected one kind, gather index and body value per operand and result, but got another number of one of them (C1)}}
  %r = nf.fused rows 4 cols 8(%x)
      {operand_kinds = array<i32: 0, 0>, result_kinds = array<i32: 0>, gather_index = array<i64: -1>}
      : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%xr: tensor<8xf32>):
    %y = nf.neg %xr : (tensor<8xf32>) -> tensor<8xf32>
    nf.yield %y : tensor<8xf32>
  }
  nf.return
}

// -----

// nf.fused C1: a kind that operands have.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+1 {{expected operand 0 to be rowcol, row, col, scalar or gather, but got kind 5 (C1)}}
  %r = nf.fused rows 4 cols 8(%x)
      {operand_kinds = array<i32: 5>, result_kinds = array<i32: 0>, gather_index = array<i64: -1>}
      : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%xr: tensor<8xf32>):
    %y = nf.neg %xr : (tensor<8xf32>) -> tensor<8xf32>
    nf.yield %y : tensor<8xf32>
  }
  nf.return
}

// -----

// nf.fused C1: a kind that results have.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+1 {{expected result 0 to be rowcol, row or col_sum, but got kind 2 (C1)}}
  %r = nf.fused rows 4 cols 8(%x)
      {operand_kinds = array<i32: 0>, result_kinds = array<i32: 2>, gather_index = array<i64: -1>}
      : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%xr: tensor<8xf32>):
    %y = nf.neg %xr : (tensor<8xf32>) -> tensor<8xf32>
    nf.yield %y : tensor<8xf32>
  }
  nf.return
}

// -----

// nf.fused C2: rows × cols elements.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+1 {{expected operand 0 to have 24 elements, but got 'tensor<4x8xf32>' (C2)}}
  %r = nf.fused rows 3 cols 8(%x)
      {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>, gather_index = array<i64: -1>}
      : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%xr: tensor<8xf32>):
    %y = nf.neg %xr : (tensor<8xf32>) -> tensor<8xf32>
    nf.yield %y : tensor<8xf32>
  }
  nf.return
}

// -----

// nf.fused C2: elements of a result.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+1 {{expected result 0 to have 8 elements, but got 'tensor<4x8xf32>' (C2)}}
  %r = nf.fused rows 4 cols 8(%x)
      {operand_kinds = array<i32: 0>, result_kinds = array<i32: 5>, gather_index = array<i64: -1>}
      : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%xr: tensor<8xf32>):
    %y = nf.neg %xr : (tensor<8xf32>) -> tensor<8xf32>
    nf.yield %y : tensor<8xf32>
  }
  nf.return
}

// -----

// nf.fused C3: a row of the operand.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+1 {{expected body argument 0 to be a row of 'tensor<4x8xf32>', but got 'tensor<1xf32>' (C3)}}
  %r = nf.fused rows 4 cols 8(%x)
      {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>, gather_index = array<i64: -1>}
      : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%xr: tensor<1xf32>):
    %y = nf.broadcast %xr : (tensor<1xf32>) -> tensor<8xf32>
    nf.yield %y : tensor<8xf32>
  }
  nf.return
}

// -----

// nf.fused C3: a row of the result.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+1 {{expected yielded value 0 to be a row of 'tensor<4x8xf32>', but got 'tensor<1xf32>' (C3)}}
  %r = nf.fused rows 4 cols 8(%x)
      {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>, gather_index = array<i64: -1>}
      : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%xr: tensor<8xf32>):
    %y = nf.reduce_sum %xr axes [0] : (tensor<8xf32>) -> tensor<1xf32>
    nf.yield %y : tensor<1xf32>
  }
  nf.return
}

// -----

// nf.fused C4: row-wise primitives.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  %r = nf.fused rows 4 cols 8(%x)
      {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>, gather_index = array<i64: -1>}
      : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%xr: tensor<8xf32>):
    // expected-error @+1 {{expected a row-wise primitive in a fused region, but got nf.gelu (C4)}}
    %y = nf.gelu %xr : (tensor<8xf32>) -> tensor<8xf32>
    nf.yield %y : tensor<8xf32>
  }
  nf.return
}

// -----

// nf.fused C5: at most one group a row.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+1 {{expected 1 to 4 groups, but got 5 (C5)}}
  %r = nf.fused rows 4 cols 8 groups 5 (%x)
      {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>, gather_index = array<i64: -1>}
      : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%xr: tensor<8xf32>):
    %y = nf.neg %xr : (tensor<8xf32>) -> tensor<8xf32>
    nf.yield %y : tensor<8xf32>
  }
  nf.return
}

// -----

// nf.fused C6: a gather operand needs its index.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+1 {{expected the gather index of operand 0 to name a row operand of i32 for a gather operand and to be -1 for another, but got -1 (C6)}}
  %r = nf.fused rows 4 cols 8(%x)
      {operand_kinds = array<i32: 4>, result_kinds = array<i32: 0>, gather_index = array<i64: -1>}
      : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%xr: tensor<8xf32>):
    %y = nf.neg %xr : (tensor<8xf32>) -> tensor<8xf32>
    nf.yield %y : tensor<8xf32>
  }
  nf.return
}

// -----

// nf.fused C6: only a gather operand has an index.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // expected-error @+1 {{expected the gather index of operand 0 to name a row operand of i32 for a gather operand and to be -1 for another, but got 0 (C6)}}
  %r = nf.fused rows 4 cols 8(%x)
      {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>, gather_index = array<i64: 0>}
      : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%xr: tensor<8xf32>):
    %y = nf.neg %xr : (tensor<8xf32>) -> tensor<8xf32>
    nf.yield %y : tensor<8xf32>
  }
  nf.return
}
