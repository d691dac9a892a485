// RUN: not nf-opt %s --nf-lower-matmul-gpu 2>&1 | FileCheck %s

// What cuBLASLt does not multiply, and a sum that it would not add to a state: all at once.
nf.program @p() attributes {transient_bytes = 4096 : i64, nf.arguments = []} {
  %x = nf.buffer transient 0 : memref<4x8xf32>
  %w = nf.buffer persistent 0 : memref<6x8xbf16>
  %y = nf.buffer transient 256 : memref<4x6xf32>
  // CHECK: [[#@LINE+1]]:3: error: 'nf.matmul' op expected f32 matrices, or bf16 with a result of bf16 or f32, for a GPU, but got 'f32' and 'bf16' with a result of 'f32'
  nf.matmul %x, %w outs(%y) {transpose_b} : (memref<4x8xf32>, memref<6x8xbf16>, memref<4x6xf32>) -> ()
  %dy = nf.buffer transient 0 : memref<8x4xf32>
  %z = nf.buffer transient 128 : memref<8x4xf32>
  %dw = nf.buffer transient 256 : memref<4x4xf32>
  %db = nf.buffer transient 320 : memref<4xf32>
  // CHECK: [[#@LINE+1]]:3: error: 'nf.matmul' op expected a product alone for a GPU, but got the sum of an operand beside it
  nf.matmul %dy, %z outs(%dw, %db) {sum_lhs, transpose_a, always_accumulate} : (memref<8x4xf32>, memref<8x4xf32>, memref<4x4xf32>, memref<4xf32>) -> ()
  nf.return
}
