// Flash attention of the GPU, emulated, against the reference: bf16 on tensor cores. Sizes off every tile (64 queries or
// keys, 32 queries of a tile), one token, every head width, every mask, dropout, and merged q, k, v.
// At width 128 gradients are as far from the reference as the CPU's: of `out`, rounded to bf16, backward makes D.
// RUN: nf-check %s --program=plain --against=cpu --target=cuda-emulated --check-kernels --tolerance=4e-3 | FileCheck %s --check-prefix=PLAIN
// RUN: nf-check %s --program=causal --against=cpu --target=cuda-emulated --check-kernels --tolerance=8e-3 | FileCheck %s --check-prefix=CAUSAL
// RUN: nf-check %s --program=masks --against=cpu --target=cuda-emulated --check-kernels --tolerance=8e-3 | FileCheck %s --check-prefix=MASKS
// RUN: nf-check %s --program=dropout --against=cpu --target=cuda-emulated --check-kernels --tolerance=8e-3 | FileCheck %s --check-prefix=DROPOUT
// RUN: nf-check %s --program=widths --against=cpu --target=cuda-emulated --check-kernels --tolerance=1.2e-2 | FileCheck %s --check-prefix=WIDTHS
// RUN: nf-check %s --program=extremes --against=cpu --target=cuda-emulated --check-kernels --tolerance=8e-3 | FileCheck %s --check-prefix=EXTREMES
// RUN: nf-check %s --program=extremes_f32 --against=cpu --target=cuda-emulated --check-kernels --tolerance=2e-3 | FileCheck %s --check-prefix=EXTREMES-F32

// PLAIN-LABEL: @plain{{$}}
// PLAIN-NEXT: lse: largest error
// PLAIN-NEXT: out: largest error
nf.program @plain(%q: tensor<1x70x64xbf16> {nf.name = "q"}, %k: tensor<1x70x64xbf16> {nf.name = "k"},
    %v: tensor<1x70x64xbf16> {nf.name = "v"})
    -> (tensor<1x70x64xbf16> {nf.name = "out"}, tensor<1x1x70xf32> {nf.name = "lse"}) {
  %out, %lse = nf.attention %q, %k, %v {heads = 1 : i64, scale = 0.125 : f64}
      : (tensor<1x70x64xbf16>, tensor<1x70x64xbf16>, tensor<1x70x64xbf16>)
      -> (tensor<1x70x64xbf16>, tensor<1x1x70xf32>)
  nf.return %out, %lse : tensor<1x70x64xbf16>, tensor<1x1x70xf32>
}

// CAUSAL-LABEL: @causal{{$}}
// CAUSAL-NEXT: dk: largest error
// CAUSAL-NEXT: dq: largest error
// CAUSAL-NEXT: dv: largest error
// CAUSAL-NEXT: lse: largest error
// CAUSAL-NEXT: out: largest error
nf.program @causal(%q: tensor<2x70x64xbf16> {nf.name = "q"}, %k: tensor<2x70x64xbf16> {nf.name = "k"},
    %v: tensor<2x70x64xbf16> {nf.name = "v"}, %dout: tensor<2x70x64xbf16> {nf.name = "dout"})
    -> (tensor<2x70x64xbf16> {nf.name = "out"}, tensor<2x2x70xf32> {nf.name = "lse"},
        tensor<2x70x64xbf16> {nf.name = "dq"}, tensor<2x70x64xbf16> {nf.name = "dk"},
        tensor<2x70x64xbf16> {nf.name = "dv"}) {
  %out, %lse = nf.attention %q, %k, %v {heads = 2 : i64, causal, scale = 0.2 : f64}
      : (tensor<2x70x64xbf16>, tensor<2x70x64xbf16>, tensor<2x70x64xbf16>)
      -> (tensor<2x70x64xbf16>, tensor<2x2x70xf32>)
  %dq, %dk, %dv = nf.attention_backward %q, %k, %v, %out, %lse, %dout {heads = 2 : i64, causal, scale = 0.2 : f64}
      : (tensor<2x70x64xbf16>, tensor<2x70x64xbf16>, tensor<2x70x64xbf16>, tensor<2x70x64xbf16>, tensor<2x2x70xf32>,
         tensor<2x70x64xbf16>) -> (tensor<2x70x64xbf16>, tensor<2x70x64xbf16>, tensor<2x70x64xbf16>)
  nf.return %out, %lse, %dq, %dk, %dv : tensor<2x70x64xbf16>, tensor<2x2x70xf32>, tensor<2x70x64xbf16>,
      tensor<2x70x64xbf16>, tensor<2x70x64xbf16>
}

// Padding and documents; more keys than queries, which are the last ones.
// MASKS-LABEL: @masks{{$}}
// MASKS-NEXT: dk: largest error
// MASKS-NEXT: dq: largest error
// MASKS-NEXT: dv: largest error
// MASKS-NEXT: long: largest error
// MASKS-NEXT: out: largest error
nf.program @masks(%q: tensor<2x40x16xbf16> {nf.name = "q"}, %k: tensor<2x40x16xbf16> {nf.name = "k"},
    %v: tensor<2x40x16xbf16> {nf.name = "v"}, %dout: tensor<2x40x16xbf16> {nf.name = "dout"},
    %last: tensor<2x5x16xbf16> {nf.name = "last"}, %padding: tensor<2x40xf32> {nf.name = "key_padding", nf.range = [-1.0, 1.0]},
    %segments: tensor<2x40xi32> {nf.name = "segments", nf.below = 3 : i64}, %offset: tensor<i32> {nf.name = "query_offset", nf.below = 36 : i64})
    -> (tensor<2x40x16xbf16> {nf.name = "out"}, tensor<2x40x16xbf16> {nf.name = "dq"},
        tensor<2x40x16xbf16> {nf.name = "dk"}, tensor<2x40x16xbf16> {nf.name = "dv"},
        tensor<2x5x16xbf16> {nf.name = "long"}) {
  %real = nf.relu %padding : (tensor<2x40xf32>) -> tensor<2x40xf32>
  %out, %lse = nf.attention %q, %k, %v key_padding %real {heads = 1 : i64, scale = 0.25 : f64}
      : (tensor<2x40x16xbf16>, tensor<2x40x16xbf16>, tensor<2x40x16xbf16>, tensor<2x40xf32>)
      -> (tensor<2x40x16xbf16>, tensor<2x1x40xf32>)
  %o, %l = nf.attention %q, %k, %v segments %segments {heads = 1 : i64, causal, scale = 0.25 : f64}
      : (tensor<2x40x16xbf16>, tensor<2x40x16xbf16>, tensor<2x40x16xbf16>, tensor<2x40xi32>)
      -> (tensor<2x40x16xbf16>, tensor<2x1x40xf32>)
  %dq, %dk, %dv = nf.attention_backward %q, %k, %v, %o, %l, %dout segments %segments
      {heads = 1 : i64, causal, scale = 0.25 : f64}
      : (tensor<2x40x16xbf16>, tensor<2x40x16xbf16>, tensor<2x40x16xbf16>, tensor<2x40x16xbf16>, tensor<2x1x40xf32>,
         tensor<2x40x16xbf16>, tensor<2x40xi32>) -> (tensor<2x40x16xbf16>, tensor<2x40x16xbf16>, tensor<2x40x16xbf16>)
  %long, %u = nf.attention %last, %k, %v query_offset %offset {heads = 1 : i64, causal, scale = 0.25 : f64}
      : (tensor<2x5x16xbf16>, tensor<2x40x16xbf16>, tensor<2x40x16xbf16>, tensor<i32>)
      -> (tensor<2x5x16xbf16>, tensor<2x1x5xf32>)
  nf.return %out, %dq, %dk, %dv, %long : tensor<2x40x16xbf16>, tensor<2x40x16xbf16>, tensor<2x40x16xbf16>,
      tensor<2x40x16xbf16>, tensor<2x5x16xbf16>
}

// DROPOUT-LABEL: @dropout{{$}}
// DROPOUT-NEXT: dk: largest error
// DROPOUT-NEXT: dq: largest error
// DROPOUT-NEXT: dv: largest error
// DROPOUT-NEXT: out: largest error
nf.program @dropout(%q: tensor<2x41x32xbf16> {nf.name = "q"}, %dout: tensor<2x41x32xbf16> {nf.name = "dout"},
    %seed: tensor<i64> {nf.name = "seed"}, %step: tensor<i32> {nf.name = "step"},
    %offset: tensor<i32> {nf.name = "sample_offset"})
    -> (tensor<2x41x32xbf16> {nf.name = "out"}, tensor<2x41x32xbf16> {nf.name = "dq"},
        tensor<2x41x32xbf16> {nf.name = "dk"}, tensor<2x41x32xbf16> {nf.name = "dv"}) {
  %out, %lse = nf.attention %q, %q, %q seed %seed step %step sample_offset %offset
      {heads = 2 : i64, causal, scale = 0.3 : f64, dropout = 0.2 : f64, site = 4 : i32}
      : (tensor<2x41x32xbf16>, tensor<2x41x32xbf16>, tensor<2x41x32xbf16>, tensor<i64>, tensor<i32>, tensor<i32>)
      -> (tensor<2x41x32xbf16>, tensor<2x2x41xf32>)
  %dq, %dk, %dv = nf.attention_backward %q, %q, %q, %out, %lse, %dout seed %seed step %step sample_offset %offset
      {heads = 2 : i64, causal, scale = 0.3 : f64, dropout = 0.2 : f64, site = 4 : i32}
      : (tensor<2x41x32xbf16>, tensor<2x41x32xbf16>, tensor<2x41x32xbf16>, tensor<2x41x32xbf16>, tensor<2x2x41xf32>,
         tensor<2x41x32xbf16>, tensor<i64>, tensor<i32>, tensor<i32>)
      -> (tensor<2x41x32xbf16>, tensor<2x41x32xbf16>, tensor<2x41x32xbf16>)
  nf.return %out, %dq, %dk, %dv
      : tensor<2x41x32xbf16>, tensor<2x41x32xbf16>, tensor<2x41x32xbf16>, tensor<2x41x32xbf16>
}

// WIDTHS-LABEL: @widths{{$}}
// WIDTHS-NEXT: dk: largest error
// WIDTHS-NEXT: dq: largest error
// WIDTHS-NEXT: dv: largest error
// WIDTHS-NEXT: eight: largest error
// WIDTHS-NEXT: eighty: largest error
// WIDTHS-NEXT: most: largest error
nf.program @widths(%q: tensor<1x65x128xbf16> {nf.name = "q"}, %dout: tensor<1x65x128xbf16> {nf.name = "dout"},
    %e: tensor<1x33x80xbf16> {nf.name = "e"}, %s: tensor<1x1x24xbf16> {nf.name = "s"})
    -> (tensor<1x65x128xbf16> {nf.name = "most"}, tensor<1x65x128xbf16> {nf.name = "dq"},
        tensor<1x65x128xbf16> {nf.name = "dk"}, tensor<1x65x128xbf16> {nf.name = "dv"},
        tensor<1x33x80xbf16> {nf.name = "eighty"}, tensor<1x1x24xbf16> {nf.name = "eight"}) {
  %most, %lse = nf.attention %q, %q, %q {heads = 1 : i64, causal, scale = 0.1 : f64}
      : (tensor<1x65x128xbf16>, tensor<1x65x128xbf16>, tensor<1x65x128xbf16>)
      -> (tensor<1x65x128xbf16>, tensor<1x1x65xf32>)
  %dq, %dk, %dv = nf.attention_backward %q, %q, %q, %most, %lse, %dout {heads = 1 : i64, causal, scale = 0.1 : f64}
      : (tensor<1x65x128xbf16>, tensor<1x65x128xbf16>, tensor<1x65x128xbf16>, tensor<1x65x128xbf16>,
         tensor<1x1x65xf32>, tensor<1x65x128xbf16>)
      -> (tensor<1x65x128xbf16>, tensor<1x65x128xbf16>, tensor<1x65x128xbf16>)
  %eighty, %l = nf.attention %e, %e, %e {heads = 1 : i64, causal, scale = 0.1 : f64}
      : (tensor<1x33x80xbf16>, tensor<1x33x80xbf16>, tensor<1x33x80xbf16>)
      -> (tensor<1x33x80xbf16>, tensor<1x1x33xf32>)
  %eight, %m = nf.attention %s, %s, %s {heads = 3 : i64, causal, scale = 0.1 : f64}
      : (tensor<1x1x24xbf16>, tensor<1x1x24xbf16>, tensor<1x1x24xbf16>) -> (tensor<1x1x24xbf16>, tensor<1x3x1xf32>)
  nf.return %most, %dq, %dk, %dv, %eighty, %eight : tensor<1x65x128xbf16>, tensor<1x65x128xbf16>,
      tensor<1x65x128xbf16>, tensor<1x65x128xbf16>, tensor<1x33x80xbf16>, tensor<1x1x24xbf16>
}

// Scores of some ±1e4, and equal rows (a scale of 0).
// EXTREMES-LABEL: @extremes{{$}}
// EXTREMES-NEXT: equal: largest error
// EXTREMES-NEXT: large: largest error
nf.program @extremes(%q: tensor<1x66x16xbf16> {nf.name = "q"}, %v: tensor<1x66x16xbf16> {nf.name = "v"})
    -> (tensor<1x66x16xbf16> {nf.name = "large"}, tensor<1x66x16xbf16> {nf.name = "equal"}) {
  %large, %lse = nf.attention %q, %q, %v {heads = 1 : i64, scale = 1.0e+4 : f64}
      : (tensor<1x66x16xbf16>, tensor<1x66x16xbf16>, tensor<1x66x16xbf16>)
      -> (tensor<1x66x16xbf16>, tensor<1x1x66xf32>)
  %equal, %l = nf.attention %q, %q, %v {heads = 1 : i64, causal, scale = 0.0 : f64}
      : (tensor<1x66x16xbf16>, tensor<1x66x16xbf16>, tensor<1x66x16xbf16>)
      -> (tensor<1x66x16xbf16>, tensor<1x1x66xf32>)
  nf.return %large, %equal : tensor<1x66x16xbf16>, tensor<1x66x16xbf16>
}

// By multiply-and-add. Where one key takes all, dq and dk are 0 but for rounding, which such scores magnify.
// EXTREMES-F32-LABEL: @extremes_f32{{$}}
// EXTREMES-F32-NEXT: dv: largest error
// EXTREMES-F32-NEXT: equal: largest error
// EXTREMES-F32-NEXT: large: largest error
// EXTREMES-F32-NEXT: one: largest error
nf.program @extremes_f32(%q: tensor<1x66x16xf32> {nf.name = "q"}, %v: tensor<1x66x16xf32> {nf.name = "v"},
    %s: tensor<1x1x12xf32> {nf.name = "s"})
    -> (tensor<1x66x16xf32> {nf.name = "large"}, tensor<1x66x16xf32> {nf.name = "dv"},
        tensor<1x66x16xf32> {nf.name = "equal"}, tensor<1x1x12xf32> {nf.name = "one"}) {
  %large, %lse = nf.attention %q, %q, %v {heads = 1 : i64, causal, scale = 2.0e+3 : f64}
      : (tensor<1x66x16xf32>, tensor<1x66x16xf32>, tensor<1x66x16xf32>) -> (tensor<1x66x16xf32>, tensor<1x1x66xf32>)
  %dq, %dk, %dv = nf.attention_backward %q, %q, %v, %large, %lse, %v {heads = 1 : i64, causal, scale = 2.0e+3 : f64}
      : (tensor<1x66x16xf32>, tensor<1x66x16xf32>, tensor<1x66x16xf32>, tensor<1x66x16xf32>, tensor<1x1x66xf32>,
         tensor<1x66x16xf32>) -> (tensor<1x66x16xf32>, tensor<1x66x16xf32>, tensor<1x66x16xf32>)
  %equal, %l = nf.attention %q, %q, %v {heads = 1 : i64, scale = 0.0 : f64}
      : (tensor<1x66x16xf32>, tensor<1x66x16xf32>, tensor<1x66x16xf32>) -> (tensor<1x66x16xf32>, tensor<1x1x66xf32>)
  %one, %m = nf.attention %s, %s, %s {heads = 3 : i64, causal, scale = 0.1 : f64}
      : (tensor<1x1x12xf32>, tensor<1x1x12xf32>, tensor<1x1x12xf32>) -> (tensor<1x1x12xf32>, tensor<1x3x1xf32>)
  nf.return %large, %dv, %equal, %one : tensor<1x66x16xf32>, tensor<1x66x16xf32>, tensor<1x66x16xf32>,
      tensor<1x1x12xf32>
}
