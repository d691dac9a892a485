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
    %loss, %dx, %dw = nf.linear_cross_entropy_backward %x, %w, %targets, %loss_weight, %scale : …
    nf.accumulate @"w.grad", %dw if %accumulate : …
    ```
    becomes, for each chunk,
    ```mlir
    %xc = nf.slice %x axis 0 from 0 size 256 : …
    %logits = nf.matmul %xc, %w {transpose_b} : …
    …
    %dxc = nf.matmul %dlogits, %w : …
    %dwc = nf.matmul %dlogits, %xc {transpose_a} : …
    nf.accumulate @"w.grad", %dwc if %accumulate : …
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
  }];
}

def FuseRows : Pass<"nf-fuse-rows", "::nf::ProgramOp"> {
  let summary = "fuses row-wise primitives into nf.fused regions";
  let description = [{
    Grows regions greedily over producers, consumers and readers of the same tensor. Knows no op and no model: what can
    fuse follows from shapes and RowWiseOpInterface.

    ```mlir
    %s = nf.add %x, %y : …
    %z = nf.exp %s : …
    ```
    becomes
    ```mlir
    %z = nf.fused rows 256 cols 768 (%x, %y) … {
    ^bb0(%xr: tensor<768xf32>, %yr: tensor<768xf32>):
      %s = nf.add %xr, %yr : …
      %z = nf.exp %s : …
      nf.yield %z : tensor<768xf32>
    }
    ```
  }];
  let options = [Option<"remarks", "remarks", "bool", "false", "one remark a region: ops, bytes before and after">];
}

def SplitColumnSums : Pass<"nf-split-column-sums", "::nf::ProgramOp"> {
  let summary = "splits column sums beside row reductions into fixed groups of rows";
  let description = [{
    The region yields one partial sum a group of rows, a second region adds the groups. The number of groups follows
    from the shape, so the bits are the same on any number of threads.
  }];
}

#endif // NF_PASSES_FUSE_PASSES_TD
