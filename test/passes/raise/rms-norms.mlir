// RMSNorms stay in primitives, in any spelling; their weights have roles as LayerNorms' have, and layers are recognised
// around them. After attention, one is no operation of NormFormer.
// RUN: nf-opt --nf-name-parameters --nf-detect-normformer --nf-name-layers --mlir-print-debuginfo --mlir-print-local-scope %s | FileCheck %s

// CHECK: nf.layers = [{activation = "silu", attention_layernorm = false, ffn_layernorm = false, {{.*}}placement = "pre"
// CHECK-DAG: parameter @layers.0.attn.ln.weight : tensor<8xf32> {init = "{{.*}}val_1\22}"}
// CHECK-DAG: parameter @layers.0.attn.post_ln.weight : tensor<8xf32> {init = "{{.*}}val_2\22}"}
// CHECK-DAG: parameter @layers.0.ffn.ln.weight : tensor<8xf32> {init = "{{.*}}val_3\22}"}
// CHECK-DAG: parameter @final_ln.weight : tensor<8xf32> {init = "{{.*}}val_4\22}"}
// CHECK-DAG: parameter @layers.0.ffn.fc1.weight : tensor<8x8xf32> {init = "{{.*}}gate\22}"}
// CHECK-DAG: parameter @layers.0.ffn.up.weight : tensor<8x8xf32> {init = "{{.*}}up\22}"}
// The root of a sum of squares is no root of their mean.
// CHECK-DAG: parameter @val_5 : tensor<8xf32> {{.*}}trainable = false}
// CHECK: reduce_mean {{.*}} loc("layers.0.attn.ln"(
// CHECK: rsqrt {{.*}} loc("layers.0.attn.ln"(
// CHECK: sqrt {{.*}} loc("layers.0.attn.post_ln"(
// CHECK: max {{.*}} loc("layers.0.ffn.ln"(
// CHECK: linear {{.*}} loc("layers.0.ffn.up"(
// CHECK: linear {{.*}} loc("layers.0.ffn.fc1"(
// CHECK: add {{.*}} loc("layers.0.ffn.residual"(
// CHECK-NEXT: mul {{.*}} loc("{{.*}}rms-norms.mlir":
// CHECK: rsqrt {{.*}} loc("final_ln"(
nf.parameter @val_1 : tensor<8xf32> {init = "{\"kind\":\"file\",\"name\":\"val_1\"}"}
nf.parameter @val_2 : tensor<8xf32> {init = "{\"kind\":\"file\",\"name\":\"val_2\"}"}
nf.parameter @val_3 : tensor<8xf32> {init = "{\"kind\":\"file\",\"name\":\"val_3\"}"}
nf.parameter @val_4 : tensor<8xf32> {init = "{\"kind\":\"file\",\"name\":\"val_4\"}"}
nf.parameter @val_5 : tensor<8xf32> {init = "{\"kind\":\"file\",\"name\":\"val_5\"}"}
nf.parameter @"onnx::MatMul_0" : tensor<8x8xf32> {init = "{\"kind\":\"file\",\"name\":\"q\"}"}
nf.parameter @"onnx::MatMul_1" : tensor<8x8xf32> {init = "{\"kind\":\"file\",\"name\":\"k\"}"}
nf.parameter @"onnx::MatMul_2" : tensor<8x8xf32> {init = "{\"kind\":\"file\",\"name\":\"v\"}"}
nf.parameter @"onnx::MatMul_3" : tensor<8x8xf32> {init = "{\"kind\":\"file\",\"name\":\"o\"}"}
nf.parameter @"onnx::MatMul_4" : tensor<8x8xf32> {init = "{\"kind\":\"file\",\"name\":\"gate\"}"}
nf.parameter @"onnx::MatMul_5" : tensor<8x8xf32> {init = "{\"kind\":\"file\",\"name\":\"up\"}"}
nf.parameter @"onnx::MatMul_6" : tensor<8x8xf32> {init = "{\"kind\":\"file\",\"name\":\"down\"}"}
nf.parameter @"onnx::MatMul_7" : tensor<8x8xf32> {init = "{\"kind\":\"file\",\"name\":\"head\"}"}
nf.program @forward(%tokens: tensor<2x4xi32> {nf.name = "tokens"}) -> (tensor<2x4x8xf32> {nf.name = "logits"}) {
  %val_1 = nf.get @val_1 : tensor<8xf32>
  %val_2 = nf.get @val_2 : tensor<8xf32>
  %val_3 = nf.get @val_3 : tensor<8xf32>
  %val_4 = nf.get @val_4 : tensor<8xf32>
  %val_5 = nf.get @val_5 : tensor<8xf32>
  %w_q = nf.get @"onnx::MatMul_0" : tensor<8x8xf32>
  %w_k = nf.get @"onnx::MatMul_1" : tensor<8x8xf32>
  %w_v = nf.get @"onnx::MatMul_2" : tensor<8x8xf32>
  %w_o = nf.get @"onnx::MatMul_3" : tensor<8x8xf32>
  %w_gate = nf.get @"onnx::MatMul_4" : tensor<8x8xf32>
  %w_up = nf.get @"onnx::MatMul_5" : tensor<8x8xf32>
  %w_down = nf.get @"onnx::MatMul_6" : tensor<8x8xf32>
  %w_head = nf.get @"onnx::MatMul_7" : tensor<8x8xf32>
  %eps = nf.constant dense<1.0e-6> : tensor<1xf32>
  %root = nf.constant dense<2.828427124746> : tensor<1xf32>
  %x = nf.embedding %w_head, %tokens : (tensor<8x8xf32>, tensor<2x4xi32>) -> tensor<2x4x8xf32>
  %n1_s = nf.mul %x, %x : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %n1_m = nf.reduce_mean %n1_s axes [2] : (tensor<2x4x8xf32>) -> tensor<2x4x1xf32>
  %n1_e = nf.add %n1_m, %eps : (tensor<2x4x1xf32>, tensor<1xf32>) -> tensor<2x4x1xf32>
  %n1_r = nf.rsqrt %n1_e : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %n1_n = nf.mul %x, %n1_r : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %n1 = nf.mul %val_1, %n1_n : (tensor<8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %q = nf.linear %n1, %w_q : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %k = nf.linear %n1, %w_k : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %v = nf.linear %n1, %w_v : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %a, %lse = nf.attention %q, %k, %v {heads = 2 : i64, causal, scale = 0.5 : f64}
    : (tensor<2x4x8xf32>, tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>, tensor<2x2x4xf32>)
  %o = nf.linear %a, %w_o : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %post_s = nf.mul %o, %o : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %post_m = nf.reduce_mean %post_s axes [2] : (tensor<2x4x8xf32>) -> tensor<2x4x1xf32>
  %post_e = nf.add %post_m, %eps : (tensor<2x4x1xf32>, tensor<1xf32>) -> tensor<2x4x1xf32>
  %post_r = nf.sqrt %post_e : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %post_g = nf.mul %o, %val_2 : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %post = nf.div %post_g, %post_r : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %x1 = nf.add %x, %post : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %n2_s = nf.mul %x1, %x1 : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %n2_m = nf.reduce_sum %n2_s axes [2] : (tensor<2x4x8xf32>) -> tensor<2x4x1xf32>
  %n2_r = nf.sqrt %n2_m : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %n2_b = nf.max %n2_r, %eps : (tensor<2x4x1xf32>, tensor<1xf32>) -> tensor<2x4x1xf32>
  %n2_n = nf.div %x1, %n2_b : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %n2_k = nf.mul %n2_n, %root : (tensor<2x4x8xf32>, tensor<1xf32>) -> tensor<2x4x8xf32>
  %n2 = nf.mul %n2_k, %val_3 : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %up = nf.linear %n2, %w_up : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %gate = nf.linear %n2, %w_gate : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %act = nf.silu %gate : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %h = nf.mul %act, %up : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %d = nf.linear %h, %w_down : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %x2 = nf.add %x1, %d : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %l2_s = nf.mul %x2, %x2 : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %l2_m = nf.reduce_sum %l2_s axes [2] : (tensor<2x4x8xf32>) -> tensor<2x4x1xf32>
  %l2_r = nf.sqrt %l2_m : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %l2_b = nf.max %l2_r, %eps : (tensor<2x4x1xf32>, tensor<1xf32>) -> tensor<2x4x1xf32>
  %l2_n = nf.div %x2, %l2_b : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %l2 = nf.mul %l2_n, %val_5 : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %fin_s = nf.mul %l2, %l2 : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %fin_m = nf.reduce_mean %fin_s axes [2] : (tensor<2x4x8xf32>) -> tensor<2x4x1xf32>
  %fin_e = nf.add %fin_m, %eps : (tensor<2x4x1xf32>, tensor<1xf32>) -> tensor<2x4x1xf32>
  %fin_r = nf.rsqrt %fin_e : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %fin_n = nf.mul %l2, %fin_r : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %fin = nf.mul %val_4, %fin_n : (tensor<8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %y = nf.linear %fin, %w_head : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  nf.return %y : tensor<2x4x8xf32>
}
