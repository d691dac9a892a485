#include "runtime/core/Context.h"
#include "runtime/cpu/Pool.h"

extern "C" void nf_launch(nf_context *context, nf_kernel kernel, void *const *args, int64_t tasks, const char *) {
  static_cast<nf::rt::Context *>(context)->pool().run(kernel, args, tasks);
}
