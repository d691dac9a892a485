// RUN: nf-opt %s --nf-kernel-signatures | FileCheck %s

// A launched kernel gets static scratch and noalias buffers; another function stays as it is.
// CHECK-LABEL: func.func private @k(
// CHECK-SAME: memref<8xf32> {llvm.noalias}
// CHECK-SAME: index
// CHECK-SAME: memref<64xi8> {llvm.noalias}
// CHECK-LABEL: func.func private @other(
// CHECK-SAME: memref<8xf32>, %{{.*}}: index, %{{.*}}: memref<?xi8>)
func.func private @k(%x: memref<8xf32>, %task: index, %scratch: memref<?xi8>) attributes {nf.scratch_bytes = 64 : i64} {
  return
}
func.func private @other(%x: memref<8xf32>, %task: index, %scratch: memref<?xi8>) {
  return
}
nf.program @p() attributes {transient_bytes = 64 : i64, nf.arguments = []} {
  %x = nf.buffer transient 0 : memref<8xf32>
  nf.launch @k(%x) tasks 2 : memref<8xf32>
  nf.return
}
