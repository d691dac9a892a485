//===- NFFoldOps.td - weights with other parameters folded into them -------------------------------*- tablegen -*-===//
#ifndef NF_FOLD_OPS_TD
#define NF_FOLD_OPS_TD

include "dialect/NFLayerOps.td"

def NF_FoldScaleOp : NF_Layer<"fold_scale", [NF_Infer]> {
  let summary = "a weight or bias with factors folded into one of its axes";
  let description = [{
    Index k·w + i along `axis` is multiplied by `scale[k]`, w = extent of the axis / extent of scale. With a weight W of
    [out, in] and axis 1, `(x ⊙ g) Wᵀ = x fold_scale(W, g)ᵀ`; with axis 0, `(x Wᵀ + c) ⊙ g = x fold_scale(W, g)ᵀ +
    fold_scale(c, g)`. With M the result's gradient: dweight = fold_scale(M, scale); dscale_k = Σ weight · M over the
    group k. Where a factor is 0 nothing is divided by it.

    ```mlir
    %y = nf.fold_scale %w, %g {axis = 1 : i64} : (tensor<3072x768xf32>, tensor<768xf32>) -> tensor<3072x768xf32>
    ```
    Constraints: (C1) weight has rank 1 or 2 and `axis` is one of its axes; (C2) scale has rank 1 and its extent divides
    that of the axis.
  }];
  let arguments = (ins NF_FloatTensor:$weight, NF_FloatTensor:$scale, I64Attr:$axis);
  let results = (outs NF_FloatTensor:$result);
  let assemblyFormat = "$weight `,` $scale attr-dict `:` functional-type(operands, results)";
}

def NF_FoldShiftOp : NF_Layer<"fold_shift", [NF_Infer]> {
  let summary = "the bias of a linear with a shift of its input folded into it";
  let description = [{
    `y = W b + c`: with a weight W of [out, in], `(x + b) Wᵀ + c = x Wᵀ + fold_shift(W, b, c)`. With s the result's
    gradient: dweight = s bᵀ; dshift = Wᵀ s; dbias = s.

    ```mlir
    %y = nf.fold_shift %w, %b bias %c : (tensor<3072x768xf32>, tensor<768xf32>, tensor<3072xf32>) -> tensor<3072xf32>
    ```
    Constraints: (C1) weight has rank 2 and shift is [in]; (C2) bias is [out].
  }];
  let arguments = (ins NF_FloatTensor:$weight, NF_FloatTensor:$shift, Optional<NF_FloatTensor>:$bias);
  let results = (outs NF_FloatTensor:$result);
  let assemblyFormat = "$weight `,` $shift (`bias` $bias^)? attr-dict `:` functional-type(operands, results)";
}

#endif // NF_FOLD_OPS_TD
