#include "runtime/emulation/Block.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <string_view>

using namespace nf::rt;

static constexpr int32_t mostThreads = 1024;
static constexpr size_t stackBytes = 64 << 10;
/// Fills shared memory that no thread has written: NaN as bf16 and as f32.
static constexpr uint32_t poison = 0x7FC17FC1;

static thread_local Block *runningBlock = nullptr;

Block &Block::ofThisThread() {
  static thread_local Block here;
  return here;
}

Block &Block::current() { return *runningBlock; }

void Block::run(const Kernel &which) {
  kernel = which;
  if (kernel.threads < 1 || kernel.threads > mostThreads) {
    threads.assign(1, {});
    fail(0, "a block has 1 to 1024 threads");
  }
  runningBlock = this;
  start();
  for (;;) {
    for (int32_t thread : turns) {
      running = thread;
      if (threads[running].state == State::Ready)
        swapcontext(&scheduler, &threads[running].context);
    }
    bool released = releaseBarrier();
    for (int32_t warp = 0; warp < kernel.threads; warp += warpSize)
      released |= releaseShuffles(warp) || releaseWarpOp(warp);
    if (released)
      continue;
    auto isDone = [](const Thread &thread) { return thread.state == State::Done; };
    if (std::all_of(threads.begin(), threads.begin() + kernel.threads, isDone))
      break;
    failStuck();
  }
  closeCounts();
  runningBlock = nullptr;
}

void Block::start() {
  if (threads.size() < static_cast<size_t>(kernel.threads)) {
    threads.resize(kernel.threads);
    stacks = std::make_unique_for_overwrite<std::byte[]>(stackBytes * kernel.threads);
  }
  sharedMemory.assign((kernel.sharedBytes + sizeof(Quad) - 1) / sizeof(Quad), Quad{{poison, poison, poison, poison}});
  if (kernel.checks)
    kernel.checks->beginBlock(kernel.block, shared(), kernel.sharedBytes);
  orderTurns();
  for (int64_t i = 0; i < kernel.threads; ++i) {
    Thread &thread = threads[i];
    thread.state = State::Ready;
    thread.site = nullptr;
    thread.copies.clear();
    thread.copyGroups.clear();
    getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = stacks.get() + i * stackBytes;
    thread.context.uc_stack.ss_size = stackBytes;
    thread.context.uc_link = &scheduler;
    makecontext(&thread.context, &Block::runThread, 0);
  }
}

void Block::orderTurns() {
  turns.resize(kernel.threads);
  std::iota(turns.begin(), turns.end(), 0);
  if (kernel.order == 0)
    return;
  std::minstd_rand random(static_cast<uint32_t>(kernel.order * 2654435761u + kernel.block));
  std::shuffle(turns.begin(), turns.end(), random);
}

void Block::runThread() {
  Block &block = current();
  block.kernel.run(block.kernel.args);
  block.threads[block.running].state = State::Done;
}

//===------------------------------------------------------------------------------------------===//
// Waiting
//===------------------------------------------------------------------------------------------===//

void Block::wait(State state) {
  Thread &thread = threads[running];
  thread.state = state;
  swapcontext(&thread.context, &scheduler);
}

void Block::waitAtBarrier() { wait(State::AtBarrier); }

void Block::waitAtWarpBarrier(uint32_t mask) { exchange({mask, 0, 0, 0, std::nullopt, /*isBarrier=*/true}); }

int32_t Block::shuffle(uint32_t mask, int32_t value, int32_t offset, int32_t clamp, nf_shuffle kind) {
  return exchange({mask, value, offset, clamp, kind});
}

int32_t Block::ballot(uint32_t mask, bool predicate) { return exchange({mask, predicate, 0, 0, std::nullopt}); }

int32_t Block::exchange(const Shuffle &shuffle) {
  if (!(shuffle.mask >> (running % warpSize) & 1))
    fail(running, "a thread that shuffles is in the shuffle's mask");
  Thread &thread = threads[running];
  thread.shuffle = shuffle;
  wait(State::AtShuffle);
  return thread.received;
}

bool Block::releaseBarrier() {
  for (int64_t i = 0; i < kernel.threads; ++i)
    if (threads[i].state != State::AtBarrier)
      return false;
  for (int64_t i = 0; i < kernel.threads; ++i)
    threads[i].state = State::Ready;
  if (kernel.checks)
    kernel.checks->time().passBarrier();
  closeCounts();
  return true;
}

/// Lets the lanes of a warp go on whose shuffles have all come.
bool Block::releaseShuffles(int32_t warp) {
  int32_t lanes = std::min<int64_t>(warpSize, kernel.threads - warp);
  uint32_t exist = lanes == warpSize ? ~0u : (1u << lanes) - 1;
  bool released = false;
  for (int32_t lane = 0; lane < lanes; ++lane) {
    const Thread &first = threads[warp + lane];
    if (first.state != State::AtShuffle)
      continue;
    uint32_t mask = first.shuffle.mask;
    if (mask & ~exist)
      fail(warp + lane, "a shuffle's mask names lanes that exist");
    bool complete = true;
    for (int32_t other = 0; other < lanes; ++other)
      if (mask >> other & 1) {
        const Thread &thread = threads[warp + other];
        complete &= thread.state == State::AtShuffle && thread.shuffle.mask == mask &&
                    thread.shuffle.kind == first.shuffle.kind && thread.shuffle.isBarrier == first.shuffle.isBarrier;
      }
    if (!complete)
      continue;
    if (first.shuffle.isBarrier && kernel.checks)
      kernel.checks->time().passWarpBarrier(warp / warpSize, mask);
    for (int32_t other = 0; other < lanes; ++other)
      if (mask >> other & 1)
        threads[warp + other].received = first.shuffle.kind ? receive(warp, other) : countBallot(warp, mask);
    for (int32_t other = 0; other < lanes; ++other)
      if (mask >> other & 1)
        threads[warp + other].state = State::Ready;
    released = true;
  }
  return released;
}

void Block::inWarp(const WarpOp &op, void *lane) {
  Thread &thread = threads[running];
  thread.warpOp = &op;
  thread.lane = lane;
  wait(State::AtWarpOp);
}

bool Block::releaseWarpOp(int32_t warp) {
  if (warp + warpSize > kernel.threads)
    return false;
  void *lanes[warpSize];
  const WarpOp *op = threads[warp].warpOp;
  for (int32_t lane = 0; lane < warpSize; ++lane) {
    const Thread &thread = threads[warp + lane];
    if (thread.state != State::AtWarpOp || thread.warpOp != op)
      return false;
    lanes[lane] = thread.lane;
  }
  op->run(lanes);
  for (int32_t lane = 0; lane < warpSize; ++lane)
    threads[warp + lane].state = State::Ready;
  return true;
}

/// What `lane` gets, by the pseudocode of shfl.sync in the PTX ISA.
int32_t Block::receive(int32_t warp, int32_t lane) {
  const Shuffle &own = threads[warp + lane].shuffle;
  int32_t segment = own.clamp >> 8 & 31, clamp = own.clamp & 31, offset = own.offset & 31;
  int32_t last = (lane & segment) | (clamp & ~segment), first = lane & segment, source = lane;
  bool inside = true;
  switch (*own.kind) {
  case NF_SHUFFLE_BFLY:
    source = lane ^ offset;
    inside = source <= last;
    break;
  case NF_SHUFFLE_UP:
    source = lane - offset;
    inside = source >= last;
    break;
  case NF_SHUFFLE_DOWN:
    source = lane + offset;
    inside = source <= last;
    break;
  case NF_SHUFFLE_IDX:
    source = first | (offset & ~segment);
    inside = source <= last;
    break;
  }
  if (!inside)
    source = lane;
  if (!(own.mask >> source & 1))
    fail(warp + lane, "a shuffle reads from a lane of its mask");
  return threads[warp + source].shuffle.value;
}

int32_t Block::countBallot(int32_t warp, uint32_t mask) const {
  uint32_t votes = 0;
  for (int32_t lane = 0; lane < warpSize; ++lane)
    if (mask >> lane & 1)
      votes |= static_cast<uint32_t>(threads[warp + lane].shuffle.value) << lane;
  return static_cast<int32_t>(votes);
}

//===------------------------------------------------------------------------------------------===//
// Checked kernels
//===------------------------------------------------------------------------------------------===//

/// The lanes that get elements of the row of an ldmatrix that `lane` points to, and that lane.
static uint32_t lanesOfRow(int32_t lane, bool isTransposed) {
  int32_t row = lane % 8;
  uint32_t lanes = 1u << lane;
  if (!isTransposed)
    return lanes | 0xFu << 4 * row;
  for (int32_t column = 0; column < 8; ++column)
    lanes |= 1u << (4 * column + row / 2);
  return lanes;
}

void Block::countProduct() {
  if (kernel.counts && running % warpSize == 0)
    kernel.counts->noteProduct();
}

/// The kernel's own name is the first word of its launch's.
void Block::closeCounts() {
  if (!kernel.counts)
    return;
  std::string_view name = kernel.name;
  kernel.counts->close(std::string(name.substr(0, name.find(' '))));
}

void Block::access(const nf_emulated_site *site, const void *address, int32_t bytes) {
  comeTo(site);
  if (!kernel.checks)
    return;
  int32_t lane = running % warpSize;
  uint32_t lanes = 1u << lane;
  if (site->use == NF_USE_MATRIX) {
    if (lane >= 8 * std::abs(site->matrices))
      return; // what these lanes point to is not used
    lanes = lanesOfRow(lane, site->matrices < 0);
  }
  if (kernel.counts)
    kernel.counts->note(site, running, address, bytes);
  if (std::string broken = kernel.checks->access(*site, address, bytes, {running, lanes}); !broken.empty())
    fail(running, broken);
}

//===------------------------------------------------------------------------------------------===//
// Copies to shared memory
//===------------------------------------------------------------------------------------------===//

void Block::checkShared(const void *address, int32_t bytes) const {
  auto at = reinterpret_cast<uintptr_t>(address), first = reinterpret_cast<uintptr_t>(sharedMemory.data());
  if (at < first || at + bytes > first + kernel.sharedBytes)
    fail(running, "an address in shared memory lies in the block's");
  if (at % bytes)
    fail(running, "an address in shared memory is aligned to what is read or written there");
}

/// Until it lands the destination is poison, and the source is read as late as it may be.
void Block::copyAsync(void *to, const void *from, int32_t bytes, int32_t sourceBytes) {
  checkShared(to, bytes);
  if (reinterpret_cast<uintptr_t>(from) % bytes)
    fail(running, "an asynchronous copy reads from an address that is aligned to its size");
  std::fill_n(static_cast<uint32_t *>(to), bytes / sizeof(poison), poison);
  threads[running].copies.push_back({to, from, bytes, sourceBytes});
}

void Block::commitCopies() {
  Thread &thread = threads[running];
  thread.copyGroups.push_back(std::move(thread.copies));
  thread.copies.clear();
}

void Block::waitForCopies(int32_t groups) {
  auto &pending = threads[running].copyGroups;
  for (; pending.size() > static_cast<size_t>(groups); pending.pop_front())
    for (const Copy &copy : pending.front()) {
      std::memset(copy.to, 0, copy.bytes);
      std::memcpy(copy.to, copy.from, copy.sourceBytes);
      if (kernel.checks)
        kernel.checks->land(copy.to, copy.bytes, running);
    }
}

//===------------------------------------------------------------------------------------------===//
// Broken rules
//===------------------------------------------------------------------------------------------===//

void Block::fail(int32_t thread, const std::string &rule) const {
  const nf_emulated_site *site = threads[thread].site;
  std::string place = site && *site->source ? std::string("; at ") + site->source : "";
  std::fprintf(stderr, "%s: block %lld, thread %d: error: expected that %s%s\n", kernel.name,
               static_cast<long long>(kernel.block), thread, rule.c_str(), place.c_str());
  std::fflush(stderr);
  std::_Exit(1);
}

/// Nobody can go on: names a thread that waits, and what for.
void Block::failStuck() const {
  for (int32_t i = 0; i < static_cast<int32_t>(kernel.threads); ++i) {
    if (threads[i].state == State::AtBarrier)
      fail(i, "every thread of the block comes to the barrier where this one waits");
    if (threads[i].state == State::AtShuffle)
      fail(i, "every lane of its mask comes to the shuffle where this one waits");
    if (threads[i].state == State::AtWarpOp)
      fail(i, std::string("every lane of the warp comes to the ") + threads[i].warpOp->name + " where this one waits");
  }
  std::abort();
}

//===------------------------------------------------------------------------------------------===//
// What kernels call
//===------------------------------------------------------------------------------------------===//

void nf_emulate_block(nf_emulated_kernel kernel, void *const *args, const char *name, int64_t threads,
                      int64_t sharedBytes, int64_t block) {
  Block::ofThisThread().run({kernel, args, name, threads, sharedBytes, block});
}

int32_t nf_emulated_thread(void) { return Block::current().thread(); }
int32_t nf_emulated_block(void) { return Block::current().block(); }
void *nf_emulated_shared(void) { return Block::current().shared(); }
void nf_emulated_barrier(void) { Block::current().waitAtBarrier(); }
void nf_emulated_warp_barrier(int32_t mask) { Block::current().waitAtWarpBarrier(static_cast<uint32_t>(mask)); }

int32_t nf_emulated_shuffle(int32_t mask, int32_t value, int32_t offset, int32_t clamp, int32_t kind) {
  return Block::current().shuffle(static_cast<uint32_t>(mask), value, offset, clamp, static_cast<nf_shuffle>(kind));
}

void nf_emulated_copy_async(void *to, const void *from, int32_t bytes, int32_t sourceBytes) {
  Block::current().copyAsync(to, from, bytes, sourceBytes);
}
void nf_emulated_commit_copies(void) { Block::current().commitCopies(); }
void nf_emulated_wait_copies(int32_t groups) { Block::current().waitForCopies(groups); }
int32_t nf_emulated_ballot(int32_t mask, int32_t predicate) {
  return Block::current().ballot(static_cast<uint32_t>(mask), predicate != 0);
}

void nf_emulated_at(const nf_emulated_site *site) { Block::current().comeTo(site); }
void nf_emulated_access(const nf_emulated_site *site, const void *address, int32_t bytes) {
  Block::current().access(site, address, bytes);
}
