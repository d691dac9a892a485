//===- Passes.td - decompose and fuse --------------------------------------------------------------------------------------*- tablegen -*-===//
#ifndef NF_PASSES_FUSE_PASSES_TD
#define NF_PASSES_FUSE_PASSES_TD

include "mlir/Pass/PassBase.td"

def Decompose : Pass<"nf-decompose", "::mlir::ModuleOp"> {
  let summary = "writes every composite op in primitives";
  let description = [{
    Replaces each op that has a definition in primitives (DecomposableOpInterface) by it, until none is left. An op
    that has no such form, such as attention on planned memory, stays.

    ```mlir
    %y = nf.relu %x : (tensor<8xf32>) -> tensor<8xf32>
    ```
    becomes
    ```mlir
    %zero = nf.constant dense<0.0> : tensor<1xf32>
    %y = nf.max %x, %zero : (tensor<8xf32>, tensor<1xf32>) -> tensor<8xf32>
    ```
  }];
}

def ExpandLoss : Pass<"nf-expand-loss", "::nf::ProgramOp"> {
  let summary = "computes the vocabulary projection and the loss in chunks of rows";
  let description = [{
    Writes nf.linear_cross_entropy and its backward op in primitives over chunks of rows, so that the logits of one
    chunk are all that memory holds of them. One projection a chunk serves both directions.

    ```mlir
    %loss = nf.linear_cross_entropy %x, %w, %targets, %loss_weight, %scale
        : (tensor<512x8xf32>, tensor<16x8xf32>, tensor<512xi32>, tensor<512xf32>, tensor<f32>) -> tensor<f32>
    ```
    becomes, where one chunk is enough,
    ```mlir
    %xc = nf.reshape %x : (tensor<512x8xf32>) -> tensor<512x8xf32>
    %logits = nf.matmul %xc, %w {transpose_b} : (tensor<512x8xf32>, tensor<16x8xf32>) -> tensor<512x16xf32>
    %max = nf.reduce_max %logits axes [1] : (tensor<512x16xf32>) -> tensor<512x1xf32>
    %c = nf.sub %logits, %max : (tensor<512x16xf32>, tensor<512x1xf32>) -> tensor<512x16xf32>
    %e = nf.exp %c : (tensor<512x16xf32>) -> tensor<512x16xf32>
    %s = nf.reduce_sum %e axes [1] : (tensor<512x16xf32>) -> tensor<512x1xf32>
    %t = nf.reshape %targets : (tensor<512xi32>) -> tensor<512x1xi32>
    %j = nf.iota : tensor<16xi32>
    %hot = nf.compare eq %j, %t : (tensor<16xi32>, tensor<512x1xi32>) -> tensor<512x16xi1>
    %zero = nf.constant dense<0.0> : tensor<1xf32>
    %at = nf.where %hot, %logits, %zero : (tensor<512x16xi1>, tensor<512x16xf32>, tensor<1xf32>) -> tensor<512x16xf32>
    %picked = nf.reduce_sum %at axes [1] : (tensor<512x16xf32>) -> tensor<512x1xf32>
    %log = nf.log %s : (tensor<512x1xf32>) -> tensor<512x1xf32>
    %lse = nf.add %max, %log : (tensor<512x1xf32>, tensor<512x1xf32>) -> tensor<512x1xf32>
    %weights = nf.reshape %loss_weight : (tensor<512xf32>) -> tensor<512x1xf32>
    %factors = nf.mul %weights, %scale : (tensor<512x1xf32>, tensor<f32>) -> tensor<512x1xf32>
    %nll = nf.sub %lse, %picked : (tensor<512x1xf32>, tensor<512x1xf32>) -> tensor<512x1xf32>
    %terms = nf.mul %nll, %factors : (tensor<512x1xf32>, tensor<512x1xf32>) -> tensor<512x1xf32>
    %row = nf.reshape %terms : (tensor<512x1xf32>) -> tensor<1x512xf32>
    %sum = nf.reduce_sum %row axes [1] : (tensor<1x512xf32>) -> tensor<1x1xf32>
    %loss = nf.reshape %sum : (tensor<1x1xf32>) -> tensor<f32>
    ```
  }];
  let options = [
    Option<"chunkBytes", "chunk-bytes", "int64_t", "int64_t(128) << 20", "logits of one chunk, in bytes, at most">,
    Option<"minRows", "min-rows", "int64_t", "256", "rows of a chunk, at least (a matrix product of few rows is slow)">
  ];
}

def PrepareFusion : Pass<"nf-prepare-fusion", "::nf::ProgramOp"> {
  let summary = "writes everything that has no kernel of its own as rows of primitives";
  let description = [{
    Composite ops are decomposed, except those that are kernels (matmul, attention, scatter_add); accumulations that no
    kernel can do in place, reductions over inner axes and operands that repeat along some leading axes only are
    rewritten, so that every primitive left works on rows.

    ```mlir
    %r = nf.relu %x : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
    %y = nf.add %r, %b : (tensor<2x4x8xf32>, tensor<2x1x8xf32>) -> tensor<2x4x8xf32>
    ```
    becomes
    ```mlir
    %zero = nf.constant dense<0.0> : tensor<1xf32>
    %r = nf.max %x, %zero : (tensor<2x4x8xf32>, tensor<1xf32>) -> tensor<2x4x8xf32>
    %bs = nf.broadcast %b : (tensor<2x1x8xf32>) -> tensor<2x4x8xf32>
    %y = nf.add %r, %bs : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
    ```
  }];
}

def FuseRows : Pass<"nf-fuse-rows", "::nf::ProgramOp"> {
  let summary = "fuses row-wise primitives into nf.fused regions";
  let description = [{
    Grows regions greedily over producers, consumers and readers of the same tensor. Knows no op and no model: what can
    fuse follows from shapes and RowWiseOpInterface.

    ```mlir
    %s = nf.add %x, %y : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %z = nf.exp %s : (tensor<4x8xf32>) -> tensor<4x8xf32>
    ```
    becomes
    ```mlir
    %z = nf.fused rows 4 cols 8 (%x, %y)
        {operand_kinds = array<i32: 0, 0>, result_kinds = array<i32: 0>, gather_index = array<i64: -1, -1>}
        : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32> {
    ^bb0(%xr: tensor<8xf32>, %yr: tensor<8xf32>):
      %s = nf.add %xr, %yr : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
      %e = nf.exp %s : (tensor<8xf32>) -> tensor<8xf32>
      nf.yield %e : tensor<8xf32>
    }
    ```
  }];
  let options = [Option<"remarks", "remarks", "bool", "false", "one remark a region: ops, bytes before and after">];
}

def SumInProducts : Pass<"nf-sum-in-products", "::nf::ProgramOp"> {
  let summary = "takes column sums to the matrix products that read the same tensor";
  let description = [{
    Where a region reads a tensor for its column sum alone, and a product that could sum that operand reads it too, the
    sum becomes a second result of the product: no pass over memory of its own. So a linear's bias gradient comes with
    that of its weight.

    ```mlir
    %dw = nf.matmul %dy, %x {transpose_a} : (tensor<32x16xf32>, tensor<32x8xf32>) -> tensor<16x8xf32>
    %db = nf.fused rows 32 cols 16 (%dy)
        {operand_kinds = array<i32: 0>, result_kinds = array<i32: 5>, gather_index = array<i64: -1>}
        : (tensor<32x16xf32>) -> tensor<16xf32> {
    ^bb0(%row: tensor<16xf32>):
      nf.yield %row : tensor<16xf32>
    }
    ```
    becomes
    ```mlir
    %dw, %db = nf.matmul %dy, %x {sum_lhs, transpose_a}
        : (tensor<32x16xf32>, tensor<32x8xf32>) -> (tensor<16x8xf32>, tensor<16xf32>)
    ```
  }];
}

def SplitColumnSums : Pass<"nf-split-column-sums", "::nf::ProgramOp"> {
  let summary = "splits column sums beside row reductions into fixed groups of rows";
  let description = [{
    The region yields one partial sum a group of rows, a second region adds the groups. The number of groups follows
    from the shape, so the bits are the same on any number of threads.

    ```mlir
    %r, %s = nf.fused rows 32 cols 16 (%x)
        {operand_kinds = array<i32: 0>, result_kinds = array<i32: 1, 5>, gather_index = array<i64: -1>}
        : (tensor<32x16xf32>) -> (tensor<32x1xf32>, tensor<1x16xf32>) {
    ^bb0(%row: tensor<16xf32>):
      %sum = nf.reduce_sum %row axes [0] : (tensor<16xf32>) -> tensor<1xf32>
      nf.yield %sum, %row : tensor<1xf32>, tensor<16xf32>
    }
    ```
    becomes
    ```mlir
    %r, %parts = nf.fused rows 32 cols 16 groups 4 (%x)
        {operand_kinds = array<i32: 0>, result_kinds = array<i32: 1, 5>, gather_index = array<i64: -1>}
        : (tensor<32x16xf32>) -> (tensor<32x1xf32>, tensor<4x16xf32>) {
    ^bb0(%row: tensor<16xf32>):
      %sum = nf.reduce_sum %row axes [0] : (tensor<16xf32>) -> tensor<1xf32>
      nf.yield %sum, %row : tensor<1xf32>, tensor<16xf32>
    }
    %s = nf.fused rows 4 cols 16 (%parts)
        {operand_kinds = array<i32: 0>, result_kinds = array<i32: 5>, gather_index = array<i64: -1>}
        : (tensor<4x16xf32>) -> tensor<1x16xf32> {
    ^bb0(%part: tensor<16xf32>):
      nf.yield %part : tensor<16xf32>
    }
    ```
  }];
}

#endif // NF_PASSES_FUSE_PASSES_TD
