// RUN: nf-opt %s --verify-diagnostics --split-input-file

// nf.parameter C1: a static tensor of f32 of rank 1 to 4.
// expected-error @+1 {{expected a static tensor of f32 (or f64) of rank 1 to 4, but got 'tensor<f32>' (C1)}}
nf.parameter @w : tensor<f32> {init = "zeros"}

// -----

// nf.parameter C1: an element type of masters.
// expected-error @+1 {{expected a static tensor of f32 (or f64) of rank 1 to 4, but got 'tensor<8xbf16>' (C1)}}
nf.parameter @w : tensor<8xbf16> {init = "zeros"}

// -----

// nf.parameter C2: an init rule.
// expected-error @+1 {{expected an init rule, but got an empty string (C2)}}
nf.parameter @w : tensor<8xf32> {init = ""}

// -----

// nf.state C1: of a parameter.
// expected-error @+1 {{expected @w to name a parameter, but got none (C1)}}
nf.state gradient @w.grad of @w : tensor<8xf32>

// -----

// nf.state C2: a gradient has its parameter's type.
nf.parameter @w : tensor<8xf32> {init = "zeros"}
// expected-error @+1 {{expected the parameter's type 'tensor<8xf32>', but got 'tensor<4xf32>' (C2)}}
nf.state gradient @w.grad of @w : tensor<4xf32>

// -----

// nf.program C1: results as declared.
nf.program @p(%x: tensor<8xf32> {nf.name = "x"}) -> (tensor<4xf32> {nf.name = "y"}) {
  // expected-error @+1 {{expected operands of the program's result types 'tensor<4xf32>', but got 'tensor<8xf32>' (C1)}}
  nf.return %x : tensor<8xf32>
}

// -----

// nf.program C1: one block.
// expected-error @+1 {{region with 1 blocks}}
nf.program @p()

// -----

// nf.program C2: arguments have names.
// expected-error @+1 {{expected argument 0 to have a name of its own in nf.name, but got "" (C2)}}
nf.program @p(%x: tensor<8xf32>) {
  nf.return
}

// -----

// nf.program C2: no name twice.
// expected-error @+1 {{expected argument 1 to have a name of its own in nf.name, but got "x" (C2)}}
nf.program @p(%x: tensor<8xf32> {nf.name = "x"}, %y: tensor<8xf32> {nf.name = "x"}) {
  nf.return
}

// -----

// nf.program C2: results have names.
// expected-error @+1 {{expected result 0 to have a name of its own in nf.name, but got "" (C2)}}
nf.program @p(%x: tensor<8xf32> {nf.name = "x"}) -> tensor<8xf32> {
  nf.return %x : tensor<8xf32>
}

// -----

// nf.get C1: a parameter or state.
nf.program @p() {
  // expected-error @+1 {{expected @w to name a parameter or state, but got no such symbol (C1)}}
  %w = nf.get @w : tensor<8xf32>
  nf.return
}

// -----

// nf.get C1: a program is neither.
nf.program @w() {
  nf.return
}
nf.program @p() {
  // expected-error @+1 {{expected @w to name a parameter or state, but got another op (C1)}}
  %w = nf.get @w : tensor<8xf32>
  nf.return
}

// -----

// nf.get C2: its type.
nf.parameter @w : tensor<8xf32> {init = "zeros"}
nf.program @p() {
  // expected-error @+1 {{expected the type of @w, 'tensor<8xf32>', but got 'tensor<4xf32>' (C2)}}
  %w = nf.get @w : tensor<4xf32>
  nf.return
}

// -----

// nf.set C1: a parameter or state.
nf.program @p(%x: tensor<8xf32> {nf.name = "x"}) {
  // expected-error @+1 {{expected @w to name a parameter or state, but got no such symbol (C1)}}
  nf.set @w, %x : tensor<8xf32>
  nf.return
}

// -----

// nf.set C2: its type.
nf.parameter @w : tensor<8xf32> {init = "zeros"}
nf.program @p(%x: tensor<8xbf16> {nf.name = "x"}) {
  // expected-error @+1 {{expected the type of @w, 'tensor<8xf32>', but got 'tensor<8xbf16>' (C2)}}
  nf.set @w, %x : tensor<8xbf16>
  nf.return
}

// -----

// nf.accumulate C1: a gradient.
nf.parameter @w : tensor<8xf32> {init = "zeros"}
nf.program @p(%x: tensor<8xf32> {nf.name = "x"}) {
  // expected-error @+1 {{expected @w to name a state of kind gradient or folded, but got none (C1)}}
  nf.accumulate @w, %x : tensor<8xf32>
  nf.return
}

// -----

// nf.accumulate C2: its type.
nf.parameter @w : tensor<8xf32> {init = "zeros"}
nf.state gradient @w.grad of @w : tensor<8xf32>
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}) {
  // expected-error @+1 {{expected the type of @w.grad, 'tensor<8xf32>', but got 'tensor<4xf32>' (C2)}}
  nf.accumulate @w.grad, %x : tensor<4xf32>
  nf.return
}

// -----

// nf.accumulate C3: a flag of one element.
nf.parameter @w : tensor<8xf32> {init = "zeros"}
nf.state gradient @w.grad of @w : tensor<8xf32>
nf.program @p(%x: tensor<8xf32> {nf.name = "x"}, %f: tensor<2xi32> {nf.name = "f"}) {
  // expected-error @+1 {{expected a flag of type tensor<i32>, but got 'tensor<2xi32>' (C3)}}
  nf.accumulate @w.grad, %x if %f : tensor<8xf32>, tensor<2xi32>
  nf.return
}
