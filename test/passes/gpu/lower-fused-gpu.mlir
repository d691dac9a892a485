// RUN: nf-opt --nf-lower-fused-gpu --canonicalize --split-input-file %s | FileCheck %s

// Row reductions: a row is held by four threads, each of which loads its six vectors once, whatever reads them; sums go
// over lanes by shuffles.
// CHECK-LABEL: gpu.module @nf_gpu
// CHECK: llvm.func @fused_attn_ln_250x96_0(%[[X:.*]]: !llvm.ptr<1> {llvm.noalias}, %[[Y:.*]]: !llvm.ptr<1> {llvm.noalias}) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 128>}
// CHECK: %[[EXISTS:.*]] = arith.cmpi slt
// CHECK-COUNT-6: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
// CHECK-NOT: llvm.load
// CHECK-COUNT-2: nvvm.shfl.sync bfly %{{.*}} : f32 -> f32
// CHECK-NOT: nvvm.shfl
// CHECK-NOT: nvvm.barrier0
// CHECK: arith.divf
// CHECK: arith.subf
// CHECK: scf.if %[[EXISTS]]
// CHECK: llvm.store {{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<1>
// CHECK-LABEL: nf.program @rows
// CHECK: launch @fused_attn_ln_250x96_0({{.*}}) tasks 8
// CHECK: func.func private @fused_attn_ln_250x96_0(%{{.*}}: memref<250x96xf32>, %{{.*}}: memref<250x96xf32>, %{{.*}}: index, %{{.*}}: memref<?xi8>) attributes {nf.gpu_threads = 128 : i64}
nf.program @rows() {
  %x = nf.buffer transient 0 : memref<250x96xf32>
  %y = nf.buffer transient 98304 : memref<250x96xf32>
  nf.fused rows 250 cols 96 (%x) outs(%y) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1>} : (memref<250x96xf32>, memref<250x96xf32>) -> () {
  ^bb0(%r: tensor<96xf32>):
    %m = nf.reduce_mean %r axes [0] : (tensor<96xf32>) -> tensor<1xf32>
    %d = nf.sub %r, %m : (tensor<96xf32>, tensor<1xf32>) -> tensor<96xf32>
    nf.yield %d : tensor<96xf32>
  } loc("layers.3.attn.ln")
  nf.return
}

// -----

// A long row is a block's: warps exchange their sums through shared memory. Halves as wide as 16 bytes.
// CHECK-LABEL: llvm.func @fused_8x4096_0
// CHECK-COUNT-4: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xbf16>
// CHECK-COUNT-5: nvvm.shfl.sync bfly
// CHECK: nvvm.barrier0
// CHECK: llvm.store %{{.*}} : f32, !llvm.ptr<3>
// CHECK: nvvm.barrier0
// CHECK: llvm.load %{{.*}} : !llvm.ptr<3> -> f32
// CHECK-COUNT-2: nvvm.shfl.sync bfly
// CHECK: llvm.mlir.global internal @fused_8x4096_0.exchange() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<32 x f32>
// CHECK: launch @fused_8x4096_0({{.*}}) tasks 8
nf.program @long_rows() {
  %x = nf.buffer transient 0 : memref<8x4096xbf16>
  nf.fused rows 8 cols 4096 (%x) outs(%x) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1>} : (memref<8x4096xbf16>, memref<8x4096xbf16>) -> () {
  ^bb0(%r: tensor<4096xbf16>):
    %m = nf.reduce_max %r axes [0] : (tensor<4096xbf16>) -> tensor<1xbf16>
    %d = nf.sub %r, %m : (tensor<4096xbf16>, tensor<1xbf16>) -> tensor<4096xbf16>
    nf.yield %d : tensor<4096xbf16>
  }
  nf.return
}

// -----

// A column sum: a block walks down its group of rows with the sums in registers; the flag adds the old destination at
// the end, in one place.
// CHECK-LABEL: llvm.func @fused_64x256_0
// CHECK: %[[ADD:.*]] = arith.cmpi ne
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<4xf32>)
// CHECK: llvm.load {{.*}} vector<4xf32>
// CHECK: arith.addf
// CHECK: scf.yield
// CHECK: llvm.load {{.*}} vector<4xf32>
// CHECK: arith.select %[[ADD]]
// CHECK: llvm.store {{.*}} vector<4xf32>
// CHECK: launch @fused_64x256_0(%{{.*}}) tasks 4
nf.program @columns() {
  %x = nf.buffer transient 0 : memref<64x256xf32>
  %s = nf.buffer persistent 0 : memref<4x256xf32>
  %flag = nf.buffer transient 65536 : memref<i32>
  nf.fused rows 64 cols 256 (%x) accumulate %flag outs(%s) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 5>,
      gather_index = array<i64: -1>, groups = 4 : i64} : (memref<64x256xf32>, memref<i32>, memref<4x256xf32>) -> () {
  ^bb0(%r: tensor<256xf32>):
    nf.yield %r : tensor<256xf32>
  }
  nf.return
}

// -----

// Alignment decides the vector: a buffer that begins at 8 bytes is loaded two columns at a time, and another kernel than
// the same region on aligned buffers.
// CHECK-LABEL: llvm.func @fused_4x64_0
// CHECK: llvm.load {{.*}} {alignment = 8 : i64} {{.*}} vector<2xf32>
// CHECK-LABEL: llvm.func @fused_4x64_1
// CHECK: llvm.load {{.*}} {alignment = 16 : i64} {{.*}} vector<4xf32>
nf.program @alignment() {
  %x = nf.buffer transient 8 : memref<4x64xf32>
  %y = nf.buffer transient 4096 : memref<4x64xf32>
  nf.fused rows 4 cols 64 (%x) outs(%x) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1>} : (memref<4x64xf32>, memref<4x64xf32>) -> () {
  ^bb0(%r: tensor<64xf32>):
    %n = nf.neg %r : (tensor<64xf32>) -> tensor<64xf32>
    nf.yield %n : tensor<64xf32>
  }
  nf.fused rows 4 cols 64 (%y) outs(%y) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1>} : (memref<4x64xf32>, memref<4x64xf32>) -> () {
  ^bb0(%r: tensor<64xf32>):
    %n = nf.neg %r : (tensor<64xf32>) -> tensor<64xf32>
    nf.yield %n : tensor<64xf32>
  }
  nf.return
}

// -----

// A column sum reads an operand before a result of the same level takes its place.
// CHECK-LABEL: llvm.func @fused_
// CHECK-SAME: , %[[Y:[a-z0-9]+]]: !llvm.ptr<1> {llvm.noalias}, %{{[a-z0-9]+}}: !llvm.ptr<1> {llvm.noalias}) attributes
// CHECK: scf.for
// CHECK: %[[FROM:.*]] = llvm.getelementptr inbounds %[[Y]]
// CHECK-NEXT: llvm.load %[[FROM]]
// CHECK: %[[TO:.*]] = llvm.getelementptr inbounds %[[Y]]
// CHECK-NEXT: llvm.store %{{.*}}, %[[TO]]
// CHECK-NOT: llvm.load
// CHECK: llvm.store %{{.*}} : vector<4xf32>
// CHECK-LABEL: nf.program @overwritten
nf.program @overwritten() {
  %x = nf.buffer transient 0 : memref<64x256xf32>
  %y = nf.buffer transient 65536 : memref<64x256xf32>
  %s = nf.buffer transient 131072 : memref<8x256xf32>
  nf.fused rows 64 cols 256 (%x, %y) outs(%y, %s) {operand_kinds = array<i32: 0, 0>,
      result_kinds = array<i32: 0, 5>, gather_index = array<i64: -1, -1>, groups = 8 : i64}
      : (memref<64x256xf32>, memref<64x256xf32>, memref<64x256xf32>, memref<8x256xf32>) -> () {
  ^bb0(%a: tensor<256xf32>, %b: tensor<256xf32>):
    %m = nf.reduce_mean %a axes [0] : (tensor<256xf32>) -> tensor<1xf32>
    %d = nf.sub %a, %m : (tensor<256xf32>, tensor<1xf32>) -> tensor<256xf32>
    %p = nf.mul %d, %b : (tensor<256xf32>, tensor<256xf32>) -> tensor<256xf32>
    nf.yield %d, %p : tensor<256xf32>, tensor<256xf32>
  } loc("layers.3.attn.ln")
  nf.return
}

// -----

// Of a row in place, a thread behind its end reads nothing: what it could read instead, another one writes. Where
// another buffer is written, it reads the row's first columns, without a branch.
// CHECK-LABEL: llvm.func @fused_2x33_0
// CHECK: %[[OWN:.*]] = scf.if %[[REAL:.*]] -> (vector<{{.*}}>) {
// CHECK: llvm.load
// CHECK: scf.if %[[REAL]] {
// CHECK: llvm.store
// CHECK-LABEL: llvm.func @fused_2x33_1
// CHECK-NOT: scf.if {{.*}} -> (vector<{{.*}}>)
// CHECK: llvm.load
// CHECK: scf.if
// CHECK: llvm.store
nf.program @tails() {
  %x = nf.buffer transient 0 : memref<2x33xf32>
  %y = nf.buffer transient 512 : memref<2x33xf32>
  nf.fused rows 2 cols 33 (%x) outs(%x) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1>} : (memref<2x33xf32>, memref<2x33xf32>) -> () {
  ^bb0(%r: tensor<33xf32>):
    %n = nf.neg %r : (tensor<33xf32>) -> tensor<33xf32>
    nf.yield %n : tensor<33xf32>
  }
  nf.fused rows 2 cols 33 (%x) outs(%y) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1>} : (memref<2x33xf32>, memref<2x33xf32>) -> () {
  ^bb0(%r: tensor<33xf32>):
    %n = nf.neg %r : (tensor<33xf32>) -> tensor<33xf32>
    nf.yield %n : tensor<33xf32>
  }
  nf.return
}

// -----

// Regions on tensors are not planned yet and stay.
// CHECK-LABEL: nf.program @tensors
// CHECK: fused rows 4 cols 8
// CHECK-NOT: gpu.module
nf.program @tensors(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %y = nf.fused rows 4 cols 8 (%x) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1>} : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%r: tensor<8xf32>):
    %n = nf.neg %r : (tensor<8xf32>) -> tensor<8xf32>
    nf.yield %n : tensor<8xf32>
  }
  nf.return %y : tensor<4x8xf32>
}
