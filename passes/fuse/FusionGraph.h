//===- FusionGraph.h - groups of row-wise ops and what orders them ---------------------------===//
//
// The ops of a program as a graph whose nodes can be merged into groups. Reshapes are no nodes: an edge goes through
// them. Edges also keep the order of accesses to a state.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_FUSE_FUSIONGRAPH_H
#define NF_PASSES_FUSE_FUSIONGRAPH_H

#include "passes/fuse/RowSpace.h"

namespace nf {

class FusionGraph {
public:
  using Group = unsigned;

  explicit FusionGraph(ProgramOp program);

  /// Whether the op takes part in fusion; otherwise it is a group of its own that never merges.
  bool isFusible(mlir::Operation *op) const { return spaces.count(op); }

  /// The group of an op; only for nodes (not reshapes, not cloned generators, not the terminator).
  Group groupOf(mlir::Operation *op) const { return groups.lookup(op); }
  bool isNode(mlir::Operation *op) const { return groups.count(op); }

  llvm::ArrayRef<mlir::Operation *> ops(Group group) const { return members[group]; }
  int64_t rows(Group group) const { return extents[group].first; }
  int64_t cols(Group group) const { return extents[group].second; }
  const RowSpace &space(mlir::Operation *op) const { return spaces.find(op)->second; }

  /// Merges `consumer` and `producer` if values between them can stay in a row and no cycle arises; says whether it
  /// did.
  bool tryMerge(Group producer, Group consumer);

  /// Merges two groups of one space that read the same tensor, where nothing orders them.
  bool tryMergeSiblings(Group a, Group b);

  /// What a value is of the rows of `group`, produced or read by one of its ops; nothing where it does not fit.
  std::optional<RowKind> kindOfResult(Group group, mlir::Operation *op) const;
  std::optional<RowKind> kindOfOperand(Group group, mlir::Operation *op, unsigned index) const;

  /// Whether `operand` of `op` can be built anew inside a group: a splat, an index, random bits.
  bool isClonedGenerator(mlir::OpOperand &operand) const;

  /// All groups (and single ops) in an order that respects every edge, each as late as its last op stood.
  llvm::SmallVector<Group> schedule() const;

private:
  void addNodes(mlir::Block &block);
  void addEdges(mlir::Block &block);
  void holdBack(mlir::Block &block);
  void addEdge(mlir::Operation *from, mlir::Operation *to);
  std::optional<std::pair<int64_t, int64_t>> mergedExtents(Group producer, Group consumer) const;
  bool edgesFit(Group producer, Group consumer, std::pair<int64_t, int64_t> extents) const;
  unsigned horizon(unsigned last) const;
  bool hasIndirectPath(Group from, Group to, bool ignoreDirect) const;
  bool escapes(Group producer, Group consumer) const;
  void merge(Group from, Group into, std::pair<int64_t, int64_t> extents);

  llvm::DenseMap<mlir::Operation *, RowSpace> spaces;
  llvm::DenseMap<mlir::Operation *, Group> groups;
  llvm::DenseMap<mlir::Operation *, unsigned> position;
  std::vector<unsigned> spans; ///< at each position, the last one of the groups that lie across it
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Operation *>> successors;
  std::vector<llvm::SmallVector<mlir::Operation *>> members;
  std::vector<std::pair<int64_t, int64_t>> extents;
};

} // namespace nf

#endif // NF_PASSES_FUSE_FUSIONGRAPH_H
