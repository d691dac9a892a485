// RUN: nf-opt %s --nf-stage-llvm | FileCheck %s

// A program becomes a function that launches; its kernel gets an entry of type nf_kernel. What nf-emit-table makes of
// the rest is emit-table.mlir's.
// CHECK: llvm.func internal @k.body(
// CHECK: llvm.func internal @k(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr)
// CHECK: llvm.call @k.body
// CHECK: llvm.func internal @nf_program_eval.0(%[[CONTEXT:.*]]: !llvm.ptr)
// CHECK: %[[KERNEL:.*]] = llvm.mlir.addressof @k
// CHECK: llvm.call @nf_launch(%[[CONTEXT]], %[[KERNEL]],
// CHECK: llvm.func internal @nf_program_eval(%[[C:.*]]: !llvm.ptr)
// CHECK: llvm.call @nf_program_eval.0(%[[C]])
// CHECK-NOT: nf.launch
module attributes {nf.persistent_bytes = 0 : i64} {
  func.func private @k(%x: memref<8xf32>, %task: index, %scratch: memref<?xi8>) {
    %zero = arith.constant 0.0 : f32
    memref.store %zero, %x[%task] : memref<8xf32>
    return
  }
  nf.program @eval() attributes {transient_bytes = 64 : i64, nf.arguments = []} {
    %x = nf.buffer transient 0 : memref<8xf32>
    nf.launch @k(%x) tasks 2 : memref<8xf32>
    nf.return
  }
}
