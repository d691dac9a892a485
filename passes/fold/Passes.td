//===- Passes.td - rewrites of forward programs that move work from activations to weights ----------------*- tablegen -*-===//
#ifndef NF_PASSES_FOLD_PASSES_TD
#define NF_PASSES_FOLD_PASSES_TD

include "mlir/Pass/PassBase.td"

defvar FoldOptions = [
  Option<"all", "all", "bool", "false", "fold wherever it is exact, also where it costs more than it saves">,
  Option<"remarks", "remarks", "bool", "false", "say of each place what was done, with the bytes, or why not">
];

def MergeLinears : Pass<"nf-merge-linears", "::nf::ProgramOp"> {
  let summary = "makes one linear of linears over one input";
  let description = [{
    Linears over the same value, all with biases or all without, become one over their weights one after another; what
    read their results reads its columns. Parameters keep their names: planning puts them next to each other, so that
    the whole is read in place. Without `all`, only where nothing is copied for it: weights and biases of whole 64-byte
    lines, and results that only kernels read that take columns of a wider tensor (attention).

    ```mlir
    %wq = nf.get @q : tensor<64x64xf32>
    %wk = nf.get @k : tensor<32x64xf32>
    %q = nf.linear %x, %wq : (tensor<2x8x64xf32>, tensor<64x64xf32>) -> tensor<2x8x64xf32>
    %k = nf.linear %x, %wk : (tensor<2x8x64xf32>, tensor<32x64xf32>) -> tensor<2x8x32xf32>
    ```
    becomes, with `all=true`,
    ```mlir
    %wq = nf.get @q : tensor<64x64xf32>
    %wk = nf.get @k : tensor<32x64xf32>
    %w = nf.concat %wq, %wk axis 0 : (tensor<64x64xf32>, tensor<32x64xf32>) -> tensor<96x64xf32>
    %y = nf.linear %x, %w : (tensor<2x8x64xf32>, tensor<96x64xf32>) -> tensor<2x8x96xf32>
    %q = nf.slice %y axis 2 from 0 size 64 : (tensor<2x8x96xf32>) -> tensor<2x8x64xf32>
    %k = nf.slice %y axis 2 from 64 size 32 : (tensor<2x8x96xf32>) -> tensor<2x8x32xf32>
    ```
  }];
  let options = FoldOptions;
}

def FoldLayerNormAffine : Pass<"nf-fold-layer-norm-affine", "::mlir::ModuleOp"> {
  let summary = "folds a LayerNorm's weight and bias into the linears that read it";
  let description = [{
    Where linears alone read a LayerNorm, `(x̂ ⊙ g + b) Wᵀ + c = x̂ (W diag(g))ᵀ + (W b + c)`: what is left of it has no
    parameters, and its backward no sums over tokens. Weights that are a concat are folded part by part. Another reader
    blocks it, and so does, without `all`, a weight that costs more bytes a step than the tokens of one micro-batch save
    (docs/folding.md). What is decided in `forward_backward` holds for all programs.

    ```mlir
    %g = nf.get @g : tensor<8xf32>
    %b = nf.get @b : tensor<8xf32>
    %w = nf.get @w : tensor<16x8xf32>
    %c = nf.get @c : tensor<16xf32>
    %n, %mean, %rstd = nf.layer_norm %x, %g, %b {eps = 1.0e-5 : f64} : (tensor<512x8xf32>, tensor<8xf32>, tensor<8xf32>)
        -> (tensor<512x8xf32>, tensor<512x1xf32>, tensor<512x1xf32>)
    %y = nf.linear %n, %w bias %c : (tensor<512x8xf32>, tensor<16x8xf32>, tensor<16xf32>) -> tensor<512x16xf32>
    ```
    becomes
    ```mlir
    %g = nf.get @g : tensor<8xf32>
    %b = nf.get @b : tensor<8xf32>
    %w = nf.get @w : tensor<16x8xf32>
    %c = nf.get @c : tensor<16xf32>
    %n, %r = nf.normalize %x {eps = 1.0e-5 : f64} : (tensor<512x8xf32>) -> (tensor<512x8xf32>, tensor<512x1xf32>)
    %wg = nf.fold_scale %w, %g {axis = 1 : i64} : (tensor<16x8xf32>, tensor<8xf32>) -> tensor<16x8xf32>
    %cb = nf.fold_shift %w, %b bias %c : (tensor<16x8xf32>, tensor<8xf32>, tensor<16xf32>) -> tensor<16xf32>
    %y = nf.linear %n, %wg bias %cb : (tensor<512x8xf32>, tensor<16x8xf32>, tensor<16xf32>) -> tensor<512x16xf32>
    ```
  }];
  let options = FoldOptions;
}

def FoldHeadScale : Pass<"nf-fold-head-scale", "::mlir::ModuleOp"> {
  let summary = "folds HeadScale into the projection before or after it";
  let description = [{
    Factors on the input of linears alone become factors of their weights' columns; factors on a linear's result, of
    which they are the only reader, become factors of its weight's rows and its bias. Blocked as
    nf-fold-layer-norm-affine is.

    ```mlir
    %gamma = nf.get @gamma : tensor<4xf32>
    %w = nf.get @w : tensor<16x8xf32>
    %s = nf.head_scale %x, %gamma : (tensor<512x8xf32>, tensor<4xf32>) -> tensor<512x8xf32>
    %y = nf.linear %s, %w : (tensor<512x8xf32>, tensor<16x8xf32>) -> tensor<512x16xf32>
    ```
    becomes
    ```mlir
    %gamma = nf.get @gamma : tensor<4xf32>
    %w = nf.get @w : tensor<16x8xf32>
    %wg = nf.fold_scale %w, %gamma {axis = 1 : i64} : (tensor<16x8xf32>, tensor<4xf32>) -> tensor<16x8xf32>
    %y = nf.linear %x, %wg : (tensor<512x8xf32>, tensor<16x8xf32>) -> tensor<512x16xf32>
    ```
  }];
  let options = FoldOptions;
}

#endif // NF_PASSES_FOLD_PASSES_TD
