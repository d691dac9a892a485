// RUN: nf-opt %s --nf-stage-llvm=target=cuda-emulated | FileCheck %s
// RUN: nf-opt %s --nf-stage-llvm="target=cuda-emulated check-kernels" | FileCheck %s --check-prefix=CHECKED

// Lists of checked kernels have the bytes of each launch's buffers.
// CHECKED: @nf_program_p.launches.sizes(dense<[32, 4, 32, 32, 32, 32, 4]>
// CHECKED: @nf_program_p.launches.checks()
// CHECKED: llvm.mlir.addressof @nf_program_p.launches.checks

// A program for a GPU is a list for nf_gpu_run: what launches name is in a table of works, kernels and products; numbers
// lie 16 bytes apart.
// CHECK: @nf_program_p.launches.numbers(dense<[0, 4, 0, 2, 192, 2, 1, 1, 2, 3, 192, 576, 1152, 0, 4, 0, 2, 192, 50]> : tensor<19xi64>)
// CHECK: global internal constant @nf_program_p.launches()
// CHECK: llvm.mlir.zero : !llvm.ptr
// CHECK: !llvm.struct<(struct<(ptr, i64, ptr, ptr, ptr)>, ptr, i64, ptr)>
// CHECK: llvm.func internal @nf_program_p(
// CHECK: llvm.call @nf_gpu_run(
// CHECK: global internal constant @gemm.gemm()
// CHECK: global internal constant @nf.kernels()
// CHECK: llvm.mlir.constant(64 : i32)
// CHECK: addressof @k.thread
// CHECK: addressof @gemm.gemm
// CHECK: @nf.launch_names("k\00gemm\00")
// CHECK: @nf.launch_constants(dense<[7, 0, 0, 0, 9, 0, 0, 0]> : tensor<8xi32>) {{.*}}alignment = 16
// CHECK-NOT: func.func
// CHECK-NOT: llvm.func @gemm
module attributes {nf.persistent_bytes = 0 : i64} {
  gpu.module @nf_gpu {
    llvm.func @k(%x: !llvm.ptr<1>, %n: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
      llvm.return
    }
  }
  func.func private @k(%x: memref<8xf32>, %n: memref<1xi32>, %task: index, %scratch: memref<?xi8>)
      attributes {nf.gpu_threads = 64 : i64} {
    return
  }
  func.func private @gemm(%a: memref<8xf32>, %b: memref<8xf32>, %d: memref<8xf32>, %task: index, %scratch: memref<?xi8>)
      attributes {nf.gpu_gemm = array<i64: 1, 8, 1, 8, 0, 64, 8, 1, 8, 8, 0, 64, 1, 1, 1, 1, 0, 64, 1, 0, 0, 0, 0, 1>} {
    return
  }
  nf.program @p() attributes {transient_bytes = 512 : i64, nf.arguments = []} {
    %x = nf.buffer persistent 64 : memref<8xf32>
    %y = nf.buffer persistent 192 : memref<8xf32>
    %z = nf.buffer persistent 384 : memref<8xf32>
    %n = nf.number 7 : memref<1xi32>
    %m = nf.number 9 : memref<1xi32>
    nf.launch @k(%x, %n) tasks 4 : memref<8xf32>, memref<1xi32>
    nf.launch @gemm(%x, %y, %z) tasks 1 : memref<8xf32>, memref<8xf32>, memref<8xf32>
    nf.launch @k(%x, %m) tasks 4 : memref<8xf32>, memref<1xi32>
    nf.return
  }
}
