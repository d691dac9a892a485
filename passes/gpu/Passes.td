//===- Passes.td - kernels for NVIDIA GPUs ----------------------------------------------------------------*- tablegen -*-===//
#ifndef NF_PASSES_GPU_PASSES_TD
#define NF_PASSES_GPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerFusedGpu : Pass<"nf-lower-fused-gpu", "::mlir::ModuleOp"> {
  let summary = "turns fused regions in buffer form into GPU kernels";
  let description = [{
    Every nf.fused with `outs` becomes an nf.launch whose tasks are the kernel's blocks; regions of one structure share a
    kernel. The kernel is an llvm.func of the gpu.module `@nf_gpu` over pointers to global memory, with `nvvm.kernel`
    and `nvvm.maxntid`. Under its name the module has an empty func.func with the number of threads, `nf.gpu_threads`:
    the target's last pass gives it a body that launches the kernel (nf-emulate-gpu runs it on the host).

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
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::gpu::GPUDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def EmulateGpu : Pass<"nf-emulate-gpu", "::mlir::ModuleOp"> {
  let summary = "GPU kernels become functions that run on the host";
  let description = [{
    Takes the kernels of `@nf_gpu` as they would become PTX, in the dialects llvm and nvvm: every nvvm op becomes a call
    of runtime/emulation, pointers to global and shared memory become plain pointers, shared memory a buffer of the
    block. The function of a kernel in the host module gets a body that runs one block, its task. Every op that has no
    host form is listed.

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
}

#endif // NF_PASSES_GPU_PASSES_TD
