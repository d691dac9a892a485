// RUN: nf-opt %s --canonicalize | FileCheck %s

// The gradients of the slices of one tensor fill neighbouring ranges: their sum is a concat.
// CHECK-LABEL: program @neighbours
// CHECK-NOT: pad
// CHECK-NOT: add
// CHECK: %[[Y:.*]] = concat %a, %b, %c axis 1
// CHECK: return %[[Y]]
nf.program @neighbours(%a: tensor<2x3xf32> {nf.name = "a"}, %b: tensor<2x1xf32> {nf.name = "b"},
                       %c: tensor<2x4xf32> {nf.name = "c"}) -> (tensor<2x8xf32> {nf.name = "y"}) {
  %pc = nf.pad %c axis 1 low 4 high 0 : (tensor<2x4xf32>) -> tensor<2x8xf32>
  %pa = nf.pad %a axis 1 low 0 high 5 : (tensor<2x3xf32>) -> tensor<2x8xf32>
  %pb = nf.pad %b axis 1 low 3 high 4 : (tensor<2x1xf32>) -> tensor<2x8xf32>
  %s = nf.add %pc, %pb : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %y = nf.add %s, %pa : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  nf.return %y : tensor<2x8xf32>
}

// A part of the whole: the rest stays padding.
// CHECK-LABEL: program @padded
// CHECK: %[[C:.*]] = concat %a, %b axis 0
// CHECK: pad %[[C]] axis 0 low 1 high 2
nf.program @padded(%a: tensor<3xf32> {nf.name = "a"}, %b: tensor<2xf32> {nf.name = "b"})
    -> (tensor<8xf32> {nf.name = "y"}) {
  %pa = nf.pad %a axis 0 low 1 high 4 : (tensor<3xf32>) -> tensor<8xf32>
  %pb = nf.pad %b axis 0 low 4 high 2 : (tensor<2xf32>) -> tensor<8xf32>
  %y = nf.add %pa, %pb : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  nf.return %y : tensor<8xf32>
}

// Ranges that overlap or leave a gap stay a sum.
// CHECK-LABEL: program @overlap
// CHECK-NOT: concat
// CHECK: add
// CHECK: add
nf.program @overlap(%a: tensor<3xf32> {nf.name = "a"}) -> (tensor<8xf32> {nf.name = "y"}) {
  %pa = nf.pad %a axis 0 low 0 high 5 : (tensor<3xf32>) -> tensor<8xf32>
  %pb = nf.pad %a axis 0 low 2 high 3 : (tensor<3xf32>) -> tensor<8xf32>
  %pc = nf.pad %a axis 0 low 4 high 1 : (tensor<3xf32>) -> tensor<8xf32>
  %s = nf.add %pa, %pb : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %y = nf.add %s, %pc : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  nf.return %y : tensor<8xf32>
}
