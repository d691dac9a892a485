// RUN: nf-opt --verify-roundtrip %s | FileCheck %s

// CHECK-LABEL: nf.program @movement
nf.program @movement(%x: tensor<4x6xf32> {nf.name = "x"}, %ids: tensor<2x3xi32> {nf.name = "ids"}) {
  // CHECK: reshape %{{.*}}
  %0 = nf.reshape %x : (tensor<4x6xf32>) -> tensor<2x2x6xf32>
  // CHECK: broadcast %{{.*}}
  %1 = nf.broadcast %x : (tensor<4x6xf32>) -> tensor<3x4x6xf32>
  // CHECK: transpose %{{.*}} [2, 0, 1]
  %2 = nf.transpose %0 [2, 0, 1] : (tensor<2x2x6xf32>) -> tensor<6x2x2xf32>
  // CHECK: slice %{{.*}} axis 1 from 2 size 3
  %3 = nf.slice %x axis 1 from 2 size 3 : (tensor<4x6xf32>) -> tensor<4x3xf32>
  // CHECK: pad %{{.*}} axis 0 low 1 high 2
  %4 = nf.pad %x axis 0 low 1 high 2 : (tensor<4x6xf32>) -> tensor<7x6xf32>
  // CHECK: concat %{{.*}}, %{{.*}} axis 0
  %5 = nf.concat %x, %4 axis 0 : (tensor<4x6xf32>, tensor<7x6xf32>) -> tensor<11x6xf32>
  // CHECK: gather %{{.*}}, %{{.*}}
  %6 = nf.gather %x, %ids : (tensor<4x6xf32>, tensor<2x3xi32>) -> tensor<2x3x6xf32>
  // CHECK: scatter_add %{{.*}}, %{{.*}}
  %7 = nf.scatter_add %6, %ids : (tensor<2x3x6xf32>, tensor<2x3xi32>) -> tensor<4x6xf32>
  nf.return
}
