//===- StorageMap.h - which memory each value of a program lives in --------------------------===//
#ifndef NF_PASSES_PLAN_STORAGEMAP_H
#define NF_PASSES_PLAN_STORAGEMAP_H

#include "dialect/NF.h"
#include "passes/plan/Arena.h"

namespace nf {

/// Bytes of a tensor in memory; conditions have none.
int64_t tensorBytes(mlir::Type type);

/// Where a value begins: a buffer of the arena, or a state of the persistent segment.
struct Place {
  int64_t buffer = -1;    // index into StorageMap::buffers, -1 for a state
  mlir::StringAttr state; // the parameter or state
  int64_t offset = 0;     // bytes from there
  int64_t rowStride = 0;  // elements from row to row where the value is columns of a wider one; 0 where it is whole
};

/// A value's place in an nf.concat: bytes from its start, and rowStride as in Place.
struct PartOfConcat {
  ConcatOp concat;
  int64_t offset = 0, rowStride = 0;
};

/// How the value of an nf.accumulate gets into its state.
enum class AccumulateForm {
  InKernel, // the kernel that makes the value adds to the state
  Separate  // the value is stored, and added by an op of its own
};

/// The states that a concat of whole rows reads, if they can lie one after another without padding; else nothing.
llvm::SmallVector<mlir::StringAttr> statesInARow(ConcatOp concat, int64_t alignment);

/// The nf.accumulate that is the only reader of `value`, through reshapes; null without.
AccumulateOp soleAccumulate(mlir::Value value);

/// Decides for every value of one program where it lives. Views (reshape, slices and parts of a concat that are rows,
/// or columns where a kernel takes them) share; a result overwrites an operand that dies where the op allows it; new
/// states are written in place where the old value is dead.
class StorageMap {
public:
  /// `liesInPlace` says of a concat whether the states that it reads already lie so in the persistent segment.
  StorageMap(ProgramOp program, llvm::function_ref<bool(ConcatOp)> liesInPlace);

  const Place &placeOf(mlir::Value value) const { return places.find(value)->second; }
  AccumulateForm formOf(AccumulateOp op) const {
    return separate.contains(op) ? AccumulateForm::Separate : AccumulateForm::InKernel;
  }

  /// Whether nf.set, nf.slice or a part of nf.concat needs a copy.
  bool needsCopy(mlir::Operation *op) const { return copied.contains(op); }
  bool needsCopy(mlir::OpOperand &part) const { return copiedParts.contains(&part); }

  /// The buffers with their lifetimes, to be packed.
  std::vector<Lifetime> buffers;
  /// Live bytes at the worst point if no value shared memory with another: what sharing and packing are held to.
  int64_t bound = 0;

private:
  void number(mlir::Block &block);
  void planDestinations(mlir::Block &block);
  void planAccumulates(mlir::Block &block);
  void planParts(ConcatOp concat);
  bool isWritten(mlir::StringAttr state) const;
  bool canWriteState(SetOp set);
  bool accumulatesInKernel(KernelOpInterface kernel);
  bool isUntouchedBetween(mlir::Operation *from, mlir::Operation *to, mlir::StringAttr state) const;
  void place(mlir::Block &block);
  void placeResults(mlir::Operation *op);
  void placeConcat(ConcatOp concat);
  std::optional<Place> reusedOperand(KernelOpInterface kernel, unsigned result, llvm::SmallDenseSet<int64_t> &taken);
  Place newBuffer(mlir::Value value);
  void extend(mlir::Value value, int64_t point);
  int64_t lastUse(mlir::Value value) const;

  llvm::DenseMap<mlir::Operation *, int64_t> points;
  llvm::DenseMap<mlir::StringAttr, llvm::SmallVector<mlir::Operation *>> accesses; // of each state, in order
  llvm::DenseMap<mlir::Value, Place> places;
  llvm::DenseMap<mlir::Value, mlir::StringAttr> destinations; // values that are written straight into a state
  llvm::DenseMap<mlir::Value, PartOfConcat> parts;            // values written straight into a concat
  llvm::DenseMap<mlir::Operation *, Place> concatPlaces;
  llvm::DenseSet<mlir::Operation *> inPlace; // concats of states that lie so
  llvm::DenseSet<mlir::Operation *> separate, copied;
  llvm::DenseSet<mlir::OpOperand *> copiedParts;
  int64_t end = 0;
};

/// Whether the op only names elements of its operand in another shape: reshape, a slice of whole leading rows, or a
/// slice of columns that kernels alone read.
bool isView(mlir::Operation *op);

} // namespace nf

#endif // NF_PASSES_PLAN_STORAGEMAP_H
