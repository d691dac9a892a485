// RUN: nf-opt --verify-roundtrip %s | FileCheck %s

// CHECK: func.func private @kernel(memref<32xf32>, index, memref<?xi8>)
func.func private @kernel(memref<32xf32>, index, memref<?xi8>)
// CHECK-LABEL: nf.program @planned
nf.program @planned(%flag: tensor<i32> {nf.name = "accumulate"}) {
  // CHECK: buffer transient 4096
  %0 = nf.buffer transient 4096 : memref<4x8xf32>
  // CHECK: buffer persistent 0
  %1 = nf.buffer persistent 0 : memref<8x4xf32>
  // CHECK: buffer transient 0
  %2 = nf.buffer transient 0 : memref<4x4xf32>
  // CHECK: buffer transient 64
  %3 = nf.buffer transient 64 : memref<i32>
  // CHECK: buffer transient 128
  %4 = nf.buffer transient 128 : memref<4xi32>
  // CHECK: number 4 : memref<1xi32>
  %5 = nf.number 4 : memref<1xi32>
  // CHECK: copy %{{.*}} to %{{.*}} sizes [8, 4] from 0 strides [1, 8] to 0 strides [4, 1]
  nf.copy %0 to %1 sizes [8, 4] from 0 strides [1, 8] to 0 strides [4, 1] : memref<4x8xf32>, memref<8x4xf32>
  // CHECK: launch @kernel(%{{.*}}) tasks 16
  nf.launch @kernel(%0) tasks 16 : memref<4x8xf32>
  // CHECK: matmul %{{.*}}, %{{.*}} accumulate %{{.*}} outs(%{{.*}})
  nf.matmul %0, %1 accumulate %3 outs(%2) : (memref<4x8xf32>, memref<8x4xf32>, memref<i32>, memref<4x4xf32>) -> ()
  // CHECK: scatter_add %{{.*}}, %{{.*}} accumulate %{{.*}} outs(%{{.*}})
  nf.scatter_add %0, %4 accumulate %3 outs(%0) : (memref<4x8xf32>, memref<4xi32>, memref<i32>, memref<4x8xf32>) -> ()
  // CHECK: fused rows 4 cols 8(%{{.*}}) outs(%{{.*}}) {gather_index = array<i64: -1>, operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>}
  nf.fused rows 4 cols 8(%0) outs(%0) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1>} : (memref<4x8xf32>, memref<4x8xf32>) -> () {
  ^bb0(%x: tensor<8xf32>):
    // CHECK: nf.neg %{{.*}}
    %6 = nf.neg %x : (tensor<8xf32>) -> tensor<8xf32>
    // CHECK: nf.yield %{{.*}}
    nf.yield %6 : tensor<8xf32>
  }
  nf.return
}
