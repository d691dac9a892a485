// RUN: nf-opt --nf-raise-embedding %s | FileCheck %s

nf.parameter @tokens : tensor<16x8xf32> {init = "zeros"}

// CHECK-LABEL: program @parameter
// CHECK: embedding %tokens, %ids
nf.program @parameter(%ids: tensor<2x4xi32> {nf.name = "ids"}) -> (tensor<2x4x8xf32> {nf.name = "y"}) {
  %w = nf.get @tokens : tensor<16x8xf32>
  %y = nf.gather %w, %ids : (tensor<16x8xf32>, tensor<2x4xi32>) -> tensor<2x4x8xf32>
  nf.return %y : tensor<2x4x8xf32>
}

// Near miss: rows that are computed.
// CHECK-LABEL: program @computed
// CHECK-NOT: embedding
// CHECK: gather
nf.program @computed(%x: tensor<16x8xf32> {nf.name = "x"}, %i: tensor<1xi32> {nf.name = "i"})
    -> (tensor<1x8xf32> {nf.name = "y"}) {
  %y = nf.gather %x, %i : (tensor<16x8xf32>, tensor<1xi32>) -> tensor<1x8xf32>
  nf.return %y : tensor<1x8xf32>
}

// No-op.
// CHECK-LABEL: program @composite
// CHECK: embedding %tokens, %ids
nf.program @composite(%ids: tensor<4xi32> {nf.name = "ids"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %w = nf.get @tokens : tensor<16x8xf32>
  %y = nf.embedding %w, %ids : (tensor<16x8xf32>, tensor<4xi32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}
