#include "runtime/core/Context.h"

extern "C" void nf_launch(nf_context *context, nf_kernel kernel, void *const *args, int64_t tasks, const char *name) {
  static_cast<nf::rt::Context *>(context)->launch(kernel, args, tasks, name);
}

extern "C" void nf_run(nf_context *context, const nf_launches *launches, void **args) {
  const void *const bases[NF_SEGMENTS] = {context->persistent, context->transient, launches->constants};
  const int64_t *next = launches->numbers;
  for (int64_t i = 0; i < launches->count; ++i) {
    nf_kernel kernel = launches->kernels[next[0]];
    int64_t tasks = next[1], buffers = next[3];
    const char *name = launches->names + next[2];
    next += 4;
    for (int64_t j = 0; j < buffers; ++j)
      args[j] = static_cast<uint8_t *>(const_cast<void *>(bases[next[j] % NF_SEGMENTS])) + next[j] / NF_SEGMENTS;
    next += buffers;
    nf_launch(context, kernel, args, tasks, name);
  }
}
