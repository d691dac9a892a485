//===- GpuBuilder.cpp - what the lowerings to GPU kernels share ------------------------------===//
#include "passes/gpu/GpuBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace nf;

//===------------------------------------------------------------------------------------------===//
// Numbers
//===------------------------------------------------------------------------------------------===//

Value GpuBuilder::constant(int64_t value) { return arith::ConstantIntOp::create(*this, getI64Type(), value); }
Value GpuBuilder::constant32(int64_t value) { return arith::ConstantIntOp::create(*this, getI32Type(), value); }
Value GpuBuilder::add(Value x, Value y) { return arith::AddIOp::create(*this, x, y); }

Value GpuBuilder::scale(Value x, int64_t by) {
  return by == 1 ? x : arith::MulIOp::create(*this, x, constant(by)).getResult();
}

Value GpuBuilder::divide(Value x, int64_t by) {
  return by == 1 ? x : arith::DivUIOp::create(*this, x, constant(by)).getResult();
}

Value GpuBuilder::remainder(Value x, int64_t by) {
  return by == 1 ? constant(0) : arith::RemUIOp::create(*this, x, constant(by)).getResult();
}

Value GpuBuilder::isBelow(Value x, int64_t bound) {
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::ult, x, constant(bound));
}

Value GpuBuilder::both(Value x, Value y) { return !x ? y : !y ? x : arith::AndIOp::create(*this, x, y).getResult(); }

Value GpuBuilder::thread() {
  return arith::ExtUIOp::create(*this, getI64Type(), NVVM::ThreadIdXOp::create(*this, getI32Type()).getResult());
}

Value GpuBuilder::block() {
  return arith::ExtUIOp::create(*this, getI64Type(), NVVM::BlockIdXOp::create(*this, getI32Type()).getResult());
}

//===------------------------------------------------------------------------------------------===//
// Control flow
//===------------------------------------------------------------------------------------------===//

void GpuBuilder::onlyIf(Value condition, function_ref<void()> body) {
  if (!condition)
    return body();
  auto branch = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  body();
}

SmallVector<Value> GpuBuilder::forEach(Value from, Value to, int64_t step, ValueRange carried, LoopBody body) {
  Value by = arith::ConstantIntOp::create(*this, from.getType(), step);
  auto loop = scf::ForOp::create(*this, from, to, by, carried);
  InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!carried.empty())
    scf::YieldOp::create(*this, next);
  return SmallVector<Value>(loop.getResults());
}

void GpuBuilder::barrier() { NVVM::Barrier0Op::create(*this); }

//===------------------------------------------------------------------------------------------===//
// Memory
//===------------------------------------------------------------------------------------------===//

Type nf::storedElement(Type element) {
  return element.isInteger(1) ? Type(IntegerType::get(element.getContext(), 8)) : element;
}

int64_t nf::storedBytes(Type element) { return std::max(1u, element.getIntOrFloatBitWidth() / 8); }

int64_t nf::alignmentOf(Value buffer) {
  auto view = buffer.getDefiningOp<BufferOp>();
  return view ? std::gcd(gpuVectorBytes, view.getOffset()) : gpuVectorBytes;
}

Value GpuBuilder::address(Value pointer, Type element, Value index) {
  return LLVM::GEPOp::create(*this, pointer.getType(), element, pointer, ValueRange{index},
                             LLVM::GEPNoWrapFlags::inbounds);
}

unsigned nf::accessAlignment(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return std::min(gpuVectorBytes, storedBytes(getElementTypeOrSelf(type)) * (vector ? vector.getNumElements() : 1));
}

Value GpuBuilder::load(Value pointer, Type element, Value index, int64_t width) {
  Type stored = storedElement(element), type = width == 1 ? stored : VectorType::get({width}, stored);
  return LLVM::LoadOp::create(*this, type, address(pointer, stored, index), accessAlignment(type));
}

void GpuBuilder::store(Value value, Value pointer, Value index) {
  Type type = value.getType();
  LLVM::StoreOp::create(*this, value, address(pointer, getElementTypeOrSelf(type), index), accessAlignment(type));
}

Value GpuBuilder::shared(StringRef name, Type element, int64_t count) {
  auto kernel = getBlock()->getParent()->getParentOfType<LLVM::LLVMFuncOp>();
  std::string symbol = (kernel.getSymName() + "." + name).str();
  {
    InsertionGuard guard(*this);
    setInsertionPoint(kernel);
    LLVM::GlobalOp::create(*this, LLVM::LLVMArrayType::get(element, count), /*isConstant=*/false,
                           LLVM::Linkage::Internal, symbol, Attribute(), /*alignment=*/gpuVectorBytes, gpuSharedMemory);
  }
  return LLVM::AddressOfOp::create(*this, LLVM::LLVMPointerType::get(getContext(), gpuSharedMemory), symbol);
}

//===------------------------------------------------------------------------------------------===//
// Kernels
//===------------------------------------------------------------------------------------------===//

gpu::GPUModuleOp nf::gpuModuleOf(ModuleOp module) {
  if (auto have = module.lookupSymbol<gpu::GPUModuleOp>(gpuModuleName))
    return have;
  auto builder = OpBuilder::atBlockBegin(module.getBody());
  return gpu::GPUModuleOp::create(builder, module.getLoc(), gpuModuleName);
}

LLVM::LLVMFuncOp nf::createGpuKernel(OpBuilder &b, Location location, StringRef name, size_t pointers,
                                     int64_t threads) {
  SmallVector<Type> inputs(pointers, LLVM::LLVMPointerType::get(b.getContext(), gpuGlobalMemory));
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), inputs);
  auto function = LLVM::LLVMFuncOp::create(b, location, name, type);
  function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), b.getUnitAttr());
  function->setAttr(NVVM::NVVMDialect::getMaxntidAttrName(), b.getDenseI32ArrayAttr({int32_t(threads)}));
  for (size_t i = 0; i < pointers; ++i)
    function.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());
  b.setInsertionPointToStart(function.addEntryBlock(b));
  return function;
}

func::FuncOp nf::createStandIn(ModuleOp module, Location location, StringRef name, ArrayRef<Type> buffers) {
  auto b = OpBuilder::atBlockEnd(module.getBody());
  SmallVector<Type> types(buffers);
  types.push_back(b.getIndexType());
  types.push_back(MemRefType::get({ShapedType::kDynamic}, b.getI8Type()));
  auto function = func::FuncOp::create(b, location, name, b.getFunctionType(types, {}));
  function.setPrivate();
  b.setInsertionPointToStart(function.addEntryBlock());
  func::ReturnOp::create(b, location);
  return function;
}

func::FuncOp nf::createLaunched(ModuleOp module, Location location, StringRef name, ArrayRef<Type> buffers,
                                int64_t threads) {
  func::FuncOp function = createStandIn(module, location, name, buffers);
  function->setAttr(gpuThreadsAttribute, Builder(module).getI64IntegerAttr(threads));
  return function;
}

void nf::keepRolled(Operation *loop) {
  Builder b(loop->getContext());
  auto unroll = LLVM::LoopUnrollAttr::get(b.getContext(), /*disable=*/b.getBoolAttr(true), {}, {}, {}, {}, {}, {});
  auto annotation =
      LLVM::LoopAnnotationAttr::get(b.getContext(), {}, {}, {}, unroll, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {});
  loop->setAttr("loop_annotation", annotation); // the conversions carry it to the branch
}

void nf::allowRegistersOf(LLVM::LLVMFuncOp kernel, int64_t blocks) {
  kernel->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), Builder(kernel.getContext()).getI32IntegerAttr(blocks));
}

void nf::noteAlignment(func::FuncOp kernel, ValueRange buffers) {
  auto noted = kernel->getAttrOfType<IntegerAttr>(gpuAlignmentAttribute);
  int64_t alignment = noted ? noted.getInt() : gpuVectorBytes;
  for (Value buffer : buffers)
    alignment = std::min(alignment, alignmentOf(buffer));
  if (alignment < gpuVectorBytes)
    kernel->setAttr(gpuAlignmentAttribute, Builder(kernel.getContext()).getI64IntegerAttr(alignment));
}

func::FuncOp nf::getOrBuildGpuKernel(ModuleOp module, Location location, StringRef name, ArrayRef<Type> buffers,
                                     int64_t threads, function_ref<void(GpuBuilder &, ValueRange)> body) {
  if (auto kernel = module.lookupSymbol<func::FuncOp>(name))
    return kernel;
  GpuBuilder b(location, OpBuilder::atBlockEnd(gpuModuleOf(module).getBody()));
  auto kernel = createGpuKernel(b, location, name, buffers.size(), threads);
  body(b, kernel.getArguments());
  LLVM::ReturnOp::create(b, ValueRange());
  return createLaunched(module, location, name, buffers, threads);
}
