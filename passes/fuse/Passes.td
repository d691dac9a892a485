//===- Passes.td - decompose and fuse -----------------------------------------------------------------------*- tablegen -*-===//
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

#endif // NF_PASSES_FUSE_PASSES_TD
