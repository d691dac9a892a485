//===- NFAttentionOps.td - attention ---------------------------------------------------------------*- tablegen -*-===//
#ifndef NF_ATTENTION_OPS_TD
#define NF_ATTENTION_OPS_TD

include "dialect/NFDialect.td"

def NF_AttentionOp : NF_Op<"attention", [AttrSizedOperandSegments, NF_Effects, NF_ColumnsKernel, NF_Differentiable,
                                         NF_Decomposable, ReferenceOpInterface]> {
  let summary = "multi-head scaled dot-product attention";
  let description = [{
    Per batch entry and head: `P = softmax(scale · q kᵀ + mask)`, `out = dropout(P) v`; `lse` is the logarithm of
    softmax's denominator plus its maximum, all that backward needs beside q, k, v and out (Dao et al. 2022). q is [B,
    Tq, heads·w]; k and v are [B, Tk, heads·w]; lse is [B, heads, Tq]. The mask is the sum of these: causal (query i
    sees keys j ≤ i + query_offset), keys from key_length on, keys whose `key_padding` ([B, Tk]) is 0, keys of another
    segment (`segments` [B, Tk], i32; queries are the last Tq keys' segments). q, k and v that are slices of one packed
    tensor [B, T, 3·heads·w] are read where they are, and gradients written into their places of it. What a query that
    sees no key gets is finite, and otherwise unspecified.

    ```mlir
    %out, %lse = nf.attention %q, %k, %v {heads = 12 : i64, causal, scale = 0.125 : f64}
        : (tensor<4x64x768xf32>, tensor<4x64x768xf32>, tensor<4x64x768xf32>)
        -> (tensor<4x64x768xf32>, tensor<4x12x64xf32>)
    ```
    Constraints: (C1) q, k, v have rank 3, equal B and columns; k and v are of one shape; (C2) heads divides the
    columns; (C3) key_padding is [B, Tk]; (C4) segments is [B, Tk]; (C5) key_length and query_offset have one element;
    (C6) seed, step and sample_offset are there exactly when dropout > 0; 0 ≤ dropout < 1;
    (C7) the results' (or destinations') shapes.
  }];
  let arguments = (ins NF_Data:$q, NF_Data:$k, NF_Data:$v, Optional<NF_Data>:$key_padding,
                       Optional<NF_IndexData>:$segments, Optional<NF_IndexData>:$key_length,
                       Optional<NF_IndexData>:$query_offset, Optional<NF_SeedData>:$seed, Optional<NF_IndexData>:$step,
                       Optional<NF_IndexData>:$sample_offset, Variadic<NF_Data>:$outs,
                       I64Attr:$heads, F64Attr:$scale, UnitAttr:$causal,
                       DefaultValuedAttr<F64Attr, "0.0">:$dropout, DefaultValuedAttr<I32Attr, "0">:$site);
  let results = (outs Variadic<NF_Tensor>:$result);
  let assemblyFormat = [{
    $q `,` $k `,` $v (`key_padding` $key_padding^)? (`segments` $segments^)? (`key_length` $key_length^)?
    (`query_offset` $query_offset^)? (`seed` $seed^)? (`step` $step^)? (`sample_offset` $sample_offset^)?
    (`outs` `(` $outs^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def NF_AttentionBackwardOp : NF_Op<"attention_backward", [AttrSizedOperandSegments, NF_Effects, NF_ColumnsKernel,
                                                          NF_NotDifferentiable, NF_Decomposable,
                                                          ReferenceOpInterface]> {
  let summary = "gradients of attention with respect to q, k and v";
  let description = [{
    P is computed again from q, k and lse: `P = e^(scale · q kᵀ + mask − lse)`; with `dP = dout vᵀ` (through dropout)
    and `D = Σ_columns dout · out`: `dS = P · (dP − D)`, `dq = scale · dS k`, `dk = scale · dSᵀ q`,
    `dv = dropout(P)ᵀ dout`. Operands, masks and constraints as in nf.attention.
    Constraint: (C8) out and dout have q's shape, lse is [B, heads, Tq].

    ```mlir
    %dq, %dk, %dv = nf.attention_backward %q, %k, %v, %out, %lse, %dout {heads = 12 : i64, causal, scale = 0.125 : f64}
        : (tensor<4x64x768xf32>, tensor<4x64x768xf32>, tensor<4x64x768xf32>, tensor<4x64x768xf32>, tensor<4x12x64xf32>,
           tensor<4x64x768xf32>) -> (tensor<4x64x768xf32>, tensor<4x64x768xf32>, tensor<4x64x768xf32>)
    ```
  }];
  let arguments = (ins NF_Data:$q, NF_Data:$k, NF_Data:$v, NF_Data:$out, NF_Data:$lse, NF_Data:$dout,
                       Optional<NF_Data>:$key_padding, Optional<NF_IndexData>:$segments,
                       Optional<NF_IndexData>:$key_length, Optional<NF_IndexData>:$query_offset,
                       Optional<NF_SeedData>:$seed, Optional<NF_IndexData>:$step,
                       Optional<NF_IndexData>:$sample_offset, Variadic<NF_Data>:$outs,
                       I64Attr:$heads, F64Attr:$scale, UnitAttr:$causal,
                       DefaultValuedAttr<F64Attr, "0.0">:$dropout, DefaultValuedAttr<I32Attr, "0">:$site);
  let results = (outs Variadic<NF_Tensor>:$result);
  let assemblyFormat = [{
    $q `,` $k `,` $v `,` $out `,` $lse `,` $dout (`key_padding` $key_padding^)? (`segments` $segments^)?
    (`key_length` $key_length^)? (`query_offset` $query_offset^)? (`seed` $seed^)? (`step` $step^)?
    (`sample_offset` $sample_offset^)? (`outs` `(` $outs^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // NF_ATTENTION_OPS_TD
