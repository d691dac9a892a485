//===- Passes.cpp - registration of all passes -----------------------------------------------===//
#include "passes/Passes.h"
#include "passes/Pipelines.h"

void nf::registerPasses() {
  registerAutodiffPasses();
  registerCpuPasses();
  registerFoldPasses();
  registerFusePasses();
  registerGpuPasses();
  registerPlanPasses();
  registerRaisePasses();
  registerLowerPasses();
  registerStagePasses();
  registerStagePipelines();
}
