//===- EmulateGpu.cpp - GPU kernels become functions that run on the host --------------------===//
//
// Before → after in Passes.td.
//
// 1. Copy each kernel of the gpu.module into the host module, as the code of one thread; where it is checked, with
// calls
//    that say what it does (CheckAccesses).
// 2. Its nvvm ops become calls of runtime/abi/nf_emulation.h, its pointers plain ones, its shared globals places in the
//    block's shared memory.
// 3. The kernel's function in the host module keeps what its launches need to know: threads and shared memory.
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "passes/gpu/CheckAccesses.h"
#include "passes/gpu/Passes.h"
#include "passes/gpu/SharedLayout.h"
#include "passes/lower/LlvmBuilder.h"
#include "runtime/abi/nf_emulation.h"
#include "llvm/ADT/TypeSwitch.h"

namespace nf {
#define GEN_PASS_DEF_EMULATEGPU
#include "passes/gpu/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static constexpr int64_t wordsOfProduct = 10; // see nf_emulated_mma_bf16

static_assert(static_cast<int>(NVVM::ShflKind::bfly) == NF_SHUFFLE_BFLY &&
              static_cast<int>(NVVM::ShflKind::up) == NF_SHUFFLE_UP &&
              static_cast<int>(NVVM::ShflKind::down) == NF_SHUFFLE_DOWN &&
              static_cast<int>(NVVM::ShflKind::idx) == NF_SHUFFLE_IDX);

static bool roundsToBf16(Operation *op) {
  return isa<LLVM::FPTruncOp>(op) && getElementTypeOrSelf(op->getResult(0).getType()).isBF16();
}

/// The type without address spaces.
static Type plain(Type type) {
  return isa<LLVM::LLVMPointerType>(type) ? LLVM::LLVMPointerType::get(type.getContext()) : type;
}

namespace {
struct EmulateGpu : nf::impl::EmulateGpuBase<EmulateGpu> {
  using EmulateGpuBase::EmulateGpuBase;

  void runOnOperation() override {
    auto kernels = getOperation().lookupSymbol<gpu::GPUModuleOp>(gpuModuleName);
    if (!kernels)
      return;
    LlvmBuilder b(getOperation());
    bool fits = true;
    for (auto host : llvm::to_vector(getOperation().getOps<LLVM::LLVMFuncOp>()))
      if (host->hasAttr(gpuThreadsAttribute))
        fits &= succeeded(emulate(b, host, kernels.lookupSymbol<LLVM::LLVMFuncOp>(host.getSymName())));
    if (!fits)
      return signalPassFailure();
    kernels.erase();
  }

  LogicalResult emulate(LlvmBuilder &b, LLVM::LLVMFuncOp host, LLVM::LLVMFuncOp kernel) {
    std::string name = host.getSymName().str();
    shared = layOutShared(kernel);
    LLVM::LLVMFuncOp body = copyForHost(b, kernel, name);
    if (failed(callRuntime(b, body)))
      return failure();
    buildThread(b, body, threadName(name));
    if (shared.bytes > 0)
      host->setAttr(gpuSharedAttribute, b.getI64IntegerAttr(shared.bytes));
    return success();
  }

  LLVM::LLVMFuncOp copyForHost(LlvmBuilder &b, LLVM::LLVMFuncOp kernel, StringRef name) {
    b.setInsertionPointToEnd(getOperation().getBody());
    auto body = cast<LLVM::LLVMFuncOp>(b.clone(*kernel));
    body.setSymName((name + ".code").str());
    body.setLinkage(LLVM::Linkage::Internal);
    for (NamedAttribute attribute : llvm::to_vector(body->getDiscardableAttrs()))
      body->removeDiscardableAttr(attribute.getName());
    SmallVector<Type> inputs(body.getNumArguments(), b.ptr);
    body.setFunctionType(LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), inputs));
    AccessChecks checks(body, shared.places);
    body.walk([](Block *block) {
      for (BlockArgument argument : block->getArguments())
        argument.setType(plain(argument.getType()));
    });
    body.walk([](Operation *op) {
      for (OpResult result : op->getResults())
        result.setType(plain(result.getType()));
    });
    if (checkKernels)
      checks.emit(b, name);
    return body;
  }

  //===----------------------------------------------------------------------------------------===//
  // The code of a thread
  //===----------------------------------------------------------------------------------------===//

  /// Replaces what only a GPU has; lists every op that has no host form.
  LogicalResult callRuntime(LlvmBuilder &b, LLVM::LLVMFuncOp body) {
    words = {};
    SmallVector<Operation *> ops;
    body.walk([&](Operation *op) {
      auto address = dyn_cast<LLVM::AddressOfOp>(op);
      if (isa<NVVM::NVVMDialect>(op->getDialect()) || isa<LLVM::CallIntrinsicOp>(op) || roundsToBf16(op) ||
          (address && shared.places.contains(address.getGlobalName())))
        ops.push_back(op);
    });
    bool fits = true;
    for (Operation *op : ops) {
      b.setLoc(op->getLoc());
      b.setInsertionPoint(op);
      FailureOr<Value> replacement = emulateOp(b, op);
      if (failed(replacement)) {
        op->emitOpError() << "expected an op that the emulated GPU knows";
        fits = false;
        continue;
      }
      if (*replacement)
        op->getResult(0).replaceAllUsesWith(*replacement);
      op->erase();
    }
    return success(fits);
  }

  /// A call of the runtime; null where it has no result.
  Value call(LlvmBuilder &b, StringRef name, Type result, ValueRange arguments) {
    auto function = getOperation().lookupSymbol<LLVM::LLVMFuncOp>(name);
    if (!function) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(getOperation().getBody());
      Type returned = result ? result : LLVM::LLVMVoidType::get(b.getContext());
      function = LLVM::LLVMFuncOp::create(
          b, name, LLVM::LLVMFunctionType::get(returned, SmallVector<Type>(arguments.getTypes())));
    }
    auto call = LLVM::CallOp::create(b, function, arguments);
    return result ? call.getResult() : Value();
  }

  FailureOr<Value> emulateOp(LlvmBuilder &b, Operation *op) {
    return llvm::TypeSwitch<Operation *, FailureOr<Value>>(op)
        .Case([&](NVVM::ThreadIdXOp) { return call(b, "nf_emulated_thread", b.i32, {}); })
        .Case([&](NVVM::BlockIdXOp) { return call(b, "nf_emulated_block", b.i32, {}); })
        .Case([&](NVVM::Barrier0Op) { return call(b, "nf_emulated_barrier", Type(), {}); })
        .Case([&](NVVM::SyncWarpOp barrier) { return call(b, "nf_emulated_warp_barrier", Type(), barrier.getMask()); })
        .Case([&](NVVM::ShflOp shuffle) { return emulateShuffle(b, shuffle); })
        .Case([&](NVVM::MmaOp product) { return emulateProduct(b, product); })
        .Case([&](NVVM::LdMatrixOp load) { return emulateMatrixLoad(b, load); })
        .Case([&](NVVM::CpAsyncOp copy) {
          Value bytes = b.constant32(copy.getSize()), sourceBytes = copy.getCpSize() ? copy.getCpSize() : bytes;
          return call(b, "nf_emulated_copy_async", Type(), {copy.getDst(), copy.getSrc(), bytes, sourceBytes});
        })
        .Case([&](NVVM::CpAsyncCommitGroupOp) { return call(b, "nf_emulated_commit_copies", Type(), {}); })
        .Case([&](NVVM::CpAsyncWaitGroupOp wait) {
          return call(b, "nf_emulated_wait_copies", Type(), b.constant32(wait.getN()));
        })
        .Case([&](LLVM::CallIntrinsicOp intrinsic) -> FailureOr<Value> {
          if (intrinsic.getIntrin() != "llvm.nvvm.ex2.approx.ftz.f32")
            return failure();
          return call(b, "nf_emulated_exp2", b.getF32Type(), intrinsic.getArgs());
        })
        .Case([&](NVVM::VoteSyncOp vote) { return emulateBallot(b, vote); })
        .Case([&](LLVM::FPTruncOp rounding) { return emulateRounding(b, rounding); })
        .Case([&](LLVM::AddressOfOp address) {
          Value base = call(b, "nf_emulated_shared", b.ptr, {});
          auto offset = static_cast<int32_t>(shared.places.lookup(address.getGlobalName()).first);
          return LLVM::GEPOp::create(b, b.ptr, b.i8, base, ArrayRef<LLVM::GEPArg>{offset}).getResult();
        })
        .Default([](Operation *) { return failure(); });
  }

  FailureOr<Value> emulateShuffle(LlvmBuilder &b, NVVM::ShflOp shuffle) {
    if (shuffle.getReturnValueAndIsValid())
      return failure();
    Type type = shuffle.getVal().getType();
    Value bits = LLVM::BitcastOp::create(b, b.i32, shuffle.getVal());
    Value kind = b.constant32(static_cast<int64_t>(shuffle.getKind()));
    Value received = call(b, "nf_emulated_shuffle", b.i32,
                          {shuffle.getThreadMask(), bits, shuffle.getOffset(), shuffle.getMaskAndClamp(), kind});
    return LLVM::BitcastOp::create(b, type, received).getResult();
  }

  /// Word i of the memory in which a thread gives matrix instructions its numbers and gets theirs.
  Value wordOf(LlvmBuilder &b, Operation *op, int32_t i) {
    if (!words) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(&op->getParentOfType<LLVM::LLVMFuncOp>().getBody().front());
      words = LLVM::AllocaOp::create(b, b.ptr, b.i32, b.constant(wordsOfProduct), 0);
    }
    return LLVM::GEPOp::create(b, b.ptr, b.i32, words, ArrayRef<LLVM::GEPArg>{i});
  }

  /// The first words as an instruction's result: a number, or a struct of them.
  Value loadResult(LlvmBuilder &b, Operation *op) {
    Type type = op->getResult(0).getType();
    auto fields = dyn_cast<LLVM::LLVMStructType>(type);
    if (!fields)
      return LLVM::LoadOp::create(b, type, wordOf(b, op, 0));
    Value result = LLVM::PoisonOp::create(b, type);
    for (auto [i, field] : llvm::enumerate(fields.getBody())) {
      Value word = LLVM::LoadOp::create(b, field, wordOf(b, op, i));
      result = LLVM::InsertValueOp::create(b, result, word, static_cast<int64_t>(i));
    }
    return result;
  }

  FailureOr<Value> emulateProduct(LlvmBuilder &b, NVVM::MmaOp product) {
    auto shape = product.getShape();
    bool isKnown = shape.getM() == 16 && shape.getN() == 8 && shape.getK() == 16 &&
                   product.getMultiplicandAPtxType() == NVVM::MMATypes::bf16 &&
                   product.getMultiplicandBPtxType() == NVVM::MMATypes::bf16 &&
                   product.getNumOperands() == wordsOfProduct;
    if (!isKnown)
      return failure();
    for (auto [i, operand] : llvm::enumerate(product.getOperands()))
      LLVM::StoreOp::create(b, operand, wordOf(b, product, i));
    call(b, "nf_emulated_mma_bf16", Type(), wordOf(b, product, 0));
    return loadResult(b, product);
  }

  FailureOr<Value> emulateMatrixLoad(LlvmBuilder &b, NVVM::LdMatrixOp load) {
    auto shape = load.getShape();
    if (shape.getM() != 8 || shape.getN() != 8 || load.getEltType() != NVVM::LdStMatrixEltType::B16)
      return failure();
    Value isTransposed = b.constant32(load.getLayout() == NVVM::MMALayout::col);
    call(b, "nf_emulated_ldmatrix", Type(),
         {load.getPtr(), b.constant32(load.getNum()), isTransposed, wordOf(b, load, 0)});
    return loadResult(b, load);
  }

  FailureOr<Value> emulateBallot(LlvmBuilder &b, NVVM::VoteSyncOp vote) {
    if (vote.getKind() != NVVM::VoteSyncKind::ballot)
      return failure();
    Value predicate = LLVM::ZExtOp::create(b, b.i32, vote.getPred());
    return call(b, "nf_emulated_ballot", b.i32, {vote.getMask(), predicate});
  }

  /// f32 to bf16, to nearest even, in integers: older processors have no instruction for it.
  Value emulateRounding(LlvmBuilder &b, LLVM::FPTruncOp rounding) {
    Value x = rounding.getArg();
    auto like = [&](Type element) {
      auto vector = dyn_cast<VectorType>(x.getType());
      return vector ? Type(vector.clone(element)) : element;
    };
    Type words = like(b.i32);
    auto constant = [&](int32_t value) -> Value {
      auto vector = dyn_cast<VectorType>(words);
      Attribute attribute = vector ? Attribute(DenseElementsAttr::get(vector, value)) : b.getI32IntegerAttr(value);
      return LLVM::ConstantOp::create(b, words, attribute);
    };
    Value bits = LLVM::BitcastOp::create(b, words, x), half = constant(16);
    Value isOdd = LLVM::AndOp::create(b, LLVM::LShrOp::create(b, bits, half), constant(1));
    Value up = LLVM::AddOp::create(b, LLVM::AddOp::create(b, bits, constant(0x7FFF)), isOdd);
    Value quiet = LLVM::OrOp::create(b, bits, constant(1 << 22));
    Value isNaN = LLVM::FCmpOp::create(b, LLVM::FCmpPredicate::uno, x, x);
    Value upper = LLVM::LShrOp::create(b, LLVM::SelectOp::create(b, isNaN, quiet, up), half);
    Value result = LLVM::TruncOp::create(b, like(b.getI16Type()), upper);
    return LLVM::BitcastOp::create(b, rounding.getType(), result);
  }

  //===----------------------------------------------------------------------------------------===//
  // Around it
  //===----------------------------------------------------------------------------------------===//

  /// An nf_emulated_kernel: the code with its pointers from an array.
  void buildThread(LlvmBuilder &b, LLVM::LLVMFuncOp body, StringRef name) {
    auto thread = b.function(body.getLoc(), name, {b.ptr});
    SmallVector<Value> pointers;
    for (unsigned i = 0; i < body.getNumArguments(); ++i) {
      Value slot =
          LLVM::GEPOp::create(b, b.ptr, b.ptr, thread.getArgument(0), ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
      pointers.push_back(LLVM::LoadOp::create(b, b.ptr, slot));
    }
    LLVM::CallOp::create(b, body, pointers);
    LLVM::ReturnOp::create(b, ValueRange());
  }

  Value words; ///< of the function in hand, see wordOf
  SharedLayout shared;
};
} // namespace
