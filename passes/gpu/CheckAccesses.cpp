//===- CheckAccesses.cpp - a kernel tells the emulated GPU what it does ----------------------===//
#include "passes/gpu/CheckAccesses.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "passes/gpu/GpuBuilder.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nf;

static unsigned spaceOf(Value pointer) { return cast<LLVM::LLVMPointerType>(pointer.getType()).getAddressSpace(); }

static bool isOfGpu(Value pointer) {
  return spaceOf(pointer) == gpuGlobalMemory || spaceOf(pointer) == gpuSharedMemory;
}

AccessChecks::AccessChecks(LLVM::LLVMFuncOp kernel, const llvm::StringMap<SharedPlace> &places) : places(places) {
  kernel.walk([&](Operation *op) { collect(op); });
}

void AccessChecks::collect(Operation *op) {
  auto bytesOf = [&](Type type) {
    return static_cast<int64_t>(DataLayout::closest(op).getTypeSize(type).getFixedValue());
  };
  // What an instruction of this size asks for, where the op does not say.
  auto alignmentOf = [](std::optional<uint64_t> stated, int64_t bytes) {
    return stated ? static_cast<int64_t>(*stated) : std::min<int64_t>(gpuVectorBytes, llvm::PowerOf2Ceil(bytes));
  };
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](LLVM::LoadOp load) {
        int64_t bytes = bytesOf(load.getType());
        if (isOfGpu(load.getAddr()))
          add(op, NF_USE_LOAD, load.getAddr(), bytes, alignmentOf(load.getAlignment(), bytes));
      })
      .Case([&](LLVM::StoreOp store) {
        int64_t bytes = bytesOf(store.getValue().getType());
        if (isOfGpu(store.getAddr()))
          add(op, NF_USE_STORE, store.getAddr(), bytes, alignmentOf(store.getAlignment(), bytes));
      })
      .Case([&](NVVM::CpAsyncOp copy) {
        int64_t bytes = copy.getSize();
        add(op, NF_USE_LOAD, copy.getSrc(), bytes, bytes, 0, copy.getCpSize());
        add(op, NF_USE_COPY, copy.getDst(), bytes, bytes);
      })
      .Case([&](NVVM::LdMatrixOp load) {
        auto matrices = static_cast<int32_t>(load.getNum());
        bool isTransposed = load.getLayout() == NVVM::MMALayout::col;
        add(op, NF_USE_MATRIX, load.getPtr(), 16, 16, isTransposed ? -matrices : matrices);
      })
      .Case<NVVM::Barrier0Op, NVVM::SyncWarpOp, NVVM::ShflOp, NVVM::VoteSyncOp, NVVM::MmaOp>(
          [&](Operation *) { add(op, NF_USE_WAIT, Value(), 0, 1); });
}

void AccessChecks::add(Operation *op, nf_emulated_use use, Value address, int64_t bytes, int64_t alignment,
                       int32_t matrices, Value sourceBytes) {
  bool isShared = address && spaceOf(address) == gpuSharedMemory;
  Root root = address ? rootOf(address) : Root();
  sites.push_back({op, use, address, bytes, sourceBytes, alignment, matrices, isShared, root.argument, root.place});
}

AccessChecks::Root AccessChecks::rootOf(Value address) const {
  while (auto step = address.getDefiningOp<LLVM::GEPOp>())
    address = step.getBase();
  if (auto global = address.getDefiningOp<LLVM::AddressOfOp>())
    return {-1, places.lookup(global.getGlobalName())};
  auto argument = dyn_cast<BlockArgument>(address);
  if (argument && argument.getOwner()->isEntryBlock())
    return {static_cast<int32_t>(argument.getArgNumber())};
  return {};
}

/// "file:line:col (part of the model)", as far as it is known.
static std::string sourceOf(Location location) {
  std::string file, part;
  location->walk([&](Location inner) {
    if (auto named = dyn_cast<NameLoc>(inner); named && part.empty())
      part = named.getName().str();
    if (auto place = dyn_cast<FileLineColLoc>(inner); place && file.empty())
      file = (place.getFilename().getValue() + ":" + Twine(place.getLine()) + ":" + Twine(place.getColumn())).str();
    return WalkResult::advance();
  });
  if (file.empty() || part.empty())
    return file + part;
  return file + " (" + part + ")";
}

/// An nf_emulated_site.
Value AccessChecks::siteOf(LlvmBuilder &b, const Site &site, int64_t index) const {
  return b.structure({b.string(sourceOf(site.op->getLoc())), b.constant32(index), b.constant32(site.use),
                      b.constant32(site.isShared), b.constant32(site.argument), b.constant32(site.alignment),
                      b.constant32(site.matrices), b.constant(site.place.first), b.constant(site.place.bytes)});
}

void AccessChecks::emit(LlvmBuilder &b, StringRef kernel) {
  if (sites.empty())
    return;
  std::string table = (kernel + ".sites").str();
  b.global(table, LLVM::Linkage::Internal, [&] {
    SmallVector<Value> entries;
    for (auto [i, site] : llvm::enumerate(sites))
      entries.push_back(siteOf(b, site, i));
    return b.array(entries.front().getType(), entries);
  });
  auto at = b.declare("nf_emulated_at", {b.ptr}), access = b.declare("nf_emulated_access", {b.ptr, b.ptr, b.i32});
  for (auto [i, site] : llvm::enumerate(sites)) {
    b.setLoc(site.op->getLoc());
    b.setInsertionPoint(site.op);
    auto offset = static_cast<int32_t>(i * sizeof(nf_emulated_site));
    Value place = LLVM::GEPOp::create(b, b.ptr, b.i8, b.addressOf(table), ArrayRef<LLVM::GEPArg>{offset});
    if (!site.address) {
      LLVM::CallOp::create(b, at, place);
      continue;
    }
    Value bytes = site.sourceBytes ? site.sourceBytes : b.constant32(site.bytes);
    LLVM::CallOp::create(b, access, ValueRange{place, site.address, bytes});
  }
}
