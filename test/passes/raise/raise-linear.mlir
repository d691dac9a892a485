// RUN: nf-opt --pass-pipeline='builtin.module(nf.program(nf-simplify),nf-raise-linear,nf.program(nf-simplify))' %s | FileCheck %s
// RUN: nf-check %s --program=in_out --against='pass:builtin.module(nf.program(nf-simplify),nf-raise-linear)' --tolerance=1e-5
// RUN: nf-check %s --program=gemm --against='pass:builtin.module(nf.program(nf-simplify),nf-raise-linear)' --tolerance=1e-5

// A weight of a file that every product reads [in, out] is declared [out, in]; "kept" is read in other ways too, and
// the values of "drawn" are drawn by index.
// CHECK: parameter @stored : tensor<8x4xf32> {init = "{\22kind\22:\22file\22,\22name\22:\22w\22,\22transposed\22:true}"}
// CHECK: parameter @kept : tensor<4x8xf32> {init = "{\22kind\22:\22file\22,\22name\22:\22w\22}"}
// CHECK: parameter @drawn : tensor<4x8xf32>
nf.parameter @stored : tensor<4x8xf32> {init = "{\"kind\":\"file\",\"name\":\"w\"}"}
nf.parameter @kept : tensor<4x8xf32> {init = "{\"kind\":\"file\",\"name\":\"w\"}"}
nf.parameter @drawn : tensor<4x8xf32> {init = "{\"kind\":\"normal\",\"std\":1.0}"}
nf.parameter @tied : tensor<8x4xf32> {init = "zeros"}
nf.parameter @b : tensor<8xf32> {init = "zeros"}

// CHECK-LABEL: program @file
// CHECK: %[[W:.*]] = get @stored : tensor<8x4xf32>
// CHECK: %[[Y:.*]] = linear %x, %[[W]] bias %{{.*}} : (tensor<2x3x4xf32>, tensor<8x4xf32>, tensor<8xf32>)
// CHECK-NEXT: return %[[Y]]
nf.program @file(%x: tensor<2x3x4xf32> {nf.name = "x"}) -> (tensor<2x3x8xf32> {nf.name = "y"}) {
  %w = nf.get @stored : tensor<4x8xf32>
  %b = nf.get @b : tensor<8xf32>
  %p = nf.matmul %x, %w : (tensor<2x3x4xf32>, tensor<4x8xf32>) -> tensor<2x3x8xf32>
  %y = nf.add %b, %p : (tensor<8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  nf.return %y : tensor<2x3x8xf32>
}

// Tokens as rows (Conv1D of GPT-2), a bias of [1, 1, out] after they have their axes again.
// CHECK-LABEL: program @rows
// CHECK: %[[Y:.*]] = linear %x, %{{.*}} bias %b
// CHECK-NEXT: return %[[Y]]
nf.program @rows(%x: tensor<2x3x4xf32> {nf.name = "x"}) -> (tensor<2x3x8xf32> {nf.name = "y"}) {
  %w = nf.get @stored : tensor<4x8xf32>
  %b = nf.get @b : tensor<8xf32>
  %flat = nf.reshape %x : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
  %p = nf.matmul %flat, %w : (tensor<6x4xf32>, tensor<4x8xf32>) -> tensor<6x8xf32>
  %s = nf.add %p, %b : (tensor<6x8xf32>, tensor<8xf32>) -> tensor<6x8xf32>
  %y = nf.reshape %s : (tensor<6x8xf32>) -> tensor<2x3x8xf32>
  nf.return %y : tensor<2x3x8xf32>
}

// CHECK-LABEL: program @in_out
// CHECK: %[[W:.*]] = get @drawn : tensor<4x8xf32>
// CHECK: %[[T:.*]] = transpose %[[W]] [1, 0]
// CHECK: linear %x, %[[T]] :
nf.program @in_out(%x: tensor<2x3x4xf32> {nf.name = "x"}) -> (tensor<2x3x8xf32> {nf.name = "y"}) {
  %w = nf.get @drawn : tensor<4x8xf32>
  %y = nf.matmul %x, %w : (tensor<2x3x4xf32>, tensor<4x8xf32>) -> tensor<2x3x8xf32>
  nf.return %y : tensor<2x3x8xf32>
}

// The product with a tied embedding, transposed by an op; a table read both ways keeps its form.
// CHECK-LABEL: program @gemm
// CHECK: linear %x, %tied :
nf.program @gemm(%x: tensor<2x3x4xf32> {nf.name = "x"}) -> (tensor<2x3x8xf32> {nf.name = "y"}) {
  %w = nf.get @tied : tensor<8x4xf32>
  %t = nf.transpose %w [1, 0] : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %y = nf.matmul %x, %t : (tensor<2x3x4xf32>, tensor<4x8xf32>) -> tensor<2x3x8xf32>
  nf.return %y : tensor<2x3x8xf32>
}

// CHECK-LABEL: program @both_ways
// CHECK: %[[W:.*]] = get @kept : tensor<4x8xf32>
// CHECK: %[[T:.*]] = transpose %[[W]] [1, 0]
// CHECK: %[[H:.*]] = linear %x, %[[T]]
// CHECK: linear %[[H]], %[[W]]
nf.program @both_ways(%x: tensor<3x4xf32> {nf.name = "x"}) -> (tensor<3x4xf32> {nf.name = "y"}) {
  %w = nf.get @kept : tensor<4x8xf32>
  %h = nf.matmul %x, %w : (tensor<3x4xf32>, tensor<4x8xf32>) -> tensor<3x8xf32>
  %y = nf.matmul %h, %w {transpose_b} : (tensor<3x8xf32>, tensor<4x8xf32>) -> tensor<3x4xf32>
  nf.return %y : tensor<3x4xf32>
}

// Near misses: a product of activations, a product that another op reads before the bias, a bias along the tokens.
// CHECK-LABEL: program @of_activations
// CHECK: matmul
// CHECK-NOT: linear
// CHECK: return
nf.program @of_activations(%x: tensor<3x4xf32> {nf.name = "x"}, %k: tensor<8x4xf32> {nf.name = "k"})
    -> (tensor<3x8xf32> {nf.name = "y"}) {
  %y = nf.matmul %x, %k {transpose_b} : (tensor<3x4xf32>, tensor<8x4xf32>) -> tensor<3x8xf32>
  nf.return %y : tensor<3x8xf32>
}

// CHECK-LABEL: program @product_read
// CHECK: %[[P:.*]] = linear %x, %tied :
// CHECK: %[[Y:.*]] = add %[[P]], %b
// CHECK: return %[[Y]], %[[P]]
nf.program @product_read(%x: tensor<3x4xf32> {nf.name = "x"})
    -> (tensor<3x8xf32> {nf.name = "y"}, tensor<3x8xf32> {nf.name = "p"}) {
  %w = nf.get @tied : tensor<8x4xf32>
  %b = nf.get @b : tensor<8xf32>
  %p = nf.matmul %x, %w {transpose_b} : (tensor<3x4xf32>, tensor<8x4xf32>) -> tensor<3x8xf32>
  %y = nf.add %p, %b : (tensor<3x8xf32>, tensor<8xf32>) -> tensor<3x8xf32>
  nf.return %y, %p : tensor<3x8xf32>, tensor<3x8xf32>
}

// CHECK-LABEL: program @bias_of_tokens
// CHECK: %[[P:.*]] = linear %x, %tied :
// CHECK: add %[[P]]
nf.program @bias_of_tokens(%x: tensor<8x4xf32> {nf.name = "x"}) -> (tensor<8x8xf32> {nf.name = "y"}) {
  %w = nf.get @tied : tensor<8x4xf32>
  %b = nf.get @b : tensor<8xf32>
  %column = nf.reshape %b : (tensor<8xf32>) -> tensor<8x1xf32>
  %p = nf.matmul %x, %w {transpose_b} : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x8xf32>
  %y = nf.add %p, %column : (tensor<8x8xf32>, tensor<8x1xf32>) -> tensor<8x8xf32>
  nf.return %y : tensor<8x8xf32>
}

// No-op.
// CHECK-LABEL: program @composite
// CHECK: %[[Y:.*]] = linear %x, %tied :
// CHECK-NEXT: return %[[Y]]
nf.program @composite(%x: tensor<3x4xf32> {nf.name = "x"}) -> (tensor<3x8xf32> {nf.name = "y"}) {
  %w = nf.get @tied : tensor<8x4xf32>
  %y = nf.linear %x, %w : (tensor<3x4xf32>, tensor<8x4xf32>) -> tensor<3x8xf32>
  nf.return %y : tensor<3x8xf32>
}

// A weight that is written transposed already: a second time would be none. It is transposed where it is read.
// CHECK: nf.parameter @written : tensor<4x8xf32> {{.*}}\22transposed\22:true
// CHECK-LABEL: program @transposed_already
// CHECK: %[[W:.*]] = transpose %{{.*}} [1, 0] : (tensor<4x8xf32>) -> tensor<8x4xf32>
// CHECK: linear %x, %[[W]]
nf.parameter @written : tensor<4x8xf32> {init = "{\"kind\":\"file\",\"name\":\"w\",\"transposed\":true}"}
nf.program @transposed_already(%x: tensor<2x3x4xf32> {nf.name = "x"}) -> (tensor<2x3x8xf32> {nf.name = "y"}) {
  %w = nf.get @written : tensor<4x8xf32>
  %y = nf.matmul %x, %w : (tensor<2x3x4xf32>, tensor<4x8xf32>) -> tensor<2x3x8xf32>
  nf.return %y : tensor<2x3x8xf32>
}
