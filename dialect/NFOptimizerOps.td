//===- NFOptimizerOps.td - the optimizer step ------------------------------------------------------*- tablegen -*-===//
#ifndef NF_OPTIMIZER_OPS_TD
#define NF_OPTIMIZER_OPS_TD

include "dialect/NFDialect.td"

def NF_SquareNormOp : NF_Op<"square_norm", [Pure, NF_Infer, NF_NotDifferentiable, NF_Decomposable,
                                            ReferenceOpInterface]> {
  let summary = "sum of squares of all elements";
  let description = [{
    ```mlir
    %n = nf.square_norm %g : (tensor<768x768xf32>) -> tensor<1xf32>
    ```
  }];
  let arguments = (ins NF_FloatTensor:$x);
  let results = (outs NF_FloatTensor:$result);
  let assemblyFormat = "$x `:` functional-type(operands, results) attr-dict";
}

def NF_ClipCoefficientOp : NF_Op<"clip_coefficient", [Pure, NF_Infer, NF_NotDifferentiable, NF_Decomposable,
                                                      ReferenceOpInterface]> {
  let summary = "factor that clips gradients by their global norm";
  let description = [{
    `clip > 0 ? min(1, clip / (norm + 1e-6)) : 1`, as PyTorch's clip_grad_norm_.

    ```mlir
    %c = nf.clip_coefficient %norm, %clip : (tensor<1xf32>, tensor<f32>) -> tensor<1xf32>
    ```
    Constraint: (C1) both have one element.
  }];
  let arguments = (ins NF_FloatTensor:$norm, NF_FloatTensor:$clip);
  let results = (outs NF_FloatTensor:$result);
  let assemblyFormat = "$norm `,` $clip `:` functional-type(operands, results) attr-dict";
}

def NF_AdamWOp : NF_Op<"adamw", [Pure, NF_Infer, NF_NotDifferentiable, NF_Decomposable, ReferenceOpInterface]> {
  let summary = "one AdamW step of one parameter (Loshchilov, Hutter 2019)";
  let description = [{
    With g' = clip_coefficient · g: `m' = β1 m + (1 − β1) g'`; `v' = β2 v + (1 − β2) g'²`;
    `p' = p (1 − lr · weight_decay) − lr / c1 · m' / (√v' / √c2 + eps)`, c1 = 1 − β1^step, c2 = 1 − β2^step. Where
    `norm` is not finite all three stay as they are. Scalars have one element.

    ```mlir
    %p2, %m2, %v2 = nf.adamw %p, %g, %m, %v, %norm, %clip, %lr, %b1, %b2, %eps, %wd, %c1, %c2
        : (tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<1xf32>, tensor<1xf32>,
           tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>)
        -> (tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>)
    ```
    Constraints: (C1) p, g, m, v have one shape; (C2) the others have one element.
  }];
  let arguments = (ins NF_FloatTensor:$parameter, NF_FloatTensor:$gradient, NF_FloatTensor:$moment1,
                       NF_FloatTensor:$moment2, NF_FloatTensor:$norm, NF_FloatTensor:$clip_coefficient,
                       NF_FloatTensor:$lr, NF_FloatTensor:$beta1, NF_FloatTensor:$beta2, NF_FloatTensor:$eps,
                       NF_FloatTensor:$weight_decay, NF_FloatTensor:$correction1, NF_FloatTensor:$correction2);
  let results = (outs NF_FloatTensor:$new_parameter, NF_FloatTensor:$new_moment1, NF_FloatTensor:$new_moment2);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

#endif // NF_OPTIMIZER_OPS_TD
