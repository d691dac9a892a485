// RUN: nf-check %s --against=decomposed | FileCheck %s
// RUN: nf-check %s --against=cpu | FileCheck %s
// RUN: nf-check %s --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s

// CHECK-LABEL: @square_norm{{$}}
// CHECK-NEXT: r: largest error
nf.program @square_norm(%x: tensor<3x7x5xf32> {nf.name = "x"})
    -> (tensor<1xf32> {nf.name = "r"}) {
  %y = nf.square_norm %x : (tensor<3x7x5xf32>) -> tensor<1xf32>
  nf.return %y : tensor<1xf32>
}

// CHECK-LABEL: @square_norm_of_vector{{$}}
// CHECK-NEXT: r: largest error
nf.program @square_norm_of_vector(%x: tensor<300xf32> {nf.name = "x"})
    -> (tensor<1xf32> {nf.name = "r"}) {
  %y = nf.square_norm %x : (tensor<300xf32>) -> tensor<1xf32>
  nf.return %y : tensor<1xf32>
}

// CHECK-LABEL: @clip_above{{$}}
// CHECK-NEXT: r: largest error
nf.program @clip_above(%norm: tensor<1xf32> {nf.name = "norm", nf.range = [1.0, 2.0]},
                       %clip: tensor<f32> {nf.name = "clip", nf.range = [0.1, 0.5]})
    -> (tensor<1xf32> {nf.name = "r"}) {
  %y = nf.clip_coefficient %norm, %clip : (tensor<1xf32>, tensor<f32>) -> tensor<1xf32>
  nf.return %y : tensor<1xf32>
}

// CHECK-LABEL: @clip_below{{$}}
// CHECK-NEXT: r: largest error
nf.program @clip_below(%norm: tensor<1xf32> {nf.name = "norm", nf.range = [1.0, 2.0]},
                       %clip: tensor<f32> {nf.name = "clip", nf.range = [2.5, 3.0]})
    -> (tensor<1xf32> {nf.name = "r"}) {
  %y = nf.clip_coefficient %norm, %clip : (tensor<1xf32>, tensor<f32>) -> tensor<1xf32>
  nf.return %y : tensor<1xf32>
}

// CHECK-LABEL: @clip_off{{$}}
// CHECK-NEXT: r: largest error
nf.program @clip_off(%norm: tensor<1xf32> {nf.name = "norm", nf.range = [1.0, 2.0]},
                     %clip: tensor<f32> {nf.name = "clip", nf.range = [0.0, 0.0]})
    -> (tensor<1xf32> {nf.name = "r"}) {
  %y = nf.clip_coefficient %norm, %clip : (tensor<1xf32>, tensor<f32>) -> tensor<1xf32>
  nf.return %y : tensor<1xf32>
}

// CHECK-LABEL: @adamw{{$}}
// CHECK-NEXT: m2: largest error
// CHECK-NEXT: p2: largest error
// CHECK-NEXT: v2: largest error
nf.program @adamw(%p: tensor<3x7xf32> {nf.name = "p"}, %gradient: tensor<3x7xf32> {nf.name = "gradient"},
                  %m: tensor<3x7xf32> {nf.name = "m"}, %v: tensor<3x7xf32> {nf.name = "v", nf.range = [0.0, 1.0]},
                  %norm: tensor<1xf32> {nf.name = "norm", nf.range = [1.0, 2.0]},
                  %clip_coefficient: tensor<f32> {nf.name = "clip_coefficient", nf.range = [0.1, 1]},
                  %lr: tensor<f32> {nf.name = "lr", nf.range = [0.001, 0.01]},
                  %beta1: tensor<f32> {nf.name = "beta1", nf.range = [0.8, 0.9]},
                  %beta2: tensor<f32> {nf.name = "beta2", nf.range = [0.95, 0.99]},
                  %eps: tensor<f32> {nf.name = "eps", nf.range = [0.0001, 0.001]},
                  %decay: tensor<f32> {nf.name = "decay", nf.range = [0, 0.1]},
                  %c1: tensor<f32> {nf.name = "c1", nf.range = [0.1, 1]},
                  %c2: tensor<f32> {nf.name = "c2", nf.range = [0.1, 1]})
    -> (tensor<3x7xf32> {nf.name = "p2"}, tensor<3x7xf32> {nf.name = "m2"}, tensor<3x7xf32> {nf.name = "v2"}) {
  %n = nf.reshape %norm : (tensor<1xf32>) -> tensor<1xf32>
  %p2, %m2, %v2 = nf.adamw %p, %gradient, %m, %v, %n, %clip_coefficient, %lr, %beta1, %beta2, %eps, %decay, %c1, %c2
    : (tensor<3x7xf32>, tensor<3x7xf32>, tensor<3x7xf32>, tensor<3x7xf32>, tensor<1xf32>, tensor<f32>, tensor<f32>,
        tensor<f32>, tensor<f32>,
       tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<3x7xf32>, tensor<3x7xf32>, tensor<3x7xf32>)
  nf.return %p2, %m2, %v2 : tensor<3x7xf32>, tensor<3x7xf32>, tensor<3x7xf32>
}

// A norm that is not finite: parameter and moments stay.
// CHECK-LABEL: @adamw_keeps_all_when_norm_is_infinite{{$}}
// CHECK-NEXT: m2: largest error
// CHECK-NEXT: p2: largest error
// CHECK-NEXT: v2: largest error
nf.program @adamw_keeps_all_when_norm_is_infinite(%p: tensor<3x7xf32> {nf.name = "p"},
                                                  %gradient: tensor<3x7xf32> {nf.name = "gradient"},
                                                  %m: tensor<3x7xf32> {nf.name = "m"},
                                                  %v: tensor<3x7xf32> {nf.name = "v", nf.range = [0.0, 1.0]},
                                                  %norm: tensor<1xf32> {nf.name = "norm", nf.range = [1.0, 2.0]},
                                                  %clip_coefficient: tensor<f32> {nf.name = "clip_coefficient",
                                                      nf.range = [0.1, 1]},
                                                  %lr: tensor<f32> {nf.name = "lr", nf.range = [0.001, 0.01]},
                                                  %beta1: tensor<f32> {nf.name = "beta1", nf.range = [0.8, 0.9]},
                                                  %beta2: tensor<f32> {nf.name = "beta2", nf.range = [0.95, 0.99]},
                                                  %eps: tensor<f32> {nf.name = "eps", nf.range = [0.0001, 0.001]},
                                                  %decay: tensor<f32> {nf.name = "decay", nf.range = [0, 0.1]},
                                                  %c1: tensor<f32> {nf.name = "c1", nf.range = [0.1, 1]},
                                                  %c2: tensor<f32> {nf.name = "c2", nf.range = [0.1, 1]})
    -> (tensor<3x7xf32> {nf.name = "p2"}, tensor<3x7xf32> {nf.name = "m2"}, tensor<3x7xf32> {nf.name = "v2"}) {
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %n = nf.div %norm, %zero : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>
  %p2, %m2, %v2 = nf.adamw %p, %gradient, %m, %v, %n, %clip_coefficient, %lr, %beta1, %beta2, %eps, %decay, %c1, %c2
    : (tensor<3x7xf32>, tensor<3x7xf32>, tensor<3x7xf32>, tensor<3x7xf32>, tensor<1xf32>, tensor<f32>, tensor<f32>,
        tensor<f32>, tensor<f32>,
       tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<3x7xf32>, tensor<3x7xf32>, tensor<3x7xf32>)
  nf.return %p2, %m2, %v2 : tensor<3x7xf32>, tensor<3x7xf32>, tensor<3x7xf32>
}
