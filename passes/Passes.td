//===- Passes.td - checks and repairs between stages ------------------------------------------------------*- tablegen -*-===//
#ifndef NF_PASSES_PASSES_TD
#define NF_PASSES_PASSES_TD

include "mlir/Pass/PassBase.td"

def VerifyStage : Pass<"nf-verify-stage", "::mlir::ModuleOp"> {
  let summary = "checks that a module is what a stage may leave";
  let description = [{
    The contract of each stage, as docs/compiler.md lists them; every pipeline of a stage ends with this pass. Each
    violation is an error at the op, which names the pass that should have handled it. Changes nothing.

    ```mlir
    %y = nf.exp %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
    ```
    is refused, with `stage=fuse`, by
    ```
    error: 'nf.exp' op may not leave stage fuse: nf-fuse-rows should have put it into a region
    ```
  }];
  let options = [Option<"stage", "stage", "std::string", "", "the stage that the module has been through: import … llvm">];
}

def LocateConstants : Pass<"nf-locate-constants"> {
  let summary = "gives constants that lost their place the place of their first user";
  let description = [{
    Where MLIR's folder makes one constant of several, it drops their locations.

    ```mlir
    %c = nf.constant dense<1.0> : tensor<1xf32> loc(unknown)
    %y = nf.add %x, %c : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32> loc("layers.0.ffn")
    ```
    becomes, locations included,
    ```mlir
    %c = nf.constant dense<1.0> : tensor<1xf32> loc("layers.0.ffn")
    %y = nf.add %x, %c : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32> loc("layers.0.ffn")
    ```
  }];
}

#endif // NF_PASSES_PASSES_TD
