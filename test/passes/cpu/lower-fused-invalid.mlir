// RUN: nf-opt --nf-lower-fused --split-input-file --verify-diagnostics %s

nf.program @two_ways() {
  %x = nf.buffer transient 0 : memref<8x8xf32>
  %w = nf.buffer transient 256 : memref<8xf32>
  // expected-error@+1 {{expected a buffer that is operand and result to be rowcol or row in both, but got 'memref<8xf32>' used in two ways}}
  nf.fused rows 8 cols 8 (%x, %w) outs(%w) {operand_kinds = array<i32: 0, 2>, result_kinds = array<i32: 5>,
      gather_index = array<i64: -1, -1>} : (memref<8x8xf32>, memref<8xf32>, memref<8xf32>) -> () {
  ^bb0(%r: tensor<8xf32>, %c: tensor<8xf32>):
    %y = nf.mul %r, %c : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
    nf.yield %y : tensor<8xf32>
  }
  nf.return
}
