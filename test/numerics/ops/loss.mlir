// RUN: nf-check %s --against=decomposed | FileCheck %s
// RUN: nf-check %s --against=cpu | FileCheck %s
// RUN: nf-check %s --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s
// RUN: nf-check %s --against=finite-differences | FileCheck %s --check-prefixes=CHECK,GRADIENT

nf.parameter @x : tensor<2x5x8xf32> {init = "zeros"}
nf.parameter @w : tensor<11x8xf32> {init = "zeros"}
nf.parameter @c : tensor<11xf32> {init = "zeros"}
nf.parameter @rows : tensor<6x8xf32> {init = "zeros"}
nf.parameter @x1 : tensor<1x1x1xf32> {init = "zeros"}
nf.parameter @w1 : tensor<3x1xf32> {init = "zeros"}

// CHECK-LABEL: @tokens{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
// GRADIENT-NEXT: d/d w: largest error
nf.program @tokens(%targets: tensor<2x5xi32> {nf.name = "targets", nf.below = 11 : i64},
                   %weight: tensor<2x5xf32> {nf.name = "weight", nf.range = [0.0, 1.0]},
                   %scale: tensor<f32> {nf.name = "scale", nf.range = [0.1, 0.2]}) -> (tensor<f32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x5x8xf32>
  %w = nf.get @w : tensor<11x8xf32>
  %y = nf.linear_cross_entropy %x, %w, %targets, %weight, %scale
    : (tensor<2x5x8xf32>, tensor<11x8xf32>, tensor<2x5xi32>, tensor<2x5xf32>, tensor<f32>) -> tensor<f32>
  nf.return %y : tensor<f32>
}

// CHECK-LABEL: @plain_rows{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d w: largest error
// GRADIENT-NEXT: d/d rows: largest error
nf.program @plain_rows(%targets: tensor<6xi32> {nf.name = "targets", nf.below = 11 : i64},
                       %weight: tensor<6xf32> {nf.name = "weight", nf.range = [0.0, 1.0]},
                       %scale: tensor<f32> {nf.name = "scale", nf.range = [0.1, 0.2]})
    -> (tensor<f32> {nf.name = "r"}) {
  %rows = nf.get @rows : tensor<6x8xf32>
  %w = nf.get @w : tensor<11x8xf32>
  %y = nf.linear_cross_entropy %rows, %w, %targets, %weight, %scale
    : (tensor<6x8xf32>, tensor<11x8xf32>, tensor<6xi32>, tensor<6xf32>, tensor<f32>) -> tensor<f32>
  nf.return %y : tensor<f32>
}

// CHECK-LABEL: @one_token{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x1: largest error
// GRADIENT-NEXT: d/d w1: largest error
nf.program @one_token(%targets: tensor<1x1xi32> {nf.name = "targets", nf.below = 3 : i64},
                      %weight: tensor<1x1xf32> {nf.name = "weight", nf.range = [0.0, 1.0]},
                      %scale: tensor<f32> {nf.name = "scale", nf.range = [0.1, 0.2]})
    -> (tensor<f32> {nf.name = "r"}) {
  %x1 = nf.get @x1 : tensor<1x1x1xf32>
  %w1 = nf.get @w1 : tensor<3x1xf32>
  %y = nf.linear_cross_entropy %x1, %w1, %targets, %weight, %scale
    : (tensor<1x1x1xf32>, tensor<3x1xf32>, tensor<1x1xi32>, tensor<1x1xf32>, tensor<f32>) -> tensor<f32>
  nf.return %y : tensor<f32>
}

// Padding only: loss and gradients are 0.
// CHECK-LABEL: @nothing_counts{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
// GRADIENT-NEXT: d/d w: largest error
nf.program @nothing_counts(%targets: tensor<2x5xi32> {nf.name = "targets", nf.below = 11 : i64},
                           %weight: tensor<2x5xf32> {nf.name = "weight", nf.range = [0.0, 0.0]},
                           %scale: tensor<f32> {nf.name = "scale", nf.range = [0.1, 0.2]})
    -> (tensor<f32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x5x8xf32>
  %w = nf.get @w : tensor<11x8xf32>
  %y = nf.linear_cross_entropy %x, %w, %targets, %weight, %scale
    : (tensor<2x5x8xf32>, tensor<11x8xf32>, tensor<2x5xi32>, tensor<2x5xf32>, tensor<f32>) -> tensor<f32>
  nf.return %y : tensor<f32>
}

// Tied embeddings: projection and embedding share one gradient.
// CHECK-LABEL: @tied{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d w: largest error
nf.program @tied(%ids: tensor<2x5xi32> {nf.name = "ids", nf.below = 11 : i64},
                 %weight: tensor<2x5xf32> {nf.name = "weight"},
                 %scale: tensor<f32> {nf.name = "scale", nf.range = [0.1, 0.2]}) -> (tensor<f32> {nf.name = "r"}) {
  %w = nf.get @w : tensor<11x8xf32>
  %e = nf.embedding %w, %ids : (tensor<11x8xf32>, tensor<2x5xi32>) -> tensor<2x5x8xf32>
  %y = nf.linear_cross_entropy %e, %w, %ids, %weight, %scale
    : (tensor<2x5x8xf32>, tensor<11x8xf32>, tensor<2x5xi32>, tensor<2x5xf32>, tensor<f32>) -> tensor<f32>
  nf.return %y : tensor<f32>
}

// An output bias, as BERT's and RoBERTa's heads have it.
// CHECK-LABEL: @biased{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d x: largest error
// GRADIENT-NEXT: d/d w: largest error
// GRADIENT-NEXT: d/d c: largest error
nf.program @biased(%targets: tensor<2x5xi32> {nf.name = "targets", nf.below = 11 : i64},
                   %weight: tensor<2x5xf32> {nf.name = "weight", nf.range = [0.0, 1.0]},
                   %scale: tensor<f32> {nf.name = "scale", nf.range = [0.1, 0.2]}) -> (tensor<f32> {nf.name = "r"}) {
  %x = nf.get @x : tensor<2x5x8xf32>
  %w = nf.get @w : tensor<11x8xf32>
  %c = nf.get @c : tensor<11xf32>
  %y = nf.linear_cross_entropy %x, %w, %targets, %weight, %scale bias %c : (tensor<2x5x8xf32>, tensor<11x8xf32>,
      tensor<2x5xi32>, tensor<2x5xf32>, tensor<f32>, tensor<11xf32>) -> tensor<f32>
  nf.return %y : tensor<f32>
}
