// Stopping a run from outside: the first SIGINT, SIGTERM or SIGUSR1 asks it to save and exit, a second one ends the
// process at once.
#ifndef NF_RUNTIME_TRAIN_SIGNALS_H
#define NF_RUNTIME_TRAIN_SIGNALS_H

namespace nf::rt {

/// Exit code of a run that was stopped and saved: resume me.
constexpr int resumeMe = 75;

/// Handles the three signals from now on and ignores SIGPIPE (a reader of our output may leave).
void handleStopSignals();
/// The first signal that came ("SIGINT"), or null.
const char *stopSignal();

} // namespace nf::rt

#endif
