"""The random numbers of dropout, as runtime/abi/nf_abi.h states them: Philox4x32-10 by position, so that PyTorch can drop
what a compiled program drops, however often the program draws a mask."""
import numpy as np
import torch

LOW = np.uint64(0xFFFFFFFF)


def philox(key, counter):
    """The four words u64[4, ...] of counters u64[4, ...]; key < 2^64."""
    key = [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        a, b = counter[0] * np.uint64(0xD2511F53), counter[2] * np.uint64(0xCD9E8D57)
        counter = np.stack([(b >> np.uint64(32)) ^ counter[1] ^ np.uint64(key[0]), b & LOW,
                            (a >> np.uint64(32)) ^ counter[3] ^ np.uint64(key[1]), a & LOW])
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counter


class Draws:
    """What dropout draws in a step (the first is 1) of a run."""

    def __init__(self, seed, step):
        self.seed, self.step = seed, step

    def keep(self, site, rows, columns, p):
        """bool[rows, columns]: what stays at a site, with probability 1 - p."""
        quads = (columns + 3) // 4
        counter = np.zeros((4, rows, quads), np.uint64)
        counter[0], counter[1] = np.arange(quads), np.arange(rows)[:, None]
        counter[2], counter[3] = site, self.step
        words = np.moveaxis(philox(self.seed, counter), 0, -1).reshape(rows, 4 * quads)[:, :columns]
        return torch.from_numpy((words >> np.uint64(1)) >= np.uint64(int(p * 2 ** 31)))
