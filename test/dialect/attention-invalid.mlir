// RUN: nf-opt %s --verify-diagnostics --split-input-file

// nf.attention C1: equal columns.
nf.program @p(%q: tensor<2x5x9xf32> {nf.name = "q"}, %k: tensor<2x5x12xf32> {nf.name = "k"}) {
  // expected-error @+1 {{expected q [B, Tq, columns] and k, v [B, Tk, columns], but got 'tensor<2x5x9xf32>', 'tensor<2x5x12xf32>', 'tensor<2x5x12xf32>' (C1)}}
  %y:2 = nf.attention %q, %k, %k {heads = 3 : i64, scale = 1.0 : f64} : (tensor<2x5x9xf32>, tensor<2x5x12xf32>,
      tensor<2x5x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  nf.return
}

// -----

// nf.attention C2: heads divide the columns.
nf.program @p(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x5x12xf32> {nf.name = "k"}) {
  // expected-error @+1 {{expected heads to divide 12, but got 5 (C2)}}
  %y:2 = nf.attention %q, %k, %k {heads = 5 : i64, scale = 1.0 : f64} : (tensor<2x5x12xf32>, tensor<2x5x12xf32>,
      tensor<2x5x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  nf.return
}

// -----

// nf.attention C3: key_padding [B, Tk].
nf.program @p(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x5x12xf32> {nf.name = "k"},
              %m: tensor<5x2xf32> {nf.name = "m"}) {
  // expected-error @+1 {{expected key_padding of [2, 5], but got 'tensor<5x2xf32>' (C3)}}
  %y:2 = nf.attention %q, %k, %k key_padding %m {heads = 3 : i64, scale = 1.0 : f64} : (tensor<2x5x12xf32>,
      tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<5x2xf32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  nf.return
}

// -----

// nf.attention C4: segments [B, Tk].
nf.program @p(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x5x12xf32> {nf.name = "k"},
              %m: tensor<5xi32> {nf.name = "m"}) {
  // expected-error @+1 {{expected segments of [2, 5], but got 'tensor<5xi32>' (C4)}}
  %y:2 = nf.attention %q, %k, %k segments %m {heads = 3 : i64, scale = 1.0 : f64} : (tensor<2x5x12xf32>,
      tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<5xi32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  nf.return
}

// -----

// nf.attention C5: one length.
nf.program @p(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x5x12xf32> {nf.name = "k"},
              %m: tensor<2xi32> {nf.name = "m"}) {
  // expected-error @+1 {{expected key_length and query_offset of one element, but got 'tensor<2xi32>' (C5)}}
  %y:2 = nf.attention %q, %k, %k key_length %m {heads = 3 : i64, scale = 1.0 : f64} : (tensor<2x5x12xf32>,
      tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2xi32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  nf.return
}

// -----

// nf.attention C5: one offset.
nf.program @p(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x5x12xf32> {nf.name = "k"},
              %m: tensor<2xi32> {nf.name = "m"}) {
  // expected-error @+1 {{expected key_length and query_offset of one element, but got 'tensor<2xi32>' (C5)}}
  %y:2 = nf.attention %q, %k, %k query_offset %m {heads = 3 : i64, scale = 1.0 : f64} : (tensor<2x5x12xf32>,
      tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2xi32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  nf.return
}

// -----

// nf.attention C6: dropout needs a seed.
nf.program @p(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x5x12xf32> {nf.name = "k"}) {
  // expected-error @+1 {{expected seed, step and sample_offset exactly with a dropout above 0 and below 1, but got a dropout of 5.000000e-01 and none of them (C6)}}
  %y:2 = nf.attention %q, %k, %k {heads = 3 : i64, dropout = 0.5 : f64, scale = 1.0 : f64} : (tensor<2x5x12xf32>,
      tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  nf.return
}

// -----

// nf.attention C6: a seed needs dropout.
nf.program @p(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x5x12xf32> {nf.name = "k"},
              %s: tensor<i64> {nf.name = "s"}) {
  // expected-error @+1 {{but got a dropout of 0.000000e+00 and some of them (C6)}}
  %y:2 = nf.attention %q, %k, %k seed %s {heads = 3 : i64, scale = 1.0 : f64} : (tensor<2x5x12xf32>,
      tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<i64>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  nf.return
}

// -----

// nf.attention C7: the results' shapes.
nf.program @p(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x5x12xf32> {nf.name = "k"}) {
  // expected-error @+1 {{expected results (or destinations) of the shapes of the op's definition, but got 'tensor<2x5x12xf32>', 'tensor<2x5x3xf32>' (C7)}}
  %y:2 = nf.attention %q, %k, %k {heads = 3 : i64, scale = 1.0 : f64} : (tensor<2x5x12xf32>, tensor<2x5x12xf32>,
      tensor<2x5x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x5x3xf32>)
  nf.return
}

// -----

// nf.attention_backward C2: heads divide the columns.
nf.program @p(%q: tensor<2x5x12xf32> {nf.name = "q"}, %l: tensor<2x5x5xf32> {nf.name = "l"}) {
  // expected-error @+1 {{expected heads to divide 12, but got 5 (C2)}}
  %d:3 = nf.attention_backward %q, %q, %q, %q, %l, %q {heads = 5 : i64, scale = 1.0 : f64} : (tensor<2x5x12xf32>,
      tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x5xf32>, tensor<2x5x12xf32>)
      -> (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>)
  nf.return
}

// -----

// nf.attention_backward C7: the results' shapes.
nf.program @p(%q: tensor<2x5x12xf32> {nf.name = "q"}, %l: tensor<2x3x5xf32> {nf.name = "l"}) {
  // expected-error @+1 {{expected results (or destinations) of the shapes of the op's definition}}
  %d:2 = nf.attention_backward %q, %q, %q, %q, %l, %q {heads = 3 : i64, scale = 1.0 : f64} : (tensor<2x5x12xf32>,
      tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x3x5xf32>, tensor<2x5x12xf32>)
      -> (tensor<2x5x12xf32>, tensor<2x5x12xf32>)
  nf.return
}

// -----

// nf.attention_backward C8: out and dout of q's shape, lse [B, heads, Tq].
nf.program @p(%q: tensor<2x5x12xf32> {nf.name = "q"}, %l: tensor<2x5x3xf32> {nf.name = "l"}) {
  // expected-error @+1 {{expected out and dout of q's shape and lse of [2, 3, 5], but got 'tensor<2x5x12xf32>', 'tensor<2x5x12xf32>' and 'tensor<2x5x3xf32>' (C8)}}
  %d:3 = nf.attention_backward %q, %q, %q, %q, %l, %q {heads = 3 : i64, scale = 1.0 : f64} : (tensor<2x5x12xf32>,
      tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x3xf32>, tensor<2x5x12xf32>)
      -> (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>)
  nf.return
}
