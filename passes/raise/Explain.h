//===- Explain.h - a module's layers and parameters as text ---------------------------------------===//
#ifndef NF_PASSES_RAISE_EXPLAIN_H
#define NF_PASSES_RAISE_EXPLAIN_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"

#include <string>
#include <vector>

namespace nf {

/// Gathers the remarks of passes while it lives, equal ones once: what each did, where. Other diagnostics go on to the
/// next handler.
class RemarkCollector {
public:
  explicit RemarkCollector(mlir::MLIRContext &context);

  struct Remark {
    std::string part; ///< "layers.0.attn.ln"; "" for one without a place in the model
    std::string text;
    bool operator==(const Remark &) const = default;
  };
  const std::vector<Remark> &remarks() const { return collected; }

private:
  std::vector<Remark> collected;
  mlir::ScopedDiagnosticHandler handler;
};

/// What a raised module is, as tables: for each layer its placement and which of NormFormer's operations it has, where,
/// with the remarks about its parts below; of an imported graph what its inputs and outputs became; then every
/// parameter with its shape, role, whether it is trained, and what it is tied to. Ends with a line break.
std::string explain(mlir::ModuleOp module, const std::vector<RemarkCollector::Remark> &remarks = {});

} // namespace nf

#endif // NF_PASSES_RAISE_EXPLAIN_H
