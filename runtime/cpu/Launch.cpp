#include "runtime/core/Context.h"
#include "runtime/core/LaunchList.h"

extern "C" void nf_launch(nf_context *context, nf_kernel kernel, void *const *args, int64_t tasks, const char *name) {
  static_cast<nf::rt::Context *>(context)->launch(kernel, args, tasks, name);
}

extern "C" void nf_run(nf_context *context, const nf_launches *launches, void **args) {
  const void *const bases[NF_SEGMENTS] = {context->persistent, context->transient, launches->constants};
  const int64_t *next = launches->numbers;
  for (int64_t i = 0; i < launches->count; ++i) {
    nf::rt::ListedLaunch listed(next);
    next = listed.next();
    listed.address(bases, args);
    nf_launch(context, launches->kernels[listed.work], args, listed.tasks, launches->names + listed.nameAt);
  }
}
