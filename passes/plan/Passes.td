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
    nf.parameter @w : tensor<8x8xf32> {init = "{\"kind\":\"ones\"}"}
    nf.program @eval(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
      %w = nf.get @w : tensor<8x8xf32>
      %y = nf.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
      nf.return %y : tensor<4x8xf32>
    }
    ```
    becomes
    ```mlir
    module attributes {nf.persistent_bytes = 256 : i64} {
      nf.parameter @w : tensor<8x8xf32> {init = "{\"kind\":\"ones\"}", offset = 0 : i64}
      nf.program @eval() attributes {live_bytes = 256 : i64, transient_bytes = 256 : i64, nf.arguments = [
          {direction = 0 : i32, name = "x", offset = 0 : i64, type = tensor<4x8xf32>},
          {direction = 1 : i32, name = "y", offset = 128 : i64, type = tensor<4x8xf32>} ]} {
        %0 = nf.buffer transient 0 : memref<4x8xf32>
        %1 = nf.buffer persistent 0 : memref<8x8xf32>
        %2 = nf.buffer transient 128 : memref<4x8xf32>
        nf.matmul %0, %1 outs(%2) : (memref<4x8xf32>, memref<8x8xf32>, memref<4x8xf32>) -> ()
        nf.return
      }
    }
    ```
    The module carries `nf.persistent_bytes`; parameters and states `offset`; programs `transient_bytes`, `live_bytes`
    (the most bytes of values live at once, without sharing), and `nf.arguments`: name, offset, type and direction (0
    in, 1 out) of each argument and result.
  }];
}

#endif // NF_PASSES_PLAN_PASSES_TD
