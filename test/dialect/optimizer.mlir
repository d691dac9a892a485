// RUN: nf-opt --verify-roundtrip %s | FileCheck %s

// CHECK-LABEL: nf.program @optimizer
nf.program @optimizer(%p: tensor<3x7xf32> {nf.name = "p"}, %s: tensor<f32> {nf.name = "s"}) {
  // CHECK: square_norm %{{.*}}
  %0 = nf.square_norm %p : (tensor<3x7xf32>) -> tensor<1xf32>
  // CHECK: clip_coefficient %{{.*}}, %{{.*}}
  %1 = nf.clip_coefficient %0, %s : (tensor<1xf32>, tensor<f32>) -> tensor<1xf32>
  // CHECK: %{{.*}}, %{{.*}}, %{{.*}} = adamw %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}
  %2:3 = nf.adamw %p, %p, %p, %p, %0, %1, %s, %s, %s, %s, %s, %s, %s : (tensor<3x7xf32>, tensor<3x7xf32>,
      tensor<3x7xf32>, tensor<3x7xf32>, tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<f32>, tensor<f32>,
      tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<3x7xf32>, tensor<3x7xf32>, tensor<3x7xf32>)
  nf.return
}
