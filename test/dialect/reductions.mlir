// RUN: nf-opt --verify-roundtrip %s | FileCheck %s

// CHECK-LABEL: nf.program @reductions
nf.program @reductions(%x: tensor<4x64x768xf32> {nf.name = "x"}) {
  // CHECK: reduce_sum %{{.*}} axes [0, 1]
  %0 = nf.reduce_sum %x axes [0, 1] : (tensor<4x64x768xf32>) -> tensor<1x1x768xf32>
  // CHECK: reduce_mean %{{.*}} axes [2]
  %1 = nf.reduce_mean %x axes [2] : (tensor<4x64x768xf32>) -> tensor<4x64x1xf32>
  // CHECK: reduce_max %{{.*}} axes []
  %2 = nf.reduce_max %x axes [] : (tensor<4x64x768xf32>) -> tensor<4x64x768xf32>
  // CHECK: softmax %{{.*}}
  %3 = nf.softmax %x : (tensor<4x64x768xf32>) -> tensor<4x64x768xf32>
  nf.return
}
