// Sizes on and off the width of vectors, one, and the largest of the models: forward and backward.
// RUN: nf-check %s --program=forward_backward --prepare=nf-differentiate --against=cpu | FileCheck %s --check-prefix=FORWARD-BACKWARD
// RUN: nf-check %s --program=forward_backward --prepare=nf-differentiate --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s --check-prefix=FORWARD-BACKWARD
// RUN: nf-check %s --program=wide --against=cpu | FileCheck %s --check-prefix=WIDE
// RUN: nf-check %s --program=wide --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s --check-prefix=WIDE
// RUN: nf-check %s --program=one --against=cpu | FileCheck %s --check-prefix=ONE
// RUN: nf-check %s --program=one --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s --check-prefix=ONE

nf.parameter @x : tensor<2x3x37xf32> {init = "zeros"}
nf.parameter @weight : tensor<37xf32> {init = "zeros"}
nf.parameter @bias : tensor<37xf32> {init = "zeros"}
nf.parameter @fc : tensor<65x37xf32> {init = "zeros"}
// FORWARD-BACKWARD-LABEL: @forward_backward{{$}}
// FORWARD-BACKWARD-NEXT: loss: largest error
// FORWARD-BACKWARD-NEXT: bias.grad: largest error
// FORWARD-BACKWARD-NEXT: fc.grad: largest error
// FORWARD-BACKWARD-NEXT: weight.grad: largest error
// FORWARD-BACKWARD-NEXT: x.grad: largest error
nf.program @forward_backward(%g: tensor<2x3x65xf32> {nf.name = "g"}) -> (tensor<f32> {nf.name = "loss"}) {
  %x = nf.get @x : tensor<2x3x37xf32>
  %w = nf.get @weight : tensor<37xf32>
  %b = nf.get @bias : tensor<37xf32>
  %fc = nf.get @fc : tensor<65x37xf32>
  %y, %mean, %rstd = nf.layer_norm %x, %w, %b {eps = 1.0e-5 : f64}
      : (tensor<2x3x37xf32>, tensor<37xf32>, tensor<37xf32>)
      -> (tensor<2x3x37xf32>, tensor<2x3x1xf32>, tensor<2x3x1xf32>)
  %h = nf.linear %y, %fc : (tensor<2x3x37xf32>, tensor<65x37xf32>) -> tensor<2x3x65xf32>
  %a = nf.gelu %h : (tensor<2x3x65xf32>) -> tensor<2x3x65xf32>
  %p = nf.softmax %a : (tensor<2x3x65xf32>) -> tensor<2x3x65xf32>
  %z = nf.mul %p, %g : (tensor<2x3x65xf32>, tensor<2x3x65xf32>) -> tensor<2x3x65xf32>
  %s = nf.reduce_sum %z axes [0, 1, 2] : (tensor<2x3x65xf32>) -> tensor<1x1x1xf32>
  %l = nf.reshape %s : (tensor<1x1x1xf32>) -> tensor<f32>
  nf.return %l : tensor<f32>
}

// WIDE-LABEL: @wide{{$}}
// WIDE-NEXT: p: largest error
// WIDE-NEXT: y: largest error
// WIDE-NEXT: z: largest error
nf.program @wide(%x: tensor<3x4096xf32> {nf.name = "x"}, %w: tensor<4096xf32> {nf.name = "w"},
                 %m: tensor<5x4096xf32> {nf.name = "m"})
    -> (tensor<3x4096xf32> {nf.name = "y"}, tensor<3x5xf32> {nf.name = "z"}, tensor<3x4096xf32> {nf.name = "p"}) {
  %y, %mean, %rstd = nf.layer_norm %x, %w, %w {eps = 1.0e-5 : f64}
      : (tensor<3x4096xf32>, tensor<4096xf32>, tensor<4096xf32>)
      -> (tensor<3x4096xf32>, tensor<3x1xf32>, tensor<3x1xf32>)
  %z = nf.linear %y, %m : (tensor<3x4096xf32>, tensor<5x4096xf32>) -> tensor<3x5xf32>
  %p = nf.softmax %y : (tensor<3x4096xf32>) -> tensor<3x4096xf32>
  nf.return %y, %z, %p : tensor<3x4096xf32>, tensor<3x5xf32>, tensor<3x4096xf32>
}

// ONE-LABEL: @one{{$}}
// ONE-NEXT: y: largest error
// ONE-NEXT: z: largest error
nf.program @one(%x: tensor<1x1x1xf32> {nf.name = "x"}, %w: tensor<1x1xf32> {nf.name = "w"})
    -> (tensor<1x1x1xf32> {nf.name = "y"}, tensor<1x1x1xf32> {nf.name = "z"}) {
  %h = nf.linear %x, %w : (tensor<1x1x1xf32>, tensor<1x1xf32>) -> tensor<1x1x1xf32>
  %y = nf.silu %h : (tensor<1x1x1xf32>) -> tensor<1x1x1xf32>
  %z, %lse = nf.attention %x, %x, %y {heads = 1 : i64, causal, scale = 1.0 : f64}
      : (tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>) -> (tensor<1x1x1xf32>, tensor<1x1x1xf32>)
  nf.return %y, %z : tensor<1x1x1xf32>, tensor<1x1x1xf32>
}
