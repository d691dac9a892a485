// Products of bf16 with f32 on the emulated GPU, as nf-round-products leaves them: each operand rounded once, sums in f32,
// results rounded once. The loss keeps its logits and their gradients in bf16.
// RUN: nf-check %s --program=products --prepare=nf-round-products --against=cpu --target=cuda-emulated --check-kernels --tolerance=6e-3 | FileCheck %s --check-prefix=PRODUCTS
// RUN: env NF_GPU_REFUSE=bias nf-check %s --program=products --prepare=nf-round-products --against=cpu --target=cuda-emulated --check-kernels --tolerance=6e-3 | FileCheck %s --check-prefix=PRODUCTS
// RUN: nf-check %s --program=loss --prepare=nf-round-products --against=cpu --target=cuda-emulated --check-kernels --bf16 --tolerance=1.2e-2 | FileCheck %s --check-prefix=LOSS
// RUN: nf-check %s --program=loss --prepare=nf-round-products --against=cpu --bf16 --tolerance=1.2e-2 | FileCheck %s --check-prefix=LOSS

// PRODUCTS-LABEL: @products{{$}}
// PRODUCTS-NEXT: dw: largest error
// PRODUCTS-NEXT: y: largest error
nf.program @products(%a: tensor<30x96xbf16> {nf.name = "a"}, %w: tensor<130x96xf32> {nf.name = "w"},
    %bias: tensor<130xf32> {nf.name = "bias"}, %dy: tensor<30x130xf32> {nf.name = "dy"})
    -> (tensor<30x130xbf16> {nf.name = "y"}, tensor<130x96xf32> {nf.name = "dw"}) {
  %y = nf.linear %a, %w bias %bias : (tensor<30x96xbf16>, tensor<130x96xf32>, tensor<130xf32>) -> tensor<30x130xbf16>
  %dw = nf.matmul %dy, %a {transpose_a} : (tensor<30x130xf32>, tensor<30x96xbf16>) -> tensor<130x96xf32>
  nf.return %y, %dw : tensor<30x130xbf16>, tensor<130x96xf32>
}

// LOSS-LABEL: @loss{{$}}
// LOSS-NEXT: dc: largest error
// LOSS-NEXT: dw: largest error
// LOSS-NEXT: dx: largest error
// LOSS-NEXT: loss: largest error
// LOSS-NEXT: nll: largest error
// LOSS-NEXT: p: largest error
nf.program @loss(%a: tensor<5x8xbf16> {nf.name = "a"}, %x: tensor<2x5x48xf32> {nf.name = "x"},
    %w: tensor<99x48xf32> {nf.name = "w"}, %c: tensor<99xf32> {nf.name = "c"},
    %targets: tensor<2x5xi32> {nf.name = "targets", nf.below = 99 : i64},
    %weight: tensor<2x5xf32> {nf.name = "weight", nf.range = [0.0, 1.0]},
    %scale: tensor<1xf32> {nf.name = "scale", nf.range = [0.1, 0.2]})
    -> (tensor<5x5xbf16> {nf.name = "p"}, tensor<f32> {nf.name = "loss"}, tensor<2x5x48xf32> {nf.name = "dx"},
        tensor<99x48xf32> {nf.name = "dw"}, tensor<99xf32> {nf.name = "dc"}, tensor<f32> {nf.name = "nll"}) {
  %p = nf.matmul %a, %a {transpose_b} : (tensor<5x8xbf16>, tensor<5x8xbf16>) -> tensor<5x5xbf16>
  %loss, %dx, %dw, %dc = nf.linear_cross_entropy_backward %x, %w, %targets, %weight, %scale bias %c
    : (tensor<2x5x48xf32>, tensor<99x48xf32>, tensor<2x5xi32>, tensor<2x5xf32>, tensor<1xf32>, tensor<99xf32>)
        -> (tensor<f32>, tensor<2x5x48xf32>, tensor<99x48xf32>, tensor<99xf32>)
  %nll = nf.linear_cross_entropy %x, %w, %targets, %weight, %scale
    : (tensor<2x5x48xf32>, tensor<99x48xf32>, tensor<2x5xi32>, tensor<2x5xf32>, tensor<1xf32>) -> tensor<f32>
  nf.return %p, %loss, %dx, %dw, %dc, %nll : tensor<5x5xbf16>, tensor<f32>, tensor<2x5x48xf32>, tensor<99x48xf32>,
      tensor<99xf32>, tensor<f32>
}
