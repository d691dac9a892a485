//===- Passes.td - kernels for the CPU --------------------------------------------------------------------*- tablegen -*-===//
#ifndef NF_PASSES_CPU_PASSES_TD
#define NF_PASSES_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

defvar NF_KernelDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
                            "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                            "::mlir::vector::VectorDialect"];

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
    func.func private @fused_4x8_0(memref<1x32xf32> {llvm.noalias}, memref<1x32xf32> {llvm.noalias}, index,
                                   memref<?xi8>) attributes {nf.scratch_bytes = 0 : i64}
    ```
  }];
  let options = [
    Option<"vectorWidth", "vector-width", "int64_t", "8", "floats in a vector register: 4, 8 (AVX2) or 16 (AVX-512)">
  ];
  let dependentDialects = NF_KernelDialects;
}

def LowerMatmul : Pass<"nf-lower-matmul", "::mlir::ModuleOp"> {
  let summary = "matrix products become tiles of single-threaded library calls";
  let description = [{
    Every nf.matmul on buffers becomes a launch of a kernel whose tasks are the tiles of C. The grid depends on the
    shape alone, so that the bits do not depend on the number of threads. Equal products share a kernel.

    ```mlir
    nf.matmul %x, %w outs(%y) {transpose_b} : (memref<256x768xf32>, memref<2304x768xf32>, memref<256x2304xf32>) -> ()
    ```
    becomes
    ```mlir
    nf.launch @matmul_256x2304x768_nt(%x, %w, %y) tasks 8
        : memref<256x768xf32>, memref<2304x768xf32>, memref<256x2304xf32>
    func.func private @matmul_256x2304x768_nt(memref<196608xf32>, memref<1769472xf32>, memref<589824xf32>, index,
                                              memref<?xi8>)
    func.func private @nf_gemm_f32(i32, i32, i64, i64, i64, f32, !llvm.ptr, i64, !llvm.ptr, i64, f32, !llvm.ptr, i64)
    ```
    A bias is written to the tile first and added to by the product: the library would clear the tile otherwise.

    Operands and C may be bf16, each by itself. The library multiplies f32, so tasks widen their parts of bf16 operands
    in scratch memory. With `bf16-products`, products with a bf16 operand become code of their own instead, for
    processors with AVX-512 BF16.
  }];
  let options = [
    Option<"bf16Products", "bf16-products", "bool", "false", "the processor multiplies bf16 (AVX-512 BF16)">
  ];
  let dependentDialects = NF_KernelDialects;
}

def LowerScatterAdd : Pass<"nf-lower-scatter-add", "::mlir::ModuleOp"> {
  let summary = "scattered row sums become kernels over blocks of columns";
  let description = [{
    Each task owns some columns of the table: it clears them (unless the op accumulates) and adds the rows in ascending
    order, so that the bits do not depend on the number of threads.

    ```mlir
    nf.scatter_add %rows, %ids outs(%table) : (memref<256x768xf32>, memref<256xi32>, memref<50257x768xf32>) -> ()
    ```
    becomes
    ```mlir
    nf.launch @scatter_add_50257x768_256(%rows, %ids, %table) tasks 8
        : memref<256x768xf32>, memref<256xi32>, memref<50257x768xf32>
    func.func private @scatter_add_50257x768_256(memref<196608xf32>, memref<256xi32>, memref<38597376xf32>, index,
                                                 memref<?xi8>)
    ```
    A task has 96 columns.
  }];
  let dependentDialects = NF_KernelDialects;
}

def LowerCopy : Pass<"nf-lower-copy", "::mlir::ModuleOp"> {
  let summary = "strided copies become kernels";
  let description = [{
    Axes that are contiguous on both sides are merged; a unit-stride innermost axis is copied in vectors, a transpose in
    square blocks. `fill` becomes a launch of its own before the copy. Offsets move into the buffers, so that copies
    that differ in nothing else share a kernel.

    ```mlir
    %in = nf.buffer transient 0 : memref<48xf32>
    %out = nf.buffer transient 192 : memref<32xf32>
    nf.copy %in to %out sizes [4, 8] from 16 strides [8, 1] to 0 strides [8, 1] : memref<48xf32>, memref<32xf32>
    ```
    becomes
    ```mlir
    %in = nf.buffer transient 0 : memref<48xf32>
    %out = nf.buffer transient 192 : memref<32xf32>
    %0 = nf.buffer transient 64 : memref<32xf32>
    %1 = nf.buffer transient 192 : memref<32xf32>
    nf.launch @copy_f32_32s1s1(%0, %1) tasks 1 : memref<32xf32>, memref<32xf32>
    func.func private @copy_f32_32s1s1(memref<32xf32>, memref<32xf32>, index, memref<?xi8>)
    ```
  }];
  let dependentDialects = NF_KernelDialects;
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
        : (memref<4x64x768xf32>, memref<4x64x768xf32>, memref<4x64x768xf32>, memref<4x64x768xf32>, memref<4x12x64xf32>) -> ()
    ```
    becomes
    ```mlir
    nf.launch @attention_4x64x64_h12w64_causal(%q, %k, %v, %out, %lse) tasks 48
        : memref<4x64x768xf32>, memref<4x64x768xf32>, memref<4x64x768xf32>, memref<4x64x768xf32>, memref<4x12x64xf32>
    func.func private @attention_4x64x64_h12w64_causal(
        memref<4x64x768xf32> {llvm.noalias}, memref<4x64x768xf32> {llvm.noalias}, memref<4x64x768xf32> {llvm.noalias},
        memref<4x64x768xf32> {llvm.noalias}, memref<4x12x64xf32> {llvm.noalias}, index, memref<?xi8> {llvm.noalias})
        attributes {nf.scratch_bytes = 98816 : i64}
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
