// RUN: split-file %s %t
// RUN: not nf-translate --export-onnx %t/weights.mlir -o %t/o.onnx 2>&1 | FileCheck %s --check-prefix=WEIGHTS
// WEIGHTS: weights.mlir: error: expected the weights of 2 parameters, but the module has rules for their first values alone; give --weights FILE, such as model.safetensors of a checkpoint
// RUN: not nf-translate --export-onnx %t/weights.mlir --weights %t/none.safetensors -o %t/o.onnx 2>&1 | FileCheck %s --check-prefix=FILE
// FILE: none.safetensors: {{.*}}
// RUN: not nf-translate --export-onnx %t/backward.mlir -o %t/o.onnx 2>&1 | FileCheck %s --check-prefix=OPS
// OPS-DAG: backward.mlir:4:16: error: nf.attention_backward has no form in ONNX; expected a forward program, as stages import, raise and fold have it
// OPS-DAG: backward.mlir:5:8: error: nf.random_bits has no form in ONNX (and 1 more);
// OPS-DAG: backward.mlir:9:8: error: expected a parameter, but got the state w.grad; export a module from before stage hoist
// RUN: not nf-translate --export-onnx %t/program.mlir -o %t/o.onnx 2>&1 | FileCheck %s --check-prefix=PROGRAM
// PROGRAM: error: expected a program @forward, or @eval with the vocabulary's projection and loss, as they are up to stage fold, but got one, two; give --program NAME
// RUN: not nf-translate --export-onnx %t/program.mlir --program three -o %t/o.onnx 2>&1 | FileCheck %s --check-prefix=NAMED
// NAMED: error: expected a program @three, but got one, two
// RUN: not nf-translate --export-onnx %t/program.mlir --program one --external-data 2>&1 | FileCheck %s --check-prefix=STDOUT
// STDOUT: error: expected a file to write to (-o model.onnx), but got standard output
// RUN: not nf-translate --export-onnx %t/program.mlir --program two -o %t/o.onnx 2>&1 | FileCheck %s --check-prefix=DROPOUT
// DROPOUT: program.mlir:{{.*}}: error: expected attention without dropout, but got one of a training program; export @eval
// RUN: not nf-translate --export-onnx %models/gpt2-124m.toml 2>&1 | FileCheck %s --check-prefix=TOML
// TOML: gpt2-124m.toml: error: expected a module (.mlir, .mlirbc), but got another format; nf-compile {{.*}}gpt2-124m.toml --emit=raise -o model.mlir makes one
// RUN: not nf-translate --export-onnx %t/missing.mlir 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: missing.mlir: error: expected a module, but it cannot be read
// RUN: not nf-translate --export-onnx %t/program.mlir --program one -o %t/no/o.onnx 2>&1 | FileCheck %s --check-prefix=WRITE
// WRITE: o.onnx: error: expected to write the model, but got: No such file or directory
// RUN: not nf-translate -o x 2>&1 | FileCheck %s --check-prefix=USAGE
// USAGE: --import-onnx or --export-onnx is required

//--- weights.mlir
nf.parameter @a : tensor<3xf32> {init = "{\22kind\22:\22ones\22}"}
nf.parameter @b : tensor<3xf32> {init = "{\22kind\22:\22normal\22,\22std\22:0.02}"}
nf.program @forward() -> (tensor<3xf32> {nf.name = "y"}) {
  %a = nf.get @a : tensor<3xf32>
  %b = nf.get @b : tensor<3xf32>
  %y = nf.add %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  nf.return %y : tensor<3xf32>
}

//--- backward.mlir
nf.parameter @w : tensor<2x4x4xf32> {init = "{\22kind\22:\22ones\22}"}
nf.state gradient @w.grad of @w : tensor<2x4x4xf32>
nf.program @forward(%x: tensor<2x4x4xf32> {nf.name = "x"}, %l: tensor<2x2x4xf32> {nf.name = "l"}, %s: tensor<i64> {nf.name = "s"}, %i: tensor<i32> {nf.name = "i"}) -> (tensor<2x4x4xf32> {nf.name = "y"}, tensor<2x4x4xi32> {nf.name = "u"}, tensor<2x4x4xi32> {nf.name = "v"}, tensor<2x4x4xf32> {nf.name = "g"}) {
  %a, %b, %c = nf.attention_backward %x, %x, %x, %x, %l, %x {heads = 2 : i64, scale = 1.0 : f64} : (tensor<2x4x4xf32>, tensor<2x4x4xf32>, tensor<2x4x4xf32>, tensor<2x4x4xf32>, tensor<2x2x4xf32>, tensor<2x4x4xf32>) -> (tensor<2x4x4xf32>, tensor<2x4x4xf32>, tensor<2x4x4xf32>)
  %u = nf.random_bits %s, %i, %i {site = 3 : i32, rows_per_sample = 4 : i64}
      : (tensor<i64>, tensor<i32>, tensor<i32>) -> tensor<2x4x4xi32>
  %v = nf.random_bits %s, %i, %i {site = 4 : i32, rows_per_sample = 4 : i64}
      : (tensor<i64>, tensor<i32>, tensor<i32>) -> tensor<2x4x4xi32>
  %g = nf.get @w.grad : tensor<2x4x4xf32>
  nf.return %a, %u, %v, %g : tensor<2x4x4xf32>, tensor<2x4x4xi32>, tensor<2x4x4xi32>, tensor<2x4x4xf32>
}

//--- program.mlir
nf.program @one(%x: tensor<3xf32> {nf.name = "x"}) -> (tensor<3xf32> {nf.name = "y"}) {
  nf.return %x : tensor<3xf32>
}
nf.program @two(%x: tensor<2x4x4xf32> {nf.name = "x"}, %s: tensor<i64> {nf.name = "s"}, %i: tensor<i32> {nf.name = "i"}) -> (tensor<2x4x4xf32> {nf.name = "y"}) {
  %a, %b = nf.attention %x, %x, %x seed %s step %i sample_offset %i {heads = 2 : i64, scale = 1.0 : f64, dropout = 0.1 : f64} : (tensor<2x4x4xf32>, tensor<2x4x4xf32>, tensor<2x4x4xf32>, tensor<i64>, tensor<i32>, tensor<i32>) -> (tensor<2x4x4xf32>, tensor<2x2x4xf32>)
  nf.return %a : tensor<2x4x4xf32>
}
