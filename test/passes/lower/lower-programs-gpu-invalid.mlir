// RUN: not nf-opt %s --nf-lower-programs 2>&1 | FileCheck %s

// A module for a GPU has no code of the CPU in its programs.
module {
  llvm.func @k(%x: !llvm.ptr, %task: i64, %scratch: !llvm.ptr) attributes {nf.gpu_threads = 64 : i64} {
    llvm.return
  }
  llvm.func @host(%x: !llvm.ptr, %task: i64, %scratch: !llvm.ptr) {
    llvm.return
  }
  nf.program @p() attributes {transient_bytes = 512 : i64, nf.arguments = []} {
    %x = nf.buffer transient 64 : memref<8xf32>
    nf.launch @k(%x) tasks 4 : memref<8xf32>
    // CHECK: [[#@LINE+1]]:5: error: 'nf.launch' op expected @host to be a GPU's kernel or product, as others of the module are, but got code of the CPU
    nf.launch @host(%x) tasks 2 : memref<8xf32>
    nf.return
  }
}
