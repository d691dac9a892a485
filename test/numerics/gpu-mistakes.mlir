// What the emulated GPU refuses of checked kernels, each planted: kernel, part of the model, block, thread, and place in
// this file; and what looks like it but is right.
// RUN: nf-run %s --program=run_ordered --target=cuda-emulated --check-kernels 2>&1 | FileCheck %s --check-prefix=ORDERED
// RUN: not nf-run %s --program=run_behind_the_end --target=cuda-emulated --check-kernels 2>&1 | FileCheck %s --check-prefix=BEHIND_THE_END
// RUN: not nf-run %s --program=run_behind_an_array --target=cuda-emulated --check-kernels 2>&1 | FileCheck %s --check-prefix=BEHIND_AN_ARRAY
// RUN: not nf-run %s --program=run_misaligned --target=cuda-emulated --check-kernels 2>&1 | FileCheck %s --check-prefix=MISALIGNED
// RUN: not nf-run %s --program=run_shared_unwritten --target=cuda-emulated --check-kernels 2>&1 | FileCheck %s --check-prefix=SHARED_UNWRITTEN
// RUN: not nf-run %s --program=run_global_unwritten --target=cuda-emulated --check-kernels 2>&1 | FileCheck %s --check-prefix=GLOBAL_UNWRITTEN
// RUN: not nf-run %s --program=run_shared_race --target=cuda-emulated --check-kernels 2>&1 | FileCheck %s --check-prefix=SHARED_RACE
// RUN: not nf-run %s --program=run_shared_race_of_a_shuffle --target=cuda-emulated --check-kernels 2>&1 | FileCheck %s --check-prefix=SHARED_RACE_OF_A_SHUFFLE
// RUN: not nf-run %s --program=run_shared_race_with_reads --target=cuda-emulated --check-kernels 2>&1 | FileCheck %s --check-prefix=SHARED_RACE_WITH_READS
// RUN: not nf-run %s --program=run_race_of_equal_writes --target=cuda-emulated --check-kernels 2>&1 | FileCheck %s --check-prefix=RACE_OF_EQUAL_WRITES
// RUN: not nf-run %s --program=run_race_of_blocks --target=cuda-emulated --check-kernels 2>&1 | FileCheck %s --check-prefix=RACE_OF_BLOCKS
// RUN: not nf-run %s --program=run_race_of_blocks_with_reads --target=cuda-emulated --check-kernels 2>&1 | FileCheck %s --check-prefix=RACE_OF_BLOCKS_WITH_READS
// RUN: nf-run %s --program=run_landed --target=cuda-emulated --check-kernels 2>&1 | FileCheck %s --check-prefix=LANDED
// RUN: not nf-run %s --program=run_not_landed --target=cuda-emulated --check-kernels 2>&1 | FileCheck %s --check-prefix=NOT_LANDED
// RUN: not nf-run %s --program=run_barrier_for_some --target=cuda-emulated --check-kernels 2>&1 | FileCheck %s --check-prefix=BARRIER_FOR_SOME

// Without checks mistakes pass.
// RUN: nf-run %s --program=run_shared_race --target=cuda-emulated | FileCheck %s --check-prefix=ORDERED
// The checks and the mistakes are the same, in whatever order threads and blocks take turns.
// RUN: env NF_GPU_ORDER=7 not nf-run %s --program=run_race_of_equal_writes --target=cuda-emulated --check-kernels 2>&1 | FileCheck %s --check-prefix=ANY
// RUN: env NF_GPU_ORDER=7 nf-run %s --program=run_ordered --target=cuda-emulated --check-kernels | FileCheck %s --check-prefix=ORDERED
// ANY: race_of_equal_writes part: block 0, thread {{[0-9]+}}: error: expected that a barrier orders

module attributes {nf.compile_hash = 1 : i64, nf.cpu_features = [], nf.metadata = "{}", nf.persistent_bytes = 0 : i64, nf.stage = "lower"} {
gpu.module @nf_gpu {
  llvm.mlir.global internal @ordered.array() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x f32>
  // ORDERED: y F32 [64]:
  llvm.func @ordered(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %from = llvm.getelementptr %x[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %to = llvm.getelementptr %y[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v = llvm.load %from : !llvm.ptr<1> -> f32
    %array = llvm.mlir.addressof @ordered.array : !llvm.ptr<3>
    %own = llvm.getelementptr %array[%thread] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %one = llvm.mlir.constant(1 : i32) : i32
    %next = llvm.xor %thread, %one : i32
    %other = llvm.getelementptr %array[%next] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    llvm.store %v, %own : f32, !llvm.ptr<3>
    nvvm.barrier0
    %w = llvm.load %other : !llvm.ptr<3> -> f32
    llvm.store %w, %to : f32, !llvm.ptr<1>
    nvvm.barrier0
    llvm.store %v, %own : f32, !llvm.ptr<3>
    %all = llvm.mlir.constant(-1 : i32) : i32
    nvvm.bar.warp.sync %all : i32
    %u = llvm.load %other : !llvm.ptr<3> -> f32
    llvm.store %u, %to : f32, !llvm.ptr<1>
    llvm.return
  }
  // BEHIND_THE_END: behind_the_end part: block 0, thread 63: error: expected that accesses stay inside of their buffer, but it reads 4 bytes at byte 256 of buffer 0, which has 256; at {{.*}}gpu-mistakes.mlir:[[#@LINE+7]]:
  llvm.func @behind_the_end(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %next = llvm.add %thread, %one : i32
    %from = llvm.getelementptr %x[%next] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %to = llvm.getelementptr %y[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v = llvm.load %from : !llvm.ptr<1> -> f32
    llvm.store %v, %to : f32, !llvm.ptr<1>
    llvm.return
  }
  llvm.mlir.global internal @behind_an_array.array() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<32 x f32>
  // BEHIND_AN_ARRAY: behind_an_array part: block 0, thread 32: error: expected that accesses stay inside of their buffer, but it writes 4 bytes at byte 128 of its array in shared memory, which has 128; at
  llvm.func @behind_an_array(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %from = llvm.getelementptr %x[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %to = llvm.getelementptr %y[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v = llvm.load %from : !llvm.ptr<1> -> f32
    %array = llvm.mlir.addressof @behind_an_array.array : !llvm.ptr<3>
    %own = llvm.getelementptr %array[%thread] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    llvm.store %v, %own : f32, !llvm.ptr<3>
    llvm.store %v, %to : f32, !llvm.ptr<1>
    llvm.return
  }
  // MISALIGNED: misaligned part: block 0, thread 1: error: expected that the address is a multiple of 16 bytes, but it reads 16 bytes at byte 4 of buffer 0; at
  llvm.func @misaligned(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %from = llvm.getelementptr %x[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %to = llvm.getelementptr %y[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %q = llvm.load %from {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
    %zero = llvm.mlir.constant(0 : i32) : i32
    %v = llvm.extractelement %q[%zero : i32] : vector<4xf32>
    llvm.store %v, %to : f32, !llvm.ptr<1>
    llvm.return
  }
  llvm.mlir.global internal @shared_unwritten.array() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x f32>
  // SHARED_UNWRITTEN: shared_unwritten part: block 0, thread 0: error: expected that memory is written before it is read, but nothing has written it; it reads 4 bytes at byte 4 of its array in shared memory; at
  llvm.func @shared_unwritten(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %from = llvm.getelementptr %x[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %to = llvm.getelementptr %y[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %array = llvm.mlir.addressof @shared_unwritten.array : !llvm.ptr<3>
    %one = llvm.mlir.constant(1 : i32) : i32
    %next = llvm.xor %thread, %one : i32
    %other = llvm.getelementptr %array[%next] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %w = llvm.load %other : !llvm.ptr<3> -> f32
    llvm.store %w, %to : f32, !llvm.ptr<1>
    llvm.return
  }
  // GLOBAL_UNWRITTEN: global_unwritten part: block 0, thread 0: error: expected that memory is written before it is read, but nothing has written it; it reads 4 bytes at byte 0 of buffer 0; at
  llvm.func @global_unwritten(%z: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %from = llvm.getelementptr %z[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %to = llvm.getelementptr %y[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v = llvm.load %from : !llvm.ptr<1> -> f32
    llvm.store %v, %to : f32, !llvm.ptr<1>
    llvm.return
  }
  llvm.mlir.global internal @shared_race.array() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x f32>
  // SHARED_RACE: shared_race part: block 0, thread 1: error: expected that a barrier orders what two threads do to one byte, but thread 0 wrote it too, the last time at
  llvm.func @shared_race(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %from = llvm.getelementptr %x[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %to = llvm.getelementptr %y[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v = llvm.load %from : !llvm.ptr<1> -> f32
    %array = llvm.mlir.addressof @shared_race.array : !llvm.ptr<3>
    %own = llvm.getelementptr %array[%thread] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %mask = llvm.mlir.constant(-2 : i32) : i32
    %even = llvm.and %thread, %mask : i32
    %other = llvm.getelementptr %array[%even] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    llvm.store %v, %own : f32, !llvm.ptr<3>
    %w = llvm.load %other : !llvm.ptr<3> -> f32
    llvm.store %w, %to : f32, !llvm.ptr<1>
    llvm.return
  }
  llvm.mlir.global internal @shared_race_of_a_shuffle.array() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x f32>
  // SHARED_RACE_OF_A_SHUFFLE: shared_race_of_a_shuffle part: block 0, thread 0: error: expected that a barrier orders what two threads do to one byte, but thread 1 wrote it too
  llvm.func @shared_race_of_a_shuffle(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %from = llvm.getelementptr %x[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %to = llvm.getelementptr %y[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v = llvm.load %from : !llvm.ptr<1> -> f32
    %array = llvm.mlir.addressof @shared_race_of_a_shuffle.array : !llvm.ptr<3>
    %own = llvm.getelementptr %array[%thread] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %one = llvm.mlir.constant(1 : i32) : i32
    %next = llvm.xor %thread, %one : i32
    %other = llvm.getelementptr %array[%next] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    llvm.store %v, %own : f32, !llvm.ptr<3>
    %all = llvm.mlir.constant(-1 : i32) : i32
    %clamp = llvm.mlir.constant(31 : i32) : i32
    %s = nvvm.shfl.sync bfly %all, %v, %one, %clamp : f32 -> f32
    %w = llvm.load %other : !llvm.ptr<3> -> f32
    llvm.store %w, %to : f32, !llvm.ptr<1>
    llvm.return
  }
  llvm.mlir.global internal @shared_race_with_reads.array() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x f32>
  // SHARED_RACE_WITH_READS: shared_race_with_reads part: block 0, thread 1: error: expected that a barrier orders what two threads do to one byte, but thread 0 read it too
  llvm.func @shared_race_with_reads(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %from = llvm.getelementptr %x[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %to = llvm.getelementptr %y[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v = llvm.load %from : !llvm.ptr<1> -> f32
    %array = llvm.mlir.addressof @shared_race_with_reads.array : !llvm.ptr<3>
    %own = llvm.getelementptr %array[%thread] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %one = llvm.mlir.constant(1 : i32) : i32
    %next = llvm.xor %thread, %one : i32
    %other = llvm.getelementptr %array[%next] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    llvm.store %v, %own : f32, !llvm.ptr<3>
    nvvm.barrier0
    llvm.store %v, %own : f32, !llvm.ptr<3>
    %w = llvm.load %other : !llvm.ptr<3> -> f32
    llvm.store %w, %to : f32, !llvm.ptr<1>
    llvm.return
  }
  // RACE_OF_EQUAL_WRITES: race_of_equal_writes part: block 0, thread 1: error: expected that a barrier orders what two threads do to one byte, but thread 0 wrote it too
  llvm.func @race_of_equal_writes(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %zero = llvm.mlir.constant(0 : i32) : i32
    %to = llvm.getelementptr %y[%zero] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v = llvm.mlir.constant(1.0 : f32) : f32
    llvm.store %v, %to : f32, !llvm.ptr<1>
    llvm.return
  }
  // RACE_OF_BLOCKS: race_of_blocks part: block 1, thread 0: error: expected that a barrier orders what two threads do to one byte, but block 0, thread 0 wrote it too
  llvm.func @race_of_blocks(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %from = llvm.getelementptr %x[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %to = llvm.getelementptr %y[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v = llvm.load %from : !llvm.ptr<1> -> f32
    llvm.store %v, %to : f32, !llvm.ptr<1>
    llvm.return
  }
  // RACE_OF_BLOCKS_WITH_READS: race_of_blocks_with_reads part: block 1, thread 0: error: expected that a barrier orders what two threads do to one byte, but block 0, thread 0 read it too
  llvm.func @race_of_blocks_with_reads(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %from = llvm.getelementptr %x[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %to = llvm.getelementptr %y[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v = llvm.load %from : !llvm.ptr<1> -> f32
    %block = nvvm.read.ptx.sreg.ctaid.x : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %isSecond = llvm.icmp "eq" %block, %one : i32
    llvm.cond_br %isSecond, ^second, ^end
  ^second:
    llvm.store %v, %from : f32, !llvm.ptr<1>
    llvm.br ^end
  ^end:
    llvm.return
  }
  llvm.mlir.global internal @landed.array() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x f32>
  // LANDED: y F32 [64]:
  llvm.func @landed(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 16>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %four = llvm.mlir.constant(4 : i32) : i32
    %i = llvm.mul %thread, %four : i32
    %from = llvm.getelementptr %x[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %array = llvm.mlir.addressof @landed.array : !llvm.ptr<3>
    %to3 = llvm.getelementptr %array[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %to = llvm.getelementptr %y[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    nvvm.cp.async.shared.global %to3, %from, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.commit.group
    nvvm.cp.async.wait.group 0
    %v = llvm.load %to3 {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
    llvm.store %v, %to {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<1>
    llvm.return
  }
  llvm.mlir.global internal @not_landed.array() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x f32>
  // NOT_LANDED: not_landed part: block 0, thread 0: error: expected that an asynchronous copy has been waited for before its bytes are used, but that of thread 0 has not; it reads 16 bytes
  llvm.func @not_landed(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 16>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %four = llvm.mlir.constant(4 : i32) : i32
    %i = llvm.mul %thread, %four : i32
    %from = llvm.getelementptr %x[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %array = llvm.mlir.addressof @not_landed.array : !llvm.ptr<3>
    %to3 = llvm.getelementptr %array[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %to = llvm.getelementptr %y[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    nvvm.cp.async.shared.global %to3, %from, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.commit.group
    %v = llvm.load %to3 {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
    llvm.store %v, %to {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<1>
    llvm.return
  }
  // BARRIER_FOR_SOME: barrier_for_some part: block 0, thread 0: error: expected that every thread of the block comes to the barrier where this one waits; at {{.*}}gpu-mistakes.mlir:
  llvm.func @barrier_for_some(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %isFirst = llvm.icmp "ult" %thread, %one : i32
    llvm.cond_br %isFirst, ^one, ^end
  ^one:
    nvvm.barrier0
    llvm.br ^end
  ^end:
    llvm.return
  }
}
nf.program @run_ordered() attributes {live_bytes = 768 : i64, nf.arguments = [
    {direction = 0 : i32, name = "x", offset = 0 : i64, type = tensor<64xf32>},
    {direction = 1 : i32, name = "y", offset = 256 : i64, type = tensor<64xf32>}], transient_bytes = 768 : i64} {
  %0 = nf.buffer transient 0 : memref<64xf32>
  %1 = nf.buffer transient 256 : memref<64xf32>
  nf.launch @ordered(%0, %1) tasks 1 : memref<64xf32>, memref<64xf32> loc("part")
  nf.return
}
func.func private @ordered(%0: memref<64xf32>, %1: memref<64xf32>, %2: index, %3: memref<?xi8>)
    attributes {nf.gpu_threads = 64 : i64} {
  return
}
nf.program @run_behind_the_end() attributes {live_bytes = 768 : i64, nf.arguments = [
    {direction = 0 : i32, name = "x", offset = 0 : i64, type = tensor<64xf32>},
    {direction = 1 : i32, name = "y", offset = 256 : i64, type = tensor<64xf32>}], transient_bytes = 768 : i64} {
  %0 = nf.buffer transient 0 : memref<64xf32>
  %1 = nf.buffer transient 256 : memref<64xf32>
  nf.launch @behind_the_end(%0, %1) tasks 1 : memref<64xf32>, memref<64xf32> loc("part")
  nf.return
}
func.func private @behind_the_end(%0: memref<64xf32>, %1: memref<64xf32>, %2: index, %3: memref<?xi8>)
    attributes {nf.gpu_threads = 64 : i64} {
  return
}
nf.program @run_behind_an_array() attributes {live_bytes = 768 : i64, nf.arguments = [
    {direction = 0 : i32, name = "x", offset = 0 : i64, type = tensor<64xf32>},
    {direction = 1 : i32, name = "y", offset = 256 : i64, type = tensor<64xf32>}], transient_bytes = 768 : i64} {
  %0 = nf.buffer transient 0 : memref<64xf32>
  %1 = nf.buffer transient 256 : memref<64xf32>
  nf.launch @behind_an_array(%0, %1) tasks 1 : memref<64xf32>, memref<64xf32> loc("part")
  nf.return
}
func.func private @behind_an_array(%0: memref<64xf32>, %1: memref<64xf32>, %2: index, %3: memref<?xi8>)
    attributes {nf.gpu_threads = 64 : i64} {
  return
}
nf.program @run_misaligned() attributes {live_bytes = 768 : i64, nf.arguments = [
    {direction = 0 : i32, name = "x", offset = 0 : i64, type = tensor<64xf32>},
    {direction = 1 : i32, name = "y", offset = 256 : i64, type = tensor<64xf32>}], transient_bytes = 768 : i64} {
  %0 = nf.buffer transient 0 : memref<64xf32>
  %1 = nf.buffer transient 256 : memref<64xf32>
  nf.launch @misaligned(%0, %1) tasks 1 : memref<64xf32>, memref<64xf32> loc("part")
  nf.return
}
func.func private @misaligned(%0: memref<64xf32>, %1: memref<64xf32>, %2: index, %3: memref<?xi8>)
    attributes {nf.gpu_threads = 64 : i64} {
  return
}
nf.program @run_shared_unwritten() attributes {live_bytes = 768 : i64, nf.arguments = [
    {direction = 0 : i32, name = "x", offset = 0 : i64, type = tensor<64xf32>},
    {direction = 1 : i32, name = "y", offset = 256 : i64, type = tensor<64xf32>}], transient_bytes = 768 : i64} {
  %0 = nf.buffer transient 0 : memref<64xf32>
  %1 = nf.buffer transient 256 : memref<64xf32>
  nf.launch @shared_unwritten(%0, %1) tasks 1 : memref<64xf32>, memref<64xf32> loc("part")
  nf.return
}
func.func private @shared_unwritten(%0: memref<64xf32>, %1: memref<64xf32>, %2: index, %3: memref<?xi8>)
    attributes {nf.gpu_threads = 64 : i64} {
  return
}
nf.program @run_global_unwritten() attributes {live_bytes = 768 : i64, nf.arguments = [
    {direction = 0 : i32, name = "x", offset = 0 : i64, type = tensor<64xf32>},
    {direction = 1 : i32, name = "y", offset = 256 : i64, type = tensor<64xf32>}], transient_bytes = 768 : i64} {
  %0 = nf.buffer transient 512 : memref<64xf32>
  %1 = nf.buffer transient 256 : memref<64xf32>
  nf.launch @global_unwritten(%0, %1) tasks 1 : memref<64xf32>, memref<64xf32> loc("part")
  nf.return
}
func.func private @global_unwritten(%0: memref<64xf32>, %1: memref<64xf32>, %2: index, %3: memref<?xi8>)
    attributes {nf.gpu_threads = 64 : i64} {
  return
}
nf.program @run_shared_race() attributes {live_bytes = 768 : i64, nf.arguments = [
    {direction = 0 : i32, name = "x", offset = 0 : i64, type = tensor<64xf32>},
    {direction = 1 : i32, name = "y", offset = 256 : i64, type = tensor<64xf32>}], transient_bytes = 768 : i64} {
  %0 = nf.buffer transient 0 : memref<64xf32>
  %1 = nf.buffer transient 256 : memref<64xf32>
  nf.launch @shared_race(%0, %1) tasks 1 : memref<64xf32>, memref<64xf32> loc("part")
  nf.return
}
func.func private @shared_race(%0: memref<64xf32>, %1: memref<64xf32>, %2: index, %3: memref<?xi8>)
    attributes {nf.gpu_threads = 64 : i64} {
  return
}
nf.program @run_shared_race_of_a_shuffle() attributes {live_bytes = 768 : i64, nf.arguments = [
    {direction = 0 : i32, name = "x", offset = 0 : i64, type = tensor<64xf32>},
    {direction = 1 : i32, name = "y", offset = 256 : i64, type = tensor<64xf32>}], transient_bytes = 768 : i64} {
  %0 = nf.buffer transient 0 : memref<64xf32>
  %1 = nf.buffer transient 256 : memref<64xf32>
  nf.launch @shared_race_of_a_shuffle(%0, %1) tasks 1 : memref<64xf32>, memref<64xf32> loc("part")
  nf.return
}
func.func private @shared_race_of_a_shuffle(%0: memref<64xf32>, %1: memref<64xf32>, %2: index, %3: memref<?xi8>)
    attributes {nf.gpu_threads = 64 : i64} {
  return
}
nf.program @run_shared_race_with_reads() attributes {live_bytes = 768 : i64, nf.arguments = [
    {direction = 0 : i32, name = "x", offset = 0 : i64, type = tensor<64xf32>},
    {direction = 1 : i32, name = "y", offset = 256 : i64, type = tensor<64xf32>}], transient_bytes = 768 : i64} {
  %0 = nf.buffer transient 0 : memref<64xf32>
  %1 = nf.buffer transient 256 : memref<64xf32>
  nf.launch @shared_race_with_reads(%0, %1) tasks 1 : memref<64xf32>, memref<64xf32> loc("part")
  nf.return
}
func.func private @shared_race_with_reads(%0: memref<64xf32>, %1: memref<64xf32>, %2: index, %3: memref<?xi8>)
    attributes {nf.gpu_threads = 64 : i64} {
  return
}
nf.program @run_race_of_equal_writes() attributes {live_bytes = 768 : i64, nf.arguments = [
    {direction = 0 : i32, name = "x", offset = 0 : i64, type = tensor<64xf32>},
    {direction = 1 : i32, name = "y", offset = 256 : i64, type = tensor<64xf32>}], transient_bytes = 768 : i64} {
  %0 = nf.buffer transient 0 : memref<64xf32>
  %1 = nf.buffer transient 256 : memref<64xf32>
  nf.launch @race_of_equal_writes(%0, %1) tasks 1 : memref<64xf32>, memref<64xf32> loc("part")
  nf.return
}
func.func private @race_of_equal_writes(%0: memref<64xf32>, %1: memref<64xf32>, %2: index, %3: memref<?xi8>)
    attributes {nf.gpu_threads = 64 : i64} {
  return
}
nf.program @run_race_of_blocks() attributes {live_bytes = 768 : i64, nf.arguments = [
    {direction = 0 : i32, name = "x", offset = 0 : i64, type = tensor<64xf32>},
    {direction = 1 : i32, name = "y", offset = 256 : i64, type = tensor<64xf32>}], transient_bytes = 768 : i64} {
  %0 = nf.buffer transient 0 : memref<64xf32>
  %1 = nf.buffer transient 256 : memref<64xf32>
  nf.launch @race_of_blocks(%0, %1) tasks 2 : memref<64xf32>, memref<64xf32> loc("part")
  nf.return
}
func.func private @race_of_blocks(%0: memref<64xf32>, %1: memref<64xf32>, %2: index, %3: memref<?xi8>)
    attributes {nf.gpu_threads = 64 : i64} {
  return
}
nf.program @run_race_of_blocks_with_reads() attributes {live_bytes = 768 : i64, nf.arguments = [
    {direction = 0 : i32, name = "x", offset = 0 : i64, type = tensor<64xf32>},
    {direction = 1 : i32, name = "y", offset = 256 : i64, type = tensor<64xf32>}], transient_bytes = 768 : i64} {
  %0 = nf.buffer transient 0 : memref<64xf32>
  %1 = nf.buffer transient 256 : memref<64xf32>
  nf.launch @race_of_blocks_with_reads(%0, %1) tasks 2 : memref<64xf32>, memref<64xf32> loc("part")
  nf.return
}
func.func private @race_of_blocks_with_reads(%0: memref<64xf32>, %1: memref<64xf32>, %2: index, %3: memref<?xi8>)
    attributes {nf.gpu_threads = 64 : i64} {
  return
}
nf.program @run_landed() attributes {live_bytes = 768 : i64, nf.arguments = [
    {direction = 0 : i32, name = "x", offset = 0 : i64, type = tensor<64xf32>},
    {direction = 1 : i32, name = "y", offset = 256 : i64, type = tensor<64xf32>}], transient_bytes = 768 : i64} {
  %0 = nf.buffer transient 0 : memref<64xf32>
  %1 = nf.buffer transient 256 : memref<64xf32>
  nf.launch @landed(%0, %1) tasks 1 : memref<64xf32>, memref<64xf32> loc("part")
  nf.return
}
func.func private @landed(%0: memref<64xf32>, %1: memref<64xf32>, %2: index, %3: memref<?xi8>)
    attributes {nf.gpu_threads = 16 : i64} {
  return
}
nf.program @run_not_landed() attributes {live_bytes = 768 : i64, nf.arguments = [
    {direction = 0 : i32, name = "x", offset = 0 : i64, type = tensor<64xf32>},
    {direction = 1 : i32, name = "y", offset = 256 : i64, type = tensor<64xf32>}], transient_bytes = 768 : i64} {
  %0 = nf.buffer transient 0 : memref<64xf32>
  %1 = nf.buffer transient 256 : memref<64xf32>
  nf.launch @not_landed(%0, %1) tasks 1 : memref<64xf32>, memref<64xf32> loc("part")
  nf.return
}
func.func private @not_landed(%0: memref<64xf32>, %1: memref<64xf32>, %2: index, %3: memref<?xi8>)
    attributes {nf.gpu_threads = 16 : i64} {
  return
}
nf.program @run_barrier_for_some() attributes {live_bytes = 768 : i64, nf.arguments = [
    {direction = 0 : i32, name = "x", offset = 0 : i64, type = tensor<64xf32>},
    {direction = 1 : i32, name = "y", offset = 256 : i64, type = tensor<64xf32>}], transient_bytes = 768 : i64} {
  %0 = nf.buffer transient 0 : memref<64xf32>
  %1 = nf.buffer transient 256 : memref<64xf32>
  nf.launch @barrier_for_some(%0, %1) tasks 1 : memref<64xf32>, memref<64xf32> loc("part")
  nf.return
}
func.func private @barrier_for_some(%0: memref<64xf32>, %1: memref<64xf32>, %2: index, %3: memref<?xi8>)
    attributes {nf.gpu_threads = 64 : i64} {
  return
}
}
