//===- Passes.cpp - registration of all passes
//--------------------------------------------------------------------------===//
#include "passes/Passes.h"

void nf::registerPasses() {
  registerAutodiffPasses();
  registerCpuPasses();
  registerFusePasses();
  registerPlanPasses();
}
