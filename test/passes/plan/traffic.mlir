// What row kernels move, as nf-compile --explain prints it: an inner layer's regions term by term, what it saves for
// backward, and sums. A region between two layers counts for the first.
// RUN: nf-compile %models/normformer-125m.toml --set model.layers=3 --set model.vocab=512 --set model.dropout=0 \
// RUN:   --set model.attention_dropout=0 --set norm.residual_scale=false --set train.micro_batch=4 \
// RUN:   --set train.precision=bf16 --fold=all --explain | FileCheck %s
// What is said of a part in every layer is said once.
// CHECK: layers.0-2.attn.q: merged: 3 linears over one input
// CHECK: final_ln: not folded:
// CHECK: layers.0-2.attn.head_scale: folded:
// CHECK: u = 8192 tokens x 768 columns of bf16, 12582912 bytes
// CHECK: layers.1 region u reads writes
// Attention's projection, its LayerNorm, the sum and the next normalization: one region each way.
// CHECK-NEXT: forward attn.ln,post_ln,residual ffn.ln,fc1 4.01 layers.0.ffn.residual 1.00 + attn.out 1.00 + small 0.00 attn.residual 1.00 + ffn.ln 1.00 + small 0.01
// Bias and activation with the FFN's LayerNorm.
// CHECK-NEXT: forward ffn.activation,act_ln,fc2 8.00 ffn.fc1 4.00 ffn.act_ln 4.00 + small 0.00
// CHECK-NEXT: forward ffn.ln,residual layers.2.attn.ln,q 4.00 attn.residual 1.00 + ffn.fc2 1.00 ffn.residual 1.00 + layers.2.attn.ln 1.00 + small 0.00
// CHECK-NEXT: backward layers.2.attn.residual,q,ln ffn.residual,fc2 4.01
// Backward makes the normalized rows of the pre-activation again; their saved form is for the product alone.
// CHECK: backward ffn.activation,act_ln,fc2,fc1 12.02 ffn.fc1 4.00 + d ffn.fc2 4.00 + small 0.00 d ffn.activation 4.00
// CHECK: backward attn.post_ln,residual,out ffn.residual,fc1,ln 6.02
// The sums of the gradients of q, k and v for their biases come with the product: no region reads these tensors.
// CHECK-NOT: attn.q,k,v 3.00 d attn
// CHECK: sum 38.09
// CHECK: saved for backward u
// CHECK-NEXT: attn.ln 1.00
// CHECK-NEXT: attn.q,k,v 3.00
// CHECK-NEXT: attn 1.00
// CHECK-NEXT: attn.out 1.00
// CHECK-NEXT: ffn.ln 1.00
// CHECK-NEXT: ffn.fc1 4.00
// CHECK-NEXT: ffn.act_ln 4.00
// CHECK-NEXT: small 0.04
// CHECK-NEXT: sum 15.04
// CHECK: whole step u saved
// CHECK-NEXT: outside of the layers
// CHECK-NEXT: layers.0
// CHECK-NEXT: layers.1 38.09 15.04

// Within 1 GB the FFN LayerNorm's output is not kept: backward's region of that LayerNorm and the activation, which
// reads z and the gradient anyway, gives it again beside the gradient of z, for the product after it.
// RUN: nf-compile %models/normformer-125m.toml --set model.layers=3 --set model.vocab=512 --set model.dropout=0 \
// RUN:   --set model.attention_dropout=0 --set norm.residual_scale=false --set train.micro_batch=4 \
// RUN:   --set train.precision=bf16 --fold=all --memory=1GB --explain | FileCheck %s --check-prefix=BUDGET
// BUDGET: layers.1 region u reads writes
// BUDGET: backward ffn.activation,act_ln,fc2,fc1 16.02 ffn.fc1 4.00 + d ffn.fc2 4.00 + small 0.00 d ffn.act_ln 4.00 + d ffn.activation 4.00
// BUDGET: sum 42.09
// BUDGET: saved for backward u
// BUDGET: ffn.fc1 4.00
// BUDGET-NEXT: small 0.04
// BUDGET-NEXT: sum 11.04
