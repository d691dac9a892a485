//===- NFLossOps.td - the loss ---------------------------------------------------------------------*- tablegen -*-===//
#ifndef NF_LOSS_OPS_TD
#define NF_LOSS_OPS_TD

include "dialect/NFDialect.td"

def NF_LinearCrossEntropyOp : NF_Op<"linear_cross_entropy", [Pure, NF_Infer, NF_Differentiable, NF_Decomposable,
                                                             ReferenceOpInterface]> {
  let summary = "vocabulary projection and cross entropy, as one op";
  let description = [{
    `logits = x Wᵀ [+ bias]`; `loss = scale · Σ_tokens loss_weight · (log Σ e^logits − logits[target])`, a tensor of one
    element. The logits are never a value of the graph: nf-expand-loss computes them in chunks of rows. Masked
    language modelling is the same op with a weight of 0 on tokens that are not predicted. With x in bf16 the logits are
    stored in bf16, and the rest, loss included, is f32.

    ```mlir
    %loss = nf.linear_cross_entropy %x, %w, %targets, %loss_weight, %scale : (tensor<4x64x768xf32>,
        tensor<50257x768xf32>, tensor<4x64xi32>, tensor<4x64xf32>, tensor<f32>) -> tensor<f32>
    ```
    Constraints: (C1) x has rank at least 2, W is [vocabulary, columns of x]; (C2) targets and loss_weight have x's shape but its last axis;
    (C3) scale has one element; (C4) bias is [vocabulary].
  }];
  let arguments = (ins NF_FloatTensor:$x, NF_FloatTensor:$weight, NF_IndexTensor:$targets, NF_FloatTensor:$loss_weight,
                       NF_FloatTensor:$scale, Optional<NF_FloatTensor>:$bias);
  let results = (outs NF_FloatTensor:$loss);
  let assemblyFormat = [{
    $x `,` $weight `,` $targets `,` $loss_weight `,` $scale (`bias` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
}

def NF_LinearCrossEntropyBackwardOp : NF_Op<"linear_cross_entropy_backward", [Pure, NF_Infer, NF_NotDifferentiable,
                                                                              NF_Decomposable, ReferenceOpInterface]> {
  let summary = "loss and its gradients in one pass";
  let description = [{
    The loss of nf.linear_cross_entropy together with `dlogits = scale · loss_weight · (softmax(logits) −
    onehot(target))`, `dx = dlogits W`, `dW = dlogitsᵀ x` and, where there is a bias, `dbias = Σ_tokens dlogits`. The
    loss ends the graph (its gradient is 1), so one projection serves both directions. With x in bf16 dlogits and dx are
    bf16, dW and dbias f32.

    ```mlir
    %loss, %dx, %dw = nf.linear_cross_entropy_backward %x, %w, %targets, %loss_weight, %scale : (tensor<4x64x768xf32>,
        tensor<50257x768xf32>, tensor<4x64xi32>, tensor<4x64xf32>, tensor<f32>)
        -> (tensor<f32>, tensor<4x64x768xf32>, tensor<50257x768xf32>)
    ```
    Constraints: as nf.linear_cross_entropy; dbias is there exactly when bias is.
  }];
  let arguments = (ins NF_FloatTensor:$x, NF_FloatTensor:$weight, NF_IndexTensor:$targets, NF_FloatTensor:$loss_weight,
                       NF_FloatTensor:$scale, Optional<NF_FloatTensor>:$bias);
  let results = (outs NF_FloatTensor:$loss, NF_FloatTensor:$dx, NF_FloatTensor:$dw, Optional<NF_FloatTensor>:$dbias);
  let assemblyFormat = [{
    $x `,` $weight `,` $targets `,` $loss_weight `,` $scale (`bias` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
}

#endif // NF_LOSS_OPS_TD
