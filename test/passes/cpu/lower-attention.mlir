// RUN: nf-opt "--nf-lower-attention=vector-width=16" --split-input-file --verify-diagnostics %s | FileCheck %s
// RUN: nf-opt --nf-lower-attention --split-input-file --verify-diagnostics %s | FileCheck %s --check-prefix=WIDTH8

// Forward and backward, one kernel each for two layers, a task a query block or a head.
// CHECK-LABEL: nf.program @layers
// CHECK: launch @attention_2x100x100_h3w8_causal(%{{.*}}) tasks 12
// CHECK-NEXT: launch @attention_2x100x100_h3w8_causal(
// CHECK-NEXT: launch @attention_backward_2x100x100_h3w8_causal(%{{.*}}) tasks 6
// CHECK-NEXT: launch @attention_backward_2x100x100_h3w8_causal(
// CHECK-NOT: attention
// CHECK: return
// CHECK: func.func private @attention_2x100x100_h3w8_causal({{.*}}: index, %{{.*}}: memref<?xi8> {llvm.noalias}) attributes {nf.scratch_bytes = {{[0-9]+}} : i64}
// The blocks of keys that a causal block of queries sees; only those on the diagonal are masked.
// CHECK: arith.ceildivsi
// CHECK: scf.for
// CHECK: scf.if
// CHECK: arith.select {{.*}} : vector<16xi1>, vector<16xf32>
// CHECK: math.exp {{.*}} : vector<16xf32>
// CHECK: math.log
// CHECK: func.func private @attention_backward_2x100x100_h3w8_causal(
// CHECK-NOT: math.log
// CHECK: math.exp
// CHECK-NOT: func.func
// WIDTH8: math.exp {{.*}} : vector<8xf32>
nf.program @layers() {
  %q = nf.buffer transient 0 : memref<2x100x24xf32>
  %k = nf.buffer transient 19200 : memref<2x100x24xf32>
  %v = nf.buffer transient 38400 : memref<2x100x24xf32>
  %o = nf.buffer transient 57600 : memref<2x100x24xf32>
  %l = nf.buffer transient 76800 : memref<2x3x100xf32>
  %dq = nf.buffer transient 96000 : memref<2x100x24xf32>
  %dk = nf.buffer transient 115200 : memref<2x100x24xf32>
  %dv = nf.buffer transient 134400 : memref<2x100x24xf32>
  nf.attention %q, %k, %v outs(%o, %l) {heads = 3 : i64, causal, scale = 0.5 : f64}
    : (memref<2x100x24xf32>, memref<2x100x24xf32>, memref<2x100x24xf32>, memref<2x100x24xf32>, memref<2x3x100xf32>) -> ()
  nf.attention %v, %k, %q outs(%o, %l) {heads = 3 : i64, causal, scale = 0.5 : f64}
    : (memref<2x100x24xf32>, memref<2x100x24xf32>, memref<2x100x24xf32>, memref<2x100x24xf32>, memref<2x3x100xf32>) -> ()
  nf.attention_backward %v, %k, %q, %o, %l, %o outs(%dq, %dk, %dv) {heads = 3 : i64, causal, scale = 0.5 : f64}
    : (memref<2x100x24xf32>, memref<2x100x24xf32>, memref<2x100x24xf32>, memref<2x100x24xf32>, memref<2x3x100xf32>,
       memref<2x100x24xf32>, memref<2x100x24xf32>, memref<2x100x24xf32>, memref<2x100x24xf32>) -> ()
  nf.attention_backward %q, %k, %v, %o, %l, %o outs(%dq, %dk, %dv) {heads = 3 : i64, causal, scale = 0.5 : f64}
    : (memref<2x100x24xf32>, memref<2x100x24xf32>, memref<2x100x24xf32>, memref<2x100x24xf32>, memref<2x3x100xf32>,
       memref<2x100x24xf32>, memref<2x100x24xf32>, memref<2x100x24xf32>, memref<2x100x24xf32>) -> ()
  nf.return
}

// -----

// All keys in one block: no running maximum, no mask, no branch. Another scale is another kernel.
// CHECK-LABEL: nf.program @oneBlock
// CHECK: launch @attention_1x64x64_h2w32(%{{.*}}) tasks 2
// CHECK: launch @attention_1x64x64_h2w32_0(%{{.*}}) tasks 2
// CHECK: func.func private @attention_1x64x64_h2w32(
// CHECK-NOT: scf.if
// CHECK-NOT: vector.maskedload
// CHECK: func.func private @attention_1x64x64_h2w32_0(
nf.program @oneBlock() {
  %q = nf.buffer transient 0 : memref<1x64x64xf32>
  %o = nf.buffer transient 16384 : memref<1x64x64xf32>
  %l = nf.buffer transient 32768 : memref<1x2x64xf32>
  nf.attention %q, %q, %q outs(%o, %l) {heads = 2 : i64, scale = 0.5 : f64}
    : (memref<1x64x64xf32>, memref<1x64x64xf32>, memref<1x64x64xf32>, memref<1x64x64xf32>, memref<1x2x64xf32>) -> ()
  nf.attention %q, %q, %q outs(%o, %l) {heads = 2 : i64, scale = 0.25 : f64}
    : (memref<1x64x64xf32>, memref<1x64x64xf32>, memref<1x64x64xf32>, memref<1x64x64xf32>, memref<1x2x64xf32>) -> ()
  nf.return
}

// -----

// Dropout: layers differ in their site alone and share the kernel, which reads it.
// CHECK-LABEL: nf.program @dropout
// CHECK: %[[SITE4:.*]] = number 4 : memref<1xi32>
// CHECK: launch @attention_1x8x8_h1w8_dropout({{.*}}, %[[SITE4]]) tasks 1
// CHECK: %[[SITE9:.*]] = number 9 : memref<1xi32>
// CHECK: launch @attention_1x8x8_h1w8_dropout({{.*}}, %[[SITE9]]) tasks 1
// CHECK: func.func private @attention_1x8x8_h1w8_dropout({{.*}}, %[[SITE:.*]]: memref<1xi32> {llvm.noalias}, %{{.*}}: index, %{{.*}}: memref<?xi8>
// CHECK: memref.load %[[SITE]]
// CHECK: arith.muli {{.*}} : vector<16xi64>
// CHECK-NOT: func.func
nf.program @dropout() {
  %q = nf.buffer transient 0 : memref<1x8x8xf32>
  %o = nf.buffer transient 256 : memref<1x8x8xf32>
  %l = nf.buffer transient 512 : memref<1x1x8xf32>
  %seed = nf.buffer transient 576 : memref<i64>
  %step = nf.buffer transient 640 : memref<i32>
  %sample = nf.buffer transient 704 : memref<i32>
  nf.attention %q, %q, %q seed %seed step %step sample_offset %sample outs(%o, %l)
    {heads = 1 : i64, scale = 0.5 : f64, dropout = 0.1 : f64, site = 4 : i32}
    : (memref<1x8x8xf32>, memref<1x8x8xf32>, memref<1x8x8xf32>, memref<i64>, memref<i32>, memref<i32>,
       memref<1x8x8xf32>, memref<1x1x8xf32>) -> ()
  nf.attention %q, %q, %q seed %seed step %step sample_offset %sample outs(%o, %l)
    {heads = 1 : i64, scale = 0.5 : f64, dropout = 0.1 : f64, site = 9 : i32}
    : (memref<1x8x8xf32>, memref<1x8x8xf32>, memref<1x8x8xf32>, memref<i64>, memref<i32>, memref<i32>,
       memref<1x8x8xf32>, memref<1x1x8xf32>) -> ()
  nf.return
}

// -----

// On tensors attention stays what it is.
// CHECK-LABEL: nf.program @tensors
// CHECK: attention %
// CHECK-NOT: func.func
nf.program @tensors(%q: tensor<1x4x8xf32> {nf.name = "q"}) -> (tensor<1x4x8xf32> {nf.name = "y"}) {
  %y, %lse = nf.attention %q, %q, %q {heads = 2 : i64, causal, scale = 0.5 : f64}
    : (tensor<1x4x8xf32>, tensor<1x4x8xf32>, tensor<1x4x8xf32>) -> (tensor<1x4x8xf32>, tensor<1x2x4xf32>)
  nf.return %y : tensor<1x4x8xf32>
}

// -----

// bf16 is widened where rows enter the tiles and rounded where they leave; the log-sum-exp is f32.
// CHECK-LABEL: nf.program @bf16
// CHECK: launch @attention_1x8x8_h1w8_bf16(
// CHECK: func.func private @attention_1x8x8_h1w8_bf16(
// CHECK: vector.maskedload {{.*}} : memref<1x8x8xbf16>, vector<16xi1>, vector<16xbf16> into vector<16xbf16>
// CHECK: arith.extf {{.*}} : vector<16xbf16> to vector<16xf32>
// CHECK: arith.truncf {{.*}} : vector<16xf32> to vector<16xbf16>
// CHECK: memref.store %{{.*}} : memref<1x1x8xf32>
// WIDTH8: vector.load {{.*}} : memref<1x8x8xbf16>, vector<8xbf16>
// WIDTH8-NEXT: arith.extf {{.*}} : vector<8xbf16> to vector<8xf32>
nf.program @bf16() {
  %q = nf.buffer transient 0 : memref<1x8x8xbf16>
  %o = nf.buffer transient 128 : memref<1x8x8xbf16>
  %l = nf.buffer transient 256 : memref<1x1x8xf32>
  nf.attention %q, %q, %q outs(%o, %l) {heads = 1 : i64, scale = 0.5 : f64}
    : (memref<1x8x8xbf16>, memref<1x8x8xbf16>, memref<1x8x8xbf16>, memref<1x8x8xbf16>, memref<1x1x8xf32>) -> ()
  nf.return
}

// -----

nf.program @f64() {
  %q = nf.buffer transient 0 : memref<1x8x8xf64>
  %l = nf.buffer transient 512 : memref<1x1x8xf64>
  // expected-error @+1 {{expected f32 or bf16, but got 'memref<1x8x8xf64>'}}
  nf.attention %q, %q, %q outs(%q, %l) {heads = 1 : i64, scale = 0.5 : f64}
    : (memref<1x8x8xf64>, memref<1x8x8xf64>, memref<1x8x8xf64>, memref<1x8x8xf64>, memref<1x1x8xf64>) -> ()
  nf.return
}
