// RUN: nf-opt %s --nf-lower-scatter-add-gpu --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: llvm.func @fill_gpu_f32_960_by4
// CHECK: llvm.mlir.global internal @scatter_add_gpu_10x96_70_f32_by4.equal() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<3 x i32>
// CHECK: llvm.func @scatter_add_gpu_10x96_70_f32_by4({{.*}}) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 32>}
// Who has this index, then a block that is not the first of them ends, and the first one adds in ascending order.
// CHECK: nvvm.vote.sync ballot
// CHECK: llvm.store %{{.*}} : i32, !llvm.ptr<3>
// CHECK: nvvm.barrier0
// CHECK: scf.if
// CHECK: llvm.load {{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
// CHECK: math.cttz
// CHECK: arith.addf
// CHECK: llvm.store {{.*}} : vector<4xf32>, !llvm.ptr<1>
// CHECK-NOT: atomic
// CHECK-LABEL: program @overwrites
// CHECK: launch @fill_gpu_f32_960_by4({{.*}}) tasks 1
// CHECK: launch @scatter_add_gpu_10x96_70_f32_by4({{.*}}) tasks 70
nf.program @overwrites() attributes {transient_bytes = 65536 : i64, nf.arguments = []} {
  %rows = nf.buffer transient 0 : memref<7x10x96xf32>
  %ids = nf.buffer transient 26880 : memref<7x10xi32>
  %table = nf.buffer persistent 0 : memref<10x96xf32>
  nf.scatter_add %rows, %ids outs(%table) : (memref<7x10x96xf32>, memref<7x10xi32>, memref<10x96xf32>) -> ()
  nf.return
}

// -----

// Under the flag the table is cleared where that is 0.
// CHECK-LABEL: llvm.func @fill_unless_gpu_f32_50_by2
// CHECK: llvm.load {{.*}} : !llvm.ptr<1> -> i32
// CHECK: arith.cmpi eq
// CHECK-LABEL: program @under_the_flag
// CHECK: launch @fill_unless_gpu_f32_50_by2(%[[TABLE:.*]], %[[FLAG:.*]]) tasks 1
// CHECK: launch @scatter_add_gpu_10x5_6_bf16_by1(
nf.program @under_the_flag() attributes {transient_bytes = 65536 : i64, nf.arguments = []} {
  %rows = nf.buffer transient 0 : memref<6x5xbf16>
  %ids = nf.buffer transient 64 : memref<6xi32>
  %flag = nf.buffer transient 128 : memref<i32>
  %table = nf.buffer persistent 0 : memref<10x5xf32>
  nf.scatter_add %rows, %ids accumulate %flag outs(%table) : (memref<6x5xbf16>, memref<6xi32>, memref<i32>, memref<10x5xf32>) -> ()
  nf.return
}

// -----

// No-op: it always adds, so nothing is cleared.
// CHECK-LABEL: program @always
// CHECK-NOT: launch @fill
// CHECK: launch @scatter_add_gpu
nf.program @always() attributes {transient_bytes = 65536 : i64, nf.arguments = []} {
  %rows = nf.buffer transient 0 : memref<6x8xf32>
  %ids = nf.buffer transient 192 : memref<6xi32>
  %table = nf.buffer persistent 0 : memref<10x8xf32>
  nf.scatter_add %rows, %ids outs(%table) {always_accumulate} : (memref<6x8xf32>, memref<6xi32>, memref<10x8xf32>) -> ()
  nf.return
}

// -----

nf.program @too_many() attributes {transient_bytes = 4194304 : i64, nf.arguments = []} {
  %rows = nf.buffer transient 0 : memref<400000x1xf32>
  %ids = nf.buffer transient 1600000 : memref<400000xi32>
  %table = nf.buffer persistent 0 : memref<10x1xf32>
  // expected-error@+1 {{expected at most 393216 rows, but got 400000}}
  nf.scatter_add %rows, %ids outs(%table) : (memref<400000x1xf32>, memref<400000xi32>, memref<10x1xf32>) -> ()
  nf.return
}
