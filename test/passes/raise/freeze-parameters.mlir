// RUN: nf-opt "--nf-freeze-parameters=freeze=*.bias,val_?" %s | FileCheck %s --check-prefixes=CHECK,FREEZE
// RUN: nf-opt "--nf-freeze-parameters=train-only=head.* freeze=head.bias" %s | FileCheck %s --check-prefixes=CHECK,ONLY
// RUN: nf-opt --nf-freeze-parameters %s | FileCheck %s --check-prefixes=CHECK,NONE
// RUN: not nf-opt --nf-freeze-parameters=freeze=ffn.* %s 2>&1 | FileCheck %s --check-prefix=NOTHING
// RUN: not nf-opt --nf-freeze-parameters=train-only=[ %s 2>&1 | FileCheck %s --check-prefix=GLOB

// NOTHING: error: --freeze=ffn.*: expected a pattern that matches the name of a parameter, but it matches none; --explain lists them
// GLOB: error: --train-only=[: expected a pattern such as layers.*.weight, but

// The third is found by its name in the file.
// FREEZE: @head.weight : tensor<4x8xf32> {init = "{\22kind\22:\22ones\22}"}
// FREEZE: @head.bias {{.*}}trainable = false
// FREEZE: @layers.0.attn.q.weight {{.*}}trainable = false
// FREEZE: @sines {{.*}}trainable = false

// ONLY: @head.weight : tensor<4x8xf32> {init = "{\22kind\22:\22ones\22}"}
// ONLY: @head.bias {{.*}}trainable = false
// ONLY: @layers.0.attn.q.weight {{.*}}trainable = false
// ONLY: @sines {{.*}}trainable = false

// NONE: @head.bias : tensor<4xf32> {init = "{\22kind\22:\22ones\22}"}
// NONE: @layers.0.attn.q.weight : tensor<8x8xf32> {init = "{\22kind\22:\22file\22,\22name\22:\22val_7\22}"}
// NONE: @sines {{.*}}trainable = false
// CHECK-NOT: nf.program
nf.parameter @head.weight : tensor<4x8xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @head.bias : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @layers.0.attn.q.weight : tensor<8x8xf32> {init = "{\"kind\":\"file\",\"name\":\"val_7\"}"}
nf.parameter @sines : tensor<8xf32> {init = "{\"kind\":\"ones\"}", trainable = false}
