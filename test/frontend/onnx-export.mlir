// RUN: nf-translate --export-onnx %s -o %t.onnx && nf-translate --import-onnx %t.onnx | FileCheck %s
// RUN: nf-translate --export-onnx - < %s > %t.piped && cmp %t.onnx %t.piped
// RUN: nf-translate --export-onnx %s --program sum -o %t.sum.onnx && nf-translate --import-onnx %t.sum.onnx | FileCheck %s --check-prefix=SUM
// RUN: nf-translate --export-onnx %s --external-data -o %t.ext.onnx && ls %t.ext.onnx.data
// RUN: nf-translate --import-onnx %t.ext.onnx | nf-translate --export-onnx - -o %t.again.onnx && nf-translate --import-onnx %t.again.onnx | FileCheck %s

// A frozen parameter whose rule is its value needs no file of weights; tokens and positions get the names that other
// tools have for them, and the names of layers become those of nodes.
// What is not trained is not trained after an import either.
// CHECK-DAG: parameter @embed.weight : {{.*}}trainable = false
// CHECK-LABEL: nf.program @forward(%tokens: tensor<2x4xi32> {nf.name = "tokens"}
// CHECK: %[[E:.*]] = gather %embed_weight, %tokens
// CHECK: %[[P:.*]] = slice %embed_weight axis 0 from 0 size 4
// CHECK: add %[[E]]
// CHECK: loc("layers.0.sum/Add
nf.parameter @embed.weight : tensor<8x6xf32> {init = "{\22kind\22:\22sinusoidal\22}", trainable = false}
nf.program @forward(%tokens: tensor<2x4xi32> {nf.name = "tokens"}, %positions: tensor<2x4xi32> {nf.name = "positions"})
    -> (tensor<2x4x6xf32> {nf.name = "logits"}) {
  %w = nf.get @embed.weight : tensor<8x6xf32>
  %x = nf.embedding %w, %tokens : (tensor<8x6xf32>, tensor<2x4xi32>) -> tensor<2x4x6xf32>
  %p = nf.embedding %w, %positions : (tensor<8x6xf32>, tensor<2x4xi32>) -> tensor<2x4x6xf32>
  %y = nf.add %x, %p : (tensor<2x4x6xf32>, tensor<2x4x6xf32>) -> tensor<2x4x6xf32> loc("layers.0.sum")
  nf.return %y : tensor<2x4x6xf32>
}

// An argument, a value and the same value again are results by name.
// SUM: nf.program @forward(%x: tensor<3xf32> {nf.name = "x"}{{.*}} -> (tensor<3xf32> {nf.name = "same"}, tensor<3xf32> {nf.name = "sum"}, tensor<3xf32> {nf.name = "again"})
nf.program @sum(%x: tensor<3xf32> {nf.name = "x"})
    -> (tensor<3xf32> {nf.name = "same"}, tensor<3xf32> {nf.name = "sum"}, tensor<3xf32> {nf.name = "again"}) {
  %y = nf.add %x, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  nf.return %x, %y, %y : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}
