// RUN: nf-opt --nf-name-parameters %s --split-input-file 2>%t | FileCheck %s
// RUN: FileCheck --check-prefix=WARNING %s < %t

// Names that say nothing get that of their role, others stay; masks and tables are not trained, nor is a constant of
// equal elements that norms share: that is said.
// WARNING: warning: one tensor of equal elements stands for {{.*}}: ones_12 (2); these are frozen
// WARNING-NOT: warning
// WARNING: warning: the exporter computed weights of norms or scales from the model's own, such as 1 + gamma: mul_2; these are trained as they stand
// WARNING: warning: the exporter computed tables that are added to embeddings: onnx::Add_7; these are frozen.
// WARNING-NOT: warning
// CHECK-DAG: parameter @embed.tokens.weight : tensor<16x8xf32> {init = "{\22kind\22:\22file\22,\22name\22:\22val_1\22}"}
// CHECK-DAG: parameter @layers.0.attn.q.weight : tensor<8x8xf32> {init = "{\22kind\22:\22file\22,\22name\22:\22onnx::MatMul_34\22}"}
// CHECK-DAG: parameter @layers.0.attn.v.bias : tensor<8xf32>
// CHECK-DAG: parameter @h.0.key : tensor<8x8xf32> {init = "{\22kind\22:\22file\22,\22name\22:\22h.0.key\22}"}
// CHECK-DAG: parameter @ones_12 : tensor<8xf32> {{.*}}trainable = false}
// CHECK-DAG: parameter @sines : tensor<4x8xf32> {{.*}}trainable = false}
// CHECK-DAG: parameter @emb_rows : tensor<2x4x8xf32> {{.*}}trainable = false}
// CHECK-DAG: parameter @wpe.weight : tensor<4x8xf32> {init = "{\22kind\22:\22file\22,\22name\22:\22wpe.weight\22}"}
// CHECK-DAG: parameter @layers.0.attn.ln.bias : tensor<8xf32>
// CHECK-DAG: parameter @final_ln.bias : tensor<8xf32>
// CHECK: get @layers.0.attn.q.weight
nf.parameter @val_1 : tensor<16x8xf32> {init = "{\"kind\":\"file\",\"name\":\"val_1\"}"}
nf.parameter @"onnx::MatMul_34" : tensor<8x8xf32> {init = "{\"kind\":\"file\",\"name\":\"onnx::MatMul_34\"}"}
nf.parameter @h.0.key : tensor<8x8xf32> {init = "{\"kind\":\"file\",\"name\":\"h.0.key\"}"}
nf.parameter @"onnx::MatMul_36" : tensor<8x8xf32> {init = "{\"kind\":\"file\",\"name\":\"v\"}"}
nf.parameter @"onnx::Add_37" : tensor<8xf32> {init = "{\"kind\":\"file\",\"name\":\"vb\"}"}
nf.parameter @ones_12 : tensor<8xf32> {init = "{\"kind\":\"file\",\"name\":\"ones_12\",\"splat\":1.0}"}
nf.parameter @view_3 : tensor<8xf32> {init = "{\"kind\":\"file\",\"name\":\"view_3\"}"}
nf.parameter @val_3 : tensor<8xf32> {init = "{\"kind\":\"file\",\"name\":\"val_3\"}"}
nf.parameter @sines : tensor<4x8xf32> {init = "{\"kind\":\"file\",\"name\":\"sines\"}"}
// A table that an exporter looked up, once for each sequence of the batch: no parameter of the model any more.
nf.parameter @emb_rows : tensor<2x4x8xf32> {init = "{\"kind\":\"file\",\"name\":\"emb_rows\"}"}
nf.parameter @wpe.weight : tensor<4x8xf32> {init = "{\"kind\":\"file\",\"name\":\"wpe.weight\"}"}
nf.program @forward(%tokens: tensor<2x4xi32> {nf.name = "tokens"}) -> (tensor<2x4x16xf32> {nf.name = "logits"}) {
  %e = nf.get @val_1 : tensor<16x8xf32>
  %wq = nf.get @"onnx::MatMul_34" : tensor<8x8xf32>
  %wk = nf.get @h.0.key : tensor<8x8xf32>
  %wv = nf.get @"onnx::MatMul_36" : tensor<8x8xf32>
  %vb = nf.get @"onnx::Add_37" : tensor<8xf32>
  %ones = nf.get @ones_12 : tensor<8xf32>
  %lb = nf.get @view_3 : tensor<8xf32>
  %fb = nf.get @val_3 : tensor<8xf32>
  %sines = nf.get @sines : tensor<4x8xf32>
  %t = nf.embedding %e, %tokens : (tensor<16x8xf32>, tensor<2x4xi32>) -> tensor<2x4x8xf32>
  %p = nf.get @wpe.weight : tensor<4x8xf32>
  %u = nf.add %p, %t : (tensor<4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %rows = nf.get @emb_rows : tensor<2x4x8xf32>
  %w = nf.add %u, %rows : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %x = nf.add %w, %sines : (tensor<2x4x8xf32>, tensor<4x8xf32>) -> tensor<2x4x8xf32>
  %n, %m, %r = nf.layer_norm %x, %ones, %lb {eps = 1.0e-5 : f64}
    : (tensor<2x4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x4x8xf32>, tensor<2x4x1xf32>, tensor<2x4x1xf32>)
  %q = nf.linear %n, %wq : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %k = nf.linear %n, %wk : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %v = nf.linear %n, %wv bias %vb : (tensor<2x4x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %a, %lse = nf.attention %q, %k, %v {heads = 2 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x4x8xf32>, tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>, tensor<2x2x4xf32>)
  %x1 = nf.add %x, %a : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %f, %fm, %fr = nf.layer_norm %x1, %ones, %fb {eps = 1.0e-5 : f64}
    : (tensor<2x4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x4x8xf32>, tensor<2x4x1xf32>, tensor<2x4x1xf32>)
  %y = nf.linear %f, %e : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  nf.return %y : tensor<2x4x16xf32>
}

// -----

// What an exporter computed of parameters: a scale is trained as it stands, a table is not. `1 + gamma` that is left in
// the graph is no such thing, and a LayerScale is trained.
// CHECK-DAG: parameter @"onnx::Add_7" : tensor<4x8xf32> {{.*}}trainable = false}
// CHECK-DAG: parameter @{{.*}} : tensor<8xf32> {init = "{\22kind\22:\22file\22,\22name\22:\22mul_2\22}"}
// CHECK-DAG: parameter @gamma : tensor<8xf32> {init = "{\22kind\22:\22file\22,\22name\22:\22gamma\22}"}
// CHECK-DAG: parameter @ls : tensor<8xf32> {init = "{\22kind\22:\22file\22,\22name\22:\22ls\22}"}
// CHECK-DAG: parameter @buffer : tensor<8xf32> {{.*}}trainable = false}
nf.parameter @e : tensor<16x8xf32> {init = "{\"kind\":\"file\",\"name\":\"e\"}"}
nf.parameter @w : tensor<8x8xf32> {init = "{\"kind\":\"file\",\"name\":\"w\"}"}
nf.parameter @"onnx::Add_7" : tensor<4x8xf32> {init = "{\"kind\":\"file\",\"name\":\"onnx::Add_7\"}"}
nf.parameter @mul_2 : tensor<8xf32> {init = "{\"kind\":\"file\",\"name\":\"mul_2\"}"}
nf.parameter @gamma : tensor<8xf32> {init = "{\"kind\":\"file\",\"name\":\"gamma\"}"}
nf.parameter @ls : tensor<8xf32> {init = "{\"kind\":\"file\",\"name\":\"ls\"}"}
nf.parameter @buffer : tensor<8xf32> {init = "{\"kind\":\"file\",\"name\":\"buffer\"}"}
nf.program @forward(%tokens: tensor<2x4xi32> {nf.name = "tokens"}) -> (tensor<2x4x8xf32> {nf.name = "y"}) {
  %e = nf.get @e : tensor<16x8xf32>
  %w = nf.get @w : tensor<8x8xf32>
  %table = nf.get @"onnx::Add_7" : tensor<4x8xf32>
  %mul = nf.get @mul_2 : tensor<8xf32>
  %g = nf.get @gamma : tensor<8xf32>
  %ls = nf.get @ls : tensor<8xf32>
  %buffer = nf.get @buffer : tensor<8xf32>
  %one = nf.constant dense<1.0> : tensor<1xf32>
  %zeros = nf.constant dense<0.0> : tensor<8xf32>
  %t = nf.embedding %e, %tokens : (tensor<16x8xf32>, tensor<2x4xi32>) -> tensor<2x4x8xf32>
  %x = nf.add %t, %table : (tensor<2x4x8xf32>, tensor<4x8xf32>) -> tensor<2x4x8xf32>
  %g1 = nf.add %g, %one : (tensor<8xf32>, tensor<1xf32>) -> tensor<8xf32>
  %n, %m, %r = nf.layer_norm %x, %mul, %zeros {eps = 1.0e-5 : f64}
    : (tensor<2x4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x4x8xf32>, tensor<2x4x1xf32>, tensor<2x4x1xf32>)
  %h = nf.linear %n, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %s = nf.mul %h, %ls : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %x1 = nf.add %x, %s : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %o, %om, %or = nf.layer_norm %x1, %g1, %zeros {eps = 1.0e-5 : f64}
    : (tensor<2x4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x4x8xf32>, tensor<2x4x1xf32>, tensor<2x4x1xf32>)
  %y = nf.mul %o, %buffer : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  nf.return %y : tensor<2x4x8xf32>
}

// -----

// No-op: parameters of a definition, which have their names and know whether they are trained.
// CHECK: parameter @val_1 : tensor<8xf32> {init = "{\22kind\22:\22ones\22}"}
nf.parameter @val_1 : tensor<8xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @forward(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %s = nf.get @val_1 : tensor<8xf32>
  %y = nf.add %x, %s : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}
