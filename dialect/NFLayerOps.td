//===- NFLayerOps.td - the layers of a transformer -------------------------------------------------*- tablegen -*-===//
#ifndef NF_LAYER_OPS_TD
#define NF_LAYER_OPS_TD

include "dialect/NFDialect.td"

class NF_Layer<string mnemonic, list<Trait> traits = []>
    : NF_Op<mnemonic, [Pure, NF_Differentiable, NF_Decomposable, ReferenceOpInterface] # traits>;

def NF_EmbeddingOp : NF_Layer<"embedding", [NF_Infer]> {
  let summary = "token or position embedding: rows of a weight";
  let description = [{
    `y[i..., :] = weight[ids[i...], :]`.

    ```mlir
    %y = nf.embedding %weight, %ids : (tensor<50257x768xf32>, tensor<4x64xi32>) -> tensor<4x64x768xf32>
    ```
    Constraints: (C1) weight has rank 2; (C2) ids are i32.
  }];
  let arguments = (ins NF_FloatTensor:$weight, NF_IndexTensor:$ids);
  let results = (outs NF_FloatTensor:$result);
  let assemblyFormat = "$weight `,` $ids `:` functional-type(operands, results) attr-dict";
}

def NF_LinearOp : NF_Layer<"linear", [NF_Infer]> {
  let summary = "y = x Wᵀ + b";
  let description = [{
    `weight` is [out, in], as PyTorch stores it. dx = dy W, dW = dyᵀ x, db = Σ over tokens of dy.

    ```mlir
    %y = nf.linear %x, %w bias %b : (tensor<4x64x768xf32>, tensor<3072x768xf32>, tensor<3072xf32>) -> tensor<4x64x3072xf32>
    ```
    Constraints: (C1) weight has rank 2 and x's last extent is `in`; (C2) bias is [out].
  }];
  let arguments = (ins NF_FloatTensor:$x, NF_FloatTensor:$weight, Optional<NF_FloatTensor>:$bias);
  let results = (outs NF_FloatTensor:$result);
  let assemblyFormat = "$x `,` $weight (`bias` $bias^)? `:` functional-type(operands, results) attr-dict";
}

def NF_LayerNormOp : NF_Layer<"layer_norm", [NF_Infer]> {
  let summary = "LayerNorm over the last axis (Ba, Kiros, Hinton 2016)";
  let description = [{
    `y = (x − mean) · rstd · weight + bias`, with the population variance and `eps` inside the root. `mean` and `rstd`
    ([..., 1]) are what backward needs beside x.

    dx = rstd · (g − mean_cols(g) − x̂ · mean_cols(g · x̂)) with g = dy · weight; dweight = Σ dy · x̂; dbias = Σ dy.

    ```mlir
    %y, %mean, %rstd = nf.layer_norm %x, %w, %b {eps = 1.0e-5 : f64} : (tensor<4x64x768xf32>, tensor<768xf32>,
        tensor<768xf32>) -> (tensor<4x64x768xf32>, tensor<4x64x1xf32>, tensor<4x64x1xf32>)
    ```
    Constraints: (C1) weight and bias are [columns]; (C2) eps > 0.
  }];
  let arguments = (ins NF_FloatTensor:$x, NF_FloatTensor:$weight, NF_FloatTensor:$bias, F64Attr:$eps);
  let results = (outs NF_FloatTensor:$y, NF_FloatTensor:$mean, NF_FloatTensor:$rstd);
  let assemblyFormat = "$x `,` $weight `,` $bias attr-dict `:` functional-type(operands, results)";
}

def NF_NormalizeOp : NF_Layer<"normalize", [NF_Infer]> {
  let summary = "LayerNorm without its affine part";
  let description = [{
    `y = (x − mean) · rstd`. Backward needs rstd and y, or x where an activation made it.

    ```mlir
    %y, %rstd = nf.normalize %x {eps = 1.0e-5 : f64} : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>)
    ```
    Constraints: (C1) eps > 0; (C2) x has rank at least 1.
  }];
  let arguments = (ins NF_FloatTensor:$x, F64Attr:$eps);
  let results = (outs NF_FloatTensor:$y, NF_FloatTensor:$rstd);
  let assemblyFormat = "$x attr-dict `:` functional-type(operands, results)";
}

def NF_HeadScaleOp : NF_Layer<"head_scale", [NF_Infer]> {
  let summary = "HeadScale: one learned factor per attention head (NormFormer)";
  let description = [{
    `y[..., h·w + i] = gamma[h] · x[..., h·w + i]` with w = columns / heads. dgamma_h = Σ dy · x over the head.

    ```mlir
    %y = nf.head_scale %x, %gamma : (tensor<4x64x768xf32>, tensor<12xf32>) -> tensor<4x64x768xf32>
    ```
    Constraint: (C1) gamma has rank 1 and its extent divides the columns.
  }];
  let arguments = (ins NF_FloatTensor:$x, NF_FloatTensor:$gamma);
  let results = (outs NF_FloatTensor:$result);
  let assemblyFormat = "$x `,` $gamma `:` functional-type(operands, results) attr-dict";
}

def NF_ResidualScaleOp : NF_Layer<"residual_scale", [NF_Infer]> {
  let summary = "ResScale: a learned factor per channel of the residual (NormFormer)";
  let description = [{
    `y = scale · x`.

    ```mlir
    %y = nf.residual_scale %x, %scale : (tensor<4x64x768xf32>, tensor<768xf32>) -> tensor<4x64x768xf32>
    ```
    Constraint: (C1) scale is [columns].
  }];
  let arguments = (ins NF_FloatTensor:$x, NF_FloatTensor:$scale);
  let results = (outs NF_FloatTensor:$result);
  let assemblyFormat = "$x `,` $scale `:` functional-type(operands, results) attr-dict";
}

class NF_Activation<string mnemonic, string maths>
    : NF_Layer<mnemonic, [NF_Infer]> {
  let summary = maths;
  let description = "`y = " # maths # "`. Backward needs x only.\n\n```mlir\n%y = nf." # mnemonic
                    # " %x : (tensor<4x8xf32>) -> tensor<4x8xf32>\n```";
  let arguments = (ins NF_FloatTensor:$x);
  let results = (outs NF_FloatTensor:$y);
  let assemblyFormat = "$x `:` functional-type(operands, results) attr-dict";
}

def NF_GeluOp : NF_Activation<"gelu", "x · (1 + erf(x / √2)) / 2">;
def NF_GeluTanhOp : NF_Activation<"gelu_tanh", "x · (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2">;
def NF_ReluOp : NF_Activation<"relu", "max(x, 0)">;
def NF_Relu2Op : NF_Activation<"relu2", "max(x, 0)²">;
def NF_SiluOp : NF_Activation<"silu", "x / (1 + e^(−x))">;

def NF_DropoutOp : NF_Layer<"dropout", [NF_Infer]> {
  let summary = "dropout by counter-based random numbers";
  let description = [{
    `y = keep ? x / (1 − p) : 0`, keep where nf.random_bits ≥ p · 2³¹ (the same mask for the same seed, step, site and
    index in the global batch, on every target). Pure; backward draws the same mask again.

    ```mlir
    %y = nf.dropout %x, %seed, %step, %offset {p = 0.1 : f64, site = 3 : i32}
         : (tensor<4x64x768xf32>, tensor<i64>, tensor<i32>, tensor<i32>) -> tensor<4x64x768xf32>
    ```
    Constraints: (C1) 0 < p < 1; (C2) x has rank 3: [batch, sequence, columns].
  }];
  let arguments = (ins NF_FloatTensor:$x, NF_SeedTensor:$seed, NF_IndexTensor:$step, NF_IndexTensor:$sample_offset,
                       F64Attr:$p, I32Attr:$site);
  let results = (outs NF_FloatTensor:$result);
  let assemblyFormat = "$x `,` $seed `,` $step `,` $sample_offset attr-dict `:` functional-type(operands, results)";
}

#endif // NF_LAYER_OPS_TD
