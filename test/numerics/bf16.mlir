// bf16 in memory, fp32 arithmetic: sums into fp32 are as exact as in fp32, and a bf16 result is rounded once, to nearest.
// With AVX-512 BF16 (the second line of a pair, where this processor has it) f32 operands of products are rounded too.
// RUN: nf-check %s --program=products_in_fp32 --against=cpu --cpu=x86-64-v3 | FileCheck %s --check-prefix=PRODUCTS-IN-FP32
// RUN: nf-check %s --program=products_in_fp32 --against=cpu | FileCheck %s --check-prefix=PRODUCTS-IN-FP32
// RUN: nf-check %s --program=products --against=cpu --tolerance=4e-3 --cpu=x86-64-v3 | FileCheck %s --check-prefix=PRODUCTS
// RUN: nf-check %s --program=products --against=cpu --tolerance=4e-3 | FileCheck %s --check-prefix=PRODUCTS
// RUN: nf-check %s --program=attention --against=cpu --tolerance=4e-3 | FileCheck %s --check-prefix=ATTENTION
// RUN: nf-check %s --program=attention --against=cpu --tolerance=4e-3 --cpu=x86-64-v3 | FileCheck %s --check-prefix=ATTENTION
// RUN: nf-check %s --program=attention_with_dropout --against=cpu --tolerance=4e-3 | FileCheck %s --check-prefix=ATTENTION-WITH-DROPOUT
// RUN: nf-check %s --program=attention_backward --against=cpu --tolerance=4e-3 | FileCheck %s --check-prefix=ATTENTION-BACKWARD
// RUN: nf-check %s --program=scatter_add --against=cpu | FileCheck %s --check-prefix=SCATTER-ADD
// RUN: nf-check %s --program=movement --against=cpu --tolerance=0 | FileCheck %s --check-prefix=MOVEMENT
// RUN: nf-check %s --program=forward_backward --prepare=nf-differentiate --against=cpu --bf16 --tolerance=2e-2 | FileCheck %s --check-prefix=FORWARD-BACKWARD
// RUN: nf-check %s --program=forward_backward --prepare=nf-differentiate --against=cpu --bf16 --tolerance=2e-2 --cpu=x86-64-v3 | FileCheck %s --check-prefix=FORWARD-BACKWARD

// Every transposition, batches, inner extents of one block, of several, and of a last block that is shorter; sums of
// an operand beside the product.
// PRODUCTS-IN-FP32-LABEL: @products_in_fp32{{$}}
// PRODUCTS-IN-FP32-NEXT: even: largest error
// PRODUCTS-IN-FP32-NEXT: nn: largest error
// PRODUCTS-IN-FP32-NEXT: nt: largest error
// PRODUCTS-IN-FP32-NEXT: odd: largest error
// PRODUCTS-IN-FP32-NEXT: sum_at: largest error
// PRODUCTS-IN-FP32-NEXT: sum_b: largest error
// PRODUCTS-IN-FP32-NEXT: tn: largest error
// PRODUCTS-IN-FP32-NEXT: tn_beside_sum: largest error
nf.program @products_in_fp32(%a: tensor<70x1100xbf16> {nf.name = "a"}, %b: tensor<1100x33xbf16> {nf.name = "b"},
    %bt: tensor<33x1100xbf16> {nf.name = "bt"}, %at: tensor<1100x70xbf16> {nf.name = "at"},
    %c: tensor<3x5x17xbf16> {nf.name = "c"}, %d: tensor<3x17x9xbf16> {nf.name = "d"},
    %e: tensor<3x5x18xbf16> {nf.name = "e"}, %f: tensor<3x18x9xbf16> {nf.name = "f"},
    %bias: tensor<33xf32> {nf.name = "bias"})
    -> (tensor<70x33xf32> {nf.name = "nn"}, tensor<70x33xf32> {nf.name = "nt"}, tensor<70x33xf32> {nf.name = "tn"},
        tensor<3x5x9xf32> {nf.name = "odd"}, tensor<3x5x9xf32> {nf.name = "even"},
        tensor<33xf32> {nf.name = "sum_b"}, tensor<70x33xf32> {nf.name = "tn_beside_sum"},
        tensor<70xf32> {nf.name = "sum_at"}) {
  %nn = nf.matmul %a, %b : (tensor<70x1100xbf16>, tensor<1100x33xbf16>) -> tensor<70x33xf32>
  %nt = nf.matmul %a, %bt bias %bias {transpose_b}
      : (tensor<70x1100xbf16>, tensor<33x1100xbf16>, tensor<33xf32>) -> tensor<70x33xf32>
  %tn = nf.matmul %at, %b {transpose_a} : (tensor<1100x70xbf16>, tensor<1100x33xbf16>) -> tensor<70x33xf32>
  %odd = nf.matmul %c, %d : (tensor<3x5x17xbf16>, tensor<3x17x9xbf16>) -> tensor<3x5x9xf32>
  %even = nf.matmul %e, %f : (tensor<3x5x18xbf16>, tensor<3x18x9xbf16>) -> tensor<3x5x9xf32>
  %nns:2 = nf.matmul %a, %b {sum_rhs} : (tensor<70x1100xbf16>, tensor<1100x33xbf16>) -> (tensor<70x33xf32>, tensor<33xf32>)
  %tns:2 = nf.matmul %at, %b {sum_lhs, transpose_a}
      : (tensor<1100x70xbf16>, tensor<1100x33xbf16>) -> (tensor<70x33xf32>, tensor<70xf32>)
  nf.return %nn, %nt, %tn, %odd, %even, %nns#1, %tns#0, %tns#1
      : tensor<70x33xf32>, tensor<70x33xf32>, tensor<70x33xf32>, tensor<3x5x9xf32>, tensor<3x5x9xf32>, tensor<33xf32>,
        tensor<70x33xf32>, tensor<70xf32>
}

// PRODUCTS-LABEL: @products{{$}}
// PRODUCTS-NEXT: y: largest error
// PRODUCTS-NEXT: z: largest error
nf.program @products(%a: tensor<300x96xbf16> {nf.name = "a"}, %w: tensor<130x96xf32> {nf.name = "w"},
    %bias: tensor<130xf32> {nf.name = "bias"}, %long: tensor<20x600xf32> {nf.name = "long"},
    %right: tensor<600x37xbf16> {nf.name = "right"})
    -> (tensor<300x130xbf16> {nf.name = "y"}, tensor<20x37xbf16> {nf.name = "z"}) {
  %y = nf.matmul %a, %w bias %bias {transpose_b}
      : (tensor<300x96xbf16>, tensor<130x96xf32>, tensor<130xf32>) -> tensor<300x130xbf16>
  %z = nf.matmul %long, %right : (tensor<20x600xf32>, tensor<600x37xbf16>) -> tensor<20x37xbf16>
  nf.return %y, %z : tensor<300x130xbf16>, tensor<20x37xbf16>
}

// Several blocks of keys and queries; a head width off the vectors, so that rows end in masked loads and stores.
// ATTENTION-LABEL: @attention{{$}}
// ATTENTION-NEXT: lse: largest error
// ATTENTION-NEXT: out: largest error
// ATTENTION-NEXT: short: largest error
nf.program @attention(%q: tensor<2x150x36xbf16> {nf.name = "q"}, %k: tensor<2x150x36xbf16> {nf.name = "k"},
    %v: tensor<2x150x36xbf16> {nf.name = "v"}, %w: tensor<1x20x48xbf16> {nf.name = "w"},
    %padding: tensor<1x20xf32> {nf.name = "padding"})
    -> (tensor<2x150x36xbf16> {nf.name = "out"}, tensor<2x3x150xf32> {nf.name = "lse"},
        tensor<1x20x48xbf16> {nf.name = "short"}) {
  %out, %lse = nf.attention %q, %k, %v {heads = 3 : i64, causal, scale = 0.3 : f64}
      : (tensor<2x150x36xbf16>, tensor<2x150x36xbf16>, tensor<2x150x36xbf16>)
      -> (tensor<2x150x36xbf16>, tensor<2x3x150xf32>)
  %short, %unused = nf.attention %w, %w, %w key_padding %padding {heads = 3 : i64, scale = 0.25 : f64}
      : (tensor<1x20x48xbf16>, tensor<1x20x48xbf16>, tensor<1x20x48xbf16>, tensor<1x20xf32>)
      -> (tensor<1x20x48xbf16>, tensor<1x3x20xf32>)
  nf.return %out, %lse, %short : tensor<2x150x36xbf16>, tensor<2x3x150xf32>, tensor<1x20x48xbf16>
}

// ATTENTION-WITH-DROPOUT-LABEL: @attention_with_dropout{{$}}
// ATTENTION-WITH-DROPOUT-NEXT: out: largest error
nf.program @attention_with_dropout(%q: tensor<2x40x32xbf16> {nf.name = "q"}, %seed: tensor<i64> {nf.name = "seed"},
    %step: tensor<i32> {nf.name = "step"}, %offset: tensor<i32> {nf.name = "sample_offset"})
    -> (tensor<2x40x32xbf16> {nf.name = "out"}) {
  %out, %lse = nf.attention %q, %q, %q seed %seed step %step sample_offset %offset
      {heads = 2 : i64, causal, scale = 0.3 : f64, dropout = 0.2 : f64, site = 4 : i32}
      : (tensor<2x40x32xbf16>, tensor<2x40x32xbf16>, tensor<2x40x32xbf16>, tensor<i64>, tensor<i32>, tensor<i32>)
      -> (tensor<2x40x32xbf16>, tensor<2x2x40xf32>)
  nf.return %out : tensor<2x40x32xbf16>
}

// ATTENTION-BACKWARD-LABEL: @attention_backward{{$}}
// ATTENTION-BACKWARD-NEXT: dk: largest error
// ATTENTION-BACKWARD-NEXT: dq: largest error
// ATTENTION-BACKWARD-NEXT: dv: largest error
nf.program @attention_backward(%q: tensor<2x150x36xbf16> {nf.name = "q"}, %k: tensor<2x150x36xbf16> {nf.name = "k"},
    %v: tensor<2x150x36xbf16> {nf.name = "v"}, %dout: tensor<2x150x36xbf16> {nf.name = "dout"})
    -> (tensor<2x150x36xbf16> {nf.name = "dq"}, tensor<2x150x36xbf16> {nf.name = "dk"},
        tensor<2x150x36xbf16> {nf.name = "dv"}) {
  %out, %lse = nf.attention %q, %k, %v {heads = 3 : i64, causal, scale = 0.3 : f64}
      : (tensor<2x150x36xbf16>, tensor<2x150x36xbf16>, tensor<2x150x36xbf16>)
      -> (tensor<2x150x36xbf16>, tensor<2x3x150xf32>)
  %dq, %dk, %dv = nf.attention_backward %q, %k, %v, %out, %lse, %dout {heads = 3 : i64, causal, scale = 0.3 : f64}
      : (tensor<2x150x36xbf16>, tensor<2x150x36xbf16>, tensor<2x150x36xbf16>, tensor<2x150x36xbf16>,
         tensor<2x3x150xf32>, tensor<2x150x36xbf16>)
      -> (tensor<2x150x36xbf16>, tensor<2x150x36xbf16>, tensor<2x150x36xbf16>)
  nf.return %dq, %dk, %dv : tensor<2x150x36xbf16>, tensor<2x150x36xbf16>, tensor<2x150x36xbf16>
}

// SCATTER-ADD-LABEL: @scatter_add{{$}}
// SCATTER-ADD-NEXT: table: largest error
nf.program @scatter_add(%rows: tensor<2x9x37xbf16> {nf.name = "rows"}, %ids: tensor<2x9xi32> {nf.name = "tokens"})
    -> (tensor<11x37xf32> {nf.name = "table"}) {
  %table = nf.scatter_add %rows, %ids : (tensor<2x9x37xbf16>, tensor<2x9xi32>) -> tensor<11x37xf32>
  nf.return %table : tensor<11x37xf32>
}

// MOVEMENT-LABEL: @movement{{$}}
// MOVEMENT-NEXT: padded: largest error
// MOVEMENT-NEXT: part: largest error
// MOVEMENT-NEXT: turned: largest error
nf.program @movement(%x: tensor<3x40x17xbf16> {nf.name = "x"})
    -> (tensor<3x17x40xbf16> {nf.name = "turned"}, tensor<3x8x17xbf16> {nf.name = "part"},
        tensor<3x43x17xbf16> {nf.name = "padded"}) {
  %turned = nf.transpose %x [0, 2, 1] : (tensor<3x40x17xbf16>) -> tensor<3x17x40xbf16>
  %part = nf.slice %x axis 1 from 5 size 8 : (tensor<3x40x17xbf16>) -> tensor<3x8x17xbf16>
  %padded = nf.pad %x axis 1 low 1 high 2 : (tensor<3x40x17xbf16>) -> tensor<3x43x17xbf16>
  nf.return %turned, %part, %padded : tensor<3x17x40xbf16>, tensor<3x8x17xbf16>, tensor<3x43x17xbf16>
}

// A layer as the frontend writes it: what products and backward read is bf16, rows are fp32.
nf.parameter @tokens : tensor<11x36xf32> {init = "zeros"}
nf.parameter @ln : tensor<36xf32> {init = "zeros"}
nf.parameter @lnb : tensor<36xf32> {init = "zeros"}
nf.parameter @q : tensor<36x36xf32> {init = "zeros"}
nf.parameter @qb : tensor<36xf32> {init = "zeros"}
nf.parameter @gamma : tensor<3xf32> {init = "zeros"}
nf.parameter @fc : tensor<37x36xf32> {init = "zeros"}
// FORWARD-BACKWARD-LABEL: @forward_backward{{$}}
// FORWARD-BACKWARD-NEXT: loss: largest error
// FORWARD-BACKWARD-NEXT: fc.grad: largest error
// FORWARD-BACKWARD-NEXT: gamma.grad: largest error
// FORWARD-BACKWARD-NEXT: ln.grad: largest error
// FORWARD-BACKWARD-NEXT: lnb.grad: largest error
// FORWARD-BACKWARD-NEXT: q.grad: largest error
// FORWARD-BACKWARD-NEXT: qb.grad: largest error
// FORWARD-BACKWARD-NEXT: tokens.grad: largest error
nf.program @forward_backward(%ids: tensor<2x9xi32> {nf.name = "tokens"}, %g: tensor<2x9x37xf32> {nf.name = "g"})
    -> (tensor<f32> {nf.name = "loss"}) {
  %tokens = nf.get @tokens : tensor<11x36xf32>
  %ln = nf.get @ln : tensor<36xf32>
  %lnb = nf.get @lnb : tensor<36xf32>
  %q = nf.get @q : tensor<36x36xf32>
  %qb = nf.get @qb : tensor<36xf32>
  %gamma = nf.get @gamma : tensor<3xf32>
  %fc = nf.get @fc : tensor<37x36xf32>
  %e = nf.embedding %tokens, %ids : (tensor<11x36xf32>, tensor<2x9xi32>) -> tensor<2x9x36xf32>
  %x = nf.cast %e : (tensor<2x9x36xf32>) -> tensor<2x9x36xbf16>
  %xw = nf.cast %x : (tensor<2x9x36xbf16>) -> tensor<2x9x36xf32>
  %n, %mean, %rstd = nf.layer_norm %xw, %ln, %lnb {eps = 1.0e-5 : f64}
      : (tensor<2x9x36xf32>, tensor<36xf32>, tensor<36xf32>) -> (tensor<2x9x36xf32>, tensor<2x9x1xf32>, tensor<2x9x1xf32>)
  %nn = nf.cast %n : (tensor<2x9x36xf32>) -> tensor<2x9x36xbf16>
  %p = nf.linear %nn, %q bias %qb : (tensor<2x9x36xbf16>, tensor<36x36xf32>, tensor<36xf32>) -> tensor<2x9x36xbf16>
  %a, %lse = nf.attention %p, %p, %p {heads = 3 : i64, causal, scale = 0.3 : f64}
      : (tensor<2x9x36xbf16>, tensor<2x9x36xbf16>, tensor<2x9x36xbf16>) -> (tensor<2x9x36xbf16>, tensor<2x3x9xf32>)
  %aw = nf.cast %a : (tensor<2x9x36xbf16>) -> tensor<2x9x36xf32>
  %h = nf.head_scale %aw, %gamma : (tensor<2x9x36xf32>, tensor<3xf32>) -> tensor<2x9x36xf32>
  %r = nf.add %h, %xw : (tensor<2x9x36xf32>, tensor<2x9x36xf32>) -> tensor<2x9x36xf32>
  %rn = nf.cast %r : (tensor<2x9x36xf32>) -> tensor<2x9x36xbf16>
  %f = nf.linear %rn, %fc : (tensor<2x9x36xbf16>, tensor<37x36xf32>) -> tensor<2x9x37xbf16>
  %fw = nf.cast %f : (tensor<2x9x37xbf16>) -> tensor<2x9x37xf32>
  %y = nf.gelu %fw : (tensor<2x9x37xf32>) -> tensor<2x9x37xf32>
  %z = nf.mul %y, %g : (tensor<2x9x37xf32>, tensor<2x9x37xf32>) -> tensor<2x9x37xf32>
  %s = nf.reduce_sum %z axes [0, 1, 2] : (tensor<2x9x37xf32>) -> tensor<1x1x1xf32>
  %l = nf.reshape %s : (tensor<1x1x1xf32>) -> tensor<f32>
  nf.return %l : tensor<f32>
}
