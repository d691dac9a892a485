// RUN: nf-opt %s --nf-lower-copy --split-input-file | FileCheck %s

// A transpose and a contiguous copy.
// CHECK-DAG: func.func private @[[T:copy_f32_8s1s4_4s8s1]](
// CHECK-DAG: func.func private @[[C:copy_f32_32s1s1]](
// CHECK: program @copies
// CHECK: launch @[[T]](
// CHECK: launch @[[C]](
// CHECK-NOT: nf.copy
nf.program @copies() attributes {transient_bytes = 65536 : i64, nf.arguments = []} {
  %a = nf.buffer transient 0 : memref<4x8xf32>
  %b = nf.buffer transient 1024 : memref<8x4xf32>
  %c = nf.buffer transient 2048 : memref<32xf32>
  nf.copy %a to %b sizes [8, 4] from 0 strides [1, 8] to 0 strides [4, 1] : memref<4x8xf32>, memref<8x4xf32>
  nf.copy %a to %c sizes [32] from 0 strides [1] to 0 strides [1] : memref<4x8xf32>, memref<32xf32>
  nf.return
}

// -----

// No-op: no copy.
// CHECK-LABEL: program @nothing
// CHECK-NOT: launch
nf.program @nothing() attributes {transient_bytes = 0 : i64, nf.arguments = []} {
  nf.return
}
