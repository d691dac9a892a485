// RUN: nf-opt %s --nf-lower-copy-gpu --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// A transpose: each of 256 threads reads four elements of a row, and writes four of a column's, through a tile whose rows
// have 33 elements.
// CHECK-LABEL: llvm.mlir.global internal @copy_gpu_f32_80s1s70_70s80s1.tile() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<1056 x f32>
// CHECK: llvm.func @copy_gpu_f32_80s1s70_70s80s1(%[[IN:.*]]: !llvm.ptr<1> {llvm.noalias}, %[[OUT:.*]]: !llvm.ptr<1> {llvm.noalias}) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 256>}
// CHECK-COUNT-4: llvm.load {{.*}} : !llvm.ptr<1> -> f32
// CHECK-COUNT-4: llvm.store {{.*}} : f32, !llvm.ptr<3>
// CHECK: nvvm.barrier0
// CHECK: scf.if
// CHECK: arith.muli {{.*}}, %c33_i64
// CHECK: llvm.load {{.*}} : !llvm.ptr<3> -> f32
// CHECK: llvm.store {{.*}} : f32, !llvm.ptr<1>
// CHECK-LABEL: program @transposes
// CHECK: launch @copy_gpu_f32_80s1s70_70s80s1({{.*}}) tasks 9
// CHECK: launch @copy_gpu_f32_80s1s70_70s80s1({{.*}}) tasks 9
// CHECK-NOT: nf.copy
// CHECK: func.func private @copy_gpu_f32_80s1s70_70s80s1({{.*}}) attributes {nf.gpu_threads = 256 : i64}
nf.program @transposes() attributes {transient_bytes = 65536 : i64, nf.arguments = []} {
  %a = nf.buffer transient 0 : memref<70x80xf32>
  %b = nf.buffer transient 22400 : memref<80x70xf32>
  nf.copy %a to %b sizes [80, 70] from 0 strides [1, 80] to 0 strides [70, 1] : memref<70x80xf32>, memref<80x70xf32>
  nf.copy %a to %b sizes [80, 70] from 0 strides [1, 80] to 0 strides [70, 1] : memref<70x80xf32>, memref<80x70xf32>
  nf.return
}

// -----

// A broadcast of rows in 16 bytes at once, eight bf16, after a fill. Nothing is read for the fill.
// CHECK-LABEL: llvm.func @fill_gpu_bf16_12288_by8
// CHECK-NOT: llvm.load
// CHECK: llvm.store {{.*}} {alignment = 16 : i64} : vector<8xbf16>, !llvm.ptr<1>
// CHECK-LABEL: llvm.func @copy_gpu_bf16_3s0s4096_2048s1s1_by8
// CHECK: llvm.load {{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xbf16>
// CHECK-NOT: scf.if
// CHECK: llvm.store {{.*}} {alignment = 16 : i64} : vector<8xbf16>, !llvm.ptr<1>
// CHECK-LABEL: program @broadcast
// CHECK: launch @fill_gpu_bf16_12288_by8({{.*}}) tasks 6
// CHECK: launch @copy_gpu_bf16_3s0s4096_2048s1s1_by8({{.*}}) tasks 3
nf.program @broadcast() attributes {transient_bytes = 65536 : i64, nf.arguments = []} {
  %c = nf.buffer transient 0 : memref<2048xbf16>
  %d = nf.buffer transient 4096 : memref<3x4096xbf16>
  nf.copy %c to %d sizes [3, 2048] from 0 strides [0, 1] to 0 strides [4096, 1] {fill} : memref<2048xbf16>, memref<3x4096xbf16>
  nf.return
}

// -----

// A source that stands still along the last axis is read once for a vector.
// CHECK-LABEL: llvm.func @copy_gpu_f32_8s1s4_4s0s1_by4
// CHECK: llvm.load {{.*}} {alignment = 4 : i64} : !llvm.ptr<1> -> f32
// CHECK: vector.broadcast
// CHECK: llvm.store {{.*}} : vector<4xf32>, !llvm.ptr<1>
nf.program @columns() attributes {transient_bytes = 65536 : i64, nf.arguments = []} {
  %a = nf.buffer transient 0 : memref<8xf32>
  %b = nf.buffer transient 64 : memref<8x4xf32>
  nf.copy %a to %b sizes [8, 4] from 0 strides [1, 0] to 0 strides [4, 1] : memref<8xf32>, memref<8x4xf32>
  nf.return
}

// -----

// A piece of a concatenation that starts at 8 bytes behind a multiple of 16: the pointer stays at the multiple.
// CHECK-LABEL: program @unaligned
// CHECK: buffer transient 64 : memref<34xf32>
// CHECK: launch @copy_gpu_f32_32s1s1_by2_at2_0
nf.program @unaligned() attributes {transient_bytes = 65536 : i64, nf.arguments = []} {
  %in = nf.buffer transient 0 : memref<64xf32>
  %out = nf.buffer transient 192 : memref<32xf32>
  nf.copy %in to %out sizes [32] from 18 strides [1] to 0 strides [1] : memref<64xf32>, memref<32xf32>
  nf.return
}

// -----

// Masks are bytes.
// CHECK-LABEL: llvm.func @copy_gpu_i1_64s1s1_by16
// CHECK: llvm.load {{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<16xi8>
nf.program @masks() attributes {transient_bytes = 65536 : i64, nf.arguments = []} {
  %in = nf.buffer transient 0 : memref<64xi1>
  %out = nf.buffer transient 192 : memref<64xi1>
  nf.copy %in to %out sizes [64] from 0 strides [1] to 0 strides [1] : memref<64xi1>, memref<64xi1>
  nf.return
}

// -----

// No-op: no copy.
// CHECK-LABEL: program @nothing
// CHECK-NOT: launch
nf.program @nothing() attributes {transient_bytes = 0 : i64, nf.arguments = []} {
  nf.return
}

// -----

func.func @not_planned(%in: memref<8xf32>, %out: memref<8xf32>) {
  // expected-error@+1 {{expected operands made by nf.buffer}}
  nf.copy %in to %out sizes [8] from 0 strides [1] to 0 strides [1] : memref<8xf32>, memref<8xf32>
  return
}
