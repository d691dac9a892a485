#include "runtime/train/Signals.h"

#include <atomic>
#include <csignal>
#include <unistd.h>

namespace nf::rt {
namespace {

std::atomic<int> received{0};
static_assert(std::atomic<int>::is_always_lock_free, "used in a signal handler");

void onSignal(int signal) {
  int none = 0;
  if (!received.compare_exchange_strong(none, signal))
    _exit(128 + signal);
}

} // namespace

void handleStopSignals() {
  received = 0;
  struct sigaction action{};
  action.sa_handler = onSignal;
  // A write that a signal interrupts goes on: the first signal must not make it fail.
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (int signal : {SIGINT, SIGTERM, SIGUSR1})
    sigaction(signal, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

const char *stopSignal() {
  switch (received.load()) {
  case SIGINT:
    return "SIGINT";
  case SIGTERM:
    return "SIGTERM";
  case SIGUSR1:
    return "SIGUSR1";
  default:
    return nullptr;
  }
}

} // namespace nf::rt
