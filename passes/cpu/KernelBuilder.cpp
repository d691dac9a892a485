//===- KernelBuilder.cpp - what the kernel lowerings share -----------------------------------===//
#include "passes/cpu/KernelBuilder.h"
#include "passes/cpu/RowKernel.h"

using namespace mlir;
using namespace nf;

MemRefType nf::flattened(MemRefType type) { return MemRefType::get({type.getNumElements()}, type.getElementType()); }

func::FuncOp nf::getOrBuildKernel(ModuleOp module, Location location, StringRef name, ArrayRef<Type> buffers,
                                  int64_t scratchBytes, KernelBody body) {
  if (auto kernel = module.lookupSymbol<func::FuncOp>(name))
    return kernel;
  ImplicitLocOpBuilder b(location, OpBuilder::atBlockBegin(module.getBody()));
  SmallVector<Type> types(buffers);
  types.push_back(b.getIndexType());
  types.push_back(MemRefType::get({ShapedType::kDynamic}, b.getI8Type()));
  auto kernel = func::FuncOp::create(b, name, b.getFunctionType(types, {}));
  kernel.setPrivate();
  if (scratchBytes > 0)
    kernel->setAttr(scratchBytesAttribute, b.getI64IntegerAttr(scratchBytes));
  b.setInsertionPointToStart(kernel.addEntryBlock());
  ArrayRef<BlockArgument> arguments = kernel.getArguments();
  body(b, ValueRange(arguments.drop_back(2)), arguments[buffers.size()], arguments.back());
  func::ReturnOp::create(b);
  return kernel;
}

Value nf::indexConstant(ImplicitLocOpBuilder &b, int64_t value) { return arith::ConstantIndexOp::create(b, value); }

Value nf::add(ImplicitLocOpBuilder &b, Value x, Value y) { return arith::AddIOp::create(b, x, y); }

Value nf::scaled(ImplicitLocOpBuilder &b, Value x, int64_t scale) {
  return scale == 1 ? x : arith::MulIOp::create(b, x, indexConstant(b, scale)).getResult();
}

Value nf::blockLength(ImplicitLocOpBuilder &b, Value begin, int64_t size, int64_t extent) {
  if (extent % size == 0)
    return indexConstant(b, size);
  return arith::MinSIOp::create(b, indexConstant(b, size),
                                arith::SubIOp::create(b, indexConstant(b, extent), begin).getResult());
}

void nf::forLoop(ImplicitLocOpBuilder &b, Value begin, Value end, int64_t step, function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, begin, end, indexConstant(b, step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

void nf::forLanes(ImplicitLocOpBuilder &b, Value length, function_ref<void(Value, int64_t)> body) {
  Value zero = indexConstant(b, 0), lanes = indexConstant(b, kernelLanes);
  Value whole = arith::SubIOp::create(b, length, arith::RemUIOp::create(b, length, lanes).getResult());
  forLoop(b, zero, whole, kernelLanes, [&](Value i) { body(i, kernelLanes); });
  forLoop(b, whole, length, 1, [&](Value i) { body(i, 1); });
}

Value nf::loadLanes(ImplicitLocOpBuilder &b, Value memref, Value index, int64_t lanes) {
  if (lanes == 1)
    return memref::LoadOp::create(b, memref, index);
  auto type = VectorType::get(lanes, cast<MemRefType>(memref.getType()).getElementType());
  return vector::LoadOp::create(b, type, memref, index);
}

void nf::storeLanes(ImplicitLocOpBuilder &b, Value value, Value memref, Value index, int64_t lanes) {
  if (lanes == 1)
    memref::StoreOp::create(b, value, memref, index);
  else
    vector::StoreOp::create(b, value, memref, index);
}

Value nf::convertLanes(ImplicitLocOpBuilder &b, Value value, Type elementType) {
  auto vector = dyn_cast<VectorType>(value.getType());
  Type from = getElementTypeOrSelf(value.getType()), to = vector ? Type(vector.clone(elementType)) : elementType;
  if (from == elementType)
    return value;
  if (from.getIntOrFloatBitWidth() < elementType.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(b, to, value);
  return arith::TruncFOp::create(b, to, value);
}

Value nf::zeroLanes(ImplicitLocOpBuilder &b, Type elementType, int64_t lanes) {
  Type type = lanes == 1 ? elementType : VectorType::get(lanes, elementType);
  return arith::ConstantOp::create(b, b.getZeroAttr(type));
}
