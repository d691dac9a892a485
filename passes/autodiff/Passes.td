//===- Passes.td - autodiff and hoist ---------------------------------------------------------------------*- tablegen -*-===//
#ifndef NF_PASSES_AUTODIFF_PASSES_TD
#define NF_PASSES_AUTODIFF_PASSES_TD

include "mlir/Pass/PassBase.td"

def Differentiate : Pass<"nf-differentiate", "::mlir::ModuleOp"> {
  let summary = "appends the backward half to the program forward_backward";
  let description = [{
    Reverse-mode differentiation of the program's only result, the loss, with respect to every trainable parameter
    that reaches it. Each contribution goes into the parameter's gradient state by nf.accumulate; the first starts the
    sum of a step (under the argument `accumulate`), later ones, of a parameter used twice, add to it.

    A contribution to a weight folded of parameters (nf.fold_scale, nf.fold_shift, nf.concat of parameters) goes into a
    state of kind folded, of that weight's type. The program `unfold_gradients` says how the gradients of parameters
    follow from these; nf-append-update makes it the beginning of `update`.

    ```mlir
    nf.program @forward_backward(…) -> (tensor<f32> {nf.name = "loss"}) {
      %w = nf.get @w : tensor<8xf32>
      …
      nf.return %loss : tensor<f32>
    }
    ```
    becomes
    ```mlir
    nf.state gradient @"w.grad" of @w : tensor<8xf32>
    nf.program @forward_backward(…, %accumulate: tensor<i32> {nf.name = "accumulate"}) -> (…) {
      …
      nf.accumulate @"w.grad", %dw if %accumulate : tensor<8xf32>, tensor<i32>
      nf.return %loss : tensor<f32>
    }
    ```
  }];
}

def AppendUpdate : Pass<"nf-append-update", "::mlir::ModuleOp"> {
  let summary = "adds the program update: norm, clip and AdamW of every parameter";
  let description = [{
    For each parameter with a gradient, as a state or by unfold_gradients (which is used up): moments as states, its part of the global norm, and one nf.adamw whose
    results replace parameter and moments. Hyperparameters are arguments, so that none needs a compile.
  }];
}

def AppendCombine : Pass<"nf-append-combine", "::mlir::ModuleOp"> {
  let summary = "adds the programs that combine the gradient sums of reduction slots";
  let description = [{
    The module's `nf.reduction_slots` = 2^L, which is used up, says into how many runs of micro-batches a step is cut.
    Slots are added as a binary tree, as the bits of a counter are carried: L partial sums a gradient, and the programs
    combine_0 … combine_L (runtime/abi/nf_abi.h). One slot needs none of it.

    ```mlir
    module attributes {nf.reduction_slots = 2 : i64} {
      nf.state gradient @"w.grad" of @w : tensor<8xf32>
    }
    ```
    becomes
    ```mlir
    nf.state gradient @"w.grad" of @w : tensor<8xf32>
    nf.state partial @"w.grad.0" of @w : tensor<8xf32>
    nf.program @combine_0() {              // after slot 0
      %g = nf.get @"w.grad" : tensor<8xf32>
      nf.set @"w.grad.0", %g : tensor<8xf32>
      nf.return
    }
    nf.program @combine_1() {              // after slot 1
      %g = nf.get @"w.grad" : tensor<8xf32>
      %p = nf.get @"w.grad.0" : tensor<8xf32>
      %s = nf.add %p, %g : …
      nf.set @"w.grad", %s : tensor<8xf32>
      nf.return
    }
    ```
  }];
}

def HoistWeightOnly : Pass<"nf-hoist-weight-only", "::mlir::ModuleOp"> {
  let summary = "computes what depends on parameters alone once a step";
  let description = [{
    Values that only parameters decide become derived states: computed by the program prepare_weights at start and
    after loading weights, and at the end of update from the new parameters. Micro-batches, eval and logits read them.

    ```mlir
    %g = nf.get @g : tensor<4xf32>
    %c = nf.exp %g : (tensor<4xf32>) -> tensor<4xf32>
    %y = nf.mul %x, %c : …
    ```
    becomes
    ```mlir
    %c = nf.get @g.derived.1 : tensor<4xf32>
    %y = nf.mul %x, %c : …
    ```
  }];
}

def Recompute : Pass<"nf-recompute", "::mlir::ModuleOp"> {
  let summary = "computes saved values again where that moves fewer bytes than keeping them";
  let description = [{
    A value that forward saves for one region of row-wise ops of backward is computed there instead, if that region reads
    what it is made of anyway, or if reading that is cheaper than writing the value and reading it back.

    ```mlir
    %act = nf.gelu %z : …
    %y, %mean, %rstd = nf.layer_norm %act, %g, %b …
    …                                        // backward
    %centred = nf.sub %act, %mean : …
    … nf.mul %z, …                           // the derivative of gelu
    ```
    becomes
    ```mlir
    %act = nf.gelu %z : …
    %y, %mean, %rstd = nf.layer_norm %act, %g, %b …
    …
    %again = nf.gelu %z : …
    %centred = nf.sub %again, %mean : …
    … nf.mul %z, …
    ```
  }];
}

#endif // NF_PASSES_AUTODIFF_PASSES_TD
