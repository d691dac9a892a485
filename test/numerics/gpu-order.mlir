// A kernel whose result depends on the order of its blocks: the last one to write wins. NF_GPU_ORDER draws another order.
// RUN: nf-run %s --target=cuda-emulated --threads=1 > %t.ascending
// RUN: env NF_GPU_ORDER=0 nf-run %s --target=cuda-emulated --threads=1 | cmp - %t.ascending
// RUN: env NF_GPU_ORDER=1 nf-run %s --target=cuda-emulated --threads=1 > %t.drawn
// RUN: env NF_GPU_ORDER=1 nf-run %s --target=cuda-emulated --threads=1 | cmp - %t.drawn
// RUN: not cmp %t.ascending %t.drawn
module attributes {nf.persistent_bytes = 0 : i64} {
  gpu.module @nf_gpu {
    llvm.func @last(%y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 1>} {
      %block = nvvm.read.ptx.sreg.ctaid.x : i32
      %value = llvm.sitofp %block : i32 to f32
      llvm.store %value, %y : f32, !llvm.ptr<1>
      llvm.return
    }
  }
  func.func private @last(%y: memref<1xf32>, %task: index, %scratch: memref<?xi8>)
      attributes {nf.gpu_threads = 1 : i64} {
    return
  }
  nf.program @p() attributes {transient_bytes = 64 : i64, nf.arguments = [
      {direction = 1 : i32, name = "y", offset = 0 : i64, type = tensor<1xf32>}]} {
    %y = nf.buffer transient 0 : memref<1xf32>
    nf.launch @last(%y) tasks 16 : memref<1xf32>
    nf.return
  }
}
