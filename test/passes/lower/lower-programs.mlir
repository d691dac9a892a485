// RUN: nf-opt %s --nf-stage-llvm | FileCheck %s

// A program becomes numbers and a function that gives them to nf_run; a kernel gets an entry of type nf_kernel. A launch
// is kernel, tasks, name, buffers, then each buffer's offset and segment; programs share kernels and names. What
// nf-emit-table makes of the rest is emit-table.mlir's.
// CHECK: llvm.func internal @k.body(
// CHECK: llvm.func internal @k(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr)
// CHECK: llvm.call @k.body
// CHECK: @nf_program_eval.launches.numbers(dense<[0, 2, 0, 1, 192]> : tensor<5xi64>)
// CHECK: global internal constant @nf_program_eval.launches()
// CHECK: addressof @nf_program_eval.launches.numbers
// CHECK: llvm.mlir.constant(1 : i64)
// CHECK: addressof @nf.kernels
// CHECK: addressof @nf.launch_names
// CHECK: llvm.func internal @nf_program_eval(%[[CONTEXT:.*]]: !llvm.ptr)
// CHECK: %[[COUNT:.*]] = llvm.mlir.constant(1 : i64)
// CHECK: %[[ARGS:.*]] = llvm.alloca %[[COUNT]] x !llvm.ptr
// CHECK: %[[LAUNCHES:.*]] = llvm.mlir.addressof @nf_program_eval.launches
// CHECK: llvm.call @nf_run(%[[CONTEXT]], %[[LAUNCHES]], %[[ARGS]])
// CHECK: @nf_program_twice.launches.numbers(dense<[0, 2, 2, 1, 1, 1, 4, 17, 3, 192, 193, 2]> : tensor<12xi64>)
// CHECK: llvm.func internal @nf_program_twice(
// CHECK: llvm.mlir.constant(3 : i64)
// CHECK: global internal constant @nf.kernels()
// CHECK: addressof @k
// CHECK: addressof @copy
// CHECK: @nf.launch_names("k\00k layers.0.mlp\00copy\00")
// CHECK: @nf.launch_constants(dense<4> : tensor<1xi32>)
// CHECK-NOT: nf.launch
module attributes {nf.persistent_bytes = 0 : i64} {
  func.func private @k(%x: memref<8xf32>, %task: index, %scratch: memref<?xi8>) {
    %zero = arith.constant 0.0 : f32
    memref.store %zero, %x[%task] : memref<8xf32>
    return
  }
  func.func private @copy(%x: memref<8xf32>, %y: memref<8xf32>, %n: memref<1xi32>, %task: index,
                          %scratch: memref<?xi8>) {
    %v = memref.load %x[%task] : memref<8xf32>
    memref.store %v, %y[%task] : memref<8xf32>
    return
  }
  nf.program @eval() attributes {transient_bytes = 64 : i64, nf.arguments = []} {
    %x = nf.buffer persistent 64 : memref<8xf32>
    nf.launch @k(%x) tasks 2 : memref<8xf32>
    nf.return
  }
  nf.program @twice() attributes {transient_bytes = 128 : i64, nf.arguments = []} {
    %x = nf.buffer transient 0 : memref<8xf32>
    nf.launch @k(%x) tasks 2 : memref<8xf32> loc("layers.0.mlp")
    %p = nf.buffer persistent 64 : memref<8xf32>
    %y = nf.buffer transient 64 : memref<8xf32>
    %n = nf.number 4 : memref<1xi32>
    nf.launch @copy(%p, %y, %n) tasks 4 : memref<8xf32>, memref<8xf32>, memref<1xi32>
    nf.return
  }
}
