// RUN: nf-opt --nf-expand-math %s | FileCheck %s
// RUN: nf-opt --nf-expand-math=bf16=false %s | FileCheck %s --check-prefix=NATIVE

// CHECK-LABEL: func.func @functions
// CHECK-NOT: math.{{exp|log|tanh|erf|rsqrt|powf}}
// CHECK: math.fma {{.*}} : vector<8xf32>
// CHECK: math.sqrt {{.*}} : f32
// CHECK-NOT: math.{{exp|log|tanh|erf|rsqrt|powf}}
// CHECK: return
func.func @functions(%x: vector<8xf32>, %s: f32) -> (vector<8xf32>, f32) {
  %0 = math.exp %x : vector<8xf32>
  %1 = math.log %0 : vector<8xf32>
  %2 = math.tanh %1 : vector<8xf32>
  %3 = math.erf %2 : vector<8xf32>
  %4 = math.rsqrt %s : f32
  %5 = math.powf %4, %s : f32
  return %3, %5 : vector<8xf32>, f32
}

// Conversions of bf16 only where the target has none.
// CHECK-LABEL: func.func @bf16
// CHECK-NOT: arith.extf
// CHECK-NOT: arith.truncf
// CHECK: return
// NATIVE-LABEL: func.func @bf16
// NATIVE: arith.extf
// NATIVE: arith.truncf
func.func @bf16(%x: vector<8xbf16>) -> vector<8xbf16> {
  %0 = arith.extf %x : vector<8xbf16> to vector<8xf32>
  %1 = arith.truncf %0 : vector<8xf32> to vector<8xbf16>
  return %1 : vector<8xbf16>
}

// f64 is for comparisons only and stays.
// CHECK-LABEL: func.func @double
// CHECK: math.exp {{.*}} : f64
func.func @double(%x: f64) -> f64 {
  %0 = math.exp %x : f64
  return %0 : f64
}
