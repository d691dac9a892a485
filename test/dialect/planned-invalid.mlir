// RUN: nf-opt %s --verify-diagnostics --split-input-file

// nf.buffer C1: dense rows.
nf.program @p() {
  // expected-error @+1 {{expected a static memref, row-major or of dense rows that are equally far apart, but got 'memref<4x8xf32, strided<[1, 4]>>' (C1)}}
  %b = nf.buffer transient 0 : memref<4x8xf32, strided<[1, 4]>>
  nf.return
}

// -----

// nf.buffer C1: a static memref.
nf.program @p() {
  // expected-error @+1 {{result #0 must be statically shaped memref of any type values, but got 'memref<?xf32>'}}
  %b = nf.buffer transient 0 : memref<?xf32>
  nf.return
}

// -----

// nf.buffer C2: an offset in the segment.
nf.program @p() {
  // expected-error @+1 {{expected an offset of at least 0, but got -64 (C2)}}
  %b = nf.buffer persistent -64 : memref<4xf32>
  nf.return
}

// -----

// nf.number C1: one i32.
nf.program @p() {
  // expected-error @+1 {{expected 'memref<1xi32>', but got 'memref<i32>' (C1)}}
  %b = nf.number 4 : memref<i32>
  nf.return
}

// -----

// nf.copy C1: one stride an axis.
nf.program @p() {
  %a = nf.buffer transient 0 : memref<4x8xf32>
  %b = nf.buffer transient 128 : memref<8x4xf32>
  // expected-error @+1 {{expected one stride an axis, but got 1 and 2 for 2 axes (C1)}}
  nf.copy %a to %b sizes [8, 4] from 0 strides [1] to 0 strides [4, 1] : memref<4x8xf32>, memref<8x4xf32>
  nf.return
}

// -----

// nf.copy C1: sizes of at least 1.
nf.program @p() {
  %a = nf.buffer transient 0 : memref<4x8xf32>
  %b = nf.buffer transient 128 : memref<8x4xf32>
  // expected-error @+1 {{expected sizes of at least 1, but got [8, 0] (C1)}}
  nf.copy %a to %b sizes [8, 0] from 0 strides [1, 8] to 0 strides [4, 1] : memref<4x8xf32>, memref<8x4xf32>
  nf.return
}

// -----

// nf.copy C2: inside the buffers.
nf.program @p() {
  %a = nf.buffer transient 0 : memref<4x8xf32>
  %b = nf.buffer transient 128 : memref<8x4xf32>
  // expected-error @+1 {{expected views inside 'memref<4x8xf32>' and 'memref<8x4xf32>', but got elements outside (C2)}}
  nf.copy %a to %b sizes [8, 4] from 1 strides [1, 8] to 0 strides [4, 1] : memref<4x8xf32>, memref<8x4xf32>
  nf.return
}

// -----

// nf.copy C2: not before the buffers.
nf.program @p() {
  %a = nf.buffer transient 0 : memref<4x8xf32>
  %b = nf.buffer transient 128 : memref<8x4xf32>
  // expected-error @+1 {{expected views inside 'memref<4x8xf32>' and 'memref<8x4xf32>', but got elements outside (C2)}}
  nf.copy %a to %b sizes [8, 4] from 0 strides [-1, 8] to 0 strides [4, 1] : memref<4x8xf32>, memref<8x4xf32>
  nf.return
}

// -----

// nf.copy C3: equal element types.
nf.program @p() {
  %a = nf.buffer transient 0 : memref<4x8xf32>
  %b = nf.buffer transient 128 : memref<32xbf16>
  // expected-error @+1 {{expected equal element types, but got 'memref<4x8xf32>' and 'memref<32xbf16>' (C3)}}
  nf.copy %a to %b sizes [32] from 0 strides [1] to 0 strides [1] : memref<4x8xf32>, memref<32xbf16>
  nf.return
}

// -----

// nf.launch C1: a kernel.
nf.program @p() {
  %a = nf.buffer transient 0 : memref<4x8xf32>
  // expected-error @+1 {{expected @kernel to name a func.func, but got none (C1)}}
  nf.launch @kernel(%a) tasks 1 : memref<4x8xf32>
  nf.return
}

// -----

// nf.launch C1: the kernel's signature.
func.func private @kernel(memref<31xf32>, index, memref<?xi8>)
nf.program @p() {
  %a = nf.buffer transient 0 : memref<4x8xf32>
  // expected-error @+1 {{expected buffers, a task and scratch as '(memref<31xf32>, index, memref<?xi8>) -> ()', but got 'memref<4x8xf32>' (C1)}}
  nf.launch @kernel(%a) tasks 1 : memref<4x8xf32>
  nf.return
}

// -----

// nf.launch C1: a task and scratch memory.
func.func private @kernel(memref<32xf32>)
nf.program @p() {
  %a = nf.buffer transient 0 : memref<4x8xf32>
  // expected-error @+1 {{expected buffers, a task and scratch as '(memref<32xf32>) -> ()', but got 'memref<4x8xf32>' (C1)}}
  nf.launch @kernel(%a) tasks 1 : memref<4x8xf32>
  nf.return
}

// -----

// nf.launch C2: tasks.
func.func private @kernel(memref<32xf32>, index, memref<?xi8>)
nf.program @p() {
  %a = nf.buffer transient 0 : memref<4x8xf32>
  // expected-error @+1 {{expected at least 1 task, but got 0 (C2)}}
  nf.launch @kernel(%a) tasks 0 : memref<4x8xf32>
  nf.return
}
