// RUN: nf-opt --nf-emulate-gpu --verify-diagnostics %s

gpu.module @nf_gpu {
  llvm.func @k(%x: !llvm.ptr<1>) attributes {nvvm.kernel} {
    nvvm.cluster.arrive
    nvvm.fence.mbarrier.init
    llvm.return
  }
}
// expected-error@-5 {{'nvvm.cluster.arrive' op expected an op that the emulated GPU knows}}
// expected-error@-5 {{'nvvm.fence.mbarrier.init' op expected an op that the emulated GPU knows}}
llvm.func @k(%x: !llvm.ptr, %task: i64, %scratch: !llvm.ptr) attributes {nf.gpu_threads = 64 : i64} {
  llvm.return
}
