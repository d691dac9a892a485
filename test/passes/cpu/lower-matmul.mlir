// RUN: nf-opt %s --nf-lower-matmul --split-input-file --verify-diagnostics | FileCheck %s

// One kernel for two products of one shape; transposed B, a bias, and a sum that a flag starts.
// CHECK-DAG: func.func private @[[K:matmul_64x48x32_nt_bias]](
// CHECK-DAG: func.func private @[[A:matmul_48x32x64_tn_flag]](
// CHECK-DAG: call @nf_gemm_f32
// CHECK: program @products
// CHECK: launch @[[K]]({{.*}}) tasks
// CHECK: launch @[[K]]({{.*}}) tasks
// CHECK: launch @[[A]]({{.*}}) tasks
// CHECK-NOT: matmul %
nf.program @products() attributes {transient_bytes = 262144 : i64, nf.arguments = []} {
  %x = nf.buffer transient 0 : memref<64x32xf32>
  %w = nf.buffer transient 8192 : memref<48x32xf32>
  %b = nf.buffer transient 16384 : memref<48xf32>
  %y = nf.buffer transient 20480 : memref<64x48xf32>
  %z = nf.buffer transient 36864 : memref<64x48xf32>
  %d = nf.buffer transient 65536 : memref<48x32xf32>
  %flag = nf.buffer transient 131072 : memref<i32>
  nf.matmul %x, %w bias %b outs(%y) {transpose_b} : (memref<64x32xf32>, memref<48x32xf32>, memref<48xf32>, memref<64x48xf32>) -> ()
  nf.matmul %x, %w bias %b outs(%z) {transpose_b} : (memref<64x32xf32>, memref<48x32xf32>, memref<48xf32>, memref<64x48xf32>) -> ()
  nf.matmul %y, %x accumulate %flag outs(%d) {transpose_a} : (memref<64x48xf32>, memref<64x32xf32>, memref<i32>, memref<48x32xf32>) -> ()
  nf.return
}

// -----

// No-op: a product of tensors is not planned yet.
// CHECK-LABEL: program @tensors
// CHECK: matmul %x, %x
// CHECK-NOT: func.func
nf.program @tensors(%x: tensor<8x8xf32> {nf.name = "x"}) -> (tensor<8x8xf32> {nf.name = "y"}) {
  %y = nf.matmul %x, %x : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  nf.return %y : tensor<8x8xf32>
}
