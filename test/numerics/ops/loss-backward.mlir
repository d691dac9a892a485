// RUN: nf-check %s --against=decomposed | FileCheck %s
// RUN: nf-check %s --against=cpu | FileCheck %s
// RUN: nf-check %s --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s

// CHECK-LABEL: @tokens{{$}}
// CHECK-NEXT: dw: largest error
// CHECK-NEXT: dx: largest error
// CHECK-NEXT: loss: largest error
nf.program @tokens(%x: tensor<2x5x8xf32> {nf.name = "x"}, %w: tensor<11x8xf32> {nf.name = "w"},
                   %targets: tensor<2x5xi32> {nf.name = "targets", nf.below = 11 : i64},
                   %weight: tensor<2x5xf32> {nf.name = "weight", nf.range = [0.0, 1.0]},
                   %scale: tensor<1xf32> {nf.name = "scale", nf.range = [0.1, 0.2]})
    -> (tensor<f32> {nf.name = "loss"}, tensor<2x5x8xf32> {nf.name = "dx"}, tensor<11x8xf32> {nf.name = "dw"}) {
  %loss, %dx, %dw = nf.linear_cross_entropy_backward %x, %w, %targets, %weight, %scale
    : (tensor<2x5x8xf32>, tensor<11x8xf32>, tensor<2x5xi32>, tensor<2x5xf32>, tensor<1xf32>) -> (tensor<f32>,
        tensor<2x5x8xf32>, tensor<11x8xf32>)
  nf.return %loss, %dx, %dw : tensor<f32>, tensor<2x5x8xf32>, tensor<11x8xf32>
}

// CHECK-LABEL: @biased{{$}}
// CHECK-NEXT: dc: largest error
// CHECK-NEXT: dw: largest error
// CHECK-NEXT: dx: largest error
// CHECK-NEXT: loss: largest error
nf.program @biased(%x: tensor<2x5x8xf32> {nf.name = "x"}, %w: tensor<11x8xf32> {nf.name = "w"},
                   %c: tensor<11xf32> {nf.name = "c"}, %targets: tensor<2x5xi32> {nf.name = "targets", nf.below = 11 : i64},
                   %weight: tensor<2x5xf32> {nf.name = "weight", nf.range = [0.0, 1.0]},
                   %scale: tensor<1xf32> {nf.name = "scale", nf.range = [0.1, 0.2]})
    -> (tensor<f32> {nf.name = "loss"}, tensor<2x5x8xf32> {nf.name = "dx"}, tensor<11x8xf32> {nf.name = "dw"},
        tensor<11xf32> {nf.name = "dc"}) {
  %loss, %dx, %dw, %dc = nf.linear_cross_entropy_backward %x, %w, %targets, %weight, %scale bias %c
    : (tensor<2x5x8xf32>, tensor<11x8xf32>, tensor<2x5xi32>, tensor<2x5xf32>, tensor<1xf32>, tensor<11xf32>)
    -> (tensor<f32>, tensor<2x5x8xf32>, tensor<11x8xf32>, tensor<11xf32>)
  nf.return %loss, %dx, %dw, %dc : tensor<f32>, tensor<2x5x8xf32>, tensor<11x8xf32>, tensor<11xf32>
}
