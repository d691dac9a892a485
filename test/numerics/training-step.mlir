// Every program of a small model (training step, update, evaluation, logits): compiled, decomposed and fused, against
// the reference in double.
//
// DEFINE: %{twin} = --set model.layers=2 --set model.d_model=48 --set model.heads=4 --set model.d_ffn=100
// DEFINE: %{size} = --set model.vocab=50 --set model.context=24 --set train.sequence=19 --set train.micro_batch=3
// DEFINE: %{import} = %{twin} %{size} --set train.global_batch=3 --emit=import -o
// DEFINE: %{check} = --prepare=nf-differentiate,nf-append-update --against
//
// RUN: nf-compile %models/normformer-demo.toml %{import} %t.normformer.mlir
// RUN: nf-check %t.normformer.mlir %{check}=cpu | FileCheck %s --check-prefixes=STEP,DECODER
// RUN: nf-check %t.normformer.mlir %{check}=decomposed | FileCheck %s --check-prefixes=STEP,DECODER
// RUN: nf-check %t.normformer.mlir %{check}=pass:nf-stage-fuse | FileCheck %s --check-prefixes=STEP,DECODER
//
// RUN: nf-compile %models/gpt2-124m.toml %{import} %t.gpt2.mlir
// RUN: nf-check %t.gpt2.mlir %{check}=cpu | FileCheck %s --check-prefixes=STEP,DECODER
// RUN: nf-check %t.gpt2.mlir %{check}=pass:nf-stage-fuse | FileCheck %s --check-prefixes=STEP,DECODER
//
// RUN: nf-compile %models/normformer-roberta-base.toml %{import} %t.encoder.mlir
// RUN: nf-check %t.encoder.mlir %{check}=cpu | FileCheck %s --check-prefixes=STEP,ENCODER
// RUN: nf-check %t.encoder.mlir %{check}=pass:nf-stage-fuse | FileCheck %s --check-prefixes=STEP,ENCODER
//
// Two reduction slots: combine_0 and combine_1 too.
// RUN: nf-compile %models/normformer-demo.toml %{import} %t.slots.mlir --set train.reduction_slots=2 --set train.global_batch=6
// RUN: nf-check %t.slots.mlir --prepare=nf-differentiate,nf-append-update,nf-append-combine --against=cpu | FileCheck %s --check-prefixes=STEP,SLOTS

// STEP-LABEL: @forward_backward{{$}}
// STEP-NEXT: loss: largest error
// STEP: weight.grad: largest error
// STEP-LABEL: @eval{{$}}
// STEP-NEXT: loss_sum: largest error
// DECODER: @logits{{$}}
// DECODER-NEXT: logits: largest error
// SLOTS: @logits{{$}}
// SLOTS-NEXT: logits: largest error
// ENCODER-NOT: @logits
// STEP-LABEL: @update{{$}}
// STEP: grad_norm: largest error
// STEP: weight.m: largest error
// SLOTS: @combine_0{{$}}
// SLOTS: weight.grad{{.*}}: largest error
// SLOTS: @combine_1{{$}}
// SLOTS: weight.grad{{.*}}: largest error
