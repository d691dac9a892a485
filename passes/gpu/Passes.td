//===- Passes.td - kernels for NVIDIA GPUs ----------------------------------------------------------------*- tablegen -*-===//
#ifndef NF_PASSES_GPU_PASSES_TD
#define NF_PASSES_GPU_PASSES_TD

include "mlir/Pass/PassBase.td"

defvar NF_GpuKernelDialects = [
  "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
  "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect",
  "::mlir::vector::VectorDialect"
];

def RoundProducts : Pass<"nf-round-products", "::mlir::ModuleOp"> {
  let summary = "products of bf16 with f32, which cuBLASLt has not, become products of bf16";
  let description = [{
    Where a product has one operand in bf16 and one in f32, the f32 one is rounded, and so is the bias of a product whose
    result is bf16. What a weight is rounded to depends on parameters alone, so that nf-hoist-weight-only makes a derived
    state of it, next to the f32 parameter that is trained. In a module with a product of bf16 the vocabulary's
    projection is one too: the loss reads and gives bf16, and its weight's gradient is f32, as all of them are.

    ```mlir
    %w = nf.get @w : tensor<8x4xf32>
    %y = nf.linear %x, %w : (tensor<3x4xbf16>, tensor<8x4xf32>) -> tensor<3x8xbf16>
    ```
    becomes
    ```mlir
    %w = nf.get @w : tensor<8x4xf32>
    %r = nf.cast %w : (tensor<8x4xf32>) -> tensor<8x4xbf16>
    %y = nf.linear %x, %r : (tensor<3x4xbf16>, tensor<8x4xbf16>) -> tensor<3x8xbf16>
    ```
  }];
}

def LowerFusedGpu : Pass<"nf-lower-fused-gpu", "::mlir::ModuleOp"> {
  let summary = "turns fused regions in buffer form into GPU kernels";
  let description = [{
    Every nf.fused with `outs` becomes an nf.launch whose tasks are the kernel's blocks; regions of one structure share a
    kernel. The kernel is an llvm.func of the gpu.module `@nf_gpu` over pointers to global memory, with `nvvm.kernel`
    and `nvvm.maxntid`. Under its name the module has an empty func.func with the number of threads, `nf.gpu_threads`:
    launches name it, and nf-lower-programs makes an nf_gpu_work of it.

    ```mlir
    nf.fused rows 4 cols 8 (%x) outs(%y) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
        gather_index = array<i64: -1>} : (memref<4x8xf32>, memref<4x8xf32>) -> () {
    ^bb0(%r: tensor<8xf32>):
      %n = nf.neg %r : (tensor<8xf32>) -> tensor<8xf32>
      nf.yield %n : tensor<8xf32>
    }
    ```
    becomes, beside `@nf_gpu` among others,
    ```mlir
    nf.launch @fused_4x8_0(%x, %y) tasks 1 : memref<4x8xf32>, memref<4x8xf32>
    func.func private @fused_4x8_0(memref<1x32xf32>, memref<1x32xf32>, index, memref<?xi8>)
        attributes {nf.gpu_threads = 32 : i64}
    ```
  }];
  let dependentDialects = NF_GpuKernelDialects;
}

def LowerCopyGpu : Pass<"nf-lower-copy-gpu", "::mlir::ModuleOp"> {
  let summary = "strided copies become GPU kernels";
  let description = [{
    As nf-lower-copy, for a GPU: up to 16 bytes a thread where both sides are contiguous, or the source stands still;
    transposes through tiles in shared memory, without bank conflicts. A kernel's pointers are multiples of 16 bytes.
    `fill` becomes a launch of its own before the copy.

    ```mlir
    %in = nf.buffer transient 0 : memref<48xf32>
    %out = nf.buffer transient 192 : memref<32xf32>
    nf.copy %in to %out sizes [32] from 10 strides [1] to 0 strides [1] : memref<48xf32>, memref<32xf32>
    ```
    becomes, beside `@nf_gpu` among others,
    ```mlir
    %in = nf.buffer transient 0 : memref<48xf32>
    %out = nf.buffer transient 192 : memref<32xf32>
    %0 = nf.buffer transient 32 : memref<34xf32>
    %1 = nf.buffer transient 192 : memref<32xf32>
    nf.launch @copy_gpu_f32_32s1s1_by2_at2_0(%0, %1) tasks 1 : memref<34xf32>, memref<32xf32>
    func.func private @copy_gpu_f32_32s1s1_by2_at2_0(memref<34xf32>, memref<32xf32>, index, memref<?xi8>)
        attributes {nf.gpu_threads = 32 : i64}
    ```
  }];
  let dependentDialects = NF_GpuKernelDialects;
}

def LowerScatterAddGpu : Pass<"nf-lower-scatter-add-gpu", "::mlir::ModuleOp"> {
  let summary = "scattered row sums become GPU kernels without atomics";
  let description = [{
    The first row of each index adds all rows of that index to the entry, in ascending order: the bits are those of the
    CPU. Which rows those are, every row's block finds out by itself: it compares all indices with its own.

    ```mlir
    nf.scatter_add %rows, %ids outs(%table) : (memref<256x768xf32>, memref<256xi32>, memref<50257x768xf32>) -> ()
    ```
    becomes, beside `@nf_gpu` among others,
    ```mlir
    nf.launch @fill_gpu_f32_38597376_by4(%table) tasks 9424 : memref<50257x768xf32>
    nf.launch @scatter_add_gpu_50257x768_256_f32_by4(%rows, %ids, %table) tasks 256
        : memref<256x768xf32>, memref<256xi32>, memref<50257x768xf32>
    ```
  }];
  let dependentDialects = NF_GpuKernelDialects;
}

def LowerAttentionGpu : Pass<"nf-lower-attention-gpu", "::mlir::ModuleOp"> {
  let summary = "turns attention in buffer form into GPU kernels";
  let description = [{
    nf.attention of bf16 tensors with `outs` becomes one nf.launch of a flash attention kernel on tensor cores, and
    nf.attention_backward three: D = Σ dout · out, then dk and dv, then dq. Head widths are multiples of 8 up to 128, and
    rows begin on multiples of 16 bytes. Other attention becomes kernels of multiply-and-add in f32, backward two.

    ```mlir
    nf.attention %q, %k, %v outs(%out, %lse) {heads = 2 : i64, causal, scale = 0.125 : f64}
        : (memref<1x70x128xbf16>, memref<1x70x128xbf16>, memref<1x70x128xbf16>, memref<1x70x128xbf16>,
           memref<1x2x70xf32>) -> ()
    ```
    becomes, beside `@nf_gpu` among others,
    ```mlir
    nf.launch @attention_1x70x70_h2w64_causal_bf16(%q, %k, %v, %out, %lse) tasks 4
        : memref<1x70x128xbf16>, memref<1x70x128xbf16>, memref<1x70x128xbf16>, memref<1x70x128xbf16>, memref<1x2x70xf32>
    func.func private @attention_1x70x70_h2w64_causal_bf16(memref<1x70x128xbf16>, memref<1x70x128xbf16>,
        memref<1x70x128xbf16>, memref<1x70x128xbf16>, memref<1x2x70xf32>, index, memref<?xi8>)
        attributes {nf.gpu_threads = 128 : i64}
    ```
  }];
  let dependentDialects = NF_GpuKernelDialects;
}

def LowerMatmulGpu : Pass<"nf-lower-matmul-gpu", "::mlir::ModuleOp"> {
  let summary = "matrix products become calls of cuBLASLt";
  let description = [{
    Each nf.matmul of types that cuBLASLt multiplies (f32 into f32; bf16 into bf16 or f32) becomes an nf.launch of a function that stands for the product: `nf.gpu_gemm` has the numbers of an nf_gpu_gemm (runtime/abi/nf_gpu.h).
    A row-major matrix is the transpose of a column-major one, so C[m, n] = op(A) op(B) is
    D[n, m] = op(B) op(A) there, with our B first. A bias in C's type is an epilogue, with a kernel behind it for when the
    library has none; a bias in another type, or of a batch, is always that kernel's. Other products, and sums of an operand beside a product, are errors, all at once:
    nf-round-products and the pipeline for GPUs leave none.

    ```mlir
    nf.matmul %x, %w outs(%y) {transpose_b} : (memref<256x768xf32>, memref<2304x768xf32>, memref<256x2304xf32>) -> ()
    ```
    becomes
    ```mlir
    nf.launch @gemm_256x2304x768_nt_f32_f32(%w, %x, %y) tasks 1
        : memref<2304x768xf32>, memref<256x768xf32>, memref<256x2304xf32>
    func.func private @gemm_256x2304x768_nt_f32_f32(memref<2304x768xf32>, memref<256x768xf32>, memref<256x2304xf32>,
        index, memref<?xi8>) attributes {nf.gpu_gemm = array<i64:
            768, 2304, 768, 1769472, 0, 256, 768, 256, 768, 196608, 0, 256, 2304, 256, 2304, 589824, 0, 256,
            1, 33554432, 1, 0, 0, 1>}
    ```
  }];
  let dependentDialects = NF_GpuKernelDialects;
}

def EmulateGpu : Pass<"nf-emulate-gpu", "::mlir::ModuleOp"> {
  let summary = "GPU kernels become functions that run on the host";
  let description = [{
    Takes the kernels of `@nf_gpu` as they would become PTX, in the dialects llvm and nvvm: every nvvm op becomes a call
    of runtime/emulation, pointers to global and shared memory become plain pointers, shared memory a buffer of the
    block. What one thread runs becomes `@<kernel>.thread`, and the kernel's function in the host module gets
    `nf.gpu_shared`, the bytes of its shared memory. Every op that has no host form is listed.

    With `check-kernels`, each access of global or shared memory, and each barrier, shuffle and vote, is told to the
    emulated GPU before it happens, with the place that it was made for: `nf_emulated_access` and `nf_emulated_at`.

    ```mlir
    module {
      gpu.module @nf_gpu {
        llvm.func @k(%x: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 32>} {
          %t = nvvm.read.ptx.sreg.tid.x : i32
          nvvm.barrier0
          llvm.store %t, %x : i32, !llvm.ptr<1>
          llvm.return
        }
      }
      llvm.func @k(%x: !llvm.ptr, %task: i64, %scratch: !llvm.ptr) attributes {nf.gpu_threads = 32 : i64} {
        llvm.return
      }
    }
    ```
    becomes, among others,
    ```mlir
    llvm.func internal @k.code(%x: !llvm.ptr) {
      %t = llvm.call @nf_emulated_thread() : () -> i32
      llvm.call @nf_emulated_barrier() : () -> ()
      llvm.store %t, %x : i32, !llvm.ptr
      llvm.return
    }
    llvm.func @nf_emulated_thread() -> i32
    llvm.func @nf_emulated_barrier()
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
  let options = [Option<"checkKernels", "check-kernels", "bool", /*default=*/"false",
                        "tell the emulated GPU of each access, so that it can refuse mistakes">];
}

def EmbedGpu : Pass<"nf-embed-gpu", "::mlir::ModuleOp"> {
  let summary = "GPU kernels become code in the module's data";
  let description = [{
    Takes the kernels of `@nf_gpu` in the dialects llvm and nvvm: they become PTX for the capabilities 80 and 90, which
    drivers compile, and, by ptxas, a cubin for each processor of `cubins`. Each is a global of bytes, listed in the
    module's `nf.gpu_images` for nf-emit-table. The kernel's function in the host module gets `nf.gpu_shared`, the bytes
    of its shared memory, and `nf.gpu_registers`, the most that ptxas gave a thread.

    ```mlir
    module {
      gpu.module @nf_gpu {
        llvm.mlir.global internal @k.row() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<32 x f32>
        llvm.func @k(%x: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 32>} {
          %shared = llvm.mlir.addressof @k.row : !llvm.ptr<3>
          %value = llvm.load %shared : !llvm.ptr<3> -> f32
          llvm.store %value, %x : f32, !llvm.ptr<1>
          llvm.return
        }
      }
      llvm.func @k(%x: !llvm.ptr, %task: i64, %scratch: !llvm.ptr) attributes {nf.gpu_threads = 32 : i64} {
        llvm.return
      }
    }
    ```
    becomes, among others,
    ```mlir
    llvm.func @k(%x: !llvm.ptr, %task: i64, %scratch: !llvm.ptr)
        attributes {nf.gpu_shared = 128 : i64, nf.gpu_threads = 32 : i64} {
      llvm.return
    }
    ```
  }];
  let options = [
    ListOption<"cubins", "cubins", "std::string", "processors that ptxas assembles for: sm_80, sm_90, sm_90a">,
    Option<"ptxas", "ptxas", "std::string", "", "the path of ptxas; without it there is PTX alone">
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // NF_PASSES_GPU_PASSES_TD
