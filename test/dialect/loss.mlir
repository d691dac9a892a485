// RUN: nf-opt --verify-roundtrip %s | FileCheck %s

// CHECK-LABEL: nf.program @loss
nf.program @loss(%x: tensor<2x5x8xf32> {nf.name = "x"}, %w: tensor<11x8xf32> {nf.name = "w"},
    %targets: tensor<2x5xi32> {nf.name = "targets"}, %weight: tensor<2x5xf32> {nf.name = "weight"},
    %scale: tensor<f32> {nf.name = "scale"}, %bias: tensor<11xf32> {nf.name = "bias"}) {
  // CHECK: linear_cross_entropy %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}
  %0 = nf.linear_cross_entropy %x, %w, %targets, %weight, %scale : (tensor<2x5x8xf32>, tensor<11x8xf32>,
      tensor<2x5xi32>, tensor<2x5xf32>, tensor<f32>) -> tensor<f32>
  // CHECK: %{{.*}}, %{{.*}}, %{{.*}} = linear_cross_entropy_backward %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}
  %1:3 = nf.linear_cross_entropy_backward %x, %w, %targets, %weight, %scale : (tensor<2x5x8xf32>, tensor<11x8xf32>,
      tensor<2x5xi32>, tensor<2x5xf32>, tensor<f32>) -> (tensor<f32>, tensor<2x5x8xf32>, tensor<11x8xf32>)
  // CHECK: linear_cross_entropy %{{.*}} bias %bias :
  %2 = nf.linear_cross_entropy %x, %w, %targets, %weight, %scale bias %bias : (tensor<2x5x8xf32>, tensor<11x8xf32>,
      tensor<2x5xi32>, tensor<2x5xf32>, tensor<f32>, tensor<11xf32>) -> tensor<f32>
  // CHECK: linear_cross_entropy_backward %{{.*}} bias %bias :
  %3:4 = nf.linear_cross_entropy_backward %x, %w, %targets, %weight, %scale bias %bias : (tensor<2x5x8xf32>,
      tensor<11x8xf32>, tensor<2x5xi32>, tensor<2x5xf32>, tensor<f32>, tensor<11xf32>)
      -> (tensor<f32>, tensor<2x5x8xf32>, tensor<11x8xf32>, tensor<11xf32>)
  nf.return
}
