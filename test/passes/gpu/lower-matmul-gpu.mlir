// RUN: nf-opt %s --nf-lower-matmul-gpu --canonicalize --split-input-file | FileCheck %s

// Row-major C[4, 6] = A[4, 8] B[6, 8]ᵀ is column-major D[6, 4] = op(B) A: 8 × 6 transposed, 8 × 4, 6 × 4. The bias is an
// epilogue (4) of a product that adds under the flag (2), and a kernel behind it adds it where that is refused.
// CHECK-LABEL: llvm.func @add_bias_gpu_4x6_f32_f32_by2_without_epilogue
// CHECK: llvm.load {{.*}} : !llvm.ptr<1> -> vector<2xf32>
// CHECK: arith.addf
// CHECK-LABEL: program @linear
// CHECK-DAG: %[[X:.*]] = buffer transient 0
// CHECK-DAG: %[[W:.*]] = buffer persistent 32
// CHECK-DAG: %[[B:.*]] = buffer persistent 256
// CHECK-DAG: %[[F:.*]] = buffer transient 256
// CHECK-DAG: %[[Y:.*]] = buffer transient 128
// CHECK: launch @gemm_4x6x8_nt_f32_f32_flag_bias(%[[W]], %[[X]], %[[Y]], %[[F]], %[[B]]) tasks 1
// CHECK-NEXT: launch @add_bias_gpu_4x6_f32_f32_by2_without_epilogue(%[[Y]], %[[B]]) tasks 1
// CHECK: func.func private @gemm_4x6x8_nt_f32_f32_flag_bias({{.*}}) attributes {nf.gpu_gemm = array<i64: 8, 6, 8, 48, 0, 32, 8, 4, 8, 32, 0, 256, 6, 4, 6, 24, 0, 128, 1, 33554432, 1, 0, 2, 4>}
// CHECK: func.func private @add_bias_gpu_4x6_f32_f32_by2_without_epilogue({{.*}}) attributes {nf.gpu_threads = 32 : i64, nf.gpu_without_epilogue}
nf.program @linear() attributes {transient_bytes = 512 : i64, nf.arguments = []} {
  %x = nf.buffer transient 0 : memref<4x8xf32>
  %w = nf.buffer persistent 32 : memref<6x8xf32>
  %b = nf.buffer persistent 256 : memref<6xf32>
  %f = nf.buffer transient 256 : memref<i32>
  %y = nf.buffer transient 128 : memref<4x6xf32>
  nf.matmul %x, %w bias %b accumulate %f outs(%y) {transpose_b}
      : (memref<4x8xf32>, memref<6x8xf32>, memref<6xf32>, memref<i32>, memref<4x6xf32>) -> ()
  nf.return
}

// -----

// bf16 into fp32 with a bf16 bias: the library has no such epilogue, so a kernel always adds it. Of two products that
// differ in alignment alone each has its own numbers.
// CHECK-LABEL: program @wide_result
// CHECK: launch @gemm_2_4x6x8_tn_bf16_f32_add({{.*}}) tasks 1
// CHECK-NEXT: launch @add_bias_gpu_8x6_f32_bf16_by2({{.*}}) tasks 1
// CHECK-NEXT: launch @gemm_2_4x6x8_tn_bf16_f32_add_1({{.*}}) tasks 1
// CHECK: @gemm_2_4x6x8_tn_bf16_f32_add({{.*}}) attributes {nf.gpu_gemm = array<i64: 6, 8, 6, 48, 1, 32, 4, 8, 4, 32, 1, 64, 6, 4, 6, 24, 0, 32, 2, 33554432, 0, 1, 1, 1>}
// CHECK: @add_bias_gpu_8x6_f32_bf16_by2({{.*}}) attributes {nf.gpu_threads = 32 : i64}
// CHECK: @gemm_2_4x6x8_tn_bf16_f32_add_1({{.*}}) attributes {nf.gpu_gemm = array<i64: 6, 8, 6, 48, 1, 16,
nf.program @wide_result() attributes {transient_bytes = 4096 : i64, nf.arguments = []} {
  %x = nf.buffer transient 0 : memref<2x8x4xbf16>
  %w = nf.buffer persistent 0 : memref<2x8x6xbf16>
  %v = nf.buffer persistent 208 : memref<2x8x6xbf16>
  %b = nf.buffer persistent 512 : memref<6xbf16>
  %y = nf.buffer transient 256 : memref<2x4x6xf32>
  nf.matmul %x, %w bias %b outs(%y) {transpose_a, always_accumulate}
      : (memref<2x8x4xbf16>, memref<2x8x6xbf16>, memref<6xbf16>, memref<2x4x6xf32>) -> ()
  nf.matmul %x, %v outs(%y) {transpose_a, always_accumulate}
      : (memref<2x8x4xbf16>, memref<2x8x6xbf16>, memref<2x4x6xf32>) -> ()
  nf.return
}

// -----

// A matrix may start anywhere: the algorithm is told.
// CHECK-LABEL: program @unaligned
// CHECK: launch @gemm_4x8x8_nn_f32_f32
// CHECK: nf.gpu_gemm = array<i64: 8, 8, 8, 64, 0, 4, 8, 4, 8, 32, 0, 256, 8, 4, 8, 32, 0, 8,
nf.program @unaligned() attributes {transient_bytes = 4096 : i64, nf.arguments = []} {
  %x = nf.buffer transient 0 : memref<4x8xf32>
  %w = nf.buffer persistent 260 : memref<8x8xf32>
  %y = nf.buffer transient 264 : memref<4x8xf32>
  nf.matmul %x, %w outs(%y) : (memref<4x8xf32>, memref<8x8xf32>, memref<4x8xf32>) -> ()
  nf.return
}
