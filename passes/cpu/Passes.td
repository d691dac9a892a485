//===- Passes.td - kernels for the CPU --------------------------------------------------------------------*- tablegen -*-===//
#ifndef NF_PASSES_CPU_PASSES_TD
#define NF_PASSES_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerFused : Pass<"nf-lower-fused", "::mlir::ModuleOp"> {
  let summary = "turns fused regions in buffer form into kernels of vector code";
  let description = [{
    Every nf.fused with `outs` becomes an nf.launch of a kernel over its distinct buffers; regions of one structure
    share a kernel. A kernel uses func, arith, math, memref, scf, vector and llvm; the attribute `nf.scratch_bytes` says
    how much scratch memory a task needs. The number of tasks depends on shapes only.

    ```mlir
    nf.fused rows 4 cols 8 (%x) outs(%y) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
        gather_index = array<i64: -1>} : (memref<4x8xf32>, memref<4x8xf32>) -> () {
    ^bb0(%r: tensor<8xf32>):
      %n = nf.neg %r : (tensor<8xf32>) -> tensor<8xf32>
      nf.yield %n : tensor<8xf32>
    }
    ```
    becomes
    ```mlir
    nf.launch @fused_4x8_0(%x, %y) tasks 1 : memref<4x8xf32>, memref<4x8xf32>
    ```
    with, in the module,
    ```mlir
    func.func private @fused_4x8_0(%x: memref<1x32xf32> {llvm.noalias}, %y: memref<1x32xf32> {llvm.noalias},
                                   %task: index, %scratch: memref<?xi8>) attributes {nf.scratch_bytes = 0 : i64}
    ```
  }];
  let options = [
    Option<"vectorWidth", "vector-width", "int64_t", "8", "floats in a vector register: 4, 8 (AVX2) or 16 (AVX-512)">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def LowerAttention : Pass<"nf-lower-attention", "::mlir::ModuleOp"> {
  let summary = "attention on planned buffers becomes kernels";
  let description = [{
    Each nf.attention and nf.attention_backward in buffer form becomes a launch of a kernel that all ops of its kind
    share: tiled, with online softmax forward and probabilities computed again backward, so that memory is linear in the
    sequence. All of it is vector code; its products of 64 × 64 tiles are faster than calls of a library. The
    attribute `nf.scratch_bytes` of a kernel says how much scratch memory a thread needs. Ops on tensors stay.

    ```mlir
    nf.attention %q, %k, %v outs(%out, %lse) {heads = 12 : i64, causal, scale = 0.125 : f64}
        : (memref<4x64x768xf32>, …) -> ()
    ```
    becomes
    ```mlir
    nf.launch @attention_4x64x64_h12w64_causal(%q, %k, %v, %out, %lse) tasks 48 : memref<4x64x768xf32>, …
    func.func private @attention_4x64x64_h12w64_causal(%q: memref<4x64x768xf32> {llvm.noalias}, …, %task: index,
        %scratch: memref<?xi8> {llvm.noalias}) attributes {nf.scratch_bytes = 98816 : i64} { … }
    ```
  }];
  let options = [
    Option<"vectorWidth", "vector-width", "int64_t", "8", "floats in a vector register: 4, 8 (AVX2) or 16 (AVX-512)">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif // NF_PASSES_CPU_PASSES_TD
