// RUN: nf-opt %s --nf-lower-scatter-add --split-input-file --verify-diagnostics | FileCheck %s

// Column blocks are tasks; the rows of a block are added in ascending order after the table was cleared.
// CHECK: func.func private @[[K:[a-z0-9_]+]](
// CHECK: scf.for
// CHECK: program @scatter
// CHECK: launch @[[K]]({{.*}}) tasks
nf.program @scatter() attributes {transient_bytes = 65536 : i64, nf.arguments = []} {
  %rows = nf.buffer transient 0 : memref<4x16xf32>
  %ids = nf.buffer transient 1024 : memref<4xi32>
  %table = nf.buffer transient 2048 : memref<32x16xf32>
  nf.scatter_add %rows, %ids outs(%table) : (memref<4x16xf32>, memref<4xi32>, memref<32x16xf32>) -> ()
  nf.return
}

// -----

// No-op: tensors.
// CHECK-LABEL: program @tensors
// CHECK: scatter_add
// CHECK-NOT: func.func
nf.program @tensors(%r: tensor<4x8xf32> {nf.name = "r"}, %i: tensor<4xi32> {nf.name = "i"})
    -> (tensor<16x8xf32> {nf.name = "y"}) {
  %y = nf.scatter_add %r, %i : (tensor<4x8xf32>, tensor<4xi32>) -> tensor<16x8xf32>
  nf.return %y : tensor<16x8xf32>
}

// -----

// bf16 rows are widened where they are added; another kernel than that of f32 rows.
// CHECK: func.func private @scatter_add_32x16_4_bf16(
// CHECK: arith.extf {{.*}} : vector<16xbf16> to vector<16xf32>
// CHECK: arith.addf {{.*}} : vector<16xf32>
// CHECK: program @bf16
nf.program @bf16() attributes {transient_bytes = 65536 : i64, nf.arguments = []} {
  %rows = nf.buffer transient 0 : memref<4x16xbf16>
  %ids = nf.buffer transient 1024 : memref<4xi32>
  %table = nf.buffer transient 2048 : memref<32x16xf32>
  nf.scatter_add %rows, %ids outs(%table) : (memref<4x16xbf16>, memref<4xi32>, memref<32x16xf32>) -> ()
  nf.return
}

// -----

// The table is cleared where the flag is 0, and added to otherwise.
// CHECK: func.func private @scatter_add_32x16_4_flag(%{{.*}}, %{{.*}}, %[[FLAG:[a-z0-9]+]]: memref<1xi32>
// CHECK: %[[VALUE:.*]] = memref.load %[[FLAG]]
// CHECK: %[[STARTS:.*]] = arith.cmpi eq, %[[VALUE]], %{{.*}} : i32
// CHECK: scf.if %[[STARTS]]
// CHECK: program @flag
nf.program @flag() attributes {transient_bytes = 65536 : i64, nf.arguments = []} {
  %rows = nf.buffer transient 0 : memref<4x16xf32>
  %ids = nf.buffer transient 1024 : memref<4xi32>
  %accumulate = nf.buffer transient 1088 : memref<i32>
  %table = nf.buffer transient 2048 : memref<32x16xf32>
  nf.scatter_add %rows, %ids accumulate %accumulate outs(%table)
      : (memref<4x16xf32>, memref<4xi32>, memref<i32>, memref<32x16xf32>) -> ()
  nf.return
}

// -----

nf.program @sum_in_bf16() attributes {transient_bytes = 65536 : i64, nf.arguments = []} {
  %rows = nf.buffer transient 0 : memref<4x16xbf16>
  %ids = nf.buffer transient 1024 : memref<4xi32>
  %table = nf.buffer transient 2048 : memref<32x16xbf16>
  // expected-error @+1 {{expected f32 or bf16 rows and an f32 table, but got 'memref<4x16xbf16>' and 'memref<32x16xbf16>'; sums of gradients are kept in fp32}}
  nf.scatter_add %rows, %ids outs(%table) : (memref<4x16xbf16>, memref<4xi32>, memref<32x16xbf16>) -> ()
  nf.return
}
