// RUN: nf-opt %s --verify-diagnostics --split-input-file

// nf.neg C1: floats.
nf.program @p(%x: tensor<4xi32> {nf.name = "x"}) {
  // expected-error @+1 {{operand #0 must be statically shaped tensor of 32-bit float or bfloat16 type or 64-bit float values, but got 'tensor<4xi32>'}}
  %y = nf.neg %x : (tensor<4xi32>) -> tensor<4xi32>
  nf.return
}

// -----

// nf.exp C1: floats.
nf.program @p(%x: tensor<4xi32> {nf.name = "x"}) {
  // expected-error @+1 {{operand #0 must be statically shaped tensor of 32-bit float or bfloat16 type or 64-bit float values, but got 'tensor<4xi32>'}}
  %y = nf.exp %x : (tensor<4xi32>) -> tensor<4xi32>
  nf.return
}

// -----

// nf.log C1: floats.
nf.program @p(%x: tensor<4xi32> {nf.name = "x"}) {
  // expected-error @+1 {{operand #0 must be statically shaped tensor of 32-bit float or bfloat16 type or 64-bit float values, but got 'tensor<4xi32>'}}
  %y = nf.log %x : (tensor<4xi32>) -> tensor<4xi32>
  nf.return
}

// -----

// nf.tanh C1: floats.
nf.program @p(%x: tensor<4xi32> {nf.name = "x"}) {
  // expected-error @+1 {{operand #0 must be statically shaped tensor of 32-bit float or bfloat16 type or 64-bit float values, but got 'tensor<4xi32>'}}
  %y = nf.tanh %x : (tensor<4xi32>) -> tensor<4xi32>
  nf.return
}

// -----

// nf.erf C1: floats.
nf.program @p(%x: tensor<4xi32> {nf.name = "x"}) {
  // expected-error @+1 {{operand #0 must be statically shaped tensor of 32-bit float or bfloat16 type or 64-bit float values, but got 'tensor<4xi32>'}}
  %y = nf.erf %x : (tensor<4xi32>) -> tensor<4xi32>
  nf.return
}

// -----

// nf.sqrt C1: floats.
nf.program @p(%x: tensor<4xi32> {nf.name = "x"}) {
  // expected-error @+1 {{operand #0 must be statically shaped tensor of 32-bit float or bfloat16 type or 64-bit float values, but got 'tensor<4xi32>'}}
  %y = nf.sqrt %x : (tensor<4xi32>) -> tensor<4xi32>
  nf.return
}

// -----

// nf.rsqrt C1: floats.
nf.program @p(%x: tensor<4xi32> {nf.name = "x"}) {
  // expected-error @+1 {{operand #0 must be statically shaped tensor of 32-bit float or bfloat16 type or 64-bit float values, but got 'tensor<4xi32>'}}
  %y = nf.rsqrt %x : (tensor<4xi32>) -> tensor<4xi32>
  nf.return
}

// -----

// Every shape is static.
nf.program @p(%x: tensor<?xf32> {nf.name = "x"}) {
  // expected-error @+1 {{operand #0 must be statically shaped tensor}}
  %y = nf.exp %x : (tensor<?xf32>) -> tensor<?xf32>
  nf.return
}

// -----

// nf.add C1: equal element types.
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}, %y: tensor<4xbf16> {nf.name = "y"}) {
  // expected-error @+2 {{expected equal element types, but got 'tensor<4xf32>', 'tensor<4xbf16>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.add %x, %y : (tensor<4xf32>, tensor<4xbf16>) -> tensor<4xf32>
  nf.return
}

// -----

// nf.add C2: shapes that broadcast.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %y: tensor<4xf32> {nf.name = "y"}) {
  // expected-error @+2 {{expected shapes that broadcast, but got 'tensor<4x8xf32>', 'tensor<4xf32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.add %x, %y : (tensor<4x8xf32>, tensor<4xf32>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.sub C1: equal element types.
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}, %y: tensor<4xbf16> {nf.name = "y"}) {
  // expected-error @+2 {{expected equal element types, but got 'tensor<4xf32>', 'tensor<4xbf16>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.sub %x, %y : (tensor<4xf32>, tensor<4xbf16>) -> tensor<4xf32>
  nf.return
}

// -----

// nf.sub C2: shapes that broadcast.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %y: tensor<4xf32> {nf.name = "y"}) {
  // expected-error @+2 {{expected shapes that broadcast, but got 'tensor<4x8xf32>', 'tensor<4xf32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.sub %x, %y : (tensor<4x8xf32>, tensor<4xf32>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.mul C1: equal element types.
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}, %y: tensor<4xbf16> {nf.name = "y"}) {
  // expected-error @+2 {{expected equal element types, but got 'tensor<4xf32>', 'tensor<4xbf16>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.mul %x, %y : (tensor<4xf32>, tensor<4xbf16>) -> tensor<4xf32>
  nf.return
}

// -----

// nf.mul C2: shapes that broadcast.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %y: tensor<4xf32> {nf.name = "y"}) {
  // expected-error @+2 {{expected shapes that broadcast, but got 'tensor<4x8xf32>', 'tensor<4xf32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.mul %x, %y : (tensor<4x8xf32>, tensor<4xf32>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.div C1: equal element types.
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}, %y: tensor<4xbf16> {nf.name = "y"}) {
  // expected-error @+2 {{expected equal element types, but got 'tensor<4xf32>', 'tensor<4xbf16>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.div %x, %y : (tensor<4xf32>, tensor<4xbf16>) -> tensor<4xf32>
  nf.return
}

// -----

// nf.div C2: shapes that broadcast.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %y: tensor<4xf32> {nf.name = "y"}) {
  // expected-error @+2 {{expected shapes that broadcast, but got 'tensor<4x8xf32>', 'tensor<4xf32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.div %x, %y : (tensor<4x8xf32>, tensor<4xf32>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.pow C1: equal element types.
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}, %y: tensor<4xbf16> {nf.name = "y"}) {
  // expected-error @+2 {{expected equal element types, but got 'tensor<4xf32>', 'tensor<4xbf16>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.pow %x, %y : (tensor<4xf32>, tensor<4xbf16>) -> tensor<4xf32>
  nf.return
}

// -----

// nf.pow C2: shapes that broadcast.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %y: tensor<4xf32> {nf.name = "y"}) {
  // expected-error @+2 {{expected shapes that broadcast, but got 'tensor<4x8xf32>', 'tensor<4xf32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.pow %x, %y : (tensor<4x8xf32>, tensor<4xf32>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.max C1: equal element types.
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}, %y: tensor<4xbf16> {nf.name = "y"}) {
  // expected-error @+2 {{expected equal element types, but got 'tensor<4xf32>', 'tensor<4xbf16>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.max %x, %y : (tensor<4xf32>, tensor<4xbf16>) -> tensor<4xf32>
  nf.return
}

// -----

// nf.max C2: shapes that broadcast.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %y: tensor<4xf32> {nf.name = "y"}) {
  // expected-error @+2 {{expected shapes that broadcast, but got 'tensor<4x8xf32>', 'tensor<4xf32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.max %x, %y : (tensor<4x8xf32>, tensor<4xf32>) -> tensor<4x8xf32>
  nf.return
}

// -----

// nf.add: the result is what the operands broadcast to.
nf.program @p(%x: tensor<4x8xf32> {nf.name = "x"}, %y: tensor<8xf32> {nf.name = "y"}) {
  // expected-error @+2 {{inferred type(s) 'tensor<4x8xf32>' are incompatible with return type(s) of operation 'tensor<8xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.add %x, %y : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<8xf32>
  nf.return
}

// -----

// nf.compare C1: equal element types.
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}, %y: tensor<4xi32> {nf.name = "y"}) {
  // expected-error @+2 {{expected equal element types, but got 'tensor<4xf32>', 'tensor<4xi32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.compare lt %x, %y : (tensor<4xf32>, tensor<4xi32>) -> tensor<4xi1>
  nf.return
}

// -----

// nf.compare C2: shapes that broadcast.
nf.program @p(%x: tensor<3xf32> {nf.name = "x"}, %y: tensor<4xf32> {nf.name = "y"}) {
  // expected-error @+2 {{expected shapes that broadcast, but got 'tensor<3xf32>', 'tensor<4xf32>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.compare lt %x, %y : (tensor<3xf32>, tensor<4xf32>) -> tensor<4xi1>
  nf.return
}

// -----

// nf.where C1: a condition of i1.
nf.program @p(%c: tensor<4xi32> {nf.name = "c"}, %x: tensor<4xf32> {nf.name = "x"}) {
  // expected-error @+2 {{expected a condition of i1, but got 'tensor<4xi32>' (C1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.where %c, %x, %x : (tensor<4xi32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  nf.return
}

// -----

// nf.where C2: equal element types.
nf.program @p(%c: tensor<4xi1> {nf.name = "c"}, %x: tensor<4xf32> {nf.name = "x"},
              %y: tensor<4xbf16> {nf.name = "y"}) {
  // expected-error @+2 {{expected equal element types, but got 'tensor<4xf32>', 'tensor<4xbf16>' (C2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.where %c, %x, %y : (tensor<4xi1>, tensor<4xf32>, tensor<4xbf16>) -> tensor<4xf32>
  nf.return
}

// -----

// nf.where C3: shapes that broadcast.
nf.program @p(%c: tensor<3xi1> {nf.name = "c"}, %x: tensor<4xf32> {nf.name = "x"}) {
  // expected-error @+2 {{expected shapes that broadcast, but got 'tensor<3xi1>', 'tensor<4xf32>', 'tensor<4xf32>' (C3)}}
  // expected-error @+1 {{failed to infer returned types}}
  %z = nf.where %c, %x, %x : (tensor<3xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  nf.return
}

// -----

// nf.cast C1: equal shapes.
nf.program @p(%x: tensor<4xf32> {nf.name = "x"}) {
  // expected-error @+1 {{expected equal shapes, but got 'tensor<4xf32>' and 'tensor<5xbf16>' (C1)}}
  %y = nf.cast %x : (tensor<4xf32>) -> tensor<5xbf16>
  nf.return
}
