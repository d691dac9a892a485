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

// -----

// The library multiplies f32: a bf16 operand is widened to scratch memory a block of the inner extent at a time, an f32
// operand is read in place, and the bf16 result is rounded after the last block.
// CHECK: func.func private @matmul_64x48x1024_nt_bias_bf16_f32_bf16(%{{.*}}: memref<65536xbf16>, %[[W:.*]]: memref<49152xf32>, {{.*}} attributes {nf.scratch_bytes = {{[1-9][0-9]*}} : i64}
// CHECK: scf.for {{.*}} step %c512
// CHECK: arith.extf {{.*}} : vector<16xbf16> to vector<16xf32>
// CHECK-NOT: arith.extf {{.*}} : vector<16xbf16> to vector<16xf32>
// CHECK: memref.extract_aligned_pointer_as_index %[[W]]
// CHECK: call @nf_gemm_f32
// CHECK: arith.truncf {{.*}} : vector<16xf32> to vector<16xbf16>
// CHECK: program @bf16
nf.program @bf16() attributes {transient_bytes = 524288 : i64, nf.arguments = []} {
  %x = nf.buffer transient 0 : memref<64x1024xbf16>
  %w = nf.buffer transient 131072 : memref<48x1024xf32>
  %b = nf.buffer transient 393216 : memref<48xf32>
  %y = nf.buffer transient 400000 : memref<64x48xbf16>
  nf.matmul %x, %w bias %b outs(%y) {transpose_b} : (memref<64x1024xbf16>, memref<48x1024xf32>, memref<48xf32>, memref<64x48xbf16>) -> ()
  nf.return
}

// -----

// A gradient of bf16 operands is summed in the f32 state itself.
// CHECK: func.func private @matmul_48x32x64_tn_flag_bf16_bf16_f32(
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

// An operand that is summed: the flag decides whether its sum starts anew, and each task adds its slice of columns, 4
// vectors at a time, before the library reads the block.
// CHECK: func.func private @matmul_256x64x512_tn_flag_suma(%[[A:.*]]: memref<131072xf32>, {{.*}}, %[[S:.*]]: memref<256xf32>, %{{.*}}: index,
// CHECK: scf.if
// CHECK: vector.store {{.*}}, %[[S]]
// CHECK: scf.for {{.*}} iter_args({{.*}}, {{.*}}, {{.*}}, {{.*}}) ->
// CHECK-COUNT-4: vector.load %[[A]]
// CHECK: vector.load %[[S]]
// CHECK: vector.store {{.*}}, %[[S]]
// CHECK: call @nf_gemm_f32
// CHECK: program @beside_a_sum
nf.program @beside_a_sum() attributes {transient_bytes = 1048576 : i64, nf.arguments = []} {
  %dy = nf.buffer transient 0 : memref<512x256xf32>
  %x = nf.buffer transient 524288 : memref<512x64xf32>
  %dw = nf.buffer transient 655360 : memref<256x64xf32>
  %db = nf.buffer transient 720896 : memref<256xf32>
  %flag = nf.buffer transient 722000 : memref<i32>
  nf.matmul %dy, %x accumulate %flag outs(%dw, %db) {sum_lhs, transpose_a} : (memref<512x256xf32>, memref<512x64xf32>, memref<i32>, memref<256x64xf32>, memref<256xf32>) -> ()
  nf.return
}

// -----

nf.program @sum_in_other_precision() attributes {transient_bytes = 262144 : i64, nf.arguments = []} {
  %x = nf.buffer transient 0 : memref<8x8xbf16>
  %y = nf.buffer transient 128 : memref<8x8xf32>
  %s = nf.buffer transient 384 : memref<8xbf16>
  // expected-error @+1 {{expected an f32 sum, but got 'memref<8xbf16>'}}
  nf.matmul %x, %x outs(%y, %s) {sum_rhs} : (memref<8x8xbf16>, memref<8x8xbf16>, memref<8x8xf32>, memref<8xbf16>) -> ()
  nf.return
}

// -----

nf.program @f64() attributes {transient_bytes = 262144 : i64, nf.arguments = []} {
  %x = nf.buffer transient 0 : memref<8x8xf64>
  // expected-error @+1 {{expected f32 or bf16, but got 'memref<8x8xf64>'}}
  nf.matmul %x, %x outs(%x) : (memref<8x8xf64>, memref<8x8xf64>, memref<8x8xf64>) -> ()
  nf.return
}

// -----

nf.program @sum_in_bf16() attributes {transient_bytes = 262144 : i64, nf.arguments = []} {
  %x = nf.buffer transient 0 : memref<8x8xbf16>
  %y = nf.buffer transient 128 : memref<8x8xbf16>
  // expected-error @+1 {{expected an f32 destination to add to, but got 'memref<8x8xbf16>'}}
  nf.matmul %x, %x outs(%y) {always_accumulate} : (memref<8x8xbf16>, memref<8x8xbf16>, memref<8x8xbf16>) -> ()
  nf.return
}
