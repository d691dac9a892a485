"""Small language models around one fused operator each, as ONNX graphs: ids pick every operand of the operator from tables,
and its results are projected to logits. What an operator must give is ONNX Runtime's (fp32) or, where that has no kernel
for it, that of the same model spelled in other operators, or ONNX's reference implementation."""
from dataclasses import dataclass, field
from typing import Callable

import numpy as np
from onnx import TensorProto, helper, numpy_helper

V, B, T, D, HEADS = 23, 2, 6, 64, 4
MS = "com.microsoft"


class Graph:
    """A model under construction; equal calls give equal weights."""

    def __init__(self, opset=17):
        self.opset, self.nodes, self.initializers, self.count = opset, [], [], 0
        self.random = np.random.default_rng(1)

    def name(self, prefix):
        self.count += 1
        return f"{prefix}_{self.count}"

    def constant(self, array):
        name = self.name("constant")
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def weight(self, *shape, scale=1.0, shift=0.0):
        return self.constant((shift + scale * self.random.standard_normal(shape)).astype(np.float32))

    def op(self, kind, inputs, outputs=1, domain="", **attributes):
        names = [self.name(kind) for _ in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, name=names[0], domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def tokens(self, width=D):
        """[B, T, width], its own vector for every id."""
        return self.op("Gather", [self.weight(V, width), "input_ids"])

    def reshape(self, x, *shape):
        return self.op("Reshape", [x, self.constant(np.array(shape, np.int64))])

    def split(self, x, heads):
        """[B, heads, T, width]"""
        return self.op("Transpose", [self.reshape(x, B, T, heads, -1)], perm=[0, 2, 1, 3])

    def join(self, x):
        return self.reshape(self.op("Transpose", [x], perm=[0, 2, 1, 3]), B, T, -1)

    def part(self, x, begin, end, axis=-1):
        ends = [self.constant(np.array([n], np.int64)) for n in (begin, end, axis)]
        return self.op("Slice", [x, *ends])

    def rows(self, results):
        """All results as columns of one tensor [B, T, columns], without their names' other axes."""
        results = [self.reshape(x, B, T, -1) for x in results]
        return self.op("Concat", results, axis=-1) if len(results) > 1 else results[0]

    def logits(self, rows, columns):
        return self.op("MatMul", [rows, self.weight(columns, V, scale=columns ** -0.5)])

    def model(self, logits):
        self.nodes.append(helper.make_node("Identity", [logits], ["logits"], name="logits"))
        ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, [B, T])
        out = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [B, T, V])
        graph = helper.make_graph(self.nodes, "model", [ids], [out], self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset), helper.make_opsetid(MS, 1)],
                                 ir_version=10)


@dataclass
class Case:
    name: str
    build: Callable  # Graph -> the operator's results that rows() takes, and their columns together
    spelled: Callable | None = None  # the same in operators that ONNX Runtime has
    opset: int = 17
    reference: bool = False  # of the onnx package, where ONNX Runtime has no kernel
    attention: int = 0  # nf.attention ops that the graph is raised to
    everything: bool = True  # is in the model of all operators

    def logits(self, graph, spelled=False):
        results, columns = (self.spelled if spelled else self.build)(graph)
        return graph.logits(graph.rows(results), columns)

    def model(self, spelled=False):
        graph = Graph(self.opset)
        return graph.model(self.logits(graph, spelled))


CASES = []


def add(name, build, **keys):
    CASES.append(Case(name, build, **keys))


#===-- normalizations and activations ------------------------------------------------------------------------------===#


def norm(kind, domain="", **attributes):
    def build(g):
        return [g.op(kind, [g.tokens(), g.weight(D, scale=0.3, shift=1)], domain=domain, **attributes)], D
    return build


def inverse_root(g):
    """SimplifiedLayerNormalization with its second output."""
    y, inverse = g.op("SimplifiedLayerNormalization", [g.tokens(), g.weight(D)], outputs=2, epsilon=1e-3)
    return [y, inverse], D + 1


def spelled_inverse_root(g):
    x, scale = g.tokens(), g.weight(D)
    square = g.op("ReduceMean", [g.op("Mul", [x, x])], axes=[-1])
    inverse = g.op("Reciprocal", [g.op("Sqrt", [g.op("Add", [square, g.constant(np.float32(1e-3))])])])
    return [g.op("Mul", [g.op("Mul", [x, inverse]), scale]), inverse], D + 1


def norm_over_two_axes(g):
    x = g.reshape(g.tokens(), B, T, 4, D // 4)
    return [g.op("RMSNormalization", [x, g.weight(4, D // 4)], axis=-2)], D


add("SimplifiedLayerNormalization", norm("SimplifiedLayerNormalization", epsilon=1e-3))
add("SimplifiedLayerNormalization, inverse read", inverse_root, spelled=spelled_inverse_root)
add("RMSNormalization", norm("RMSNormalization", epsilon=1e-3), opset=23)
add("RMSNormalization over two axes", norm_over_two_axes, opset=23)


def skip_norm(beta=False, bias=False, total=False, broadcast=False, simple=False):
    def build(g):
        skip = g.weight(1, T, D) if broadcast else g.tokens()
        inputs = [g.tokens(), skip, g.weight(D, scale=0.3, shift=1)]
        if not simple:
            inputs.append(g.weight(D) if beta else "")
        inputs.append(g.weight(D) if bias else "")
        kind = "SkipSimplifiedLayerNormalization" if simple else "SkipLayerNormalization"
        y = g.op(kind, inputs, outputs=4 if total else 1, domain=MS, epsilon=1e-4)
        return ([y[0], y[3]], 2 * D) if total else ([y], D)
    return build


def skip_statistics(g):
    y = g.op("SkipLayerNormalization", [g.tokens(), g.tokens(), g.weight(D)], outputs=4, domain=MS, epsilon=1e-4)
    return y, 2 * D + 2


def spelled_skip_statistics(g):
    x = g.op("Add", [g.tokens(), g.tokens()])
    return [*g.op("LayerNormalization", [x, g.weight(D)], outputs=3, epsilon=1e-4), x], 2 * D + 2


for simple in (False, True):
    kind = "SkipSimplifiedLayerNormalization" if simple else "SkipLayerNormalization"
    add(kind, skip_norm(simple=simple))
    add(kind + ", bias and sum", skip_norm(beta=True, bias=True, total=True, simple=simple))
add("SkipLayerNormalization, beta, residual of one sample", skip_norm(beta=True, broadcast=True))
add("SkipLayerNormalization, statistics", skip_statistics, spelled=spelled_skip_statistics)


def embeddings(segments=False, positions=False):
    def build(g):
        number = lambda array: g.constant(np.asarray(array, np.int32))
        ids = g.op("Cast", ["input_ids"], to=TensorProto.INT32)
        inputs = [ids, number(np.zeros((B, T))) if segments else "", g.weight(V, D), g.weight(T + 3, D),
                  g.weight(2, D) if segments else "", g.weight(D, scale=0.3, shift=1), g.weight(D),
                  number(np.ones((B, T))) if positions else "",
                  number(np.tile(np.arange(T) + 2, (B, 1))) if positions else ""]
        y, _, total = g.op("EmbedLayerNormalization", inputs, outputs=3, domain=MS, epsilon=1e-5)
        return [y, total], 2 * D
    return build


add("EmbedLayerNormalization", embeddings())
add("EmbedLayerNormalization, segments, positions", embeddings(True, True))


def activation(kind, bias=False, **attributes):
    def build(g):
        return [g.op(kind, [g.tokens(), *([g.weight(D)] if bias else [])], domain=MS, **attributes)], D
    return build


add("Gelu", activation("Gelu"))
add("BiasGelu", activation("BiasGelu", bias=True))
add("FastGelu", activation("FastGelu"))
add("FastGelu, bias", activation("FastGelu", bias=True))
add("QuickGelu", activation("QuickGelu"))
add("QuickGelu, alpha", activation("QuickGelu", alpha=1.0))


def product(a, b, **attributes):
    """FusedMatMul of operands of these shapes."""
    def build(g):
        x = g.op("Mul", [g.reshape(g.tokens(), *a), g.constant(np.float32(0.5))])
        y = g.op("FusedMatMul", [x, g.weight(*b)], domain=MS, **attributes)
        return [y], 24
    return build


add("FusedMatMul", product((B, T, D), (D, 24), alpha=0.3))
add("FusedMatMul, second transposed", product((B, T, D), (24, D), transB=1))
add("FusedMatMul, first transposed", product((B, D, T), (D, 24), transA=1, alpha=2.0))
add("FusedMatMul, batches transposed", product((D, B * T // 4, 4), (B * T // 4, D, 24), transBatchA=1, transA=1))
for kind in ("Relu", "Tanh"):
    add("FusedGemm, " + kind, lambda g, kind=kind: ([g.op("FusedGemm", [
        g.reshape(g.tokens(), B * T, D), g.weight(24, D), g.weight(24)], domain=MS, transB=1, activation=kind)], 24))

#===-- rotary positions --------------------------------------------------------------------------------------------===#


def angles(half, positions=T + 4):
    """Tables of cosines and sines."""
    phase = np.arange(positions)[:, None] * 100.0 ** (-np.arange(half) / half)
    return np.cos(phase).astype(np.float32), np.sin(phase).astype(np.float32)


POSITIONS = np.stack([np.arange(T), np.arange(T)[::-1] + 2]).astype(np.int64)


def rotary(split=False, interleaved=0, rotated=0, positions=POSITIONS, microsoft=True, computed=False):
    """`rotated`: columns of each head, where not all; `positions` None: tables by token; `computed`: positions are values
    of the program."""
    def build(g):
        width = D // HEADS
        x = g.split(g.tokens(), HEADS) if split else g.tokens()
        tables = angles((rotated or width) // 2)
        if positions is None:
            tables = [table[POSITIONS] for table in tables]
        cos, sin = (g.constant(table) for table in tables)
        at = "input_ids" if computed else g.constant(positions) if positions is not None else ""
        if computed:
            at = g.op("Min", [at, g.constant(np.array(T, np.int64))])
        keys = dict(interleaved=interleaved, rotary_embedding_dim=rotated)
        if not split and (not microsoft or rotated):
            keys["num_heads"] = HEADS
        inputs = [x, at, cos, sin] if microsoft else [x, cos, sin, *([at] if at else [])]
        y = g.op("RotaryEmbedding", inputs, domain=MS if microsoft else "", **keys)
        return [g.join(y) if split else y], D
    return build


for microsoft, opset in ((True, 17), (False, 23)):
    keys, where = dict(microsoft=microsoft), MS if microsoft else "ONNX"
    add(f"RotaryEmbedding, {where}", rotary(**keys), opset=opset)
    add(f"RotaryEmbedding, {where}, by heads, interleaved", rotary(split=True, interleaved=1, **keys), opset=opset)
    add(f"RotaryEmbedding, {where}, half of the columns", rotary(rotated=2, interleaved=1, split=not microsoft, **keys),
        opset=opset)
    add(f"RotaryEmbedding, {where}, computed positions", rotary(computed=True, **keys), opset=opset)
add("RotaryEmbedding, com.microsoft, first position", rotary(positions=np.array([3], np.int64)))
add("RotaryEmbedding, ONNX, tables by token", rotary(positions=None, microsoft=False), opset=23)
add("RotaryEmbedding, ONNX, by heads, tables by token", rotary(positions=None, split=True, microsoft=False), opset=23)

#===-- com.microsoft's attention -----------------------------------------------------------------------------------===#

CAUSAL = np.where(np.tri(T, dtype=bool), 0, -1e5).astype(np.float32)
LENGTHS = np.array([T, T - 2], np.int32)
SEEN = (np.arange(T) < LENGTHS[:, None]).astype(np.int32)


def multi_head(values=D, bias=False, padding=None, added=None, by_heads=False, present=False, **attributes):
    def build(g):
        q, k, v = g.tokens(), g.tokens(), g.tokens(values)
        inputs = [q, k, v]
        if by_heads:
            inputs = [q, g.split(k, HEADS), g.split(v, HEADS)]
        inputs.append(g.weight(2 * D + values) if bias else "")
        inputs.append(g.constant(padding) if padding is not None else "")
        inputs.append(g.constant(added) if added is not None else "")
        y = g.op("MultiHeadAttention", inputs, outputs=3 if present else 1, domain=MS, num_heads=HEADS, **attributes)
        if present:
            return [y[0], g.join(y[1]), g.join(y[2])], 2 * values + D
        return [y], values
    return build


def packed_operands(keys_only):
    """Queries, keys and values in one or two tensors of rank 5, which ONNX Runtime's kernel for CPUs does not read."""
    def build(g):
        parts = [g.reshape(g.tokens(), B, T, HEADS, 1, D // HEADS) for _ in range(3)]
        query = g.reshape(parts[0], B, T, D)
        inputs = [query, g.op("Concat", parts[1:], axis=3)] if keys_only else [g.op("Concat", parts, axis=3)]
        return [g.op("MultiHeadAttention", inputs, domain=MS, num_heads=HEADS, unidirectional=1)], D
    return build


def spelled_packed_operands(g):
    operands = [g.tokens() for _ in range(3)]
    return [g.op("MultiHeadAttention", operands, domain=MS, num_heads=HEADS, unidirectional=1)], D


add("MultiHeadAttention", multi_head(), attention=1)
add("MultiHeadAttention, biases, scale, causal", multi_head(bias=True, scale=0.3, unidirectional=1), attention=1)
add("MultiHeadAttention, wide values, present", multi_head(values=2 * D, bias=True, present=True))
add("MultiHeadAttention, keys by heads", multi_head(by_heads=True), attention=1)
add("MultiHeadAttention, lengths", multi_head(padding=LENGTHS), attention=1)
add("MultiHeadAttention, keys seen", multi_head(padding=SEEN, unidirectional=1), attention=1)
add("MultiHeadAttention, keys seen of each query",
    multi_head(padding=np.repeat(SEEN[:, None], T, 1) * np.tri(T, dtype=np.int32)))
add("MultiHeadAttention, added causal mask", multi_head(added=CAUSAL[None, None]), attention=1)
add("MultiHeadAttention, added bias", multi_head(added=np.sin(np.arange(HEADS * T * T)).astype(np.float32)
                                                 .reshape(1, HEADS, T, T)))
for keys_only in (False, True):
    add("MultiHeadAttention, packed " + ("keys and values" if keys_only else "operands"), packed_operands(keys_only),
        spelled=spelled_packed_operands, attention=1, everything=False)


def packed_attention(values=D, bias=True, mask=None, added=None, present=False, **attributes):
    def build(g):
        columns = 2 * D + values
        inputs = [g.tokens(), g.weight(D, columns, scale=0.4), g.weight(columns) if bias else "",
                  g.constant(mask) if mask is not None else "", "", g.constant(added) if added is not None else ""]
        y = g.op("Attention", inputs, outputs=2 if present else 1, domain=MS, num_heads=HEADS, **attributes)
        if not present:
            return [y], values
        keys, cached = (g.join(g.reshape(g.part(y[1], i, i + 1, 0), B, HEADS, T, -1)) for i in range(2))
        return [y[0], keys, cached], 3 * D
    return build


add("com.microsoft Attention", packed_attention(), attention=1)
add("com.microsoft Attention, causal, no bias", packed_attention(bias=False, unidirectional=1, scale=0.4), attention=1)
add("com.microsoft Attention, wide values", packed_attention(values=2 * D, qkv_hidden_sizes=[D, D, 2 * D]))
add("com.microsoft Attention, keys seen", packed_attention(mask=SEEN), attention=1)
add("com.microsoft Attention, lengths", packed_attention(mask=LENGTHS, mask_filter_value=-20000.0), attention=1)
add("com.microsoft Attention, added causal mask", packed_attention(added=CAUSAL[None, None]), attention=1)
add("com.microsoft Attention, present", packed_attention(present=True), attention=1)


def grouped(key_heads=2, packed=False, added=None, sink=False, positions=None, present=False, norms=False, **attributes):
    def build(g):
        width = D // HEADS
        keys = width * key_heads
        inputs = [g.tokens(), g.tokens(keys), g.tokens(keys)]
        if packed:
            inputs = [g.op("Concat", inputs, axis=-1), "", ""]
        inputs += ["", "", g.constant(np.full(B, T - 1, np.int32)), g.constant(np.array(T, np.int32))]
        if attributes.get("do_rotary"):
            inputs += [g.constant(table) for table in angles(width // 2)]
        else:
            inputs += ["", ""]
        inputs.append(g.constant(positions) if positions is not None else "")
        inputs.append(g.constant(added) if added is not None else "")
        inputs.append(g.weight(HEADS) if sink else "")
        if norms:
            inputs += ["", "", g.weight(width, shift=1), g.weight(width, shift=1)]
        y = g.op("GroupQueryAttention", inputs, outputs=3, domain=MS, num_heads=HEADS, kv_num_heads=key_heads,
                 **attributes)
        return ([y[0], g.join(y[1]), g.join(y[2])], D + 2 * keys) if present else ([y[0]], D)
    return build


add("GroupQueryAttention", grouped(), attention=1)
add("GroupQueryAttention, one key head, scale, present", grouped(key_heads=1, scale=0.4, present=True), attention=1)
add("GroupQueryAttention, rotary", grouped(do_rotary=1, present=True), attention=1)
add("GroupQueryAttention, interleaved rotary, packed", grouped(do_rotary=1, rotary_interleaved=1, packed=True),
    attention=1)
add("GroupQueryAttention, rotary from a position", grouped(do_rotary=1, positions=np.tile(np.arange(T), (B, 1))),
    attention=1)
add("GroupQueryAttention, softcap", grouped(softcap=0.7))
add("GroupQueryAttention, window", grouped(local_window_size=3))
add("GroupQueryAttention, smooth softmax", grouped(smooth_softmax=1))
add("GroupQueryAttention, sink of each head", grouped(sink=True))
add("GroupQueryAttention, added bias", grouped(added=np.cos(np.arange(T * T)).astype(np.float32).reshape(1, 1, T, T)))

#===-- ONNX's attention --------------------------------------------------------------------------------------------===#


def attention(split=False, key_heads=HEADS, values=D // HEADS, mask=None, present=False, scores=None, lengths=None,
              **attributes):
    def build(g):
        width = D // HEADS
        operands = [g.tokens(), g.tokens(width * key_heads), g.tokens(values * key_heads)]
        if split:
            operands = [g.split(x, heads) for x, heads in zip(operands, (HEADS, key_heads, key_heads))]
        else:
            attributes.update(q_num_heads=HEADS, kv_num_heads=key_heads)
        inputs = [*operands, *([g.constant(mask)] if mask is not None else [])]
        if lengths is not None:
            inputs += [""] * (6 - len(inputs)) + [g.constant(lengths)]
        outputs = 4 if scores is not None else 3 if present else 1
        if scores is not None:
            attributes["qk_matmul_output_mode"] = scores
        y = g.op("Attention", inputs, outputs=outputs, **attributes)
        y = [y] if outputs == 1 else y
        results = [g.join(y[0]) if split else y[0]]
        columns = HEADS * values
        if present:
            results += [g.join(y[1]), g.join(y[2])]
            columns += key_heads * (width + values)
        if scores is not None:  # hidden ones as a number that can be multiplied
            results.append(g.op("Max", [g.join(y[3]), g.constant(np.float32(-9))]))
            columns += HEADS * T
        return results, columns
    return build


FLOATS = np.sin(np.arange(T * T)).astype(np.float32).reshape(T, T)
BOOLS = np.tri(T, dtype=bool)
ONNX = dict(opset=23)
add("Attention", attention(), attention=1, **ONNX)
add("Attention, by heads", attention(split=True, scale=0.3), attention=1, **ONNX)
add("Attention, causal", attention(is_causal=1), attention=1, **ONNX)
add("Attention, grouped keys", attention(key_heads=2, is_causal=1, present=True), attention=1, **ONNX)
add("Attention, grouped keys by heads", attention(split=True, key_heads=1, present=True), attention=1, **ONNX)
add("Attention, wide values", attention(values=6), **ONNX)
add("Attention, softcap, causal", attention(softcap=0.8, is_causal=1, split=True), **ONNX)
add("Attention, mask of bools", attention(mask=BOOLS), attention=1, **ONNX)
add("Attention, added mask", attention(mask=FLOATS, softcap=0.8), **ONNX)
add("Attention, mask of each head and causal", attention(split=True, is_causal=1, mask=np.cos(
    np.arange(B * HEADS * T * T)).astype(np.float32).reshape(B, HEADS, T, T)), **ONNX)
add("Attention, mask of bools and causal", attention(is_causal=1, mask=np.ones((B, 1, T, T), bool)), attention=1, **ONNX)
for mode in range(4):
    add(f"Attention, scores of mode {mode}", attention(scores=mode, softcap=0.8, mask=FLOATS, is_causal=mode % 2),
        opset=24, everything=False)
add("Attention, mask of fewer keys", attention(mask=FLOATS[:, :-2], split=True), opset=24, reference=True,
    everything=False)
add("Attention, lengths", attention(lengths=np.array([T, T - 2], np.int64)), opset=24, reference=True, attention=1,
    everything=False)
add("Attention, whole lengths, causal", attention(lengths=np.array([T, T], np.int64), is_causal=1), opset=24,
    reference=True, attention=1, everything=False)
add("Attention, window", attention(left_window_size=2, is_causal=1), opset=25, reference=True, everything=False)
add("Attention, window on both sides", attention(left_window_size=1, right_window_size=2), opset=25, reference=True,
    everything=False)
