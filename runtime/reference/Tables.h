// The parts of the table of kernels, one a file.
#ifndef NF_RUNTIME_REFERENCE_TABLES_H
#define NF_RUNTIME_REFERENCE_TABLES_H

#include "runtime/reference/Reference.h"

namespace nf::rt::reference {

template <typename T> void addElementwise(KernelTable<T> &table);
template <typename T> void addReductions(KernelTable<T> &table);
template <typename T> void addMovement(KernelTable<T> &table);
template <typename T> void addProducts(KernelTable<T> &table);
template <typename T> void addLayers(KernelTable<T> &table);
template <typename T> void addActivations(KernelTable<T> &table);
template <typename T> void addRandom(KernelTable<T> &table);
template <typename T> void addAttention(KernelTable<T> &table);
template <typename T> void addLoss(KernelTable<T> &table);
template <typename T> void addOptimizer(KernelTable<T> &table);

} // namespace nf::rt::reference

/// Instantiates a part of the table for both types.
#define NF_REFERENCE_TABLE(ADD)                                                                                        \
  template void nf::rt::reference::ADD<float>(KernelTable<float> &);                                                   \
  template void nf::rt::reference::ADD<double>(KernelTable<double> &);

#endif // NF_RUNTIME_REFERENCE_TABLES_H
