//===- FreezeParameters.cpp - which parameters are trained, by the user's word ----------------===//
//
// 1. Every pattern is read as a glob and must match the name of at least one parameter, its own or the file's.
// 2. With `train-only`, parameters that no pattern matches are frozen and those that one matches are trained.
// 3. What a pattern of `freeze` matches is frozen.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/FileRule.h"
#include "passes/raise/Passes.h"

#include "llvm/Support/GlobPattern.h"

namespace nf {
#define GEN_PASS_DEF_FREEZEPARAMETERS
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

namespace {
struct FreezeParameters : nf::impl::FreezeParametersBase<FreezeParameters> {
  using FreezeParametersBase::FreezeParametersBase;

  void runOnOperation() override {
    SmallVector<ParameterOp> parameters(getOperation().getOps<ParameterOp>());
    auto frozen = matching(parameters, "freeze", freeze), trained = matching(parameters, "train-only", trainOnly);
    if (failed(frozen) || failed(trained))
      return signalPassFailure();
    for (ParameterOp parameter : parameters) {
      if (!trainOnly.empty())
        parameter.setTrainable(trained->contains(parameter));
      if (frozen->contains(parameter))
        parameter.setTrainable(false);
    }
  }

  FailureOr<llvm::DenseSet<Operation *>> matching(ArrayRef<ParameterOp> parameters, StringRef option,
                                                  ArrayRef<std::string> patterns) {
    llvm::DenseSet<Operation *> matched;
    bool isSound = true;
    auto refuse = [&](StringRef pattern) {
      isSound = false;
      return std::move(getOperation().emitError() << "--" << option << "=" << pattern << ": expected a pattern ");
    };
    for (const std::string &pattern : patterns) {
      auto glob = llvm::GlobPattern::create(pattern);
      if (!glob) {
        refuse(pattern) << "such as layers.*.weight, but got an " << llvm::toString(glob.takeError());
        continue;
      }
      bool isUsed = false;
      for (ParameterOp parameter : parameters)
        if (glob->match(parameter.getSymName()) || glob->match(nameInFile(parameter))) {
          matched.insert(parameter);
          isUsed = true;
        }
      if (!isUsed)
        refuse(pattern) << "that matches the name of a parameter, but it matches none; --explain lists them";
    }
    if (!isSound)
      return failure();
    return matched;
  }
};
} // namespace
