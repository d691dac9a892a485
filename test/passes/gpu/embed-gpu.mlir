// RUN: nf-opt --nf-embed-gpu %s | FileCheck %s
// RUN: nf-opt --nf-embed-gpu %s | nf-opt --nf-embed-gpu | FileCheck %s
// RUN: nf-opt --nf-embed-gpu --nf-lower-programs --nf-emit-table %s | FileCheck %s --check-prefix=TABLE
// RUN: not nf-opt '--nf-embed-gpu=cubins=sm_90a ptxas=/bin/false' %s 2>&1 | FileCheck %s --check-prefix=REFUSED
// RUN: not nf-opt '--nf-embed-gpu=cubins=sm_12 ptxas=/bin/false' %s 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// PTX for any GPU from each of two capabilities on, which ends in NUL, and a list of it.
// CHECK: nf.gpu_images = [{capability = 80 : i64, is_exact = 0 : i64, kind = 0 : i64, size = [[SIZE:[0-9]+]] : i64, symbol = "sm_80.ptx"},
// CHECK-SAME: {capability = 90 : i64, is_exact = 0 : i64, kind = 0 : i64, size = [[SIZE]] : i64, symbol = "sm_90.ptx"}]
// CHECK-NOT: gpu.module
// What ptxas would say of registers is not known without it.
// CHECK: llvm.func @k({{.*}}) attributes {nf.gpu_shared = 128 : i64, nf.gpu_threads = 64 : i64}
// CHECK: llvm.mlir.global internal constant @sm_80.ptx("{{.*}}.version 8.0{{.*}}.target sm_80\0A{{.*}}.entry k({{.*}}\00")
// CHECK-SAME: alignment = 64
// CHECK: llvm.mlir.global internal constant @sm_90.ptx("{{.*}}.target sm_90\0A{{.*}}\00")

// A work without emulated code; the table of images and what opens the GPU.
// TABLE-DAG: llvm.func @nf_cuda_open(!llvm.ptr)
// TABLE-DAG: global internal constant @nf.kernels() {{.*}} : !llvm.array<1 x struct<(ptr, i32, i32, i32, i32, i32, i32, i64, i64, i64, ptr, ptr)>>
// TABLE-NOT: @k.thread
// TABLE: llvm.mlir.global internal constant @nf.gpu.images()
// TABLE: llvm.mlir.addressof @sm_80.ptx
// TABLE: llvm.mlir.addressof @sm_90.ptx
// TABLE: llvm.mlir.global internal constant @nf.gpu.table()
// TABLE: llvm.mlir.addressof @nf_cuda_open
// TABLE: llvm.mlir.global external constant @nf_program_table()
// TABLE: llvm.mlir.addressof @nf.gpu.table

// REFUSED: error: /bin/false: error: expected it to end without one
// UNKNOWN: error: expected sm_80, sm_90 or sm_90a, but got sm_12
module attributes {nf.persistent_bytes = 0 : i64} {
  gpu.module @nf_gpu {
    llvm.mlir.global internal @k.exchange() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<32 x f32>
    llvm.func @k(%x: !llvm.ptr<1> {llvm.noalias}) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
      %thread = nvvm.read.ptx.sreg.tid.x : i32
      %shared = llvm.mlir.addressof @k.exchange : !llvm.ptr<3>
      llvm.store %thread, %shared : i32, !llvm.ptr<3>
      nvvm.barrier0
      %value = llvm.load %shared : !llvm.ptr<3> -> i32
      llvm.store %value, %x : i32, !llvm.ptr<1>
      llvm.return
    }
  }
  llvm.func @k(%x: !llvm.ptr, %task: i64, %scratch: !llvm.ptr) attributes {nf.gpu_threads = 64 : i64} {
    llvm.return
  }
  nf.program @p() attributes {transient_bytes = 512 : i64, nf.arguments = []} {
    %x = nf.buffer persistent 64 : memref<8xf32>
    nf.launch @k(%x) tasks 4 : memref<8xf32>
    nf.return
  }
}
