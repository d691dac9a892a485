#include "runtime/train/data/Bpe.h"

#include <algorithm>
#include <tuple>

namespace nf::rt {

bool BpeMerges::Candidate::operator<(const Candidate &other) const {
  return std::tie(rank, position) > std::tie(other.rank, other.position);
}

/// Queues the merge of the symbol at `left` with the one after it, if there is one.
void BpeMerges::consider(int32_t left) {
  int32_t right = left < 0 ? -1 : symbols[left].next;
  if (right < 0)
    return;
  auto merge = ranks.find({symbols[left].id, symbols[right].id});
  if (merge == ranks.end())
    return;
  heap.push_back({merge->second.rank, left, symbols[left].id, symbols[right].id, merge->second.id});
  std::push_heap(heap.begin(), heap.end());
}

void BpeMerges::encode(std::string_view preToken, std::vector<int32_t> &ids) {
  int32_t length = int32_t(preToken.size());
  symbols.clear();
  heap.clear();
  for (int32_t i = 0; i < length; ++i)
    symbols.push_back({byteIds[uint8_t(preToken[i])], i - 1, i + 1 < length ? i + 1 : -1});
  for (int32_t i = 0; i + 1 < length; ++i)
    consider(i);

  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    Candidate merge = heap.back();
    heap.pop_back();
    Symbol &left = symbols[merge.position];
    if (left.id != merge.left || left.next < 0 || symbols[left.next].id != merge.right)
      continue; // one side was merged elsewhere since
    Symbol &right = symbols[left.next];
    left.id = merge.id;
    left.next = right.next;
    right.id = -1;
    if (left.next >= 0)
      symbols[left.next].previous = merge.position;
    consider(left.previous);
    consider(merge.position);
  }
  for (int32_t i = 0; i >= 0 && i < length; i = symbols[i].next)
    ids.push_back(symbols[i].id);
}

} // namespace nf::rt
