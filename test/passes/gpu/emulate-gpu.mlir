// RUN: nf-opt --nf-emulate-gpu %s | FileCheck %s
// RUN: nf-opt --nf-emulate-gpu %s | nf-opt --nf-emulate-gpu | FileCheck %s

// CHECK-NOT: gpu.module
// CHECK-NOT: nvvm.
// CHECK-NOT: llvm.ptr<

gpu.module @nf_gpu {
  llvm.mlir.global internal @k.exchange() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<32 x f32>
  llvm.func @k(%x: !llvm.ptr<1> {llvm.noalias}) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
    %mask = llvm.mlir.constant(-1 : i32) : i32
    %clamp = llvm.mlir.constant(31 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %block = nvvm.read.ptx.sreg.ctaid.x : i32
    %place = llvm.getelementptr %x[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %value = llvm.load %place : !llvm.ptr<1> -> f32
    %other = nvvm.shfl.sync down %mask, %value, %one, %clamp : f32 -> f32
    %isEven = llvm.icmp "eq" %thread, %one : i32
    %votes = nvvm.vote.sync ballot %mask, %isEven -> i32
    llvm.store %votes, %x : i32, !llvm.ptr<1>
    %shared = llvm.mlir.addressof @k.exchange : !llvm.ptr<3>
    llvm.store %other, %shared : f32, !llvm.ptr<3>
    nvvm.barrier0
    %narrow = llvm.fptrunc %other : f32 to bf16
    llvm.store %narrow, %x : bf16, !llvm.ptr<1>
    llvm.return
  }
}

// The function that stands for the kernel says what its launches need.
// CHECK-LABEL: llvm.func @k(
// CHECK-SAME: attributes {nf.gpu_shared = 128 : i64, nf.gpu_threads = 64 : i64}
llvm.func @k(%x: !llvm.ptr, %task: i64, %scratch: !llvm.ptr) attributes {nf.gpu_threads = 64 : i64} {
  llvm.return
}

// CHECK-LABEL: llvm.func internal @k.code(%{{.*}}: !llvm.ptr {llvm.noalias})
// CHECK: llvm.call @nf_emulated_thread() : () -> i32
// CHECK: llvm.call @nf_emulated_block() : () -> i32
// CHECK: %[[VALUE:.*]] = llvm.load
// CHECK: %[[BITS:.*]] = llvm.bitcast %[[VALUE]] : f32 to i32
// CHECK: %[[DOWN:.*]] = llvm.mlir.constant(2 : i32)
// CHECK: llvm.call @nf_emulated_shuffle(%{{.*}}, %[[BITS]], %{{.*}}, %{{.*}}, %[[DOWN]])
// CHECK: llvm.bitcast %{{.*}} : i32 to f32
// CHECK: %[[PREDICATE:.*]] = llvm.zext %{{.*}} : i1 to i32
// CHECK: llvm.call @nf_emulated_ballot(%{{.*}}, %[[PREDICATE]]) : (i32, i32) -> i32
// CHECK: llvm.call @nf_emulated_shared() : () -> !llvm.ptr
// CHECK: llvm.call @nf_emulated_barrier() : () -> ()
// CHECK-NOT: llvm.fptrunc
// CHECK: llvm.fcmp "uno"
// CHECK: llvm.trunc %{{.*}} : i32 to i16
// CHECK-LABEL: llvm.func internal @k.thread(
// CHECK: llvm.call @k.code
