// RUN: nf-opt --nf-raise-residual-scale %s | FileCheck %s
// RUN: nf-check %s --against='pass:nf.program(nf-raise-residual-scale)' --tolerance=1e-6

nf.parameter @s : tensor<8xf32> {init = "ones"}
nf.parameter @s3 : tensor<1x1x8xf32> {init = "ones"}
nf.parameter @rows : tensor<4x8xf32> {init = "ones"}

// CHECK-LABEL: program @vector
// CHECK: %[[R:.*]] = residual_scale %x, %s
// CHECK: %[[F:.*]] = gelu %x
// CHECK: add %[[F]], %[[R]]
nf.program @vector(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %s = nf.get @s : tensor<8xf32>
  %r = nf.mul %s, %x : (tensor<8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %f = nf.gelu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = nf.add %f, %r : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// CHECK-LABEL: program @leading_axes
// CHECK: %[[S:.*]] = reshape %s3
// CHECK: residual_scale %x, %[[S]]
nf.program @leading_axes(%x: tensor<2x4x8xf32> {nf.name = "x"}) -> (tensor<2x4x8xf32> {nf.name = "y"}) {
  %s = nf.get @s3 : tensor<1x1x8xf32>
  %f = nf.gelu %x : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %r = nf.mul %x, %s : (tensor<2x4x8xf32>, tensor<1x1x8xf32>) -> tensor<2x4x8xf32>
  %y = nf.add %r, %f : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  nf.return %y : tensor<2x4x8xf32>
}

// Near misses: the scale of the branch (LayerScale), a product that something else reads, a scale a row, a branch of
// another value.
// CHECK-LABEL: program @of_branch
// CHECK-NOT: residual_scale
// CHECK: return
nf.program @of_branch(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %s = nf.get @s : tensor<8xf32>
  %f = nf.gelu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = nf.mul %f, %s : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %y = nf.add %x, %r : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// CHECK-LABEL: program @read_elsewhere
// CHECK-NOT: residual_scale
// CHECK: return
nf.program @read_elsewhere(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %s = nf.get @s : tensor<8xf32>
  %r = nf.mul %x, %s : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %f = nf.gelu %r : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = nf.add %r, %f : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// CHECK-LABEL: program @per_row
// CHECK-NOT: residual_scale
// CHECK: return
nf.program @per_row(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %s = nf.get @rows : tensor<4x8xf32>
  %r = nf.mul %x, %s : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %f = nf.gelu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = nf.add %r, %f : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// CHECK-LABEL: program @other_branch
// CHECK-NOT: residual_scale
// CHECK: return
nf.program @other_branch(%x: tensor<4x8xf32> {nf.name = "x"}, %z: tensor<4x8xf32> {nf.name = "z"})
    -> (tensor<4x8xf32> {nf.name = "y"}) {
  %s = nf.get @s : tensor<8xf32>
  %r = nf.mul %x, %s : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %f = nf.gelu %z : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = nf.add %r, %f : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// No-op.
// CHECK-LABEL: program @composite
// CHECK: residual_scale %x, %s
nf.program @composite(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %s = nf.get @s : tensor<8xf32>
  %y = nf.residual_scale %x, %s : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}
