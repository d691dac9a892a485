// RUN: nf-check %s --program=twice | FileCheck %s
// RUN: not nf-check %s --program=twice --tolerance=-1 2>&1 | FileCheck %s --check-prefix=FAIL
// RUN: not nf-check %s --program=absent 2>&1 | FileCheck %s --check-prefix=ABSENT
// RUN: not nf-check %s --against=pass:no-such-pass 2>&1 | FileCheck %s --check-prefix=PASS
// RUN: not nf-check %s --against=luck 2>&1 | FileCheck %s --check-prefix=USAGE
// RUN: not nf-check %s --program=range 2>&1 | FileCheck %s --check-prefix=INDEX
// RUN: not nf-check %t.absent 2>&1 | FileCheck %s --check-prefix=FILE

// CHECK: @twice
// CHECK-NEXT: y: largest error 0.00e+00 of magnitude 6.519e-01
// FAIL: nf-check.mlir:[[# @LINE + 5]]:1: error: expected y[0, 0] to be {{.*}}, but got {{.*}}: an error of 0 of its magnitude, above -1
// ABSENT: error: expected a program @absent, but got @twice @range
// PASS: 'no-such-pass' does not refer to a registered pass
// USAGE: expected decomposed, finite-differences, cpu or pass:<pipeline>, but got luck
// FILE: nf-check: error: cannot open input file
nf.program @twice(%x: tensor<2x8xf32> {nf.name = "x"}) -> (tensor<2x8xf32> {nf.name = "y"}) {
  %y = nf.relu %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
  nf.return %y : tensor<2x8xf32>
}

// An index outside its table is an error, not a read of other memory.
nf.program @range(%table: tensor<2x8xf32> {nf.name = "table"}) -> (tensor<3x8xf32> {nf.name = "y"}) {
  %ids = nf.iota : tensor<3xi32>
  // INDEX: nf-check.mlir:[[# @LINE + 1]]:{{.*}}: error: 'nf.gather' op expected indices below 2, but got 2
  %y = nf.gather %table, %ids : (tensor<2x8xf32>, tensor<3xi32>) -> tensor<3x8xf32>
  nf.return %y : tensor<3x8xf32>
}
