//===- KernelSignatures.cpp - kernels get the signatures that bare pointers need -------------===//
//
// Before → after in Passes.td.
//
// 1. Find the kernels: the func.funcs that an nf.launch names.
// 2. A bare pointer carries no size, so the scratch argument becomes static and a cast gives its uses the old type.
// 3. Mark the memref arguments noalias.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/lower/Passes.h"

namespace nf {
#define GEN_PASS_DEF_KERNELSIGNATURES
#include "passes/lower/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

namespace {
struct KernelSignatures : nf::impl::KernelSignaturesBase<KernelSignatures> {
  void runOnOperation() override {
    SetVector<StringAttr> names;
    getOperation().walk([&](LaunchOp launch) { names.insert(launch.getKernelAttr().getAttr()); });
    SymbolTable symbols(getOperation());
    for (StringAttr name : names)
      rewrite(symbols.lookup<func::FuncOp>(name));
  }

  void rewrite(func::FuncOp kernel) {
    bindScratch(kernel);
    auto noalias = UnitAttr::get(kernel.getContext());
    for (BlockArgument argument : kernel.getArguments())
      if (isa<MemRefType>(argument.getType()))
        kernel.setArgAttr(argument.getArgNumber(), LLVM::LLVMDialect::getNoAliasAttrName(), noalias);
  }

  void bindScratch(func::FuncOp kernel) {
    BlockArgument scratch = kernel.getArguments().back();
    auto type = cast<MemRefType>(scratch.getType());
    if (type.hasStaticShape())
      return;
    auto bytes = kernel->getAttrOfType<IntegerAttr>("nf.scratch_bytes");
    auto bound = MemRefType::get({bytes ? bytes.getInt() : 0}, type.getElementType());
    scratch.setType(bound);
    SmallVector<Type> inputs(kernel.getFunctionType().getInputs());
    inputs.back() = bound;
    kernel.setFunctionType(FunctionType::get(kernel.getContext(), inputs, {}));
    if (scratch.use_empty())
      return;
    OpBuilder b = OpBuilder::atBlockBegin(&kernel.front());
    auto cast = memref::CastOp::create(b, kernel.getLoc(), type, scratch);
    scratch.replaceAllUsesExcept(cast, cast);
  }
};
} // namespace
