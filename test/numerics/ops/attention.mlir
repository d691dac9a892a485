// RUN: nf-check %s --against=decomposed | FileCheck %s
// RUN: nf-check %s --against=cpu | FileCheck %s
// RUN: nf-check %s --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s
// RUN: nf-check %s --against=finite-differences | FileCheck %s --check-prefixes=CHECK,GRADIENT

nf.parameter @q : tensor<2x5x12xf32> {init = "zeros"}
nf.parameter @k : tensor<2x5x12xf32> {init = "zeros"}
nf.parameter @v : tensor<2x5x12xf32> {init = "zeros"}
nf.parameter @k7 : tensor<2x7x12xf32> {init = "zeros"}
nf.parameter @v7 : tensor<2x7x12xf32> {init = "zeros"}

// CHECK-LABEL: @full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d q: largest error
// GRADIENT-NEXT: d/d k: largest error
// GRADIENT-NEXT: d/d v: largest error
nf.program @full(%g: tensor<2x5x12xf32> {nf.name = "g"}) -> (tensor<2x5x12xf32> {nf.name = "r"}) {
  %q = nf.get @q : tensor<2x5x12xf32>
  %k = nf.get @k : tensor<2x5x12xf32>
  %v = nf.get @v : tensor<2x5x12xf32>
  %y, %lse = nf.attention %q, %k, %v {heads = 3 : i64, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  %r = nf.mul %y, %g : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  nf.return %r : tensor<2x5x12xf32>
}

// CHECK-LABEL: @causal{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d q: largest error
// GRADIENT-NEXT: d/d k: largest error
// GRADIENT-NEXT: d/d v: largest error
nf.program @causal(%g: tensor<2x5x12xf32> {nf.name = "g"}) -> (tensor<2x5x12xf32> {nf.name = "r"}) {
  %q = nf.get @q : tensor<2x5x12xf32>
  %k = nf.get @k : tensor<2x5x12xf32>
  %v = nf.get @v : tensor<2x5x12xf32>
  %y, %lse = nf.attention %q, %k, %v {heads = 3 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  %r = nf.mul %y, %g : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  nf.return %r : tensor<2x5x12xf32>
}

// CHECK-LABEL: @one_head{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d q: largest error
// GRADIENT-NEXT: d/d k: largest error
// GRADIENT-NEXT: d/d v: largest error
nf.program @one_head(%g: tensor<2x5x12xf32> {nf.name = "g"}) -> (tensor<2x5x12xf32> {nf.name = "r"}) {
  %q = nf.get @q : tensor<2x5x12xf32>
  %k = nf.get @k : tensor<2x5x12xf32>
  %v = nf.get @v : tensor<2x5x12xf32>
  %y, %lse = nf.attention %q, %k, %v {heads = 1 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x1x5xf32>)
  %r = nf.mul %y, %g : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  nf.return %r : tensor<2x5x12xf32>
}

// CHECK-LABEL: @heads_of_one{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d q: largest error
// GRADIENT-NEXT: d/d k: largest error
// GRADIENT-NEXT: d/d v: largest error
nf.program @heads_of_one(%g: tensor<2x5x12xf32> {nf.name = "g"}) -> (tensor<2x5x12xf32> {nf.name = "r"}) {
  %q = nf.get @q : tensor<2x5x12xf32>
  %k = nf.get @k : tensor<2x5x12xf32>
  %v = nf.get @v : tensor<2x5x12xf32>
  %y, %lse = nf.attention %q, %k, %v {heads = 12 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x12x5xf32>)
  %r = nf.mul %y, %g : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  nf.return %r : tensor<2x5x12xf32>
}

// CHECK-LABEL: @more_keys{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d q: largest error
// GRADIENT-NEXT: d/d k7: largest error
// GRADIENT-NEXT: d/d v7: largest error
nf.program @more_keys(%g: tensor<2x5x12xf32> {nf.name = "g"}) -> (tensor<2x5x12xf32> {nf.name = "r"}) {
  %q = nf.get @q : tensor<2x5x12xf32>
  %k7 = nf.get @k7 : tensor<2x7x12xf32>
  %v7 = nf.get @v7 : tensor<2x7x12xf32>
  %y, %lse = nf.attention %q, %k7, %v7 {heads = 3 : i64, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  %r = nf.mul %y, %g : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  nf.return %r : tensor<2x5x12xf32>
}

// CHECK-LABEL: @causal_offset{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d q: largest error
// GRADIENT-NEXT: d/d k7: largest error
// GRADIENT-NEXT: d/d v7: largest error
nf.program @causal_offset(%offset: tensor<i32> {nf.name = "offset", nf.below = 3 : i64},
                          %g: tensor<2x5x12xf32> {nf.name = "g"}) -> (tensor<2x5x12xf32> {nf.name = "r"}) {
  %q = nf.get @q : tensor<2x5x12xf32>
  %k7 = nf.get @k7 : tensor<2x7x12xf32>
  %v7 = nf.get @v7 : tensor<2x7x12xf32>
  %y, %lse = nf.attention %q, %k7, %v7 query_offset %offset {heads = 3 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>, tensor<i32>) -> (tensor<2x5x12xf32>,
        tensor<2x3x5xf32>)
  %r = nf.mul %y, %g : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  nf.return %r : tensor<2x5x12xf32>
}

// Decoding: keys beyond the length do not exist yet.
// CHECK-LABEL: @key_length{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d q: largest error
// GRADIENT-NEXT: d/d k7: largest error
// GRADIENT-NEXT: d/d v7: largest error
nf.program @key_length(%length: tensor<1xi32> {nf.name = "length", nf.below = 8 : i64},
                       %offset: tensor<1xi32> {nf.name = "offset", nf.below = 3 : i64},
                       %g: tensor<2x5x12xf32> {nf.name = "g"}) -> (tensor<2x5x12xf32> {nf.name = "r"}) {
  %q = nf.get @q : tensor<2x5x12xf32>
  %k7 = nf.get @k7 : tensor<2x7x12xf32>
  %v7 = nf.get @v7 : tensor<2x7x12xf32>
  %y, %lse = nf.attention %q, %k7, %v7 key_length %length query_offset %offset {heads = 3 : i64, causal,
      scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>, tensor<1xi32>,
        tensor<1xi32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  %r = nf.mul %y, %g : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  nf.return %r : tensor<2x5x12xf32>
}

// CHECK-LABEL: @key_padding{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d q: largest error
// GRADIENT-NEXT: d/d k7: largest error
// GRADIENT-NEXT: d/d v7: largest error
nf.program @key_padding(%padding: tensor<2x7xf32> {nf.name = "padding", nf.range = [0.0, 1.0]},
                        %g: tensor<2x5x12xf32> {nf.name = "g"}) -> (tensor<2x5x12xf32> {nf.name = "r"}) {
  %q = nf.get @q : tensor<2x5x12xf32>
  %k7 = nf.get @k7 : tensor<2x7x12xf32>
  %v7 = nf.get @v7 : tensor<2x7x12xf32>
  %y, %lse = nf.attention %q, %k7, %v7 key_padding %padding {heads = 3 : i64, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>, tensor<2x7xf32>) -> (tensor<2x5x12xf32>,
        tensor<2x3x5xf32>)
  %r = nf.mul %y, %g : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  nf.return %r : tensor<2x5x12xf32>
}

// CHECK-LABEL: @segments{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d q: largest error
// GRADIENT-NEXT: d/d k7: largest error
// GRADIENT-NEXT: d/d v7: largest error
nf.program @segments(%segments: tensor<2x7xi32> {nf.name = "segments", nf.below = 2 : i64},
                     %g: tensor<2x5x12xf32> {nf.name = "g"}) -> (tensor<2x5x12xf32> {nf.name = "r"}) {
  %q = nf.get @q : tensor<2x5x12xf32>
  %k7 = nf.get @k7 : tensor<2x7x12xf32>
  %v7 = nf.get @v7 : tensor<2x7x12xf32>
  %y, %lse = nf.attention %q, %k7, %v7 segments %segments {heads = 3 : i64, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>, tensor<2x7xi32>) -> (tensor<2x5x12xf32>,
        tensor<2x3x5xf32>)
  %r = nf.mul %y, %g : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  nf.return %r : tensor<2x5x12xf32>
}

// CHECK-LABEL: @causal_segments{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d q: largest error
// GRADIENT-NEXT: d/d k: largest error
// GRADIENT-NEXT: d/d v: largest error
nf.program @causal_segments(%segments: tensor<2x5xi32> {nf.name = "segments", nf.below = 2 : i64},
                            %g: tensor<2x5x12xf32> {nf.name = "g"}) -> (tensor<2x5x12xf32> {nf.name = "r"}) {
  %q = nf.get @q : tensor<2x5x12xf32>
  %k = nf.get @k : tensor<2x5x12xf32>
  %v = nf.get @v : tensor<2x5x12xf32>
  %y, %lse = nf.attention %q, %k, %v segments %segments {heads = 3 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5xi32>) -> (tensor<2x5x12xf32>,
        tensor<2x3x5xf32>)
  %r = nf.mul %y, %g : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  nf.return %r : tensor<2x5x12xf32>
}

// CHECK-LABEL: @dropout{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d q: largest error
// GRADIENT-NEXT: d/d k: largest error
// GRADIENT-NEXT: d/d v: largest error
nf.program @dropout(%seed: tensor<i64> {nf.name = "seed", nf.below = 1000 : i64},
                    %step: tensor<i32> {nf.name = "step", nf.below = 1000 : i64},
                    %offset: tensor<i32> {nf.name = "offset", nf.below = 9 : i64},
                    %g: tensor<2x5x12xf32> {nf.name = "g"}) -> (tensor<2x5x12xf32> {nf.name = "r"}) {
  %q = nf.get @q : tensor<2x5x12xf32>
  %k = nf.get @k : tensor<2x5x12xf32>
  %v = nf.get @v : tensor<2x5x12xf32>
  %y, %lse = nf.attention %q, %k, %v seed %seed step %step sample_offset %offset {heads = 3 : i64, causal,
      dropout = 0.3 : f64, site = 5 : i32, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<i64>, tensor<i32>,
        tensor<i32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  %r = nf.mul %y, %g : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  nf.return %r : tensor<2x5x12xf32>
}

// One value as q, k and v.
// CHECK-LABEL: @packed{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d q: largest error
nf.program @packed(%g: tensor<2x5x12xf32> {nf.name = "g"}) -> (tensor<2x5x12xf32> {nf.name = "r"}) {
  %q = nf.get @q : tensor<2x5x12xf32>
  %y, %lse = nf.attention %q, %q, %q {heads = 3 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  %r = nf.mul %y, %g : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  nf.return %r : tensor<2x5x12xf32>
}
