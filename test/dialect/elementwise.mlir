// RUN: nf-opt --verify-roundtrip %s | FileCheck %s

// CHECK-LABEL: nf.program @unary
nf.program @unary(%x: tensor<4x8xf32> {nf.name = "x"}) {
  // CHECK: neg %{{.*}}
  %0 = nf.neg %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: exp %{{.*}}
  %1 = nf.exp %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: log %{{.*}}
  %2 = nf.log %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: tanh %{{.*}}
  %3 = nf.tanh %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: erf %{{.*}}
  %4 = nf.erf %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: sqrt %{{.*}}
  %5 = nf.sqrt %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: rsqrt %{{.*}}
  %6 = nf.rsqrt %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return
}
// CHECK-LABEL: nf.program @binary
nf.program @binary(%x: tensor<4x8xf32> {nf.name = "x"}, %row: tensor<8xf32> {nf.name = "row"},
    %column: tensor<4x1xf32> {nf.name = "column"}, %i: tensor<4xi32> {nf.name = "i"}) {
  // CHECK: add %{{.*}}, %{{.*}}
  %0 = nf.add %x, %row : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  // CHECK: sub %{{.*}}, %{{.*}}
  %1 = nf.sub %row, %column : (tensor<8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  // CHECK: mul %{{.*}}, %{{.*}}
  %2 = nf.mul %x, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: div %{{.*}}, %{{.*}}
  %3 = nf.div %x, %column : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  // CHECK: pow %{{.*}}, %{{.*}}
  %4 = nf.pow %x, %row : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  // CHECK: max %{{.*}}, %{{.*}}
  %5 = nf.max %x, %row : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  // CHECK: add %{{.*}}, %{{.*}}
  %6 = nf.add %i, %i : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  nf.return
}
// CHECK-LABEL: nf.program @select
nf.program @select(%x: tensor<4x8xi32> {nf.name = "x"}, %y: tensor<4x1xi32> {nf.name = "y"},
    %f: tensor<1xf32> {nf.name = "f"}, %g: tensor<4x8xf32> {nf.name = "g"}) {
  // CHECK: compare eq %{{.*}}, %{{.*}}
  %0 = nf.compare eq %x, %y : (tensor<4x8xi32>, tensor<4x1xi32>) -> tensor<4x8xi1>
  // CHECK: compare ge %{{.*}}, %{{.*}}
  %1 = nf.compare ge %g, %f : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xi1>
  // CHECK: where %{{.*}}, %{{.*}}, %{{.*}}
  %2 = nf.where %0, %g, %f : (tensor<4x8xi1>, tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  // CHECK: cast %{{.*}}
  %3 = nf.cast %2 : (tensor<4x8xf32>) -> tensor<4x8xbf16>
  // CHECK: cast %{{.*}}
  %4 = nf.cast %x : (tensor<4x8xi32>) -> tensor<4x8xf32>
  nf.return
}
