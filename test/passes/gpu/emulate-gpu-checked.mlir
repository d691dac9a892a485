// RUN: nf-opt --nf-emulate-gpu=check-kernels %s --mlir-print-local-scope | FileCheck %s

// Calls in front of everything that uses memory or waits, and the table of places that they name.

gpu.module @nf_gpu {
  llvm.mlir.global internal @k.before() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<8 x f32>
  llvm.mlir.global internal @k.tile() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<32 x f32>
  llvm.func @k(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 32>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %place = llvm.getelementptr %y[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %value = llvm.load %place : !llvm.ptr<1> -> f32
    %before = llvm.mlir.addressof @k.before : !llvm.ptr<3>
    %tile = llvm.mlir.addressof @k.tile : !llvm.ptr<3>
    %own = llvm.getelementptr %tile[%thread] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    llvm.store %value, %own : f32, !llvm.ptr<3> loc("layers.0"("m.toml":1:1))
    llvm.store %value, %before : f32, !llvm.ptr<3>
    nvvm.barrier0
    %all = llvm.mlir.constant(-1 : i32) : i32
    nvvm.bar.warp.sync %all : i32
    %count = llvm.mlir.constant(8 : i32) : i32
    nvvm.cp.async.shared.global %tile, %x, 16, cache = cg, %count : !llvm.ptr<3>, !llvm.ptr<1>, i32
    llvm.return
  }
}
llvm.func @k(%x: !llvm.ptr, %y: !llvm.ptr, %task: i64, %scratch: !llvm.ptr) attributes {nf.gpu_threads = 32 : i64} {
  llvm.return
}

// CHECK-LABEL: llvm.func internal @k.code(
// CHECK: %[[PLACE:.*]] = llvm.getelementptr %arg1
// CHECK: %[[TABLE:.*]] = llvm.mlir.addressof @k.sites : !llvm.ptr
// CHECK: %[[SITE:.*]] = llvm.getelementptr %[[TABLE]][0]
// CHECK: %[[FOUR:.*]] = llvm.mlir.constant(4 : i32)
// CHECK: llvm.call @nf_emulated_access(%[[SITE]], %[[PLACE]], %[[FOUR]])
// CHECK-NEXT: llvm.load %[[PLACE]]
// CHECK: %[[SITE:.*]] = llvm.getelementptr %{{.*}}[48]
// CHECK: llvm.call @nf_emulated_access(%[[SITE]],
// CHECK-NEXT: llvm.store
// CHECK: llvm.call @nf_emulated_access(
// CHECK-NEXT: llvm.store
// CHECK: llvm.call @nf_emulated_at(
// CHECK-NEXT: llvm.call @nf_emulated_barrier()
// CHECK: llvm.call @nf_emulated_at(
// CHECK-NEXT: llvm.call @nf_emulated_warp_barrier(
// CHECK: llvm.call @nf_emulated_access(%{{.*}}, %arg0, %[[COUNT:[0-9]+]])
// CHECK: %[[SIXTEEN:.*]] = llvm.mlir.constant(16 : i32)
// CHECK: llvm.call @nf_emulated_access(%{{.*}}, %{{[0-9]+}}, %[[SIXTEEN]])
// CHECK: llvm.call @nf_emulated_copy_async(%{{.*}}, %arg0, %{{.*}}, %[[COUNT]])

// A place: text, index, use, whether shared, pointer, alignment, matrices, array.
// CHECK: llvm.mlir.global internal constant @k.sites() {{.*}} !llvm.array<7 x struct<(ptr, i32, i32, i32, i32, i32, i32, i64, i64)>>
// CHECK: llvm.mlir.global private constant @{{.*}}("m.toml:1:1 (layers.0)\00")
