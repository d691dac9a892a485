// RUN: nf-opt %s --nf-round-products --split-input-file | FileCheck %s
// RUN: nf-opt %s --nf-round-products --split-input-file | nf-opt --nf-round-products --split-input-file | FileCheck %s

// A weight is rounded once for all its products, and so is the bias of a result in bf16. What was widened is read as it
// was; an embedding reads f32.
// CHECK-LABEL: program @forward_backward
// CHECK: %[[W:.*]] = get @w
// CHECK-NEXT: %[[RW:.*]] = cast %[[W]] : (tensor<8x4xf32>) -> tensor<8x4xbf16>
// CHECK-NEXT: %[[B:.*]] = get @b
// CHECK-NEXT: %[[RB:.*]] = cast %[[B]] : (tensor<8xf32>) -> tensor<8xbf16>
// CHECK-NEXT: embedding %[[W]], %ids : (tensor<8x4xf32>
// CHECK-NEXT: %[[Y:.*]] = linear %x, %[[RW]] bias %[[RB]]
// CHECK-NEXT: %[[WIDE:.*]] = cast %[[Y]]
// CHECK-NEXT: matmul %[[Y]], %[[RW]] : (tensor<3x8xbf16>, tensor<8x4xbf16>) -> tensor<3x4xbf16>
// CHECK-NEXT: matmul %[[Y]], %x bias %[[C:.*]] {transpose_a} : (tensor<3x8xbf16>, tensor<3x4xbf16>, tensor<4xf32>) -> tensor<8x4xf32>
nf.parameter @w : tensor<8x4xf32> {init = "zeros"}
nf.parameter @b : tensor<8xf32> {init = "zeros"}
nf.program @forward_backward(%x: tensor<3x4xbf16> {nf.name = "x"}, %ids: tensor<3xi32> {nf.name = "ids"},
    %c: tensor<4xf32> {nf.name = "c"}) -> (tensor<3x4xbf16> {nf.name = "dx"}, tensor<8x4xf32> {nf.name = "dw"},
    tensor<3x4xf32> {nf.name = "e"}) {
  %w = nf.get @w : tensor<8x4xf32>
  %b = nf.get @b : tensor<8xf32>
  %e = nf.embedding %w, %ids : (tensor<8x4xf32>, tensor<3xi32>) -> tensor<3x4xf32>
  %y = nf.linear %x, %w bias %b : (tensor<3x4xbf16>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<3x8xbf16>
  %wide = nf.cast %y : (tensor<3x8xbf16>) -> tensor<3x8xf32>
  %dx = nf.matmul %y, %w : (tensor<3x8xbf16>, tensor<8x4xf32>) -> tensor<3x4xbf16>
  %dw = nf.matmul %wide, %x bias %c {transpose_a} : (tensor<3x8xf32>, tensor<3x4xbf16>, tensor<4xf32>) -> tensor<8x4xf32>
  nf.return %dx, %dw, %e : tensor<3x4xbf16>, tensor<8x4xf32>, tensor<3x4xf32>
}

// -----

// Parts of a concat one by one, so that their copies lie next to each other.
// CHECK-LABEL: program @merged
// CHECK: %[[RV:.*]] = cast %{{.*}} : (tensor<2x4xf32>) -> tensor<2x4xbf16>
// CHECK: %[[RW:.*]] = cast %{{.*}} : (tensor<3x4xf32>) -> tensor<3x4xbf16>
// CHECK: %[[C:.*]] = concat %[[RV]], %[[RW]]
// CHECK: linear %x, %[[C]]
nf.parameter @v : tensor<2x4xf32> {init = "zeros"}
nf.parameter @w : tensor<3x4xf32> {init = "zeros"}
nf.program @merged(%x: tensor<3x4xbf16> {nf.name = "x"}) -> (tensor<3x5xbf16> {nf.name = "y"}) {
  %v = nf.get @v : tensor<2x4xf32>
  %w = nf.get @w : tensor<3x4xf32>
  %c = nf.concat %v, %w axis 0 : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<5x4xf32>
  %y = nf.linear %x, %c : (tensor<3x4xbf16>, tensor<5x4xf32>) -> tensor<3x5xbf16>
  nf.return %y : tensor<3x5xbf16>
}

// -----

// In a module with a product of bf16 the vocabulary's is one too. The weight's gradient and logits are f32.
// CHECK-LABEL: program @forward_backward
// CHECK: %[[RX:.*]] = cast %y : (tensor<3x4xf32>) -> tensor<3x4xbf16>
// CHECK: %[[RW:.*]] = cast %{{.*}} : (tensor<9x4xf32>) -> tensor<9x4xbf16>
// CHECK: %loss, %dx, %dw = linear_cross_entropy_backward %[[RX]], %[[RW]], {{.*}} -> (tensor<f32>, tensor<3x4xbf16>, tensor<9x4xf32>)
// CHECK-NEXT: %[[DX:.*]] = cast %dx : (tensor<3x4xbf16>) -> tensor<3x4xf32>
// CHECK-NEXT: neg %[[DX]]
// CHECK-LABEL: program @eval
// CHECK: linear_cross_entropy %{{.*}}, %{{.*}} : (tensor<3x4xbf16>, tensor<9x4xbf16>, {{.*}} -> tensor<f32>
// CHECK-LABEL: program @logits
// CHECK: matmul %{{.*}}, %{{.*}} {transpose_b} : (tensor<3x4xbf16>, tensor<9x4xbf16>) -> tensor<3x9xf32>
nf.parameter @w : tensor<9x4xf32> {init = "zeros"}
nf.program @forward_backward(%x: tensor<3x4xbf16> {nf.name = "x"}, %y: tensor<3x4xf32> {nf.name = "y"},
    %t: tensor<3xi32> {nf.name = "t"}, %l: tensor<3xf32> {nf.name = "l"}, %s: tensor<f32> {nf.name = "s"})
    -> (tensor<f32> {nf.name = "loss"}, tensor<3x4xf32> {nf.name = "n"}, tensor<9x4xf32> {nf.name = "dw"},
        tensor<3x3xbf16> {nf.name = "p"}) {
  %w = nf.get @w : tensor<9x4xf32>
  %p = nf.matmul %x, %x {transpose_b} : (tensor<3x4xbf16>, tensor<3x4xbf16>) -> tensor<3x3xbf16>
  %loss, %dx, %dw = nf.linear_cross_entropy_backward %y, %w, %t, %l, %s : (tensor<3x4xf32>, tensor<9x4xf32>,
      tensor<3xi32>, tensor<3xf32>, tensor<f32>) -> (tensor<f32>, tensor<3x4xf32>, tensor<9x4xf32>)
  %n = nf.neg %dx : (tensor<3x4xf32>) -> tensor<3x4xf32>
  nf.return %loss, %n, %dw, %p : tensor<f32>, tensor<3x4xf32>, tensor<9x4xf32>, tensor<3x3xbf16>
}
nf.program @eval(%y: tensor<3x4xf32> {nf.name = "y"}, %t: tensor<3xi32> {nf.name = "t"},
    %l: tensor<3xf32> {nf.name = "l"}, %s: tensor<f32> {nf.name = "s"}) -> (tensor<f32> {nf.name = "loss"}) {
  %w = nf.get @w : tensor<9x4xf32>
  %loss = nf.linear_cross_entropy %y, %w, %t, %l, %s : (tensor<3x4xf32>, tensor<9x4xf32>, tensor<3xi32>,
      tensor<3xf32>, tensor<f32>) -> tensor<f32>
  nf.return %loss : tensor<f32>
}
nf.program @logits(%y: tensor<3x4xf32> {nf.name = "y"}) -> (tensor<3x9xf32> {nf.name = "logits"}) {
  %w = nf.get @w : tensor<9x4xf32>
  %z = nf.linear %y, %w : (tensor<3x4xf32>, tensor<9x4xf32>) -> tensor<3x9xf32>
  nf.return %z : tensor<3x9xf32>
}

// -----

// No-op: a module of f32.
// CHECK-LABEL: program @f32
// CHECK-NOT: cast
// CHECK: return
nf.parameter @w : tensor<9x4xf32> {init = "zeros"}
nf.program @f32(%x: tensor<3x4xf32> {nf.name = "x"}) -> (tensor<3x9xf32> {nf.name = "y"}) {
  %w = nf.get @w : tensor<9x4xf32>
  %y = nf.linear %x, %w : (tensor<3x4xf32>, tensor<9x4xf32>) -> tensor<3x9xf32>
  nf.return %y : tensor<3x9xf32>
}
