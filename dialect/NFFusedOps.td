//===- NFFusedOps.td - fused regions ---------------------------------------------------------------*- tablegen -*-===//
#ifndef NF_FUSED_OPS_TD
#define NF_FUSED_OPS_TD

include "dialect/NFDialect.td"

def NF_FusedOp : NF_Op<"fused", [IsolatedFromAbove, AttrSizedOperandSegments, NF_Effects, NF_FusedKernel,
                                 NF_NotDifferentiable,
                                 SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "primitives over the rows of an iteration space, as one pass over memory";
  let description = [{
    Computes its body once for each of `rows` rows of `cols` columns. The body is primitives on one row, the values
    being tensor<cols> (a row's columns) or tensor<1> (one number a row). `operand_kinds` and `result_kinds` say what
    a body argument or a yielded value is of the whole tensor:

    | kind (number) | whole tensor | in the body |
    | --- | --- | --- |
    | `rowcol` (0) | rows × cols elements, row-major, any shape | tensor<cols> |
    | `row` (1) | rows elements | tensor<1> |
    | `col` (2) | cols elements, the same for every row | tensor<cols> |
    | `scalar` (3) | one element | tensor<1> |
    | `gather` (4; operands) | [entries, cols]; the row is picked by the `row` operand `gather_index[i]` (i32) | tensor<cols> |
    | `col_sum` (5; results) | cols elements: the sum over all rows (over each group of consecutive rows where groups > 1: [groups, cols]) | tensor<cols> |

    Where cols = 1, `rowcol` stands for `row` and `col` for `scalar`. Several row reductions (over axis 0 of
    tensor<cols>) may follow each other; a column sum is a result only. Row groups split `rows` into `groups` runs of
    ⌈rows / groups⌉ rows. In buffer form the destinations of col_sum results are added to instead of replaced where
    `accumulate` (an i32 scalar) is not 0, or `always_accumulate` is set.

    ```mlir
    %y = nf.fused rows 256 cols 768 (%x, %w)
        {operand_kinds = array<i32: 0, 2>, result_kinds = array<i32: 0>, gather_index = array<i64: -1, -1>}
        : (tensor<4x64x768xf32>, tensor<768xf32>) -> tensor<4x64x768xf32> {
    ^bb0(%xr: tensor<768xf32>, %wr: tensor<768xf32>):
      %r = nf.mul %xr, %wr : (tensor<768xf32>, tensor<768xf32>) -> tensor<768xf32>
      nf.yield %r : tensor<768xf32>
    }
    ```
    Constraints: (C1) one kind an operand and a result, of those allowed; (C2) element counts as in the table;
    (C3) body argument and yielded types as in the table; (C4) the body holds row-wise primitives only; (C5) groups
    is at least 1 and at most rows, and only col_sum results have groups > 1 ; (C6) gather_index names a row operand
    of i32 for gather operands, and is -1 for others.
  }];
  let arguments = (ins Variadic<NF_Data>:$inputs, Optional<NF_IndexData>:$accumulate, Variadic<NF_Data>:$outs,
                       I64Attr:$rows, I64Attr:$cols, DefaultValuedAttr<I64Attr, "1">:$groups,
                       DenseI32ArrayAttr:$operand_kinds, DenseI32ArrayAttr:$result_kinds,
                       DenseI64ArrayAttr:$gather_index, UnitAttr:$always_accumulate);
  let results = (outs Variadic<NF_Tensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `rows` $rows `cols` $cols (`groups` $groups^)? `(` $inputs `)` (`accumulate` $accumulate^)? (`outs` `(` $outs^ `)`)?
    attr-dict `:` functional-type(operands, results) $body
  }];
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    RowKind getOperandKind(unsigned index) { return static_cast<RowKind>(getOperandKinds()[index]); }
    RowKind getResultKind(unsigned index) { return static_cast<RowKind>(getResultKinds()[index]); }
    /// Whether the body reduces along rows; then rows cannot be split by columns.
    bool hasRowReduction();
    bool hasColumnSum();
    ::mlir::Block *getBodyBlock() { return &getBody().front(); }
    YieldOp getYield();
  }];
}

def NF_YieldOp : NF_Op<"yield", [Terminator, HasParent<"FusedOp">, Pure]> {
  let summary = "the results of a fused region's body on one row";
  let description = [{
    ```mlir
    %sum = nf.fused rows 256 cols 768 (%x)
        {operand_kinds = array<i32: 0>, result_kinds = array<i32: 1>, gather_index = array<i64: -1>}
        : (tensor<4x64x768xf32>) -> tensor<4x64x1xf32> {
    ^bb0(%row: tensor<768xf32>):
      %r = nf.reduce_sum %row axes [0] : (tensor<768xf32>) -> tensor<1xf32>
      nf.yield %r : tensor<1xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<NF_Tensor>:$values);
  let builders = [OpBuilder<(ins)>];
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

#endif // NF_FUSED_OPS_TD
