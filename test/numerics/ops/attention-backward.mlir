// RUN: nf-check %s --against=decomposed | FileCheck %s
// RUN: nf-check %s --against=cpu | FileCheck %s

// CHECK-LABEL: @full{{$}}
// CHECK-NEXT: dk: largest error
// CHECK-NEXT: dq: largest error
// CHECK-NEXT: dv: largest error
// CHECK-NEXT: lse: largest error
// CHECK-NEXT: out: largest error
nf.program @full(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x7x12xf32> {nf.name = "k"},
                 %v: tensor<2x7x12xf32> {nf.name = "v"}, %dout: tensor<2x5x12xf32> {nf.name = "dout"})
    -> (tensor<2x5x12xf32> {nf.name = "out"}, tensor<2x3x5xf32> {nf.name = "lse"},
        tensor<2x5x12xf32> {nf.name = "dq"}, tensor<2x7x12xf32> {nf.name = "dk"},
        tensor<2x7x12xf32> {nf.name = "dv"}) {
  %out, %lse = nf.attention %q, %k, %v
    {heads = 3 : i64, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  %dq, %dk, %dv = nf.attention_backward %q, %k, %v, %out, %lse, %dout
    {heads = 3 : i64, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>, tensor<2x5x12xf32>, tensor<2x3x5xf32>,
        tensor<2x5x12xf32>)
    -> (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>)
  nf.return %out, %lse, %dq, %dk, %dv : tensor<2x5x12xf32>, tensor<2x3x5xf32>, tensor<2x5x12xf32>,
      tensor<2x7x12xf32>, tensor<2x7x12xf32>
}

// CHECK-LABEL: @causal{{$}}
// CHECK-NEXT: dk: largest error
// CHECK-NEXT: dq: largest error
// CHECK-NEXT: dv: largest error
// CHECK-NEXT: lse: largest error
// CHECK-NEXT: out: largest error
nf.program @causal(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x5x12xf32> {nf.name = "k"},
                   %v: tensor<2x5x12xf32> {nf.name = "v"}, %dout: tensor<2x5x12xf32> {nf.name = "dout"})
    -> (tensor<2x5x12xf32> {nf.name = "out"}, tensor<2x3x5xf32> {nf.name = "lse"},
        tensor<2x5x12xf32> {nf.name = "dq"}, tensor<2x5x12xf32> {nf.name = "dk"},
        tensor<2x5x12xf32> {nf.name = "dv"}) {
  %out, %lse = nf.attention %q, %k, %v
    {heads = 3 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  %dq, %dk, %dv = nf.attention_backward %q, %k, %v, %out, %lse, %dout
    {heads = 3 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x3x5xf32>,
        tensor<2x5x12xf32>)
    -> (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>)
  nf.return %out, %lse, %dq, %dk, %dv : tensor<2x5x12xf32>, tensor<2x3x5xf32>, tensor<2x5x12xf32>,
      tensor<2x5x12xf32>, tensor<2x5x12xf32>
}

// CHECK-LABEL: @one_head{{$}}
// CHECK-NEXT: dk: largest error
// CHECK-NEXT: dq: largest error
// CHECK-NEXT: dv: largest error
// CHECK-NEXT: lse: largest error
// CHECK-NEXT: out: largest error
nf.program @one_head(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x5x12xf32> {nf.name = "k"},
                     %v: tensor<2x5x12xf32> {nf.name = "v"}, %dout: tensor<2x5x12xf32> {nf.name = "dout"})
    -> (tensor<2x5x12xf32> {nf.name = "out"}, tensor<2x1x5xf32> {nf.name = "lse"},
        tensor<2x5x12xf32> {nf.name = "dq"}, tensor<2x5x12xf32> {nf.name = "dk"},
        tensor<2x5x12xf32> {nf.name = "dv"}) {
  %out, %lse = nf.attention %q, %k, %v
    {heads = 1 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x1x5xf32>)
  %dq, %dk, %dv = nf.attention_backward %q, %k, %v, %out, %lse, %dout
    {heads = 1 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x1x5xf32>,
        tensor<2x5x12xf32>)
    -> (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>)
  nf.return %out, %lse, %dq, %dk, %dv : tensor<2x5x12xf32>, tensor<2x1x5xf32>, tensor<2x5x12xf32>,
      tensor<2x5x12xf32>, tensor<2x5x12xf32>
}

// CHECK-LABEL: @heads_of_one{{$}}
// CHECK-NEXT: dk: largest error
// CHECK-NEXT: dq: largest error
// CHECK-NEXT: dv: largest error
// CHECK-NEXT: lse: largest error
// CHECK-NEXT: out: largest error
nf.program @heads_of_one(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x5x12xf32> {nf.name = "k"},
                         %v: tensor<2x5x12xf32> {nf.name = "v"}, %dout: tensor<2x5x12xf32> {nf.name = "dout"})
    -> (tensor<2x5x12xf32> {nf.name = "out"}, tensor<2x12x5xf32> {nf.name = "lse"},
        tensor<2x5x12xf32> {nf.name = "dq"}, tensor<2x5x12xf32> {nf.name = "dk"},
        tensor<2x5x12xf32> {nf.name = "dv"}) {
  %out, %lse = nf.attention %q, %k, %v
    {heads = 12 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x12x5xf32>)
  %dq, %dk, %dv = nf.attention_backward %q, %k, %v, %out, %lse, %dout
    {heads = 12 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x12x5xf32>,
        tensor<2x5x12xf32>)
    -> (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>)
  nf.return %out, %lse, %dq, %dk, %dv : tensor<2x5x12xf32>, tensor<2x12x5xf32>, tensor<2x5x12xf32>,
      tensor<2x5x12xf32>, tensor<2x5x12xf32>
}

// CHECK-LABEL: @causal_offset{{$}}
// CHECK-NEXT: dk: largest error
// CHECK-NEXT: dq: largest error
// CHECK-NEXT: dv: largest error
// CHECK-NEXT: lse: largest error
// CHECK-NEXT: out: largest error
nf.program @causal_offset(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x7x12xf32> {nf.name = "k"},
                          %v: tensor<2x7x12xf32> {nf.name = "v"}, %dout: tensor<2x5x12xf32> {nf.name = "dout"},
                          %offset: tensor<i32> {nf.name = "offset", nf.below = 3 : i64})
    -> (tensor<2x5x12xf32> {nf.name = "out"}, tensor<2x3x5xf32> {nf.name = "lse"},
        tensor<2x5x12xf32> {nf.name = "dq"}, tensor<2x7x12xf32> {nf.name = "dk"},
        tensor<2x7x12xf32> {nf.name = "dv"}) {
  %out, %lse = nf.attention %q, %k, %v query_offset %offset
    {heads = 3 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>, tensor<i32>) -> (tensor<2x5x12xf32>,
        tensor<2x3x5xf32>)
  %dq, %dk, %dv = nf.attention_backward %q, %k, %v, %out, %lse, %dout query_offset %offset
    {heads = 3 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>, tensor<2x5x12xf32>, tensor<2x3x5xf32>,
        tensor<2x5x12xf32>, tensor<i32>)
    -> (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>)
  nf.return %out, %lse, %dq, %dk, %dv : tensor<2x5x12xf32>, tensor<2x3x5xf32>, tensor<2x5x12xf32>,
      tensor<2x7x12xf32>, tensor<2x7x12xf32>
}

// CHECK-LABEL: @key_length{{$}}
// CHECK-NEXT: dk: largest error
// CHECK-NEXT: dq: largest error
// CHECK-NEXT: dv: largest error
// CHECK-NEXT: lse: largest error
// CHECK-NEXT: out: largest error
nf.program @key_length(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x7x12xf32> {nf.name = "k"},
                       %v: tensor<2x7x12xf32> {nf.name = "v"}, %dout: tensor<2x5x12xf32> {nf.name = "dout"},
                       %length: tensor<1xi32> {nf.name = "length", nf.below = 8 : i64},
                       %offset: tensor<1xi32> {nf.name = "offset", nf.below = 3 : i64})
    -> (tensor<2x5x12xf32> {nf.name = "out"}, tensor<2x3x5xf32> {nf.name = "lse"},
        tensor<2x5x12xf32> {nf.name = "dq"}, tensor<2x7x12xf32> {nf.name = "dk"},
        tensor<2x7x12xf32> {nf.name = "dv"}) {
  %out, %lse = nf.attention %q, %k, %v key_length %length query_offset %offset
    {heads = 3 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>, tensor<1xi32>,
        tensor<1xi32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  %dq, %dk, %dv = nf.attention_backward %q, %k, %v, %out, %lse, %dout key_length %length query_offset %offset
    {heads = 3 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>, tensor<2x5x12xf32>, tensor<2x3x5xf32>,
        tensor<2x5x12xf32>, tensor<1xi32>, tensor<1xi32>)
    -> (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>)
  nf.return %out, %lse, %dq, %dk, %dv : tensor<2x5x12xf32>, tensor<2x3x5xf32>, tensor<2x5x12xf32>,
      tensor<2x7x12xf32>, tensor<2x7x12xf32>
}

// CHECK-LABEL: @key_padding{{$}}
// CHECK-NEXT: dk: largest error
// CHECK-NEXT: dq: largest error
// CHECK-NEXT: dv: largest error
// CHECK-NEXT: lse: largest error
// CHECK-NEXT: out: largest error
nf.program @key_padding(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x7x12xf32> {nf.name = "k"},
                        %v: tensor<2x7x12xf32> {nf.name = "v"}, %dout: tensor<2x5x12xf32> {nf.name = "dout"},
                        %padding: tensor<2x7xf32> {nf.name = "padding", nf.range = [0.0, 1.0]})
    -> (tensor<2x5x12xf32> {nf.name = "out"}, tensor<2x3x5xf32> {nf.name = "lse"},
        tensor<2x5x12xf32> {nf.name = "dq"}, tensor<2x7x12xf32> {nf.name = "dk"},
        tensor<2x7x12xf32> {nf.name = "dv"}) {
  %out, %lse = nf.attention %q, %k, %v key_padding %padding
    {heads = 3 : i64, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>, tensor<2x7xf32>) -> (tensor<2x5x12xf32>,
        tensor<2x3x5xf32>)
  %dq, %dk, %dv = nf.attention_backward %q, %k, %v, %out, %lse, %dout key_padding %padding
    {heads = 3 : i64, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>, tensor<2x5x12xf32>, tensor<2x3x5xf32>,
        tensor<2x5x12xf32>, tensor<2x7xf32>)
    -> (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>)
  nf.return %out, %lse, %dq, %dk, %dv : tensor<2x5x12xf32>, tensor<2x3x5xf32>, tensor<2x5x12xf32>,
      tensor<2x7x12xf32>, tensor<2x7x12xf32>
}

// CHECK-LABEL: @segments{{$}}
// CHECK-NEXT: dk: largest error
// CHECK-NEXT: dq: largest error
// CHECK-NEXT: dv: largest error
// CHECK-NEXT: lse: largest error
// CHECK-NEXT: out: largest error
nf.program @segments(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x7x12xf32> {nf.name = "k"},
                     %v: tensor<2x7x12xf32> {nf.name = "v"}, %dout: tensor<2x5x12xf32> {nf.name = "dout"},
                     %segments: tensor<2x7xi32> {nf.name = "segments", nf.below = 2 : i64})
    -> (tensor<2x5x12xf32> {nf.name = "out"}, tensor<2x3x5xf32> {nf.name = "lse"},
        tensor<2x5x12xf32> {nf.name = "dq"}, tensor<2x7x12xf32> {nf.name = "dk"},
        tensor<2x7x12xf32> {nf.name = "dv"}) {
  %out, %lse = nf.attention %q, %k, %v segments %segments
    {heads = 3 : i64, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>, tensor<2x7xi32>) -> (tensor<2x5x12xf32>,
        tensor<2x3x5xf32>)
  %dq, %dk, %dv = nf.attention_backward %q, %k, %v, %out, %lse, %dout segments %segments
    {heads = 3 : i64, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>, tensor<2x5x12xf32>, tensor<2x3x5xf32>,
        tensor<2x5x12xf32>, tensor<2x7xi32>)
    -> (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>)
  nf.return %out, %lse, %dq, %dk, %dv : tensor<2x5x12xf32>, tensor<2x3x5xf32>, tensor<2x5x12xf32>,
      tensor<2x7x12xf32>, tensor<2x7x12xf32>
}

// CHECK-LABEL: @dropout{{$}}
// CHECK-NEXT: dk: largest error
// CHECK-NEXT: dq: largest error
// CHECK-NEXT: dv: largest error
// CHECK-NEXT: lse: largest error
// CHECK-NEXT: out: largest error
nf.program @dropout(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x5x12xf32> {nf.name = "k"},
                    %v: tensor<2x5x12xf32> {nf.name = "v"}, %dout: tensor<2x5x12xf32> {nf.name = "dout"},
                    %seed: tensor<i64> {nf.name = "seed", nf.below = 1000 : i64},
                    %step: tensor<i32> {nf.name = "step", nf.below = 1000 : i64},
                    %offset: tensor<i32> {nf.name = "offset", nf.below = 9 : i64})
    -> (tensor<2x5x12xf32> {nf.name = "out"}, tensor<2x3x5xf32> {nf.name = "lse"},
        tensor<2x5x12xf32> {nf.name = "dq"}, tensor<2x5x12xf32> {nf.name = "dk"},
        tensor<2x5x12xf32> {nf.name = "dv"}) {
  %out, %lse = nf.attention %q, %k, %v seed %seed step %step sample_offset %offset
    {heads = 3 : i64, causal, dropout = 0.3 : f64, site = 5 : i32, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<i64>, tensor<i32>,
        tensor<i32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  %dq, %dk, %dv = nf.attention_backward %q, %k, %v, %out, %lse, %dout seed %seed step %step sample_offset %offset
    {heads = 3 : i64, causal, dropout = 0.3 : f64, site = 5 : i32, scale = 0.5 : f64}
    : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x3x5xf32>,
        tensor<2x5x12xf32>, tensor<i64>, tensor<i32>, tensor<i32>)
    -> (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>)
  nf.return %out, %lse, %dq, %dk, %dv : tensor<2x5x12xf32>, tensor<2x3x5xf32>, tensor<2x5x12xf32>,
      tensor<2x5x12xf32>, tensor<2x5x12xf32>
}
