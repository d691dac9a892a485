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
    nf.parameter @w : tensor<8xf32> {init = "{\"kind\":\"ones\"}"}
    nf.program @forward_backward(%x: tensor<8xf32> {nf.name = "x"}) -> (tensor<1xf32> {nf.name = "loss"}) {
      %w = nf.get @w : tensor<8xf32>
      %p = nf.mul %w, %x : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
      %loss = nf.reduce_sum %p axes [0] : (tensor<8xf32>) -> tensor<1xf32>
      nf.return %loss : tensor<1xf32>
    }
    ```
    becomes
    ```mlir
    nf.parameter @w : tensor<8xf32> {init = "{\"kind\":\"ones\"}"}
    nf.state gradient @w.grad of @w : tensor<8xf32>
    nf.program @forward_backward(%x: tensor<8xf32> {nf.name = "x"}, %accumulate: tensor<i32> {nf.name = "accumulate"})
        -> (tensor<1xf32> {nf.name = "loss"}) {
      %w = nf.get @w : tensor<8xf32>
      %p = nf.mul %w, %x : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
      %loss = nf.reduce_sum %p axes [0] : (tensor<8xf32>) -> tensor<1xf32>
      %dloss = nf.constant dense<1.0> : tensor<1xf32>
      %dp = nf.broadcast %dloss : (tensor<1xf32>) -> tensor<8xf32>
      %dw = nf.mul %dp, %x : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
      nf.accumulate @w.grad, %dw if %accumulate : tensor<8xf32>, tensor<i32>
      nf.return %loss : tensor<1xf32>
    }
    ```
  }];
}

def AppendUpdate : Pass<"nf-append-update", "::mlir::ModuleOp"> {
  let summary = "adds the program update: norm, clip and AdamW of every parameter";
  let description = [{
    For each parameter with a gradient, as a state or by unfold_gradients (which is used up): moments as states, its part
    of the global norm, and one nf.adamw whose results replace parameter and moments. Hyperparameters are arguments, so
    that none needs a compile.

    ```mlir
    nf.parameter @w : tensor<8xf32> {init = "{\"kind\":\"ones\"}"}
    nf.state gradient @w.grad of @w : tensor<8xf32>
    ```
    becomes
    ```mlir
    nf.parameter @w : tensor<8xf32> {init = "{\"kind\":\"ones\"}"}
    nf.state gradient @w.grad of @w : tensor<8xf32>
    nf.state moment1 @w.m of @w : tensor<8xf32>
    nf.state moment2 @w.v of @w : tensor<8xf32>
    nf.program @update(%lr: tensor<f32> {nf.name = "lr"}, %beta1: tensor<f32> {nf.name = "beta1"},
                       %beta2: tensor<f32> {nf.name = "beta2"}, %eps: tensor<f32> {nf.name = "eps"},
                       %clip: tensor<f32> {nf.name = "clip"},
                       %bias_correction1: tensor<f32> {nf.name = "bias_correction1"},
                       %bias_correction2: tensor<f32> {nf.name = "bias_correction2"},
                       %weight_decay: tensor<1xf32> {nf.name = "weight_decay"})
        -> (tensor<f32> {nf.name = "grad_norm"}, tensor<1xf32> {nf.name = "grad_sqnorm"}) {
      %g = nf.get @w.grad : tensor<8xf32>
      %square = nf.square_norm %g : (tensor<8xf32>) -> tensor<1xf32>
      %squares = nf.concat %square axis 0 : (tensor<1xf32>) -> tensor<1xf32>
      %sum = nf.reduce_sum %squares axes [0] : (tensor<1xf32>) -> tensor<1xf32>
      %norm = nf.sqrt %sum : (tensor<1xf32>) -> tensor<1xf32>
      %c = nf.clip_coefficient %norm, %clip : (tensor<1xf32>, tensor<f32>) -> tensor<1xf32>
      %decay = nf.slice %weight_decay axis 0 from 0 size 1 : (tensor<1xf32>) -> tensor<1xf32>
      %w = nf.get @w : tensor<8xf32>
      %m = nf.get @w.m : tensor<8xf32>
      %v = nf.get @w.v : tensor<8xf32>
      %w2, %m2, %v2 = nf.adamw %w, %g, %m, %v, %norm, %c, %lr, %beta1, %beta2, %eps, %decay, %bias_correction1,
          %bias_correction2 : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<1xf32>, tensor<1xf32>,
          tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<1xf32>, tensor<f32>, tensor<f32>)
          -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
      nf.set @w, %w2 : tensor<8xf32>
      nf.set @w.m, %m2 : tensor<8xf32>
      nf.set @w.v, %v2 : tensor<8xf32>
      %result = nf.reshape %norm : (tensor<1xf32>) -> tensor<f32>
      nf.return %result, %squares : tensor<f32>, tensor<1xf32>
    }
    ```
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
      nf.parameter @w : tensor<8xf32> {init = "{\"kind\":\"ones\"}"}
      nf.state gradient @"w.grad" of @w : tensor<8xf32>
    }
    ```
    becomes
    ```mlir
    nf.parameter @w : tensor<8xf32> {init = "{\"kind\":\"ones\"}"}
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
      %s = nf.add %p, %g : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
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
    nf.parameter @g : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
    nf.program @eval(%x: tensor<4xf32> {nf.name = "x"}) -> (tensor<4xf32> {nf.name = "y"}) {
      %g = nf.get @g : tensor<4xf32>
      %c = nf.exp %g : (tensor<4xf32>) -> tensor<4xf32>
      %y = nf.mul %x, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      nf.return %y : tensor<4xf32>
    }
    ```
    becomes
    ```mlir
    nf.parameter @g : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
    nf.state derived @g.derived.1 of @g : tensor<4xf32>
    nf.program @eval(%x: tensor<4xf32> {nf.name = "x"}) -> (tensor<4xf32> {nf.name = "y"}) {
      %c = nf.get @g.derived.1 : tensor<4xf32>
      %y = nf.mul %x, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      nf.return %y : tensor<4xf32>
    }
    nf.program @prepare_weights() {
      %g = nf.get @g : tensor<4xf32>
      %c = nf.exp %g : (tensor<4xf32>) -> tensor<4xf32>
      nf.set @g.derived.1, %c : tensor<4xf32>
      nf.return
    }
    ```
  }];
}

def Recompute : Pass<"nf-recompute", "::mlir::ModuleOp"> {
  let summary = "computes saved values again where that moves fewer bytes than keeping them";
  let description = [{
    A value that forward saves for one region of row-wise ops of backward is computed there instead, if that region reads
    what it is made of anyway, or if reading that is cheaper than writing the value and reading it back.

    ```mlir
    nf.parameter @z : tensor<4x8xf32> {init = "{\"kind\":\"ones\"}"}
    nf.state gradient @z.grad of @z : tensor<4x8xf32>
    nf.program @forward_backward(%w: tensor<8x8xf32> {nf.name = "w"}) -> (tensor<1x1xf32> {nf.name = "loss"}) {
      %z = nf.get @z : tensor<4x8xf32>
      %act = nf.gelu %z : (tensor<4x8xf32>) -> tensor<4x8xf32>
      %loss = nf.reduce_sum %act axes [0, 1] : (tensor<4x8xf32>) -> tensor<1x1xf32>
      %d = nf.matmul %z, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
      %e = nf.mul %d, %z : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
      %dz = nf.mul %e, %act : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
      nf.accumulate @z.grad, %dz : tensor<4x8xf32>
      nf.return %loss : tensor<1x1xf32>
    }
    ```
    becomes, among others,
    ```mlir
    nf.parameter @z : tensor<4x8xf32> {init = "{\"kind\":\"ones\"}"}
    nf.state gradient @z.grad of @z : tensor<4x8xf32>
    nf.program @forward_backward(%w: tensor<8x8xf32> {nf.name = "w"}) -> (tensor<1x1xf32> {nf.name = "loss"}) {
      %z = nf.get @z : tensor<4x8xf32>
      %act = nf.gelu %z : (tensor<4x8xf32>) -> tensor<4x8xf32>
      %loss = nf.reduce_sum %act axes [0, 1] : (tensor<4x8xf32>) -> tensor<1x1xf32>
      %d = nf.matmul %z, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
      %again = nf.gelu %z : (tensor<4x8xf32>) -> tensor<4x8xf32>
      %e = nf.mul %d, %z : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
      %dz = nf.mul %e, %again : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
      nf.accumulate @z.grad, %dz : tensor<4x8xf32>
      nf.return %loss : tensor<1x1xf32>
    }
    ```

    `steps` goes on where memory is short: it takes that many more saved values, those first that take the fewest
    operations a byte, rows before attention before matrix products. Each is computed once more in front of its first
    reader in backward. The module's attribute `nf.recomputed` says what was saved and added, and at which numbers of
    steps (`ends`) values of one kind, the same one of every layer, are all taken.
  }];
  let options = [
    Option<"steps", "steps", "unsigned", "0", "saved values that are computed again to save memory">
  ];
}

#endif // NF_PASSES_AUTODIFF_PASSES_TD
