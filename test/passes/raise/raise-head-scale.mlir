// RUN: nf-opt --pass-pipeline='builtin.module(nf.program(nf-simplify,nf-raise-head-scale,nf-simplify))' %s | FileCheck %s
// RUN: nf-check %s --against='pass:nf.program(nf-simplify,nf-raise-head-scale,nf-simplify)' --tolerance=1e-6

nf.parameter @gamma : tensor<3xf32> {init = "ones"}
nf.parameter @gamma2 : tensor<3x1xf32> {init = "ones"}
nf.parameter @gamma3 : tensor<3x1x1xf32> {init = "ones"}
nf.parameter @per_column : tensor<3x4xf32> {init = "ones"}
nf.parameter @tokens : tensor<6xf32> {init = "ones"}
nf.parameter @columns : tensor<12xf32> {init = "ones"}

// [heads, 1] on [batch, tokens, heads, width].
// CHECK-LABEL: program @by_reshape
// CHECK: %[[G:.*]] = reshape %gamma2
// CHECK-NEXT: %[[Y:.*]] = head_scale %x, %[[G]]
// CHECK-NEXT: return %[[Y]]
nf.program @by_reshape(%x: tensor<2x6x12xf32> {nf.name = "x"}) -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %g = nf.get @gamma2 : tensor<3x1xf32>
  %h = nf.reshape %x : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %s = nf.mul %h, %g : (tensor<2x6x3x4xf32>, tensor<3x1xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %s : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// [1, heads, 1, 1], by a reshape of the vector, on [batch, heads, tokens, width].
// CHECK-LABEL: program @heads_second
// CHECK: %[[Y:.*]] = head_scale %x, %gamma :
// CHECK-NEXT: return %[[Y]]
nf.program @heads_second(%x: tensor<2x6x12xf32> {nf.name = "x"}) -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %v = nf.get @gamma : tensor<3xf32>
  %g = nf.reshape %v : (tensor<3xf32>) -> tensor<1x3x1x1xf32>
  %h = nf.reshape %x : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %t = nf.transpose %h [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.mul %g, %t : (tensor<1x3x1x1xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %u = nf.transpose %s [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %u : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// [heads, 1, 1] expanded to all of the heads' tokens.
// CHECK-LABEL: program @expanded
// CHECK: head_scale %x, %{{.*}} : (tensor<2x6x12xf32>, tensor<3xf32>)
// CHECK-NOT: mul
// CHECK: return
nf.program @expanded(%x: tensor<2x6x12xf32> {nf.name = "x"}) -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %v = nf.get @gamma3 : tensor<3x1x1xf32>
  %g = nf.broadcast %v : (tensor<3x1x1xf32>) -> tensor<2x3x6x4xf32>
  %h = nf.reshape %x : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %t = nf.transpose %h [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.mul %t, %g : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %u = nf.transpose %s [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %u : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// Einsum "bthd,h->bthd" as a batched product over an inner extent of 1.
// CHECK-LABEL: program @einsum
// CHECK: %[[Y:.*]] = head_scale %x, %gamma :
// CHECK-NEXT: return %[[Y]]
nf.program @einsum(%x: tensor<2x6x12xf32> {nf.name = "x"}) -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %v = nf.get @gamma : tensor<3xf32>
  %g = nf.reshape %v : (tensor<3xf32>) -> tensor<3x1x1xf32>
  %h = nf.reshape %x : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %t = nf.transpose %h [2, 0, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<3x2x6x4xf32>
  %r = nf.reshape %t : (tensor<3x2x6x4xf32>) -> tensor<3x48x1xf32>
  %s = nf.matmul %r, %g : (tensor<3x48x1xf32>, tensor<3x1x1xf32>) -> tensor<3x48x1xf32>
  %w = nf.reshape %s : (tensor<3x48x1xf32>) -> tensor<3x2x6x4xf32>
  %u = nf.transpose %w [1, 2, 0, 3] : (tensor<3x2x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %u : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// Heads that are no columns before, but after: the product of an attention that is none of nf.attention's.
// CHECK-LABEL: program @columns_behind
// CHECK: %[[O:.*]] = matmul
// CHECK: %[[T:.*]] = transpose %[[O]] [0, 2, 1, 3]
// CHECK: %[[R:.*]] = reshape %[[T]]
// CHECK: %[[Y:.*]] = head_scale %[[R]], %gamma :
// CHECK-NEXT: return %[[Y]]
nf.program @columns_behind(%p: tensor<2x3x6x6xf32> {nf.name = "p"}, %v: tensor<2x3x6x4xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %w = nf.get @gamma : tensor<3xf32>
  %g = nf.reshape %w : (tensor<3xf32>) -> tensor<3x1x1xf32>
  %o = nf.matmul %p, %v : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.mul %o, %g : (tensor<2x3x6x4xf32>, tensor<3x1x1xf32>) -> tensor<2x3x6x4xf32>
  %u = nf.transpose %s [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %u : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// Repeated over the columns.
// CHECK-LABEL: program @columns_of_heads
// CHECK: %[[Y:.*]] = head_scale %x, %gamma :
// CHECK-NEXT: return %[[Y]]
nf.program @columns_of_heads(%x: tensor<2x6x12xf32> {nf.name = "x"}) -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %v = nf.get @gamma : tensor<3xf32>
  %r = nf.reshape %v : (tensor<3xf32>) -> tensor<3x1xf32>
  %e = nf.broadcast %r : (tensor<3x1xf32>) -> tensor<3x4xf32>
  %g = nf.reshape %e : (tensor<3x4xf32>) -> tensor<12xf32>
  %y = nf.mul %x, %g : (tensor<2x6x12xf32>, tensor<12xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// Near misses.

// A factor a head and column.
// CHECK-LABEL: program @two_axes
// CHECK-NOT: head_scale
// CHECK: return
nf.program @two_axes(%x: tensor<2x6x12xf32> {nf.name = "x"}) -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %g = nf.get @per_column : tensor<3x4xf32>
  %h = nf.reshape %x : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %s = nf.mul %h, %g : (tensor<2x6x3x4xf32>, tensor<3x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %s : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// Heads are the inner part of the columns: every third column shares a factor.
// CHECK-LABEL: program @inner
// CHECK-NOT: head_scale
// CHECK: return
nf.program @inner(%x: tensor<2x6x12xf32> {nf.name = "x"}) -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %g = nf.get @gamma : tensor<3xf32>
  %h = nf.reshape %x : (tensor<2x6x12xf32>) -> tensor<2x6x4x3xf32>
  %s = nf.mul %h, %g : (tensor<2x6x4x3xf32>, tensor<3xf32>) -> tensor<2x6x4x3xf32>
  %y = nf.reshape %s : (tensor<2x6x4x3xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// A factor a token, and one a column.
// CHECK-LABEL: program @other_axes
// CHECK-NOT: head_scale
// CHECK: return
nf.program @other_axes(%x: tensor<2x6x12xf32> {nf.name = "x"}) -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %v = nf.get @tokens : tensor<6xf32>
  %g = nf.reshape %v : (tensor<6xf32>) -> tensor<6x1xf32>
  %c = nf.get @columns : tensor<12xf32>
  %s = nf.mul %x, %g : (tensor<2x6x12xf32>, tensor<6x1xf32>) -> tensor<2x6x12xf32>
  %y = nf.mul %s, %c : (tensor<2x6x12xf32>, tensor<12xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// No-op.
// CHECK-LABEL: program @composite
// CHECK: %[[Y:.*]] = head_scale %x, %gamma :
// CHECK-NEXT: return %[[Y]]
nf.program @composite(%x: tensor<2x6x12xf32> {nf.name = "x"}) -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %g = nf.get @gamma : tensor<3xf32>
  %y = nf.head_scale %x, %g : (tensor<2x6x12xf32>, tensor<3xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}
