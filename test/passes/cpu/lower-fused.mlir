// RUN: nf-opt --nf-lower-fused --canonicalize --split-input-file %s | FileCheck %s
// RUN: nf-opt --nf-lower-fused=vector-width=16 --canonicalize --split-input-file %s | FileCheck %s --check-prefix=WIDE

// Row reductions: a task is a run of rows, each row one loop over its columns a reduction and one for the results.
// CHECK-LABEL: nf.program @rows
// CHECK: launch @fused_attn_ln_256x96_0({{.*}}) tasks 3
// CHECK: func.func private @fused_attn_ln_256x96_0(%[[X:.*]]: memref<256x96xf32> {llvm.noalias}, %[[Y:.*]]: memref<256x96xf32> {llvm.noalias}, %{{.*}}: index, %{{.*}}: memref<?xi8>) attributes {nf.scratch_bytes = 0 : i64}
// CHECK: scf.for
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-3: vector.load %[[X]]{{.*}} vector<8xf32>
// CHECK-NOT: vector.store
// CHECK: arith.divf
// CHECK: scf.for
// CHECK: arith.subf
// CHECK: vector.store {{.*}}, %[[Y]]
// WIDE: vector.load {{.*}} vector<16xf32>
nf.program @rows() {
  %x = nf.buffer transient 0 : memref<4x64x96xf32>
  %y = nf.buffer transient 98304 : memref<4x64x96xf32>
  nf.fused rows 256 cols 96 (%x) outs(%y) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1>} : (memref<4x64x96xf32>, memref<4x64x96xf32>) -> () {
  ^bb0(%r: tensor<96xf32>):
    %m = nf.reduce_mean %r axes [0] : (tensor<96xf32>) -> tensor<1xf32>
    %d = nf.sub %r, %m : (tensor<96xf32>, tensor<1xf32>) -> tensor<96xf32>
    nf.yield %d : tensor<96xf32>
  } loc("layers.3.attn.ln")
  nf.return
}

// -----

// A column sum alone: a task is a block of columns with its sums in registers; the flag adds the old destination at the
// end, in one place.
// CHECK-LABEL: nf.program @columns
// CHECK: launch @fused_64x256_0(%{{.*}}) tasks 8
// CHECK: func.func private @fused_64x256_0(%[[X:.*]]: memref<64x256xf32> {llvm.noalias}, %[[FLAG:.*]]: memref<1xi32> {llvm.noalias}, %[[S:.*]]: memref<1x256xf32> {llvm.noalias}
// CHECK: %[[ADD:.*]] = arith.cmpi ne
// CHECK: scf.for {{.*}} iter_args
// CHECK: vector.load %[[X]]
// CHECK: arith.addf
// CHECK: scf.yield
// CHECK: vector.load %[[S]]
// CHECK: arith.select %[[ADD]]
// CHECK: vector.store {{.*}}, %[[S]]
nf.program @columns() {
  %x = nf.buffer transient 0 : memref<64x256xf32>
  %s = nf.buffer persistent 0 : memref<256xf32>
  %flag = nf.buffer transient 65536 : memref<i32>
  nf.fused rows 64 cols 256 (%x) accumulate %flag outs(%s) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 5>,
      gather_index = array<i64: -1>} : (memref<64x256xf32>, memref<i32>, memref<256xf32>) -> () {
  ^bb0(%r: tensor<256xf32>):
    nf.yield %r : tensor<256xf32>
  }
  nf.return
}

// -----

// Elementwise in place: rows and columns do not matter, and operand and result are one argument. Columns off the vector
// length end in narrower vectors.
// CHECK-LABEL: nf.program @flat
// CHECK: launch @fused_3x37_0(%{{[^,]*}}) tasks 1
// CHECK: func.func private @fused_3x37_0(%[[X:.*]]: memref<1x111xf32> {llvm.noalias}, %{{.*}}: index
// CHECK: vector.store {{.*}}, %[[X]]{{.*}} vector<8xf32>
// CHECK: vector.store {{.*}}, %[[X]]{{.*}} vector<4xf32>
// CHECK: vector.store {{.*}}, %[[X]]{{.*}} vector<2xf32>
// CHECK: vector.store {{.*}}, %[[X]]{{.*}} vector<1xf32>
nf.program @flat() {
  %x = nf.buffer transient 0 : memref<3x37xf32>
  %y = nf.buffer transient 0 : memref<111xf32>
  nf.fused rows 3 cols 37 (%x) outs(%y) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1>} : (memref<3x37xf32>, memref<111xf32>) -> () {
  ^bb0(%r: tensor<37xf32>):
    %n = nf.neg %r : (tensor<37xf32>) -> tensor<37xf32>
    nf.yield %n : tensor<37xf32>
  }
  nf.return
}

// -----

// Two regions of one structure are one kernel, whatever their names and buffers; another attribute is another kernel.
// CHECK-LABEL: nf.program @shared
// CHECK: launch @fused_4x8_0
// CHECK: launch @fused_4x8_0
// CHECK: launch @fused_4x8_1
// CHECK-COUNT-2: func.func private
// CHECK-NOT: func.func
nf.program @shared() {
  %x = nf.buffer transient 0 : memref<4x8xf32>
  %y = nf.buffer transient 128 : memref<4x8xf32>
  %z = nf.buffer transient 256 : memref<32xf32>
  nf.fused rows 4 cols 8 (%x) outs(%y) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1>} : (memref<4x8xf32>, memref<4x8xf32>) -> () {
  ^bb0(%r: tensor<8xf32>):
    %two = nf.constant dense<2.0> : tensor<1xf32>
    %n = nf.mul %r, %two : (tensor<8xf32>, tensor<1xf32>) -> tensor<8xf32>
    nf.yield %n : tensor<8xf32>
  }
  nf.fused rows 4 cols 8 (%y) outs(%z) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1>} : (memref<4x8xf32>, memref<32xf32>) -> () {
  ^bb0(%other: tensor<8xf32>):
    %named = nf.constant dense<2.0> : tensor<1xf32>
    %differently = nf.mul %other, %named : (tensor<8xf32>, tensor<1xf32>) -> tensor<8xf32>
    nf.yield %differently : tensor<8xf32>
  }
  nf.fused rows 4 cols 8 (%x) outs(%y) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1>} : (memref<4x8xf32>, memref<4x8xf32>) -> () {
  ^bb0(%r: tensor<8xf32>):
    %three = nf.constant dense<3.0> : tensor<1xf32>
    %n = nf.mul %r, %three : (tensor<8xf32>, tensor<1xf32>) -> tensor<8xf32>
    nf.yield %n : tensor<8xf32>
  }
  nf.return
}

// -----

// What is costly and needed in two loops waits in scratch memory; what is overwritten in place is written by the last.
// CHECK-LABEL: nf.program @kept
// CHECK: func.func private @fused_16x128_0(%[[X:.*]]: memref<16x128xf32> {llvm.noalias}, %{{.*}}: index, %[[SCRATCH:.*]]: memref<?xi8>) attributes {nf.scratch_bytes = 512 : i64}
// CHECK: %[[ROW:.*]] = memref.view %[[SCRATCH]]
// CHECK: math.exp
// CHECK: vector.store {{.*}}, %[[ROW]]
// CHECK-NOT: math.exp {{.*}} : f32
// CHECK: vector.load %[[ROW]]
// CHECK: arith.divf
// CHECK: vector.store {{.*}}, %[[X]]
nf.program @kept() {
  %x = nf.buffer transient 0 : memref<16x128xf32>
  nf.fused rows 16 cols 128 (%x) outs(%x) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1>} : (memref<16x128xf32>, memref<16x128xf32>) -> () {
  ^bb0(%r: tensor<128xf32>):
    %e = nf.exp %r : (tensor<128xf32>) -> tensor<128xf32>
    %s = nf.reduce_sum %e axes [0] : (tensor<128xf32>) -> tensor<1xf32>
    %y = nf.div %e, %s : (tensor<128xf32>, tensor<1xf32>) -> tensor<128xf32>
    nf.yield %y : tensor<128xf32>
  }
  nf.return
}

// -----

// One column: rows take its place, and its sum is a reduction along them.
// CHECK-LABEL: nf.program @turned
// CHECK: func.func private @fused_256x1_0(%[[X:.*]]: memref<1x256xf32> {llvm.noalias}, %[[S:.*]]: memref<1xf32> {llvm.noalias}
// CHECK: scf.for {{.*}} iter_args
// CHECK: vector.load %[[X]]{{.*}} vector<8xf32>
// CHECK: memref.store {{.*}}, %[[S]]
nf.program @turned() {
  %x = nf.buffer transient 0 : memref<4x64x1xf32>
  %s = nf.buffer transient 1024 : memref<f32>
  nf.fused rows 256 cols 1 (%x) outs(%s) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 5>,
      gather_index = array<i64: -1>} : (memref<4x64x1xf32>, memref<f32>) -> () {
  ^bb0(%r: tensor<1xf32>):
    nf.yield %r : tensor<1xf32>
  }
  nf.return
}

// -----

// Regions that differ in their dropout sites alone share a kernel; a region of two sites has another one.
// CHECK-LABEL: nf.program @sites
// CHECK: %[[SITE3:.*]] = number 3 : memref<1xi32>
// CHECK: launch @[[ONE:.*]](%{{.*}}, %{{.*}}, %{{.*}}, %[[SITE3]])
// CHECK: %[[SITE7:.*]] = number 7 : memref<1xi32>
// CHECK: launch @[[ONE]](%{{.*}}, %{{.*}}, %{{.*}}, %[[SITE7]])
// CHECK: %[[FIRST:.*]] = number 3
// CHECK: %[[SECOND:.*]] = number 7
// CHECK: launch @[[TWO:.*]](%{{.*}}, %{{.*}}, %{{.*}}, %[[FIRST]], %[[SECOND]])
// CHECK: func.func private @[[ONE]]({{.*}}, %[[SITE:[a-z0-9]*]]: memref<1xi32> {llvm.noalias}, %{{[a-z0-9]*}}: index
// CHECK: memref.load %[[SITE]]
// CHECK: func.func private @[[TWO]](
// CHECK-NOT: func.func
nf.program @sites() {
  %seed = nf.buffer transient 0 : memref<i64>
  %step = nf.buffer transient 64 : memref<i32>
  %y = nf.buffer transient 128 : memref<4x8xi32>
  nf.fused rows 4 cols 8 (%seed, %step) outs(%y) {operand_kinds = array<i32: 3, 3>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1, -1>} : (memref<i64>, memref<i32>, memref<4x8xi32>) -> () {
  ^bb0(%s: tensor<1xi64>, %t: tensor<1xi32>):
    %r = nf.random_bits %s, %t, %t {site = 3 : i32, rows_per_sample = 4 : i64}
      : (tensor<1xi64>, tensor<1xi32>, tensor<1xi32>) -> tensor<8xi32>
    nf.yield %r : tensor<8xi32>
  }
  nf.fused rows 4 cols 8 (%seed, %step) outs(%y) {operand_kinds = array<i32: 3, 3>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1, -1>} : (memref<i64>, memref<i32>, memref<4x8xi32>) -> () {
  ^bb0(%s: tensor<1xi64>, %t: tensor<1xi32>):
    %r = nf.random_bits %s, %t, %t {site = 7 : i32, rows_per_sample = 4 : i64}
      : (tensor<1xi64>, tensor<1xi32>, tensor<1xi32>) -> tensor<8xi32>
    nf.yield %r : tensor<8xi32>
  }
  nf.fused rows 4 cols 8 (%seed, %step) outs(%y) {operand_kinds = array<i32: 3, 3>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1, -1>} : (memref<i64>, memref<i32>, memref<4x8xi32>) -> () {
  ^bb0(%s: tensor<1xi64>, %t: tensor<1xi32>):
    %a = nf.random_bits %s, %t, %t {site = 3 : i32, rows_per_sample = 4 : i64}
      : (tensor<1xi64>, tensor<1xi32>, tensor<1xi32>) -> tensor<8xi32>
    %b = nf.random_bits %s, %t, %t {site = 7 : i32, rows_per_sample = 4 : i64}
      : (tensor<1xi64>, tensor<1xi32>, tensor<1xi32>) -> tensor<8xi32>
    %r = nf.add %a, %b : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi32>
    nf.yield %r : tensor<8xi32>
  }
  nf.return
}

// -----

// Tensor form is left for planning.
// CHECK-LABEL: nf.program @tensors
// CHECK: fused rows 4 cols 8
// CHECK-NOT: launch
nf.program @tensors(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %y = nf.fused rows 4 cols 8 (%x) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1>} : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%r: tensor<8xf32>):
    %n = nf.neg %r : (tensor<8xf32>) -> tensor<8xf32>
    nf.yield %n : tensor<8xf32>
  }
  nf.return %y : tensor<4x8xf32>
}
