//===- Passes.td - plan --------------------------------------------------------------------------------------*- tablegen -*-===//
#ifndef NF_PASSES_PLAN_PASSES_TD
#define NF_PASSES_PLAN_PASSES_TD

include "mlir/Pass/PassBase.td"

def PlanMemory : Pass<"nf-plan-memory", "::mlir::ModuleOp"> {
  let summary = "gives every value its memory: static views of two segments";
  let description = [{
    States get offsets in the persistent segment. In each program values get offsets in its transient arena, shared by
    values that are never live together; kernels get `outs`; nf.get, nf.set, nf.accumulate and views disappear.

    ```mlir
    %w = nf.get @w : tensor<8x8xf32>
    %y = nf.matmul %x, %w : …
    nf.return %y : tensor<4x8xf32>
    ```
    becomes
    ```mlir
    %0 = nf.buffer transient 0 : memref<4x8xf32>
    %1 = nf.buffer persistent 0 : memref<8x8xf32>
    %2 = nf.buffer transient 128 : memref<4x8xf32>
    nf.matmul %0, %1 outs(%2) : …
    nf.return
    ```
    The module carries `nf.persistent_bytes`; parameters and states `offset`; programs `transient_bytes`, `live_bytes`
    (the most bytes of values live at once, without sharing), and `nf.arguments`: name, offset, type and direction (0
    in, 1 out) of each argument and result.
  }];
}

#endif // NF_PASSES_PLAN_PASSES_TD
