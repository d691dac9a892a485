// RUN: nf-opt %s --nf-lower-matmul=bf16-products --split-input-file | FileCheck %s

// Blocks of 256 of the inner extent: A as it is, B rounded and transposed in blocks of 16 × 16 pairs, 8 × 3 vectors of
// sums, no library.
// CHECK-NOT: nf_gemm_f32
// CHECK: func.func private @matmul_64x48x1024_nt_bias_bf16_f32_bf16({{.*}} attributes {nf.scratch_bytes = {{[1-9][0-9]*}} : i64}
// CHECK: scf.for {{.*}} step %c256
// CHECK: arith.truncf {{.*}} : vector<32xf32> to vector<32xbf16>
// CHECK: vector.shuffle
// CHECK: scf.for {{.*}} iter_args(
// CHECK-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK-NOT: llvm.call_intrinsic
// CHECK: arith.truncf {{.*}} : vector<16xf32> to vector<16xbf16>
// CHECK: program @forward
nf.program @forward() attributes {transient_bytes = 524288 : i64, nf.arguments = []} {
  %x = nf.buffer transient 0 : memref<64x1024xbf16>
  %w = nf.buffer transient 131072 : memref<48x1024xf32>
  %b = nf.buffer transient 393216 : memref<48xf32>
  %y = nf.buffer transient 400000 : memref<64x48xbf16>
  nf.matmul %x, %w bias %b outs(%y) {transpose_b} : (memref<64x1024xbf16>, memref<48x1024xf32>, memref<48xf32>, memref<64x48xbf16>) -> ()
  nf.return
}

// -----

// Both operands of a weight's gradient are [tokens, columns]: two rows become one of pairs. The flag decides whether the
// sums start as the old ones.
// CHECK: func.func private @matmul_48x32x64_tn_flag_bf16_bf16_f32(
// CHECK: scf.if
// CHECK: vector.interleave {{.*}} : vector<16xbf16> -> vector<32xbf16>
// CHECK: llvm.call_intrinsic
// CHECK-NOT: arith.truncf
// CHECK: program @gradient
nf.program @gradient() attributes {transient_bytes = 262144 : i64, nf.arguments = []} {
  %dy = nf.buffer transient 0 : memref<64x48xbf16>
  %x = nf.buffer transient 8192 : memref<64x32xbf16>
  %d = nf.buffer transient 65536 : memref<48x32xf32>
  %flag = nf.buffer transient 131072 : memref<i32>
  nf.matmul %dy, %x accumulate %flag outs(%d) {transpose_a} : (memref<64x48xbf16>, memref<64x32xbf16>, memref<i32>, memref<48x32xf32>) -> ()
  nf.return
}

// -----

// f32 products, and inner extents without pairs, stay with the library.
// CHECK-DAG: func.func private @matmul_8x8x8_nn(
// CHECK-DAG: func.func private @matmul_8x8x7_nn_bf16_bf16_f32(
// CHECK-NOT: llvm.call_intrinsic
// CHECK: program @library
nf.program @library() attributes {transient_bytes = 262144 : i64, nf.arguments = []} {
  %x = nf.buffer transient 0 : memref<8x8xf32>
  %y = nf.buffer transient 256 : memref<8x8xf32>
  %a = nf.buffer transient 512 : memref<8x7xbf16>
  %b = nf.buffer transient 1024 : memref<7x8xbf16>
  nf.matmul %x, %x outs(%y) : (memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>) -> ()
  nf.matmul %a, %b outs(%y) : (memref<8x7xbf16>, memref<7x8xbf16>, memref<8x8xf32>) -> ()
  nf.return
}
