// RUN: nf-opt --nf-raise-softmax %s | FileCheck %s
// RUN: nf-check %s --against='pass:nf.program(nf-raise-softmax)' --tolerance=1e-6

// CHECK-LABEL: program @maximum_subtracted
// CHECK-NEXT: %[[Y:.*]] = softmax %x
// CHECK-NEXT: return %[[Y]]
nf.program @maximum_subtracted(%x: tensor<2x4x8xf32> {nf.name = "x"}) -> (tensor<2x4x8xf32> {nf.name = "y"}) {
  %m = nf.reduce_max %x axes [2] : (tensor<2x4x8xf32>) -> tensor<2x4x1xf32>
  %c = nf.sub %x, %m : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %e = nf.exp %c : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %s = nf.reduce_sum %e axes [2] : (tensor<2x4x8xf32>) -> tensor<2x4x1xf32>
  %y = nf.div %e, %s : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  nf.return %y : tensor<2x4x8xf32>
}

// CHECK-LABEL: program @plain
// CHECK-NEXT: %[[Y:.*]] = softmax %x
// CHECK-NEXT: return %[[Y]]
nf.program @plain(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %one = nf.constant dense<1.0> : tensor<1xf32>
  %e = nf.exp %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %s = nf.reduce_sum %e axes [1] : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %r = nf.div %one, %s : (tensor<1xf32>, tensor<4x1xf32>) -> tensor<4x1xf32>
  %y = nf.mul %r, %e : (tensor<4x1xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// e to the log_softmax.
// CHECK-LABEL: program @of_logarithm
// CHECK-NEXT: %[[Y:.*]] = softmax %x
// CHECK-NEXT: return %[[Y]]
nf.program @of_logarithm(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %e = nf.exp %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %s = nf.reduce_sum %e axes [1] : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %l = nf.log %s : (tensor<4x1xf32>) -> tensor<4x1xf32>
  %d = nf.sub %x, %l : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  %y = nf.exp %d : (tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// Near misses.

// CHECK-LABEL: program @wrong_axis
// CHECK-NOT: softmax
// CHECK: return
nf.program @wrong_axis(%x: tensor<8x8xf32> {nf.name = "x"}) -> (tensor<8x8xf32> {nf.name = "y"}) {
  %e = nf.exp %x : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %s = nf.reduce_sum %e axes [0] : (tensor<8x8xf32>) -> tensor<1x8xf32>
  %y = nf.div %e, %s : (tensor<8x8xf32>, tensor<1x8xf32>) -> tensor<8x8xf32>
  nf.return %y : tensor<8x8xf32>
}

// One more in the denominator.
// CHECK-LABEL: program @off_by_one
// CHECK-NOT: softmax
// CHECK: return
nf.program @off_by_one(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %one = nf.constant dense<1.0> : tensor<1xf32>
  %e = nf.exp %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %s = nf.reduce_sum %e axes [1] : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %t = nf.add %s, %one : (tensor<4x1xf32>, tensor<1xf32>) -> tensor<4x1xf32>
  %y = nf.div %e, %t : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// Rows of −∞ are guarded: 0 instead of NaN.
// CHECK-LABEL: program @guarded
// CHECK: %[[P:.*]] = softmax %x
// CHECK: where %{{.*}}, %{{.*}}, %[[P]]
nf.program @guarded(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %m = nf.reduce_max %x axes [1] : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %c = nf.sub %x, %m : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  %e = nf.exp %c : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %s = nf.reduce_sum %e axes [1] : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %p = nf.div %e, %s : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  %nan = nf.compare ne %p, %p : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xi1>
  %y = nf.where %nan, %zero, %p : (tensor<4x8xi1>, tensor<1xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// The exponentials are a result too.
// CHECK-LABEL: program @read_elsewhere
// CHECK-NOT: softmax
// CHECK: return
nf.program @read_elsewhere(%x: tensor<4x8xf32> {nf.name = "x"})
    -> (tensor<4x8xf32> {nf.name = "y"}, tensor<4x8xf32> {nf.name = "e"}) {
  %e = nf.exp %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %s = nf.reduce_sum %e axes [1] : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %y = nf.div %e, %s : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  nf.return %y, %e : tensor<4x8xf32>, tensor<4x8xf32>
}

// No-op.
// CHECK-LABEL: program @composite
// CHECK-NEXT: %[[Y:.*]] = softmax %x
// CHECK-NEXT: return %[[Y]]
nf.program @composite(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %y = nf.softmax %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}
